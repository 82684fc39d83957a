"""slug from name

Revision ID: 505050505050
Revises: 404040404040
Create Date: 2026-02-15 09:15:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa
from sqlalchemy.orm import Session, declarative_base


# revision identifiers, used by Alembic.
revision: str = '505050505050'
down_revision: Union[str, Sequence[str], None] = '404040404040'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None

Base = declarative_base()


class Product(Base):
    __tablename__ = "products"

    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.Text)
    slug = sa.Column(sa.Text)


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column("products", sa.Column("slug", sa.Text(), nullable=True))
    session = Session(bind=op.get_bind())
    for product in session.scalars(sa.select(Product)):
        product.slug = product.name.lower()
    session.flush()
    op.alter_column("products", "slug", nullable=False)


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column("products", "slug")
