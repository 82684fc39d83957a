"""`[tool.migsafe]` of pyproject.toml, or migsafe.toml: read once, frozen, every key known."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from migsafe.errors import UsageError
from migsafe.model.findings import Severity

Duration = Annotated[float, "seconds"]
Size = Annotated[int, "bytes"]


class LintSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tool.migsafe.lint]`. `severity` by rule; a rule in `disable` is not asked.

    `enable` are rules, or whole packs, that are not asked by themselves: those of the pack `style`.
    """

    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    severity: dict[str, Severity] = {}
    fail_on: Severity = "error"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a team decided for its repository. Durations are seconds, sizes bytes; files may say "5min" and "10GB".

    `lock_timeout` stays below the server's deadlock_timeout (1 s): of two sessions that wait for each other it is
    then ours that gives way.

    `directory` is where the file was found (runs are stored below it), `source` the file itself.
    """

    min_postgres: str = "14"
    lock_timeout: Duration = 0.5
    deadline: Duration = 600.0
    backup: Literal["dump", "evidence", "none"] | None = None
    backup_up_to: Size = 20 * 1024**3
    backup_jobs: int = 4
    backup_max_age: Duration = 24 * 3600.0
    backup_evidence: str | None = None
    min_free: Size = 1024**3
    declared_free: Size | None = None
    disk_command: str | None = None
    max_transaction_age: Duration = 30.0
    required_env: tuple[str, ...] = ()
    extensions: dict[str, str] = {}
    guard: Literal["refuse", "warn", "off"] = "refuse"
    scratch_url: str | None = None
    config_from: str | None = None
    runs: str = ".migsafe/runs"
    lint: LintSettings = LintSettings()
    directory: str = "."
    source: str | None = None


_DURATIONS = ("lock_timeout", "deadline", "backup_max_age", "max_transaction_age")
_SIZES = ("backup_up_to", "min_free", "declared_free")
_DERIVED = ("directory", "source")
_UNITS = {"ms": 0.001, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}


def duration(text: str | float) -> float:
    """Seconds of "250ms", "30s", "10min", "24h" or "7d"; a bare number is seconds.

    Raises UsageError for anything else, and for what is not above zero.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(text))
    unit = _UNITS.get((match[2] or "s") if match else "")
    if match is None or unit is None or float(match[1]) == 0:
        raise UsageError(f"{text!r} is not a duration", 'Write it like "500ms", "30s", "10min" or "24h".')
    return float(match[1]) * unit


def size(text: str | int) -> int:
    """Bytes of "500MB" or "10GB" (powers of 1024, as PostgreSQL has it); a bare number is bytes.

    Raises UsageError for anything else.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKMGT]?B?)\s*", str(text))
    unit = _BYTES.get((match[2].upper() or "B") if match else "")
    if match is None or unit is None:
        raise UsageError(f"{text!r} is not a size", 'Write it like "500MB" or "10GB".')
    return int(float(match[1]) * unit)


def load(start: Path | None = None) -> Settings:
    """The settings that hold in `start` (default: the working directory).

    The nearest `migsafe.toml`, or `pyproject.toml` with a `[tool.migsafe]` table, from there upwards to the root of
    the repository; defaults when there is none. Raises UsageError naming file and key.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        for name in ("migsafe.toml", "pyproject.toml"):
            table = _table(folder / name)
            if table is not None:
                return from_table(table, folder / name)
        if (folder / ".git").exists():
            break
    return Settings(directory=str(start))


def _table(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    # What the standard library takes long to load is loaded where it is used: `explain` answers in 0.1 s.
    import tomllib

    try:
        text = path.read_text(encoding="utf-8")
        if path.name == "pyproject.toml" and "migsafe" not in text:
            return None
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}", "Mend the file; it is not valid TOML.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "Run as a user who may read it.") from None
    tool = content.get("tool", {})
    own = tool.get("migsafe") if isinstance(tool, dict) else None
    if own is not None and not isinstance(own, dict):
        raise UsageError(f"{path}: tool.migsafe is not a table", "Write its keys below [tool.migsafe].")
    if path.name == "pyproject.toml":
        return own
    return content if own is None else own


def from_table(table: dict[str, Any], source: Path) -> Settings:
    """Settings of one TOML table. Raises UsageError naming `source` and the wrong key, and the nearest right one."""
    table = dict(table)
    _only_known(table, Settings, source, "")
    if isinstance(table.get("lint"), dict):
        _only_known(table["lint"], LintSettings, source, "lint.")
    try:
        for key in _DURATIONS:
            if key in table:
                table[key] = duration(table[key])
        for key in _SIZES:
            if key in table:
                table[key] = size(table[key])
        table |= {"directory": str(source.parent), "source": str(source)}
        settings = msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise UsageError(f"{source}: {_said(error)}", "`migsafe init` writes every key with its default.") from None
    except UsageError as error:
        raise UsageError(f"{source}: {error.message}", error.remedy) from None
    if settings.backup_jobs < 1:
        raise UsageError(f"{source}: backup_jobs: {settings.backup_jobs} is not a number of jobs", "Write 1 or more.")
    return settings


def with_wishes(settings: Settings, wishes: dict[str, Any]) -> Settings:
    """`settings` with some keys as a program wishes them. Raises UsageError for one that is unknown or wrong."""
    wished = from_table(wishes, Path("migsafe.command"))
    return msgspec.structs.replace(settings, **{key: getattr(wished, key) for key in wishes})


def _said(error: msgspec.ValidationError) -> str:
    """`Expected `int`, got `str` - at `$.backup_jobs`` with the key in front, and what an enumeration allows."""
    message, _, key = str(error).partition(" - at `$.")
    key = key.rstrip("`").removesuffix("[...]")
    allowed = {"backup": "dump, evidence or none", "guard": "refuse, warn or off"}
    levels = {"lint.severity": "error, warning or info", "lint.fail_on": "error, warning or info"}
    choice = (allowed | levels).get(key)
    return f"{key}: {message}" + (f"; it is {choice}" if choice else "")


def _only_known(table: dict[str, Any], shape: type[msgspec.Struct], source: Path, prefix: str) -> None:
    known = [name for name in shape.__struct_fields__ if name not in _DERIVED]
    for key in table:
        if key not in known:
            import difflib

            near = difflib.get_close_matches(key, known, n=1)
            remedy = f"Did you mean {prefix}{near[0]}?" if near else f"Known keys: {', '.join(known)}."
            raise UsageError(f"{source}: unknown key {prefix}{key}", remedy)
