"""index open tickets

Revision ID: 2c3344556677
Revises: 1b2233445566
Create Date: 2026-02-13 09:13:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '2c3344556677'
down_revision: Union[str, Sequence[str], None] = '1b2233445566'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_tickets_open",
            "tickets",
            ["id"],
            postgresql_where=sa.text("closed_at IS NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    """Downgrade schema."""
    with op.get_context().autocommit_block():
        op.drop_index("ix_tickets_open", table_name="tickets", postgresql_concurrently=True)
