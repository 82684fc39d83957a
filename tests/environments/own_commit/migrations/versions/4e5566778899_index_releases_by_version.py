"""index releases by version

Revision ID: 4e5566778899
Revises: 3d4455667788
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '4e5566778899'
down_revision: Union[str, Sequence[str], None] = '3d4455667788'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    # CREATE INDEX CONCURRENTLY cannot happen inside a transaction. We'll close
    # our transaction here and issue the statement.
    op.get_bind().commit()
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_releases_version", "releases", ["version"], postgresql_concurrently=True
        )


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_index("ix_releases_version", table_name="releases")
