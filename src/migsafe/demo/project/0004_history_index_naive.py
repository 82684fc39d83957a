"""find a user's history fast, and let no source outlive its message

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_chat_messages_user_id_created_at", "chat_messages", ["user_id", "created_at"])
    op.create_foreign_key("fk_chat_sources_message_id", "chat_sources", "chat_messages", ["message_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint("fk_chat_sources_message_id", "chat_sources", type_="foreignkey")
    op.drop_index("ix_chat_messages_user_id_created_at", table_name="chat_messages")
