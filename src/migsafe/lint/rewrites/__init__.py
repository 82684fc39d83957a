"""The safe form of one statement: SQL, Alembic's Python, and how its call in the revision file has to change."""
