"""`--events FILE|-`: one JSON object a line, for dashboards."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from migsafe.cli import output
from migsafe.errors import UsageError

if TYPE_CHECKING:
    from migsafe.run.events import Emit


@contextmanager
def writing(target: str | None) -> Iterator["Emit"]:
    """What writes events to the end of the file `target`, or to standard output for `-`; None: nowhere.

    Raises UsageError when the file cannot be opened. A reader that goes away, and a disk that fills, stop no run.
    """
    if target is None:
        yield lambda _event, /, **_facts: None
    elif target == "-":
        yield _writer(sys.stdout)
    else:
        try:
            file = Path(target).open("a", encoding="utf-8")  # noqa: SIM115 - closed below; only opening is a usage error
        except OSError as error:
            raise UsageError(f"--events {target}: {error.strerror}", "Name a file that can be written.") from None
        with suppress(OSError), file:
            yield _writer(file)


def _writer(stream: TextIO) -> "Emit":
    def emit(event: str, /, **facts: object) -> None:
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts})
        with suppress(OSError):
            stream.write(output.redact(line) + "\n")
            stream.flush()

    return emit
