"""What other people's exceptions say: on one line, and without a password."""

import configparser
import re

_CREDENTIALS = re.compile(r"(://[^:/@\s]*):[^/\s]*@")


def sentence(error: BaseException) -> str:
    """The message of `error`, or of what SQLAlchemy wrapped, on one line."""
    said = getattr(error, "orig", None) or error
    if isinstance(said, configparser.InterpolationSyntaxError):
        # Its own message quotes the rest of the value, which mostly is half of a password.
        return f"option {said.option} in section [{said.section}] has a single %, which an ini file wants written %%"
    if isinstance(said, SyntaxError):
        # The place is said elsewhere, and more fully.
        return said.msg
    return _CREDENTIALS.sub(r"\1:***@", " ".join(str(said).split()))


def named(error: BaseException) -> str:
    """The same with the kind of the exception in front: `KeyError: 'DATABASE_URL'`."""
    return f"{type(error).__name__}: {sentence(error)}"


def short(error: BaseException) -> str:
    """At most 300 characters of it, without addresses in memory: the same on every machine."""
    return re.sub(r" at 0x[0-9a-f]+", "", sentence(error))[:300]
