"""create parcels

Revision ID: cc0000000001
Revises: aa0000000001
Create Date: 2026-02-13 09:13:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'cc0000000001'
down_revision: Union[str, Sequence[str], None] = 'aa0000000001'
branch_labels: Union[str, Sequence[str], None] = ('shipping',)
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table("parcels", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("weight", sa.Integer()))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table("parcels")
