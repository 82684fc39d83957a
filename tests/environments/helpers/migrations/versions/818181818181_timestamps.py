"""timestamps

Revision ID: 818181818181
Revises: 808080808080
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa

from schema_tools.columns import add_timestamps, drop_timestamps, enable_row_level_security


# revision identifiers, used by Alembic.
revision: str = '818181818181'
down_revision: Union[str, Sequence[str], None] = '808080808080'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None

TABLES = ("regions", "stores")


def upgrade() -> None:
    """Upgrade schema."""
    for table in TABLES:
        add_timestamps(table)
    enable_row_level_security(*TABLES)


def downgrade() -> None:
    """Downgrade schema."""
    for table in reversed(TABLES):
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        drop_timestamps(table)
