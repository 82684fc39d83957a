"""index meters by unit

Revision ID: e2e2e2e2e2e2
Revises: e1e1e1e1e1e1
Create Date: 2026-02-13 09:13:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'e2e2e2e2e2e2'
down_revision: Union[str, Sequence[str], None] = 'e1e1e1e1e1e1'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    with op.get_context().autocommit_block():
        op.execute("SELECT set_config('lock_timeout', '0', false)")
        op.create_index("ix_meters_unit", "meters", ["unit"], postgresql_concurrently=True)


def downgrade() -> None:
    """Downgrade schema."""
    op.execute("SET lock_timeout TO '2s'")
    op.drop_index("ix_meters_unit", table_name="meters")
