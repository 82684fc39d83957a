"""The way back of every revision of a real history, tried: its own downgrade(), and the one that migsafe derives.

`python benchmarks/undo_histories.py FOLDER …` takes each folder with an alembic.ini (whose env.py reaches PostgreSQL
by whatever URL: it is sent to the embedded server) from nothing to head, revision by revision. At each one the schema
is recorded (catalog, definitions, and `pg_dump --schema-only`), the revision runs, and two copies of the database go
back again: one by downgrade(), one by the inverse of every statement. Both are compared with what was recorded; the
copy that went back by an exact inverse then goes up again. Prints a table of verdicts, and every revision whose inverse
is impossible or did not do what it claims. Ends with 1 when an inverse that claims to be exact was not.
Modules that the revisions import must be on PYTHONPATH. Without a folder nothing runs.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from alembic.runtime.migration import MigrationContext, RevisionStep
from psycopg import sql
from psycopg.conninfo import make_conninfo

from migsafe.errors import MigsafeError
from migsafe.model.definitions import Recorded
from migsafe.model.inverse import Inverse, worst
from migsafe.model.plan import Step
from migsafe.postgres import catalog, definitions
from migsafe.postgres.binaries import find, wheel
from migsafe.postgres.cluster import running
from migsafe.postgres.connection import Database
from migsafe.postgres.stand_ins import stand_ins
from migsafe.preview import preview
from migsafe.revisions.apply import end_stray_transaction
from migsafe.revisions.config import Environment, open_environment
from migsafe.revisions.drive import run_env
from migsafe.revisions.read import read
from migsafe.undo.inverse import invert_step
from migsafe.undo.same import differences


class Verdict(msgspec.Struct):
    """What became of one revision's ways back. `own` and `derived` are words of the tables below."""

    revision: str
    own: str
    derived: str
    told: tuple[str, ...] = ()


def main(folders: list[str]) -> int:
    if not folders:
        print("benchmarks/undo_histories.py needs folders with an alembic.ini; nothing was run.")
        return 0
    programs = wheel()
    assert programs is not None
    wrong = 0
    with running(programs) as server, _with_stand_ins(server):
        for folder in folders:
            os.chdir(folder)
            verdicts = list(_history(server, Path(folder).name))
            _report(folder, verdicts)
            wrong += sum(verdict.derived.endswith("but is not") for verdict in verdicts)
    return 1 if wrong else 0


@contextmanager
def _with_stand_ins(server: Database) -> Iterator[None]:
    """Extensions that the embedded server lacks, of the stand-ins that a replay has (extension_control_path, 18)."""
    with tempfile.TemporaryDirectory() as folder, _session(server) as connection:
        with _database(server, "lacking") as scratch:
            known = stand_ins(scratch, marker="migsafe_scratch")
        place = Path(folder, "extension")
        place.mkdir()
        Path(folder).chmod(0o755)  # Run as root, the server is another user.
        for name, functions in known.items():
            (place / f"{name}.control").write_text("default_version = '1.0'\nrelocatable = true\n")
            (place / f"{name}--1.0.sql").write_text(functions)
        path = sql.SQL("ALTER SYSTEM SET extension_control_path = {}")
        connection.execute(path.format(sql.Literal(f"{folder}:$system")))
        connection.execute("SELECT pg_reload_conf()")
        yield


def _history(server: Database, name: str) -> Iterator[Verdict]:
    with _database(server, f"history_{name}") as home:
        url = home.url("psycopg")
        while True:
            environment = open_environment(("alembic.ini",))
            reading = read(environment, "heads", url=url)
            if not reading.steps:
                return
            revision = reading.steps[0].revision
            one = msgspec.structs.replace(
                reading,
                target=(revision,),
                steps=reading.steps[:1],
                back=tuple(b for b in reading.back if b.revision == revision),
            )
            recorded, dumped = _recorded(home), _dumped(home)
            try:
                seen = preview(environment, one, recorded.catalog, database=home, scratch_url=server.url(None))
                step = seen.plan.steps[0]
            except MigsafeError as error:
                print(f"{revision}: {error.message}")
                return
            _run("upgrade", environment, revision, url)
            yield _tried(server, home, environment, step, recorded, dumped, reading.heads)


def _tried(
    server: Database,
    home: Database,
    environment: Environment,
    step: Step,
    recorded: Recorded,
    dumped: str,
    heads: tuple[str, ...],
) -> Verdict:
    inverses, _, _ = invert_step(step, recorded.catalog, recorded.known)
    kind = worst(tuple(each.kind for each in inverses))
    if step.read == "unreadable":
        kind = "impossible"
    own = _own(server, home, environment, step, recorded, kind)
    told = tuple(dict.fromkeys(text for each in inverses if each.kind != "exact" for text in each.loses))
    if step.read == "unreadable":
        told = (step.unreadable or "", *told)
    if kind == "impossible":
        impossible = tuple(t for e in inverses if e.kind == "impossible" for t in e.loses)
        return Verdict(step.revision, own, "impossible", impossible or told)
    failed = _derived(server, home, environment, step, inverses, recorded, dumped, heads, exact=kind == "exact")
    return Verdict(step.revision, own, f"claims {kind}, but is not" if failed else kind, failed or told)


