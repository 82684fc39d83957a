"""look up the message of every source that was there before 0004

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE chat_sources VALIDATE CONSTRAINT fk_chat_sources_message_id")


def downgrade() -> None:
    pass
