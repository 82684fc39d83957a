"""How far a restore has come, in the database and in the transaction of each batch: after a crash it goes on there."""

from typing import Any

import psycopg
from psycopg import sql

from migsafe.model.restored import Counts

TABLE = "migsafe_restore"


class Record:
    """The table `migsafe_restore` of `schema`, for one run. It is there only while a restore is under way."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str, run: str) -> None:
        self.connection, self.run = connection, run
        self.table = sql.Identifier(schema, TABLE)

    def begin(self) -> bool:
        """Make the table, in autocommit; whether a restore of the run is under way already."""
        self.connection.execute(
            sql.SQL(
                "CREATE TABLE IF NOT EXISTS {} (run text, part integer, chunk integer, upto integer NOT NULL,"
                " restored bigint, kept bigint, conflicting bigint, gone bigint, pending bigint,"
                " PRIMARY KEY (run, part, chunk))"
            ).format(self.table)
        )
        found = self.connection.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE run = %s").format(self.table), (self.run,)
        ).fetchone()
        return bool(found and found[0])

    def upto(self, part: int, chunk: int) -> tuple[int, Counts]:
        """The last staged row that is dealt with, and what came of those."""
        row = self.connection.execute(
            sql.SQL(
                "SELECT upto, restored, kept, conflicting, gone, pending FROM {}"
                " WHERE run = %s AND part = %s AND chunk = %s"
            ).format(self.table),
            (self.run, part, chunk),
        ).fetchone()
        return (0, Counts()) if row is None else (row[0], Counts(*row[1:]))

    def came(self, part: int, chunk: int, upto: int, counts: Counts) -> None:
        """Note, in the transaction that did it, how far the chunk is."""
        values = (self.run, part, chunk, upto, counts.restored, counts.kept, counts.conflicting, counts.gone)
        self.connection.execute(
            sql.SQL(
                "INSERT INTO {} VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (run, part, chunk) DO UPDATE SET upto = excluded.upto, restored = excluded.restored,"
                " kept = excluded.kept, conflicting = excluded.conflicting, gone = excluded.gone,"
                " pending = excluded.pending"
            ).format(self.table),
            (*values, counts.pending),
        )

    def end(self) -> None:
        """All is done: take the record away, the table too when no other restore needs it."""
        with self.connection.transaction():
            self.connection.execute(sql.SQL("DELETE FROM {} WHERE run = %s").format(self.table), (self.run,))
            left = self.connection.execute(sql.SQL("SELECT count(*) FROM {}").format(self.table)).fetchone()
            if left and left[0] == 0:
                self.connection.execute(sql.SQL("DROP TABLE {}").format(self.table))
