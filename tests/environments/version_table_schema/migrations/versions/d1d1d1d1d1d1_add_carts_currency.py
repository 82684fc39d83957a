"""add carts currency

Revision ID: d1d1d1d1d1d1
Revises: d0d0d0d0d0d0
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'd1d1d1d1d1d1'
down_revision: Union[str, Sequence[str], None] = 'd0d0d0d0d0d0'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column("carts", sa.Column("currency", sa.CHAR(length=3), server_default="EUR", nullable=False))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column("carts", "currency")
