"""serial is unique

Revision ID: 717171717171
Revises: 707070707070
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '717171717171'
down_revision: Union[str, Sequence[str], None] = '707070707070'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column("devices", sa.Column("model", sa.Text(), nullable=True))
    with op.get_context().autocommit_block():
        op.create_index(
            "uq_devices_serial", "devices", ["serial"], unique=True, postgresql_concurrently=True
        )
    op.execute("COMMENT ON COLUMN devices.serial IS 'as printed on the device'")


def downgrade() -> None:
    """Downgrade schema."""
    op.execute("COMMENT ON COLUMN devices.serial IS NULL")
    with op.get_context().autocommit_block():
        op.drop_index("uq_devices_serial", table_name="devices", postgresql_concurrently=True)
    op.drop_column("devices", "model")
