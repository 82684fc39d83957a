"""`[tool.migsafe]` of pyproject.toml, or migsafe.toml: read once, frozen, every key known."""

import datetime
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from migsafe.errors import UsageError, nearest
from migsafe.model.findings import FailOn, Severity
from migsafe.model.own_checks import BELONGS_TO, KINDS, OwnCheck

Duration = Annotated[float, "seconds"]
Size = Annotated[int, "bytes"]
ProviderName = Literal["rds", "aurora", "cloudsql", "alloydb", "azure", "heroku", "supabase", "neon", "none"]


class PathIgnore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[tool.migsafe.lint.ignore]]`: `rules` are accepted in the files whose path from `directory` matches `path`.

    `path` is a glob whose `*` matches slashes too, or a folder. `until` is the last day on which it holds (UTC).
    """

    path: str
    rules: tuple[str, ...]
    reason: str
    until: datetime.date | None = None


class LintSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tool.migsafe.lint]`. `severity` by rule; a rule in `disable` is not asked.

    `enable` are rules, or whole packs, that are not asked by themselves: those of the pack `style`. A relation of at
    most `small_rows` rows and `small_bytes` bytes is worked through before anybody notices. `stats` is the file of
    `migsafe stats`, relative to the settings.
    """

    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    severity: dict[str, Severity] = {}
    fail_on: FailOn = "error"
    ignore: tuple[PathIgnore, ...] = ()
    baseline: str | None = None
    directory: str = "."
    source: str | None = None
    small_rows: int = 10_000
    small_bytes: Size = 16 * 1024**2
    stats: str | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a team decided for its repository. Durations are seconds, sizes bytes; files may say "5min" and "10GB".

    `lock_timeout` stays below the server's deadlock_timeout (1 s): of two sessions that wait for each other it is
    then ours that gives way.

    `directory` is where the file was found (runs are stored below it), `source` the file itself.
    """

    min_postgres: str = "14"
    lock_timeout: Duration = 0.5
    max_wait: Duration = 0.25
    queue_behind: Duration = 0.5
    terminate_idle_in_transaction: Duration | None = None
    deadline: Duration = 600.0
    timeout: Duration | None = None
    concurrently_deadline: Duration | None = None
    backup: Literal["dump", "evidence", "none"] | None = None
    backup_up_to: Size = 20 * 1024**3
    backup_jobs: int = 4
    backup_max_age: Duration = 24 * 3600.0
    backup_evidence: str | None = None
    backup_command: str | None = None
    backup_required: bool = False
    backup_files: tuple[str, ...] = ()
    drill_max_age: Duration = 30 * 86400.0
    undo: Literal["files", "tables", "off"] = "files"
    undo_up_to: Size = 10 * 1024**3
    undo_keep: Duration = 30 * 86400.0
    restore_tested: datetime.date | None = None
    min_free: Size = 1024**3
    declared_free: Size | None = None
    disk_command: str | None = None
    prometheus_url: str | None = None
    prometheus_query: str | None = None
    node_exporter_url: str | None = None
    mountpoint: str | None = None
    allow_server_program: bool = False
    max_transaction_age: Duration = 30.0
    data_timeout: Duration = 10.0
    show_data: bool = True
    replica_url: str | None = None
    max_replica_lag: Size = 256 * 1024**2
    app_role: str | tuple[str, ...] | None = None
    model_drift: bool = True
    provider: ProviderName | None = None
    required_env: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    check: tuple[OwnCheck, ...] = ()
    extensions: dict[str, str] = {}
    guard: Literal["refuse", "warn", "off"] = "refuse"
    scratch_url: str | None = None
    config_from: str | None = None
    runs: str = ".migsafe/runs"
    lint: LintSettings = LintSettings()
    directory: str = "."
    source: str | None = None

    @property
    def app_roles(self) -> tuple[str, ...]:
        """The roles of the application: none, one, or several."""
        return (self.app_role,) if isinstance(self.app_role, str) else self.app_role or ()


