"""Does a column have values that its new type does not take?"""

import re
from collections.abc import Iterator

import msgspec

from migsafe.model.catalog import Catalog, Column
from migsafe.model.checks import CheckResult
from migsafe.model.effects import Altered
from migsafe.model.plan import Plan
from migsafe.preflight.answer import check
from migsafe.preflight.asking import Connection
from migsafe.preflight.rows import Doubt, answers, doubt, is_among, is_asked_with_parent, key_of, source
from migsafe.preflight.standing import Standing, standings
from migsafe.settings import Settings
from migsafe.sql.quote import identifier, literal

CHECK = check(
    __name__,
    group="data",
    why="ALTER COLUMN … TYPE writes the table anew under ACCESS EXCLUSIVE, and fails on the first value that is too "
    "long, out of range, of another vector dimension, or no value of the new type at all.",
    remedy="Mend the values first.",
    privilege="SELECT on the table",
)

_INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_TAKES_ALL = ("text", "character varying")
_LENGTH = re.compile(r"(character varying|character)\((\d+)\)")
_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")
_DIMENSION = re.compile(r"(?:\w+\.)?(?:vector|halfvec|sparsevec)\((\d+)\)")


def run(
    *, connection: Connection, plan: Plan, settings: Settings, catalog: Catalog, **_: object
) -> Iterator[CheckResult]:
    version = connection.info.server_version // 10000
    doubts = [each for standing in standings(plan) for each in _doubts(standing, catalog, version)]
    yield from answers(CHECK, connection, settings, catalog, doubts)


def _doubts(standing: Standing, catalog: Catalog, version: int) -> Iterator[Doubt]:
    effects = standing.moment.effects
    relations = [each.after.relation for each in effects.alters if isinstance(each.after, Column)]
    for altered in effects.alters:
        new, old = altered.after, altered.before
        if not isinstance(new, Column) or new.type is None or not is_among(catalog, new.relation, effects.rewrites):
            continue
        if not isinstance(old, Column) or old.type is None or (old.type == new.type and altered.using is None):
            continue
        asked = standing.asked(new.relation, (new.name,))
        if asked is None or asked[1] != (new.name,) or is_asked_with_parent(catalog, asked[0], relations):
            continue
        yield from _of_column(altered, old.type, new, asked[0], standing, catalog, version)


def _of_column(
    altered: Altered, old: str, new: Column, table: str, standing: Standing, catalog: Catalog, version: int
) -> Iterator[Doubt]:
    kind = new.type or ""
    column = identifier(new.name)
    value = f"({altered.using})" if altered.using else column
    condition = _does_not_fit(value, old if altered.using is None else None, kind)
    if condition is None and _is_plain(altered.using, new.name):
        condition = _is_no_label(column, kind, standing) or _is_no_input(column, old, kind, version)
    keys = key_of(catalog, table)
    what = f"ALTER COLUMN {new.name} TYPE {kind}"
    rows = f"values in {new.name} that do not fit"
    remedy = f"{CHECK.remedy} "
    if condition is not None:
        selected = ", ".join(identifier(name) for name in dict.fromkeys((*keys, new.name)))
        query = f"SELECT {selected} FROM {source(catalog, table)} WHERE {condition}"
        shown = tuple(dict.fromkeys((*keys, new.name)))
        yield doubt(standing, table, what, rows, query, shown, f"{remedy}They are: {query};")
    elif altered.using is not None or not _always_fits(old, kind):
        query = f"SELECT count(x) FROM (SELECT ({value})::{kind} AS x FROM {source(catalog, table)} OFFSET 0) s"
        tried = doubt(standing, table, what, rows, query, (), f"{remedy}This fails on the first one: {query};")
        yield msgspec.structs.replace(tried, by_failing=True)


def _does_not_fit(value: str, old: str | None, new: str) -> str | None:
    """A condition for what the assignment refuses and a cast would cut off silently, or that needs no cast to see.

    `old` is the type of `value`, None for that of an expression.
    """
    if length := _LENGTH.fullmatch(new):
        return f"rtrim(substr(({value})::text, {int(length[2]) + 1}), ' ') <> ''"
    if (numeric := _NUMERIC.fullmatch(new)) and old is not None and (old.startswith("numeric") or old in _INTEGERS):
        whole = int(numeric[1]) - int(numeric[2])
        return f"abs(round({value}, {numeric[2]})) >= 10::numeric ^ {whole} AND {value} <> 'NaN'::numeric"
    if new in _INTEGERS and old in _INTEGERS:
        limit = _INTEGERS[new]
        return f"{value} NOT BETWEEN {-limit} AND {limit - 1}" if _INTEGERS[old] > limit else None
    if (dimension := _DIMENSION.fullmatch(new)) and old is not None and "vec" in old and "bit" not in old:
        # vector_norm() and others take every kind; only vector_dims() tells the dimension, and not of a sparsevec.
        return None if "sparsevec" in old else f"vector_dims({value}) <> {dimension[1]}"
    return None


def _is_plain(using: str | None, column: str) -> bool:
    """Whether the values of the column go through casts and nothing else."""
    return using is None or using.partition("::")[0].strip("()") in (column, identifier(column))


def _is_no_label(column: str, new: str, standing: Standing) -> str | None:
    """For an enum that the plan makes: there is no type yet to cast to, but its labels are known."""
    found = {name for name in standing.labels if new in (name, name.rpartition(".")[2])}
    if len(found) != 1:
        return None
    labels = ", ".join(literal(label) for label in standing.labels[found.pop()])
    return f"{column}::text NOT IN ({labels})" if labels else f"{column} IS NOT NULL"


def _is_no_input(column: str, old: str, new: str, version: int) -> str | None:
    """pg_input_is_valid() is there since 16, and tells of every row what a cast from text would do."""
    if version < 16 or not old.startswith(("text", "character")) or old.endswith("]"):
        return None
    return f"NOT pg_input_is_valid({column}::text, {literal(new)})"


def _always_fits(old: str, new: str) -> bool:
    if new in _INTEGERS and old in _INTEGERS:
        return _INTEGERS[old] <= _INTEGERS[new]
    return new in _TAKES_ALL or (new in ("numeric", "double precision") and old in (*_INTEGERS, "real", "numeric"))
