"""add events kind

Revision ID: 919191919191
Revises: 909090909090
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '919191919191'
down_revision: Union[str, Sequence[str], None] = '909090909090'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column("events", sa.Column("kind", sa.Text(), nullable=True)


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column("events", "kind")
