"""add articles slug

Revision ID: 2e8fa1bc45d6
Revises: 1d7e90ab34c5
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '2e8fa1bc45d6'
down_revision: Union[str, Sequence[str], None] = '1d7e90ab34c5'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column("articles", sa.Column("slug", sa.Text(), nullable=True))
    op.execute("UPDATE articles SET slug = lower(replace(title, ' ', '-')) WHERE slug IS NULL")


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column("articles", "slug")
