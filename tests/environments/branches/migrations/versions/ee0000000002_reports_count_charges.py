"""reports count charges

Revision ID: ee0000000002
Revises: ee0000000001
Create Date: 2026-03-16 09:16:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'ee0000000002'
down_revision: Union[str, Sequence[str], None] = 'ee0000000001'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = 'dd0000000001'


def upgrade() -> None:
    """Upgrade schema."""
    op.execute("CREATE VIEW charges_by_account AS SELECT account_id, count(*) AS n FROM charges GROUP BY account_id")


def downgrade() -> None:
    """Downgrade schema."""
    op.execute("DROP VIEW charges_by_account")
