"""Which rows the run meets, asked in the transaction that destroys them: what is gone by then is not of its doing."""

import re

from migsafe.model.saved import PartSaved
from migsafe.saved import reading
from migsafe.sql.quote import identifier, literal

# The keys of more rows take longer to note than others should wait.
MOST = 100_000
# Of the session, which prints values as it likes: held to what our own one reads.
_PLAIN = {
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "TimeZone": "UTC",
}

# In a WHERE: what may give something else for a row that nobody has touched.
_MOVING = re.compile(r"\bSELECT\b|\w\(|\b(CURRENT|LOCALTIME|SESSION)|'(now|today|tomorrow|yesterday)", re.IGNORECASE)


def noting(saved: PartSaved, newer: str, keys: str | None, *, held: bool, lock_timeout: float) -> str:
    """SQL for the migrating transaction: the newer rows into the table `newer`, and which rows there are.

    With `keys` the keys of those rows go into that table, unless they are all there untouched. `held`: the rows stay
    as they are from then on; their statement, which comes next, keeps them anyway. `lock_timeout` in seconds holds for
    that where the session has none. But for a lock it fails by itself alone: a subtransaction is all that is lost then.
    """
    part = saved.part
    made = f"CREATE TABLE IF NOT EXISTS {newer} AS {reading.texts(part, reading.newer(part, saved.horizon))}"
    lines = [f"EXECUTE {literal(made)};"]
    if keys is not None:
        lock = f" FOR {'UPDATE' if part.kind == 'rows' else 'NO KEY UPDATE'} OF {part.alias}" if held else ""
        old = reading.met(part, f"NOT ({reading.is_newer(part, saved.horizon)}) AS untouched")
        counted = f"SELECT count(*) FILTER (WHERE met.untouched) FROM ({old}{lock}) AS met"
        listed = ", ".join(
            f"{part.alias}.{identifier(name)}::text AS k{place}" for place, name in enumerate(part.key, 1)
        )
        noted = f"CREATE TABLE IF NOT EXISTS {keys} AS {reading.met(part, listed)}"
        lines += [
            f"EXECUTE {literal(counted)} INTO untouched;",
            f"IF untouched IS DISTINCT FROM {_expected(saved)} THEN EXECUTE {literal(noted)}; END IF;",
        ]
    return f"DO {literal(_block(lines, max(1, round(lock_timeout * 1000)) if held else None))}"


def _expected(saved: PartSaved) -> str:
    """How many rows there are if they are all as saved; NULL where as many may be others, or were saved twice."""
    moves = saved.part.where is not None and _MOVING.search(saved.part.where)
    return "NULL" if moves or any(chunk.newer for chunk in saved.chunks) else str(saved.rows)


def _block(lines: list[str], lock_timeout: int | None) -> str:
    now = [f"pg_catalog.set_config({literal(name)}, {literal(value)}, true)" for name, value in _PLAIN.items()]
    if lock_timeout is not None:
        waits = f"CASE WHEN before[6] = '0' THEN '{lock_timeout}ms' ELSE before[6] END"
        now.append(f"pg_catalog.set_config('lock_timeout', {waits}, true)")
    names = (*_PLAIN, *(("lock_timeout",) if lock_timeout is not None else ()))
    then = [f"pg_catalog.set_config({literal(name)}, before[{n}], true)" for n, name in enumerate(names, 1)]
    before = ", ".join(f"pg_catalog.current_setting({literal(name)})" for name in names)
    return (
        f"DECLARE before text[] := ARRAY[{before}]; untouched bigint; BEGIN "
        f"PERFORM {', '.join(now)}; {' '.join(lines)} PERFORM {', '.join(then)}; "
        "EXCEPTION WHEN lock_not_available OR deadlock_detected THEN RAISE; WHEN OTHERS THEN NULL; END"
    )


def spared(saved: PartSaved, keys: str) -> str:
    """Of the staged rows, the keys of those that the run did not meet."""
    places = range(1, len(saved.part.key) + 1)
    same = " AND ".join(f"m.k{n} = s.k{n}::text" for n in places)
    listed = ", ".join(f"s.k{n}::text" for n in places)
    return f"SELECT {listed} FROM migsafe_stage AS s WHERE NOT EXISTS (SELECT FROM {keys} AS m WHERE {same})"


def strangers(saved: PartSaved, keys: str, chunks: str) -> str:
    """How many of the rows that the run met were not saved; `chunks` is a table of all keys that were."""
    same = " AND ".join(f"m.k{n} = c.k{n}" for n in range(1, len(saved.part.key) + 1))
    return f"SELECT count(*) FROM {keys} AS m WHERE NOT EXISTS (SELECT FROM {chunks} AS c WHERE {same})"
