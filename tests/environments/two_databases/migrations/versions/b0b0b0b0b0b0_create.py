"""create what each database has"""

import sqlalchemy as sa
from alembic import op

revision = "b0b0b0b0b0b0"
down_revision = None


def upgrade(engine_name: str) -> None:
    globals()[f"upgrade_{engine_name}"]()


def downgrade(engine_name: str) -> None:
    globals()[f"downgrade_{engine_name}"]()


def upgrade_shop() -> None:
    op.create_table("orders", sa.Column("id", sa.BigInteger, primary_key=True))


def downgrade_shop() -> None:
    op.drop_table("orders")


def upgrade_billing() -> None:
    op.create_table("invoices", sa.Column("id", sa.BigInteger, primary_key=True))


def downgrade_billing() -> None:
    op.drop_table("invoices")