_DURATIONS = (
    "lock_timeout",
    "max_wait",
    "queue_behind",
    "terminate_idle_in_transaction",
    "deadline",
    "timeout",
    "concurrently_deadline",
    "backup_max_age",
    "drill_max_age",
    "undo_keep",
    "max_transaction_age",
    "data_timeout",
)
_SIZES = ("backup_up_to", "undo_up_to", "min_free", "declared_free", "max_replica_lag")
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


def _lint_table(table: dict[str, Any], source: Path) -> dict[str, Any]:
    _only_known(table, LintSettings, "lint.")
    entries = table.get("ignore", ())
    for entry in (each for each in entries if isinstance(each, dict)) if isinstance(entries, list | tuple) else ():
        _only_known(entry, PathIgnore, "lint.ignore.")
        if not re.search(r"\w", str(entry.get("reason", "because"))):
            where = f"lint.ignore of {entry.get('path', 'a path')}"
            raise UsageError(f"{where} has no reason", 'Say why these findings are acceptable: reason = "…".')
    sizes = {"small_bytes": size(table["small_bytes"])} if "small_bytes" in table else {}
    return {**table, **sizes, "directory": str(source.parent), "source": str(source)}


def _check_table(table: dict[str, Any]) -> dict[str, Any]:
    """One `[[check]]`, its timeout in seconds. Raises UsageError unless it asks exactly one thing, of known keys."""
    _only_known(table, OwnCheck, "check.")
    name = table.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+", name):
        raise UsageError(f"check.name: {name!r} is no name", 'Give every check one, like name = "workers-drained".')
    kinds = [kind for kind in KINDS if kind in table]
    if len(kinds) != 1:
        asks = f"asks {len(kinds)} things ({', '.join(kinds)})" if kinds else "asks nothing"
        raise UsageError(f"check {name} {asks}", f"Give each check exactly one of {', '.join(KINDS)}.")
    for key in (each for each in BELONGS_TO if each in table and BELONGS_TO[each] != kinds[0]):
        wrong = f"check {name}: {key} is for {BELONGS_TO[key]}, and this one asks by {kinds[0]}"
        raise UsageError(wrong, f"Remove {key}, or write a check by {BELONGS_TO[key]}.")
    try:
        return table | {"timeout": duration(table.get("timeout", OwnCheck(name=name).timeout))}
    except UsageError as error:
        raise UsageError(f"check {name}: {error.message}", error.remedy) from None


def _no_name_twice(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UsageError(f"check.name: there are two checks {name}", "Give each a name of its own.")
        seen.add(name)


def from_table(table: dict[str, Any], source: Path) -> Settings:
    """Settings of one TOML table. Raises UsageError naming `source` and the wrong key, and the nearest right one."""
    table = dict(table)
    try:
        _only_known(table, Settings, "")
        if isinstance(table.get("lint"), dict):
            table["lint"] = _lint_table(table["lint"], source)
        if isinstance(table.get("check"), list | tuple):
            table["check"] = [_check_table(each) if isinstance(each, dict) else each for each in table["check"]]
            _no_name_twice(each["name"] for each in table["check"] if isinstance(each, dict))
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
    allowed["undo"] = "files, tables or off"
    allowed["provider"] = "rds, aurora, cloudsql, alloydb, azure, heroku, supabase, neon or none"
    levels = {"lint.severity": "error, warning or info", "lint.fail_on": "error, warning, info or never"}
    phases = {"check.phase": "before or after", "check.severity": "blocked or warned"}
    choice = (allowed | levels | phases).get(re.sub(r"\[\d+\]", "", key))
    return f"{key}: {message}" + (f"; it is {choice}" if choice else "")


def _only_known(table: dict[str, Any], shape: type[msgspec.Struct], prefix: str) -> None:
    known = [name for name in shape.__struct_fields__ if name not in _DERIVED]
    for key in table:
        if key not in known:
            near = nearest(key, known)
            remedy = f"Did you mean {prefix}{near}?" if near else f"Known keys: {', '.join(known)}."
            raise UsageError(f"unknown key {prefix}{key}", remedy)
