"""What a question of a team is asked with."""

from collections.abc import Callable
from typing import Any

import msgspec
import psycopg

from migsafe.own_checks.found import Found

Connection = psycopg.Connection[Any]


class Asking(msgspec.Struct, frozen=True):
    """`connection` to the database; `directory` of the settings, where commands run; `show_data` off: no values."""

    connection: Connection
    directory: str
    show_data: bool


Ask = Callable[[Asking], Found]
