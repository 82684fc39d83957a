"""rename a product

Revision ID: 202020202020
Revises: 101010101010
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '202020202020'
down_revision: Union[str, Sequence[str], None] = '101010101010'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.get_bind().execute(
        sa.text("UPDATE products SET name = :name WHERE id = :id"), {"name": "Mug", "id": 2}
    )


def downgrade() -> None:
    """Downgrade schema."""
    op.get_bind().execute(
        sa.text("UPDATE products SET name = :name WHERE id = :id"), {"name": "Cup", "id": 2}
    )
