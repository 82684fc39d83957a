"""add incidents status

Revision ID: b1b1b1b1b1b1
Revises: b0b0b0b0b0b0
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'b1b1b1b1b1b1'
down_revision: Union[str, Sequence[str], None] = 'b0b0b0b0b0b0'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column("incidents", sa.Column("status", sa.Text(), server_default="open", nullable=False))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column("incidents", "status")
