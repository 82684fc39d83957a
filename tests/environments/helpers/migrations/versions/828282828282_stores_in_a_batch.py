"""stores in a batch

Revision ID: 828282828282
Revises: 818181818181
Create Date: 2026-02-13 09:13:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '828282828282'
down_revision: Union[str, Sequence[str], None] = '818181818181'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    with op.batch_alter_table("stores") as batch_op:
        batch_op.add_column(sa.Column("opened_on", sa.Date(), nullable=True))
        batch_op.alter_column("name", type_=sa.Text(), existing_type=sa.String(length=50), existing_nullable=False)
        batch_op.create_foreign_key("fk_stores_region_id", "regions", ["region_id"], ["id"])


def downgrade() -> None:
    """Downgrade schema."""
    with op.batch_alter_table("stores") as batch_op:
        batch_op.drop_constraint("fk_stores_region_id", type_="foreignkey")
        batch_op.alter_column("name", type_=sa.String(length=50), existing_type=sa.Text(), existing_nullable=False)
        batch_op.drop_column("opened_on")
