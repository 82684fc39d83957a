"""do block

Revision ID: 636363636363
Revises: 626262626262
Create Date: 2026-02-14 09:14:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '636363636363'
down_revision: Union[str, Sequence[str], None] = '626262626262'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.execute(
        """
        DO $$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_type WHERE typname = 'discount_kind') THEN
                CREATE TYPE discount_kind AS ENUM ('percent', 'fixed');
            END IF;
            RAISE NOTICE '% kinds', 2;
        END
        $$
        """
    )
    op.execute("ALTER TABLE discounts ADD COLUMN kind discount_kind NOT NULL DEFAULT 'percent'\:\:discount_kind")


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column("discounts", "kind")
    op.execute("DROP TYPE discount_kind")
