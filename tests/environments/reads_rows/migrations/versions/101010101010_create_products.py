"""create products

Revision ID: 101010101010
Revises: 
Create Date: 2026-01-11 09:11:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '101010101010'
down_revision: Union[str, Sequence[str], None] = None
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    products = op.create_table(
        "products",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("price", sa.Text(), nullable=False),
    )
    op.bulk_insert(
        products,
        [
            {"id": 1, "name": "Tea", "price": "3.50 EUR"},
            {"id": 2, "name": "Cup", "price": "12.00 EUR"},
            {"id": 3, "name": "Kettle", "price": "49.90 EUR"},
        ],
    )


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table("products")
