"""index articles by tag

Revision ID: 3f90b2cd56e7
Revises: 2e8fa1bc45d6
Create Date: 2026-02-13 09:13:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '3f90b2cd56e7'
down_revision: Union[str, Sequence[str], None] = '2e8fa1bc45d6'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_articles_tags", "articles", ["tags"], postgresql_using="gin", postgresql_concurrently=True
        )


def downgrade() -> None:
    """Downgrade schema."""
    with op.get_context().autocommit_block():
        op.drop_index("ix_articles_tags", table_name="articles", postgresql_concurrently=True)
