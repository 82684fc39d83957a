"""Rows of tables without a key: found again by all their other values, equal ones one for one."""

from migsafe.model.restored import Conflict, Counts
from migsafe.model.saved import Part, PartSaved
from migsafe.saved.batches import Way
from migsafe.saved.matching import Target, parents_of, stage_field
from migsafe.saved.staging import STAGE, append, stage
from migsafe.sql.quote import identifier, literal, qualified


def put_back_whole(way: Way, place: int, saved: PartSaved, target: Target) -> Counts:
    """Put all rows of a part back in one transaction: its chunks cannot be told apart afterwards."""
    upto, counts = way.record.upto(place, 0)
    if upto or not saved.chunks:
        return counts
    connection = way.guarded.connection
    for number, chunk in enumerate(saved.chunks):
        (stage if number == 0 else append)(connection, way.directory, saved.part, saved.types, chunk)
    rows = sum(chunk.rows for chunk in saved.chunks)

    def work(_tries: int) -> Counts:
        found = (
            _insert(way, saved, target, rows)
            if saved.part.kind in ("rows", "table")
            else _update(way, saved, target, rows)
        )
        way.record.came(place, 0, max(1, rows), found)
        return found

    return way.guarded.transaction(work)


def _insert(way: Way, saved: PartSaved, target: Target, rows: int) -> Counts:
    names = ", ".join(identifier(name) for name in target.columns)
    values = ", ".join(f"s.{stage_field(saved.part, name)}" for name in target.columns)
    met = " AND ".join(f"({each})" for each in parents_of(target, 1, rows)) or "true"
    done = way.guarded.connection.execute(
        f"INSERT INTO {qualified(target.relation)} ({names}) OVERRIDING SYSTEM VALUE "
        f"SELECT {values} FROM {STAGE} AS s WHERE {met} ORDER BY s.n ON CONFLICT DO NOTHING".encode()
    ).rowcount
    return Counts(restored=done, conflicting=rows - done)


def _update(way: Way, saved: PartSaved, target: Target, rows: int) -> Counts:
    part = saved.part
    lost = [name for name in target.columns if name in part.lost]
    others = [name for name in target.columns if name not in part.lost]
    same = f"ROW({', '.join(f's.{stage_field(part, name)}::text' for name in others)})::text"
    there = f"ROW({', '.join(f't.{identifier(name)}::text' for name in others)})::text"
    empty = " AND ".join(f"t.{identifier(name)} IS NULL" for name in lost) if part.kind == "column" else "true"
    only = "ONLY " if part.only else ""
    table = f"{only}{qualified(target.relation)} AS t"
    saved_rows = f"SELECT s.*, {same} AS r, row_number() OVER (PARTITION BY {same} ORDER BY s.n) AS i FROM {STAGE} AS s"
    numbered = f"row_number() OVER (PARTITION BY {there} ORDER BY t.ctid) AS i"
    now = f"SELECT t.ctid AS at, t.tableoid AS tab, {there} AS r, {numbered} FROM {table} WHERE {empty}"
    sets = ", ".join(f"{identifier(name)} = s.{stage_field(part, name)}" for name in lost)
    connection = way.guarded.connection
    connection.execute(
        b"CREATE TEMPORARY TABLE migsafe_paired ON COMMIT DROP AS "
        + (f"SELECT s.n, t.at, t.tab FROM ({saved_rows}) AS s LEFT JOIN ({now}) AS t USING (r, i)").encode()
    )
    done = connection.execute(
        f"UPDATE {table} SET {sets} FROM {STAGE} AS s JOIN migsafe_paired AS p USING (n) "
        "WHERE t.ctid = p.at AND t.tableoid = p.tab".encode()
    ).rowcount
    way.conflicts.add(_unpaired(way, part))
    return Counts(restored=done, conflicting=rows - done)


def _unpaired(way: Way, part: Part) -> list[Conflict]:
    names = ", ".join(literal(name) for name in part.columns)
    texts = ", ".join(f"s.{stage_field(part, name)}::text" for name in part.columns)
    rows = way.guarded.connection.execute(
        f"SELECT json_object(ARRAY[{names}]::text[], ARRAY[{texts}]::text[]) FROM {STAGE} AS s "
        "JOIN migsafe_paired AS p USING (n) WHERE p.at IS NULL ORDER BY s.n".encode()
    ).fetchall()
    return [Conflict(part.label, {}, row[0], None, "no row has its other values any more") for row in rows]
