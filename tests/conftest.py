"""Fixtures for every test; each concern has its own file."""

pytest_plugins = [
    "fix_migsafe",
    "fix_postgres",
    "fix_alembic",
    "fix_verify",
    "fix_stories",
    "fix_restore",
    "fix_lint",
    "fix_replication",
]
