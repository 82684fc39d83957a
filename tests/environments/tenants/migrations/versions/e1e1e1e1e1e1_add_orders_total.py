"""add orders.total"""

import sqlalchemy as sa
from alembic import op

revision = "e1e1e1e1e1e1"
down_revision = "e0e0e0e0e0e0"


def upgrade() -> None:
    op.add_column("orders", sa.Column("total", sa.Numeric(12, 2), nullable=True))


def downgrade() -> None:
    op.drop_column("orders", "total")
