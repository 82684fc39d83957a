"""add releases yanked reason

Revision ID: 5f66778899aa
Revises: 4e5566778899
Create Date: 2026-02-13 09:13:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '5f66778899aa'
down_revision: Union[str, Sequence[str], None] = '4e5566778899'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column("releases", sa.Column("yanked_reason", sa.Text(), server_default="", nullable=False))
    op.get_bind().commit()
    op.execute("UPDATE releases SET yanked_reason = 'unknown' WHERE version LIKE '0.%'")


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column("releases", "yanked_reason")
