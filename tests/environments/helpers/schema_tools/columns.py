"""What this team's revisions have in common."""
import sqlalchemy as sa
from alembic import op


def add_timestamps(table):
    for name in ("created_at", "updated_at"):
        op.add_column(
            table,
            sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        )


def drop_timestamps(table):
    for name in ("updated_at", "created_at"):
        op.drop_column(table, name)


def enable_row_level_security(*tables):
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
