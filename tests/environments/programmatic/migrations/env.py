from alembic import context
from sqlalchemy import create_engine
from sqlalchemy import pool

from models import metadata


def run_migrations_offline():
    options = context.config.get_section(context.config.config_ini_section)
    context.configure(url=options.pop("url"), target_metadata=metadata)

    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online():
    options = context.config.get_section(context.config.config_ini_section)
    engine = create_engine(options.pop("url"), poolclass=pool.NullPool)

    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            compare_server_default=True,
            transaction_per_migration=True,
        )

        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
