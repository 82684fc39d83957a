"""Fixtures for every test; each concern has its own file."""

import signal
import sys
from collections.abc import Generator

import pytest

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


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the compiled tests, also under PYTHONDONTWRITEBYTECODE; projects that tests write are not kept then."""
    told, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        return (yield)
    finally:
        sys.dont_write_bytecode = told
