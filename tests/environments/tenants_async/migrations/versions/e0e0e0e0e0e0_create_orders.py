"""create orders"""

import sqlalchemy as sa
from alembic import op

revision = "e0e0e0e0e0e0"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("note", sa.Text, nullable=True),
    )


def downgrade() -> None:
    op.drop_table("orders")
