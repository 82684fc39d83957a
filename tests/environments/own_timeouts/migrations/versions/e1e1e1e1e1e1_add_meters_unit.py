"""add meters unit

Revision ID: e1e1e1e1e1e1
Revises: e0e0e0e0e0e0
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'e1e1e1e1e1e1'
down_revision: Union[str, Sequence[str], None] = 'e0e0e0e0e0e0'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.execute("SET LOCAL lock_timeout = '250ms'")
    op.execute("SET statement_timeout = 120000")
    op.add_column("meters", sa.Column("unit", sa.Text(), nullable=True))


def downgrade() -> None:
    """Downgrade schema."""
    op.execute("SET LOCAL lock_timeout = '250ms'")
    op.drop_column("meters", "unit")
