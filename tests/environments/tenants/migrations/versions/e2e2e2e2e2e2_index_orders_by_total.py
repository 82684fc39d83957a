"""index orders by total"""

from alembic import op

revision = "e2e2e2e2e2e2"
down_revision = "e1e1e1e1e1e1"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix_orders_total", "orders", ["total"], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_orders_total", "orders", postgresql_concurrently=True)
