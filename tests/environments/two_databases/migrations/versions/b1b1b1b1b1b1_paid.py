"""billing knows what is paid"""

import sqlalchemy as sa
from alembic import op

revision = "b1b1b1b1b1b1"
down_revision = "b0b0b0b0b0b0"


def upgrade(engine_name: str) -> None:
    globals()[f"upgrade_{engine_name}"]()


def downgrade(engine_name: str) -> None:
    globals()[f"downgrade_{engine_name}"]()


def upgrade_shop() -> None:
    pass


def downgrade_shop() -> None:
    pass


def upgrade_billing() -> None:
    op.add_column("invoices", sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True))


def downgrade_billing() -> None:
    op.drop_column("invoices", "paid_at")
