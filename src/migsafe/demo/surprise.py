"""What ends the demo when something is not as it says."""

from typing import NoReturn

from migsafe.errors import MigsafeError


class Surprise(MigsafeError):
    """The demo saw something else than it promised: a bug of migsafe, or of the demo."""

    exit_code = 3


def surprise(message: str) -> NoReturn:
    """End the demo with one clear message."""
    raise Surprise(
        f"the demo did not go as it should: {message}",
        "This is a bug in migsafe or in its demo: run it again with --keep FOLDER and report what is in FOLDER.",
    )


def expect(what: str, seen: object, wanted: object) -> None:
    """End the demo unless `seen` is what was `wanted`."""
    if seen != wanted:
        surprise(f"{what}: {seen!r} instead of {wanted!r}")
