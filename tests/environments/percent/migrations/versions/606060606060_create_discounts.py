"""create discounts

Revision ID: 606060606060
Revises: 
Create Date: 2026-01-11 09:11:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '606060606060'
down_revision: Union[str, Sequence[str], None] = None
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table(
        "discounts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("label", sa.Text(), server_default="50%", nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.CheckConstraint("code NOT LIKE '%test%'", name="ck_discounts_code"),
    )
    op.execute("INSERT INTO discounts (id, label, code) VALUES (1, '100% off', 'A1'), (2, '5 %s', 'B2')")


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table("discounts")
