"""A migration of plain SQL that is saved, run, and undone: what the tests of saving and restoring share."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec
from psycopg import sql

from fix_postgres import Connect, Connection
from fix_way_back import HISTORY, upgrade_plan
from migsafe.going_back.putting_back import restore
from migsafe.model.plan import Plan, Step
from migsafe.model.restored import Restored
from migsafe.model.saved import Manifest
from migsafe.postgres.catalog import read
from migsafe.postgres.connection import Database
from migsafe.postgres.connection import connect as connect_as_migsafe
from migsafe.postgres.saved_facts import may_create
from migsafe.saved import CatchUp, conclude, losses, save, stamping
from migsafe.saved.batches import OnConflict
from migsafe.settings import Settings

VERSIONS = (HISTORY, "INSERT INTO alembic_version VALUES ('r0')")
MOVED = "UPDATE alembic_version SET version_num = 'r1'"

Rows = dict[str, list[dict[str, object]]]


class Undoing:
    """One database and one run directory."""

    def __init__(self, database: Database, connect: Connect, directory: Path, store: str = "files") -> None:
        self.database, self.connect, self.directory = database, connect, directory
        self.connection = connect(database)
        self.store = store
        self.max_wait = 10.0
        self.notes: tuple[str, ...] = ()
        self.before: Rows = {}
        self.schema: dict[str, dict[str, object]] = {}
        directory.mkdir(exist_ok=True)

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement.encode())

    def migrate(
        self,
        *statements: str,
        meanwhile: Sequence[str] = (),
        rows: int | None = 60,
        apart: bool = False,
    ) -> Manifest:
        """Save and run `statements` as one revision; `meanwhile` comes between saving and running.

        `apart`: each statement in a transaction of its own.
        """
        plan = upgrade_plan(self.connection, statements)
        plan = msgspec.structs.replace(plan, steps=(_numbered(plan, apart),))
        catalog = read(self.connection)
        self.before, self.schema = rows_of(self.connection), stamping.shape(catalog)
        with connect_as_migsafe(self.database) as own:
            saved = save(
                own,
                self.database,
                self.directory,
                plan,
                catalog,
                losses(plan, catalog),
                store="tables" if self.store == "tables" else "files",
                up_to=1 << 30,
                keep=3600,
                told=lambda _text, _fraction: None,
                rows=rows,
            )
            self.run(*meanwhile)
            caught = CatchUp(own, saved, may_create(own, ["public"]), max_wait=self.max_wait)
            caught.expect(plan.statements)
            self._apply(plan, caught)
            done, self.notes = conclude(self.directory, caught)
        return done

    def _apply(self, plan: Plan, caught: CatchUp) -> None:
        for _, together in itertools.groupby(plan.statements, key=lambda each: each.transaction):
            with self.connection.transaction():
                for statement in together:
                    caught((statement,), lambda text: self.run(text))
                    self.run(statement.sql)
        self.run(MOVED)

    def undo(self, on_conflict: OnConflict = "keep") -> Restored:
        """`migsafe restore`, in this process."""
        return restore(
            self.directory,
            self.database,
            Settings(),
            on_conflict=on_conflict,
            told=lambda _text, _fraction: None,
        )

    def rows(self) -> Rows:
        return rows_of(self.connection)

    def shape(self) -> dict[str, dict[str, object]]:
        return stamping.shape(read(self.connection))


def _numbered(plan: Plan, apart: bool) -> Step:
    (step,) = plan.steps
    statements = tuple(
        msgspec.structs.replace(each, index=place, revision="r1", transaction=place if apart else 0)
        for place, each in enumerate(step.statements)
    )
    return msgspec.structs.replace(step, statements=statements)


def rows_of(connection: Connection) -> Rows:
    """Every row of every table, as texts by column, in an order that means nothing."""
    tables = connection.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema|migsafe_undo)'"
    ).fetchall()
    found: Rows = {}
    for schema, name in tables:
        rows = connection.execute(
            sql.SQL("SELECT to_jsonb(each_row) FROM ONLY {} AS each_row").format(sql.Identifier(schema, name))
        ).fetchall()
        found[f"{schema}.{name}"] = sorted((row[0] for row in rows), key=lambda row: str(sorted(row.items())))
    return found
