"""orders belong to customers

Revision ID: c05b3e86d7f1
Revises: a92d5e7f0c14
Create Date: 2026-02-14 09:14:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'c05b3e86d7f1'
down_revision: Union[str, Sequence[str], None] = 'a92d5e7f0c14'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_foreign_key("fk_orders_customer_id", "orders", "customers", ["customer_id"], ["id"])
    op.create_check_constraint("ck_orders_total", "orders", "total_cents >= 0")


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_constraint("ck_orders_total", "orders", type_="check")
    op.drop_constraint("fk_orders_customer_id", "orders", type_="foreignkey")
