"""Writes `restore.sh`: the way back from a backup that needs nothing of migsafe, only psql and pg_restore."""

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from migsafe.backup.manifest import About, read_about
from migsafe.backup.read import Unreadable, extensions, schema
from migsafe.errors import BackupFailed
from migsafe.model.catalog import Extension, Function, Relation, Type
from migsafe.model.plan import Plan
from migsafe.model.report import Backup
from migsafe.postgres.binaries import find
from migsafe.postgres.queries import query
from migsafe.sql.quote import identifier, literal, qualified

Name = tuple[str, str, str]
"""Sort (relation, type, function, schema, extension), schema (empty where there is none) and bare name."""

_OBJECT = re.compile(r"^-- Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: (.*)$", re.MULTILINE)
_SORTS = {
    **dict.fromkeys(("TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "FOREIGN TABLE"), "relation"),
    **dict.fromkeys(("TYPE", "DOMAIN", "SHELL TYPE"), "type"),
    **dict.fromkeys(("FUNCTION", "PROCEDURE", "AGGREGATE"), "function"),
    "SCHEMA": "schema",
    "EXTENSION": "extension",
}
_SCHEMA = """\
DO $migsafe$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {literal}) THEN
        CREATE SCHEMA {name};
        ALTER SCHEMA {name} OWNER TO {owner};
    END IF;
END $migsafe$;"""


def write_restore_script(directory: Path, backup: Backup, plan: Plan) -> Path:
    """Write `directory/restore.sh` (0700) for `backup`, a dump, and return its path.

    `plan` is the upgrade that the backup was taken for: what it creates and renames is dropped when the backup is
    restored in place. Of a statement whose effects are unknown that cannot be told; the script then shows what is in
    the database and not in the backup. Raises BackupFailed when the backup cannot be read.
    """
    if backup.path is None:
        raise BackupFailed("there is no dump to restore from")
    archive = Path(backup.path)
    try:
        about = read_about(archive)
        objects = [(kind, space, name, owner) for name, kind, space, owner in _OBJECT.findall(schema(archive))]
        create_extensions = extensions(archive)
    except (Unreadable, OSError, ValueError) as error:
        raise BackupFailed(f"{archive} cannot be read: {error}") from None
    held = [name for kind, space, name, _ in objects for name in _names(kind, space, name)]
    values = _shell_values(directory, archive, about, plan) | {
        "objects_sql": _filled("restore_objects.sql", names=_insert_names(held, plan), rows=_insert_rows(about)),
        "drop_sql": _filled(
            "restore_drop.sql",
            schemas="\n".join(_create_schema(name, owner) for kind, _, name, owner in objects if kind == "SCHEMA"),
            extensions="\n".join(create_extensions),
        ),
        "count_sql": _filled("restore_count.sql"),
        **_catalog_sql(),
    }
    path = directory / "restore.sh"
    _write(path, _filled("restore.sh", **values))
    return path


def _shell_values(directory: Path, archive: Path, about: About, plan: Plan) -> dict[str, str]:
    newest = int(about.pg_dump.split(".")[0])
    values = {
        "database": about.database,
        "dumped_by": str(newest),
        "server": str(about.server_version),
        "identifier": about.system_identifier or "",
        "taken": about.started,
        "holds": f"{len(about.rows)} tables, {sum(about.rows.values())} rows",
        "heads": " ".join(sorted(about.heads or plan.current)) or "base",
        "version_table": qualified(plan.version_table) if "." in plan.version_table else identifier(plan.version_table),
        "programs": str(find("pg_restore", newest).parent),
        "backup": os.path.relpath(archive, directory),
    }
    return {name: shlex.quote(value) for name, value in values.items()}


def _catalog_sql() -> dict[str, str]:
    """The comparison with the objects of the backup: what comes before them in psql's input, and after."""
    mark = "the objects"
    text = _filled("restore_catalog.sql", recorded=mark, catalog=query("backup_catalog"))
    head, _, tail = text.partition(f"{mark}\n")
    return {"catalog_head": head.rstrip("\n"), "catalog_tail": tail.rstrip("\n")}


def _filled(template: str, **values: str) -> str:
    text = files("migsafe.backup").joinpath(template).read_text(encoding="utf-8")
    return re.sub(r"@(\w+)@", lambda match: values[match[1]], text).rstrip("\n") + "\n"


def _names(kind: str, space: str, name: str) -> Iterator[Name]:
    sort = _SORTS.get(kind)
    if sort == "function":
        yield sort, space, name.partition("(")[0]
    elif sort is not None:
        yield sort, "" if space == "-" else space, name


def _insert_names(held: Iterable[Name], plan: Plan) -> str:
    named = dict.fromkeys(held, "backup")
    made = dict.fromkeys(_made(plan), "plan")
    # A schema that is not in the backup and that the plan made something in is the plan's own.
    made |= dict.fromkeys((("schema", "", space) for _, space, _ in [*made] if space), "plan")
    return _insert("migsafe_names", (f"({_row(*name)}, '{origin}')" for name, origin in (made | named).items()))


def _insert_rows(about: About) -> str:
    counted = ((name.partition("."), count) for name, count in about.rows.items())
    return _insert("migsafe_rows", (f"({_row(space, name)}, {count})" for (space, _, name), count in counted))


def _insert(table: str, values: Iterable[str]) -> str:
    lines = ",\n".join(f"    {value}" for value in values)
    return f"INSERT INTO pg_temp.{table} VALUES\n{lines};" if lines else ""


def _row(*texts: str) -> str:
    return ", ".join(literal(text) for text in texts)


def _made(plan: Plan) -> Iterator[Name]:
    """What the plan creates, and the new names of what it renames."""
    for statement in plan.statements:
        for made in statement.effects.creates:
            sort = _sort(made)
            if sort is not None and not made.name.startswith("pg_temp."):
                yield _name(sort, made.name)
        for rename in statement.effects.renames:
            if rename.new.of is None:
                yield from (_name(sort, rename.new.name) for sort in ("relation", "type", "function"))


def _sort(made: object) -> str | None:
    match made:
        case Relation(kind="composite type") | Type():
            return "type"
        case Relation():
            return "relation"
        case Function():
            return "function"
        case Extension():
            return "extension"
    return None


def _name(sort: str, name: str) -> Name:
    space, dot, bare = name.partition(".")
    return (sort, space, bare) if dot and sort != "extension" else (sort, "", name)


def _create_schema(name: str, owner: str) -> str:
    return _SCHEMA.format(literal=literal(name), name=identifier(name), owner=identifier(owner))


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
