"""Where every text leaves the process: without passwords, and quiet when nobody reads any more."""

import contextlib
import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console

Redactor = Callable[[str], str]

_redactors: list[Redactor] = []
_SHORT = 8
# The password of a URL as typed (also where it holds an @ or a slash), of a query string, of libpq's keywords.
_SECRETS = (r"://[^:/?#@]*:(?P<secret>.+)@", r"password=(?P<secret>'[^']*'|[^\s&]+)")


def redact_with(redactor: Redactor) -> None:
    """From now on every text passes `redactor` too; called as soon as a Database is known."""
    _redactors.append(redactor)


def hide_password_of(url: str) -> None:
    """Hide the password of a URL or libpq string as it was typed, before anything has parsed it."""
    for pattern in _SECRETS:
        for match in re.finditer(pattern, url):
            if secret := match["secret"].strip("'"):
                redact_with(_hiding(secret))


def _hiding(secret: str) -> Redactor:
    if len(secret) < _SHORT and re.fullmatch(r"\w+", secret):
        # As a word: the password "x" must not make "e***ists" of "exists".
        word = re.compile(rf"(?<!\w){secret}(?!\w)")
        return lambda text: word.sub("***", text)
    return lambda text: text.replace(secret, "***")


def redact(text: str) -> str:
    """`text` as it may be shown."""
    for redactor in _redactors:
        text = redactor(text)
    return text


class _Outlet:
    """A text stream behind the redactors. A reader that went away must not stop a migration, nor must a full disk.

    The rest is dropped. `lost` is why, when it was not the reader.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: str | None = None

    def write(self, text: str) -> int:
        with self._until_broken():
            self._stream.write(redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        with self._until_broken():
            self._stream.flush()

    @property
    def buffer(self) -> None:
        """None: bytes would pass by the redactors."""
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _until_broken(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # A terminal that was closed gives EIO.
            if error.errno not in (errno.EPIPE, errno.EIO):
                self.lost = error.strerror
            # "Note on SIGPIPE" of the signal module: without this the interpreter complains when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Standard output and error behind the redactors, and never failing on a character the locale lacks."""
    out, error = _Outlet(_opened(sys.stdout)), _Outlet(_opened(sys.stderr))
    with contextlib.redirect_stdout(cast("TextIO", out)), contextlib.redirect_stderr(cast("TextIO", error)):
        try:
            yield
        finally:
            out.flush()
            if out.lost:
                error.write(f"migsafe: standard output could not be written to its end: {out.lost}\n")
            error.flush()


def _opened(stream: TextIO | None) -> TextIO:
    if stream is None:
        # Started with `>&-`: Python has no stream then.
        return Path(os.devnull).open("w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def is_perhaps_terminal() -> bool:
    """False where console() would find no terminal either, and need not load rich to find that out."""
    return sys.stdout.isatty() or not {"FORCE_COLOR", "TTY_COMPATIBLE"}.isdisjoint(os.environ)


def console(*, stderr: bool = False) -> "Console":
    """A console for migsafe.formats.text: what a message says is never read as markup."""
    # rich costs 60 ms that `--help` and JSON need not pay.
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)
