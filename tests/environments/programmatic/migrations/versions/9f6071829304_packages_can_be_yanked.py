"""packages can be yanked

Revision ID: 9f6071829304
Revises: 8e5f60718293
Create Date: 2026-01-12 09:12:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '9f6071829304'
down_revision: Union[str, Sequence[str], None] = '8e5f60718293'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column("packages", sa.Column("yanked", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column("packages", "yanked")