def _derived(
    server: Database,
    home: Database,
    environment: Environment,
    step: Step,
    inverses: tuple[Inverse, ...],
    recorded: Recorded,
    dumped: str,
    heads: tuple[str, ...],
    *,
    exact: bool,
) -> tuple[str, ...]:
    """What shows that the derived way back is none; () when the schema is as before."""
    with _database(server, "derived", template=home) as copy:
        with _session(copy) as connection:
            connection.execute(
                "SELECT pg_catalog.set_config('search_path', %s, false)", (", ".join(recorded.catalog.search_path),)
            )
            for inverse in reversed(inverses):
                for each in inverse.commands:
                    try:
                        connection.execute(each.sql.encode())
                    except psycopg.Error as error:
                        return (f"{str(error).splitlines()[0]}: {each.sql}",)
        found = differences(recorded, _recorded(copy), in_order=exact)
        if not found and _lines(_dumped(copy), exact) != _lines(dumped, exact):
            found = tuple(sorted({*_lines(_dumped(copy), False)} ^ {*_lines(dumped, False)})) or ("another order",)
        if found or not exact:
            return found
        with _session(copy) as connection:
            _stamp(connection, heads)
        arrived = _recorded(home)
        _run("upgrade", environment, step.revision, copy.url("psycopg"))
        return differences(arrived, _recorded(copy))


def _own(server: Database, home: Database, environment: Environment, step: Step, recorded: Recorded, kind: str) -> str:
    if step.downgrade != "there":
        return step.downgrade or "not known"
    with _database(server, "own", template=home) as copy:
        try:
            _run("downgrade", environment, step.revision, copy.url("psycopg"))
        except (Exception, SystemExit) as error:
            return "raises" if type(error).__module__ == "builtins" else "fails"
        found = differences(recorded, _recorded(copy), in_order=False)
        found = tuple(each for each in found if "alembic_version" not in each)
        if found:
            return "wrong: differs" if recorded.known.facts or found else "exact"
        return "lossy" if kind == "lossy" else "exact"


def _stamp(connection: psycopg.Connection[Any], heads: tuple[str, ...]) -> None:
    connection.execute("DELETE FROM alembic_version")
    for head in heads:
        connection.execute("INSERT INTO alembic_version VALUES (%s)", (head,))


def _run(direction: str, environment: Environment, revision: str, url: str) -> None:
    """That one step by Alembic itself, whatever other heads there are."""
    script = environment.script
    step = RevisionStep(script.revision_map, script.get_revision(revision), direction == "upgrade")

    def work(_heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        yield step
        end_stray_transaction(context)

    with redirect_stdout(sys.stderr):
        run_env(environment, work, target=revision, url=url)


def _recorded(database: Database) -> Recorded:
    with _session(database) as connection:
        found = Recorded(catalog.read(connection), definitions.read(connection))
    left = {name: facts for name, facts in found.known.facts.items() if "alembic_version" not in name}
    schema = found.catalog
    mappings = ("relations", "columns", "constraints", "indexes")
    changes = {
        field: {key: value for key, value in getattr(schema, field).items() if "alembic_version" not in key}
        for field in mappings
    }
    return Recorded(msgspec.structs.replace(schema, **changes), msgspec.structs.replace(found.known, facts=left))


def _dumped(database: Database) -> str:
    arguments = [str(find("pg_dump", 18)), "--schema-only", "--no-password", "--exclude-table=alembic_version"]
    return subprocess.run(
        arguments, env=os.environ | database.environment(), capture_output=True, text=True, check=True
    ).stdout


def _lines(text: str, in_order: bool) -> list[str]:
    lines = [line.strip().rstrip(",") for line in text.splitlines()]
    kept = [line for line in lines if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))]
    return kept if in_order else sorted(kept)


def _session(database: Database) -> psycopg.Connection[Any]:
    return psycopg.connect(make_conninfo("", **database.parameters), autocommit=True)


@contextmanager
def _database(server: Database, name: str, template: Database | None = None) -> Iterator[Database]:
    source = template.dbname if template is not None else "template0"
    made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with _session(server) as connection:
        connection.execute(made.format(sql.Identifier(name), sql.Identifier(source)))
    try:
        yield server.replace(dbname=name)
    finally:
        with _session(server) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _report(folder: str, verdicts: list[Verdict]) -> None:
    print(f"\n{folder}: {len(verdicts)} revisions")
    print("| its own downgrade() | " + " | ".join(derived := sorted({v.derived for v in verdicts})) + " |")
    print("|---" * (len(derived) + 1) + "|")
    counts = Counter((v.own, v.derived) for v in verdicts)
    for own in sorted({v.own for v in verdicts}):
        print(f"| {own} | " + " | ".join(str(counts[own, each] or "") for each in derived) + " |")
    for verdict in verdicts:
        if verdict.derived not in ("exact", "lossy"):
            for text in verdict.told[:4]:
                print(f"{verdict.revision} {verdict.derived}: {' '.join(text.split())[:300]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
