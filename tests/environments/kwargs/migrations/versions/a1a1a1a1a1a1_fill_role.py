"""fill role

Revision ID: a1a1a1a1a1a1
Revises: a0a0a0a0a0a0
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'a1a1a1a1a1a1'
down_revision: Union[str, Sequence[str], None] = 'a0a0a0a0a0a0'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade(op, tables):
    """Upgrade schema."""
    op.bulk_insert(tables.role, [{"name": "admin"}, {"name": "creator"}, {"name": "member"}])


def downgrade(op, tables):
    """Downgrade schema."""
    op.execute(tables.role.delete().where(tables.role.c.name.in_(["admin", "creator", "member"])))
