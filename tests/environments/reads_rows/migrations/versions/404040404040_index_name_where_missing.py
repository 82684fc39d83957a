"""index name where missing

Revision ID: 404040404040
Revises: 303030303030
Create Date: 2026-02-14 09:14:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '404040404040'
down_revision: Union[str, Sequence[str], None] = '303030303030'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    indexes = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("products")}
    if "ix_products_name" not in indexes:
        op.create_index("ix_products_name", "products", ["name"])


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_index("ix_products_name", table_name="products")
