"""embeddings of the new model: 1024 dimensions instead of 1536

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import Vector

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NAME = "ix_chat_messages_embedding"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(NAME, table_name="chat_messages", postgresql_concurrently=True)
    op.drop_column("chat_messages", "embedding")
    op.add_column("chat_messages", sa.Column("embedding", Vector(1024), nullable=True))
    with op.get_context().autocommit_block():
        op.create_index(
            NAME,
            "chat_messages",
            ["embedding"],
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "vector_cosine_ops"},
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(NAME, table_name="chat_messages", postgresql_concurrently=True)
    op.drop_column("chat_messages", "embedding")
    op.add_column("chat_messages", sa.Column("embedding", Vector(1536), nullable=True))
    with op.get_context().autocommit_block():
        op.create_index(
            NAME,
            "chat_messages",
            ["embedding"],
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "vector_cosine_ops"},
            postgresql_concurrently=True,
        )
