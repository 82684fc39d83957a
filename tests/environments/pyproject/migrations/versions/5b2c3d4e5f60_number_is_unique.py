"""number is unique

Revision ID: 5b2c3d4e5f60
Revises: 4a1b2c3d4e5f
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '5b2c3d4e5f60'
down_revision: Union[str, Sequence[str], None] = '4a1b2c3d4e5f'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_index("uq_invoices_number", "invoices", ["number"], unique=True)


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_index("uq_invoices_number", table_name="invoices")
