"""add orders note

Revision ID: 7be04d19c6a3
Revises: 3f1c8a5d2b90
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '7be04d19c6a3'
down_revision: Union[str, Sequence[str], None] = '3f1c8a5d2b90'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column("orders", sa.Column("note", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("is_paid", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column("orders", "is_paid")
    op.drop_column("orders", "note")
