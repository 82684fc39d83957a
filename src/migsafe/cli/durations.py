"""Options that say how long."""

from collections.abc import Callable
from typing import Any

import click

from migsafe.errors import UsageError
from migsafe.settings import duration


def duration_option(name: str, help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that takes "500ms" or "30m"; the command gets seconds, or None."""
    return click.option(name, metavar="DURATION", callback=_seconds, help=help)


def _seconds(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    try:
        return None if value is None else duration(value)
    except UsageError as error:
        raise click.BadParameter(f"{error.message}. {error.remedy}") from None
