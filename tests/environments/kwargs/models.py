from types import SimpleNamespace

import sqlalchemy as sa

metadata = sa.MetaData()
role = sa.Table("role", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
tables = SimpleNamespace(**metadata.tables)
