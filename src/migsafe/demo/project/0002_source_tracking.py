"""remember which sources an answer used, and why

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chat_sources", sa.Column("is_used", sa.Boolean(), server_default=sa.false(), nullable=True))
    op.add_column("chat_sources", sa.Column("usage_reason", sa.Text(), nullable=True))
    op.add_column("chat_sources", sa.Column("source_number", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("chat_sources", "source_number")
    op.drop_column("chat_sources", "usage_reason")
    op.drop_column("chat_sources", "is_used")
