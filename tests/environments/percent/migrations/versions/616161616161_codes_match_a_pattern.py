"""codes match a pattern

Revision ID: 616161616161
Revises: 606060606060
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '616161616161'
down_revision: Union[str, Sequence[str], None] = '606060606060'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_check_constraint("ck_discounts_pattern", "discounts", sa.column("code").op("~")(r"^[A-Z]\d+$"))
    op.add_column("discounts", sa.Column("path", sa.Text(), server_default=r"C:\tmp\new", nullable=False))
    op.execute("INSERT INTO discounts (id, code, label) VALUES (3, 'C3', 'one\ttab; and -- no comment')")


def downgrade() -> None:
    """Downgrade schema."""
    op.execute("DELETE FROM discounts WHERE id = 3")
    op.drop_column("discounts", "path")
    op.drop_constraint("ck_discounts_pattern", "discounts", type_="check")
