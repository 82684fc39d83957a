"""an embedding for every message

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import Vector

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.add_column("chat_messages", sa.Column("embedding", Vector(1536), nullable=True))
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_chat_messages_embedding",
            "chat_messages",
            ["embedding"],
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "vector_cosine_ops"},
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_chat_messages_embedding", table_name="chat_messages", postgresql_concurrently=True)
    op.drop_column("chat_messages", "embedding")
    op.execute("DROP EXTENSION IF EXISTS vector")
