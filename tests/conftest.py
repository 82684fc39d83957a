"""Fixtures for every test; each concern has its own file."""

import signal

# A shell starts what it puts in the background with SIGINT ignored, and children inherit that; tests send Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

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
