"""several statements

Revision ID: 626262626262
Revises: 616161616161
Create Date: 2026-02-13 09:13:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '626262626262'
down_revision: Union[str, Sequence[str], None] = '616161616161'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.execute(
        """
        CREATE FUNCTION discount_label(id integer) RETURNS text LANGUAGE sql STABLE AS $body$
            SELECT 'first; ' || label FROM discounts WHERE discounts.id = discount_label.id;
        $body$;
        COMMENT ON FUNCTION discount_label(integer) IS 'it''s; quoted';
        UPDATE discounts SET label = label || '%' WHERE label LIKE '5 %';
        """
    )


def downgrade() -> None:
    """Downgrade schema."""
    op.execute(
        """
        UPDATE discounts SET label = '5 %s' WHERE id = 2;
        DROP FUNCTION discount_label(integer);
        """
    )
