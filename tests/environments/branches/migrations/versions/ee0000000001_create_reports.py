"""create reports

Revision ID: ee0000000001
Revises: 
Create Date: 2026-02-15 09:15:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'ee0000000001'
down_revision: Union[str, Sequence[str], None] = None
branch_labels: Union[str, Sequence[str], None] = ('reports',)
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table("reports", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("title", sa.Text()))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table("reports")
