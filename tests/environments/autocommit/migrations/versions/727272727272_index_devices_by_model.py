"""index devices by model

Revision ID: 727272727272
Revises: 717171717171
Create Date: 2026-02-13 09:13:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '727272727272'
down_revision: Union[str, Sequence[str], None] = '717171717171'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    with op.get_context().autocommit_block():
        op.create_index("ix_devices_model", "devices", ["model"], postgresql_concurrently=True, if_not_exists=True)
        op.execute("CREATE INDEX CONCURRENTLY ix_devices_serial_lower ON devices (lower(serial))")


def downgrade() -> None:
    """Downgrade schema."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY ix_devices_serial_lower")
        op.drop_index("ix_devices_model", table_name="devices", postgresql_concurrently=True)
