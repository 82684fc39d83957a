"""Saved rows held against the table as it is now: which are as saved, to be restored, conflicting, or gone."""

from collections.abc import Iterable, Mapping

import msgspec

from migsafe.model.saved import Part
from migsafe.saved.staging import AFTER, SPARED, STAGE
from migsafe.sql.quote import identifier, literal, qualified

BATCH, NEWER = "migsafe_batch", "migsafe_newer"
# Stand for the first and last row of a batch in the conditions on parents.
LOW, HIGH = ":migsafe_low", ":migsafe_high"


class Target(msgspec.Struct, frozen=True):
    """Where a part goes back to. `relation` is its name now; `columns` those of the saved ones that can be set.

    `asides` is the column that holds what the run made of a saved one, where its type is another; `defaults` are texts
    of values that nobody wrote, by column. `parents` are conditions on `s` that every foreign key of a row is met.
    `fresh`: restore made the table itself, so that nobody else's rows are in it.
    """

    relation: str
    columns: tuple[str, ...]
    asides: Mapping[str, str] = {}
    defaults: Mapping[str, str] = {}
    parents: tuple[str, ...] = ()
    fresh: bool = False


def classify(
    part: Part,
    target: Target,
    low: int,
    high: int,
    *,
    after: bool,
    newer: bool,
    again: bool,
    spared: bool = False,
) -> str:
    """SQL that makes `migsafe_batch` of the staged rows `low` to `high`: n and its verdict.

    Verdicts are same, restore, conflict, gone (the application deleted the row) and pending (a row it refers to is not
    there). `after`: what the run left is staged; `newer`: keys in `migsafe_newer` are left out; `again`: only rows that
    are not there are asked about; `spared`: the keys of rows that the run did not meet are staged.
    """
    there = f"t.{identifier(part.key[0])} IS NOT NULL"
    skip = f" AND NOT EXISTS (SELECT FROM {NEWER} AS w WHERE {_keys(part, 'w', 's')})" if newer else ""
    skip += f" AND t.{identifier(part.key[0])} IS NULL" if again else ""
    joined = f"FROM {STAGE} AS s LEFT JOIN {_table(part, target)} ON {_joined(part)}"
    if after:
        keys = " AND ".join(f"l.k{n} = s.k{n}::text" for n in range(1, len(part.key) + 1))
        joined += f" LEFT JOIN {AFTER} AS l ON {keys}"
    target = msgspec.structs.replace(target, parents=parents_of(target, low, high))
    verdict = (
        _of_rows(part, target, there, after)
        if part.kind in ("rows", "table")
        else _of_values(part, target, there, after)
    )
    if spared:
        keys = " AND ".join(f"g.k{n} = s.k{n}::text" for n in range(1, len(part.key) + 1))
        theirs = f"CASE WHEN {there} THEN 'same' ELSE 'gone' END"
        verdict = f"CASE WHEN EXISTS (SELECT FROM {SPARED} AS g WHERE {keys}) THEN {theirs} ELSE {verdict} END"
    return (
        f"CREATE TEMPORARY TABLE {BATCH} ON COMMIT DROP AS SELECT s.n, {verdict} AS verdict {joined} "
        f"WHERE s.n BETWEEN {low} AND {high}{skip}"
    )


def parents_of(target: Target, low: int, high: int) -> tuple[str, ...]:
    """The conditions on parents for a batch: rows of the batch itself count as there."""
    return tuple(each.replace(LOW, str(low)).replace(HIGH, str(high)) for each in target.parents)


def lock(part: Part, target: Target, low: int, high: int) -> str:
    """SQL that keeps the rows of a batch as they are until the transaction ends."""
    return (
        f"SELECT count(*) FROM (SELECT 1 FROM {_table(part, target)} JOIN {STAGE} AS s ON {_joined(part)} "
        f"WHERE s.n BETWEEN {low} AND {high} FOR UPDATE OF t) AS locked"
    )


def _of_rows(part: Part, target: Target, there: str, after: bool) -> str:
    same = _all(
        f"t.{identifier(name)}::text IS NOT DISTINCT FROM s.{_field(part, name)}::text"
        for name in target.columns
        if name not in part.key
    )
    met = _all(target.parents)
    # What the run left where it was is nobody's loss, whatever was made of it since.
    found = f"CASE WHEN {same}{' OR l.k1 IS NOT NULL' if after else ''} THEN 'same' ELSE 'conflict' END"
    return f"CASE WHEN {there} THEN {found} WHEN {met} THEN 'restore' ELSE 'pending' END"


