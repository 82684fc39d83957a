"""A schema for every tenant, as in the cookbook of Alembic's documentation, in a loop over all of them."""

from alembic import context
from sqlalchemy import engine_from_config, pool, text

config = context.config


def run_migrations_online() -> None:
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}), prefix="sqlalchemy.", poolclass=pool.NullPool
    )
    with connectable.connect() as connection:
        tenants = connection.execute(text("SELECT schema FROM public.tenants ORDER BY schema")).scalars().all()
        for tenant in tenants:
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{tenant}"'))
            connection.execute(text(f'SET search_path TO "{tenant}"'))
            # So that SQLAlchemy looks there too, when it reflects.
            connection.dialect.default_schema_name = tenant
            context.configure(connection=connection, target_metadata=None, version_table_schema=tenant)
            with context.begin_transaction():
                context.run_migrations()


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    run_migrations_online()
