"""Migrates without an alembic.ini: python migrate.py REVISION, with DATABASE_URL set."""
import os
import sys
from pathlib import Path

import alembic.command
import alembic.config

HERE = Path(__file__).parent


def configure():
    sys.path.insert(0, str(HERE))
    config = alembic.config.Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    config.set_main_option("url", os.environ["DATABASE_URL"].replace("%", "%%"))
    return config


if __name__ == "__main__":
    alembic.command.upgrade(configure(), sys.argv[1])
