"""A schema for every tenant over asyncpg; the search path is set inside of begin_transaction(), by Alembic itself."""

import asyncio

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import async_engine_from_config

config = context.config


def do_run_migrations(connection: Connection, tenant: str) -> None:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.execute(f'CREATE SCHEMA IF NOT EXISTS "{tenant}"')
        context.execute(f'SET search_path TO "{tenant}"')
        context.run_migrations()


async def run_async_migrations() -> None:
    connectable = async_engine_from_config(
        config.get_section(config.config_ini_section, {}), prefix="sqlalchemy.", poolclass=pool.NullPool
    )
    async with connectable.connect() as connection:
        tenants = (await connection.execute(text("SELECT schema FROM public.tenants ORDER BY schema"))).scalars().all()
    for tenant in tenants:
        async with connectable.connect() as connection:
            await connection.run_sync(do_run_migrations, tenant)
            await connection.commit()
    await connectable.dispose()


asyncio.run(run_async_migrations())
