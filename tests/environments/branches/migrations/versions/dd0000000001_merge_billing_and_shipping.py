"""merge billing and shipping

Revision ID: dd0000000001
Revises: bb0000000001, cc0000000001
Create Date: 2026-02-14 09:14:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'dd0000000001'
down_revision: Union[str, Sequence[str], None] = ('bb0000000001', 'cc0000000001')
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    pass


def downgrade() -> None:
    """Downgrade schema."""
    pass
