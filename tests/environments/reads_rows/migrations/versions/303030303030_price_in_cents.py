"""price in cents

Revision ID: 303030303030
Revises: 202020202020
Create Date: 2026-02-13 09:13:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '303030303030'
down_revision: Union[str, Sequence[str], None] = '202020202020'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column("products", sa.Column("price_cents", sa.Integer(), nullable=True))
    bind = op.get_bind()
    for product in bind.execute(sa.text("SELECT id, price FROM products ORDER BY id")):
        amount, currency = product.price.split()
        if currency != "EUR":
            raise ValueError(f"product {product.id} is priced in {currency}")
        bind.execute(
            sa.text("UPDATE products SET price_cents = :cents WHERE id = :id"),
            {"cents": round(float(amount) * 100), "id": product.id},
        )


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column("products", "price_cents")
