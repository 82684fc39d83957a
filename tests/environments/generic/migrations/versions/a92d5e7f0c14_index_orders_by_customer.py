"""index orders by customer

Revision ID: a92d5e7f0c14
Revises: 7be04d19c6a3
Create Date: 2026-02-13 09:13:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'a92d5e7f0c14'
down_revision: Union[str, Sequence[str], None] = '7be04d19c6a3'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_index(op.f("ix_orders_customer_id"), "orders", ["customer_id"])
    op.create_unique_constraint("uq_customers_email", "customers", ["email"])


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_constraint("uq_customers_email", "customers", type_="unique")
    op.drop_index(op.f("ix_orders_customer_id"), table_name="orders")