def _of_values(part: Part, target: Target, there: str, after: bool) -> str:
    same = _all(
        f"t.{identifier(name)}::text IS NOT DISTINCT FROM s.{_field(part, name)}::text" for name in target.columns
    )
    untouched = _all(_untouched(part, target, name, after) for name in target.columns)
    left = " AND ".join(f"t.{identifier(aside)} IS NULL" for aside in target.asides.values()) or "true"
    if after and part.kind == "values":
        # What the run did not change is nobody's loss, whatever was made of it since.
        values = [f"s.{_field(part, name)}::text IS NOT DISTINCT FROM l.a{n}" for n, name in enumerate(part.lost, 1)]
        same = f"({same}) OR (l.k1 IS NOT NULL AND {_all(values)})"
    return (
        f"CASE WHEN NOT ({there}) THEN 'gone' WHEN ({same}) AND ({left}) THEN 'same' "
        f"WHEN {untouched} THEN 'restore' ELSE 'conflict' END"
    )


def _untouched(part: Part, target: Target, name: str, after: bool) -> str:
    """Whether the value is what the run left, or what nobody wrote."""
    place = part.lost.index(name) + 1
    aside = target.asides.get(name)
    now = f"t.{identifier(aside or name)}"
    nobody = f"({now} IS NULL"
    if name in target.defaults:
        nobody += f" OR {now}::text = {literal(target.defaults[name])}"
    nobody += ")"
    if part.kind == "values" or part.retyped:
        left = f"({now}::text IS NOT DISTINCT FROM l.a{place} AND NOT l.touched)" if after else "false"
        return left if part.kind == "values" and aside is None else f"({left} IS TRUE OR {nobody})"
    return nobody


def _all(conditions: Iterable[str]) -> str:
    return " AND ".join(f"({each})" for each in conditions) or "true"


def put(part: Part, target: Target, verdicts: tuple[str, ...]) -> str:
    """SQL that writes the saved values over rows that are there."""
    columns = [name for name in target.columns if name not in part.key]
    sets = ", ".join(f"{identifier(name)} = s.{_field(part, name)}" for name in columns)
    asides = "".join(f", {identifier(aside)} = NULL" for name, aside in target.asides.items() if name in columns)
    return (
        f"UPDATE {_table(part, target)} SET {sets}{asides} FROM {STAGE} AS s JOIN {BATCH} AS b USING (n) "
        f"WHERE {_joined(part)} AND b.verdict IN ({', '.join(map(literal, verdicts))})"
    )


def insert(part: Part, target: Target, where: str = "b.verdict = 'restore'") -> str:
    """SQL that puts rows back that are not there."""
    names = ", ".join(identifier(name) for name in target.columns)
    values = ", ".join(f"s.{_field(part, name)}" for name in target.columns)
    return (
        f"INSERT INTO {qualified(target.relation)} ({names}) OVERRIDING SYSTEM VALUE "
        f"SELECT {values} FROM {STAGE} AS s JOIN {BATCH} AS b USING (n) WHERE {where} ORDER BY s.n "
        "ON CONFLICT DO NOTHING"
    )


def missed(part: Part, target: Target) -> str:
    """SQL that calls those rows conflicting which another unique constraint kept out."""
    return (
        f"UPDATE {BATCH} AS b SET verdict = 'conflict' FROM {STAGE} AS s WHERE s.n = b.n AND b.verdict = 'restore' "
        f"AND NOT EXISTS (SELECT FROM {_table(part, target)} WHERE {_joined(part)})"
    )


def listed(part: Part, target: Target) -> str:
    """SQL that shows the conflicting rows: the key, what was saved and what is there, as JSON."""
    values = [name for name in target.columns if name not in part.key]
    keys = _object(part.key, [f"s.k{n}" for n in range(1, len(part.key) + 1)])
    saved = _object(values, [f"s.{_field(part, name)}" for name in values])
    now = _object(values, [f"t.{identifier(target.asides.get(name, name))}" for name in values])
    return (
        f"SELECT {keys}, {saved}, CASE WHEN t.{identifier(part.key[0])} IS NOT NULL THEN {now} END, b.verdict "
        f"FROM {BATCH} AS b JOIN {STAGE} AS s USING (n) LEFT JOIN {_table(part, target)} ON {_joined(part)} "
        f"WHERE b.verdict IN ('conflict', 'pending') ORDER BY b.n"
    )


def _object(names: Iterable[str], values: Iterable[str]) -> str:
    listed = ", ".join(map(literal, names))
    return f"json_object(ARRAY[{listed}]::text[], ARRAY[{', '.join(f'{each}::text' for each in values)}]::text[])"


def _table(part: Part, target: Target) -> str:
    return f"{'ONLY ' if part.only else ''}{qualified(target.relation)} AS t"


def _joined(part: Part) -> str:
    return " AND ".join(f"t.{identifier(name)} = s.k{n}" for n, name in enumerate(part.key, 1))


def _keys(part: Part, one: str, other: str) -> str:
    return " AND ".join(f"{one}.k{n} = {other}.k{n}" for n in range(1, len(part.key) + 1))


def _field(part: Part, name: str) -> str:
    return f"k{part.key.index(name) + 1}" if name in part.key else f"v{part.columns.index(name) + 1}"


def stage_field(part: Part, name: str) -> str:
    """The column of `migsafe_stage` that holds a saved column."""
    return _field(part, name)
