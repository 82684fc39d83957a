"""create role

Revision ID: a0a0a0a0a0a0
Revises: 
Create Date: 2026-01-11 09:11:00.000000

"""
from typing import Sequence, Union

import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'a0a0a0a0a0a0'
down_revision: Union[str, Sequence[str], None] = None
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade(op, tables):
    """Upgrade schema."""
    op.create_table(
        "role",
        sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
    )


def downgrade(op, tables):
    """Downgrade schema."""
    op.drop_table("role")
