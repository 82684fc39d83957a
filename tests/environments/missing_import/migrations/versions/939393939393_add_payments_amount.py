"""add payments amount

Revision ID: 939393939393
Revises: 929292929292
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa

from shop.database.types import Money


# revision identifiers, used by Alembic.
revision: str = '939393939393'
down_revision: Union[str, Sequence[str], None] = '929292929292'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column("payments", sa.Column("amount", Money(), nullable=True))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column("payments", "amount")
