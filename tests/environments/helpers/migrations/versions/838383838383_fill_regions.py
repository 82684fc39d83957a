"""fill regions

Revision ID: 838383838383
Revises: 828282828282
Create Date: 2026-02-14 09:14:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '838383838383'
down_revision: Union[str, Sequence[str], None] = '828282828282'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None

regions = sa.table("regions", sa.column("id", sa.Integer), sa.column("name", sa.Text))


def upgrade() -> None:
    """Upgrade schema."""
    op.bulk_insert(
        regions,
        [
            {"id": 1, "name": "North"},
            {"id": 2, "name": "Côte d'Azur"},
            {"id": 3, "name": "100% south"},
        ],
    )


def downgrade() -> None:
    """Downgrade schema."""
    op.execute(regions.delete().where(regions.c.id.in_([1, 2, 3])))
