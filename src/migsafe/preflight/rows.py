"""Rows that would make a statement fail, looked for before it runs: a few of them, for a few seconds."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
from psycopg import errors

from migsafe.errors import MigsafeError
from migsafe.model.catalog import Catalog
from migsafe.model.checks import Check, CheckResult
from migsafe.postgres.connection import Database, connect
from migsafe.preflight.answer import answer
from migsafe.preflight.asking import Connection, reading
from migsafe.preflight.standing import Standing
from migsafe.preflight.wording import duration, size
from migsafe.settings import Settings
from migsafe.sql.quote import identifier, qualified

SHOWN = 5
_NOT_YET = (errors.UndefinedObject, errors.UndefinedFunction, errors.UndefinedTable, errors.UndefinedColumn)
_NO_ANSWER = (errors.QueryCanceled, errors.LockNotAvailable, errors.InsufficientPrivilege, *_NOT_YET)


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A question about the rows of `relation` (its name of now), and what fails when there are any.

    `what` is the statement in few words, `rows` says which rows, in the plural ("rows without …"). `query` selects
    them, the columns in `keys` first; with `by_failing` it selects nothing, and fails on the first that does not fit.
    `mended` is the place of an earlier statement of the plan that writes to the relation; None: nothing does.
    """

    place: str
    relation: str
    what: str
    rows: str
    query: str
    keys: tuple[str, ...] = ()
    remedy: str
    by_failing: bool = False
    mended: str | None = None


def doubt(
    standing: Standing, relation: str, what: str, rows: str, query: str, keys: tuple[str, ...], remedy: str
) -> Doubt:
    return Doubt(
        place=standing.moment.statement.place,
        relation=relation,
        what=what,
        rows=rows,
        query=query,
        keys=keys,
        remedy=remedy,
        mended=standing.written.get(relation),
    )


def source(catalog: Catalog, relation: str) -> str:
    """The relation for FROM: with its partitions; without children by inheritance, which are asked by themselves."""
    known = catalog.relations.get(relation)
    return qualified(relation) if known and known.kind == "partitioned table" else f"ONLY {qualified(relation)}"


def key_of(catalog: Catalog, relation: str) -> tuple[str, ...]:
    """The columns by which a person finds a row again: the primary key, else where it is stored."""
    constraints = catalog.constraints.get(relation, {}).values()
    return next((each.columns for each in constraints if each.kind == "primary key"), ("ctid",))


def is_asked_with_parent(catalog: Catalog, relation: str, relations: Iterable[str]) -> bool:
    """Whether `relation` is a partition of another one of `relations`, whose rows are asked about already."""
    return any(_is_below(catalog, relation, each) for each in set(relations))


def is_among(catalog: Catalog, relation: str, relations: Iterable[str]) -> bool:
    """Whether `relation` or a partition of it, which has its rows, is one of `relations`."""
    named = set(relations)
    if relation in named:
        return True
    return any(_is_below(catalog, each, relation) for each in named)


def _is_below(catalog: Catalog, relation: str, ancestor: str) -> bool:
    known = catalog.relations.get(relation)
    if known is None or known.bound is None:
        return False
    return ancestor in known.parents or any(_is_below(catalog, parent, ancestor) for parent in known.parents)


def answers(
    check: Check, connection: Connection, settings: Settings, catalog: Catalog, doubts: Iterable[Doubt]
) -> Iterator[CheckResult]:
    """One answer for each doubt, and none for one that was there already.

    Asked in a read-only transaction with row security off, for `data_timeout` at most, on the replica when the
    settings name one.
    """
    unique = {(each.relation, each.query): each for each in doubts}
    if not unique:
        return
    try:
        with _where_to_ask(connection, settings) as asked:
            for each in unique.values():
                yield _answer(check, each, asked, settings, catalog)
    except MigsafeError as error:
        for each in unique.values():
            message = f"The replica cannot be asked ({error.message})."
            yield answer(check, "unknown", f"{message} {_question(each)}", subject=each.relation, remedy=error.remedy)


@contextmanager
def _where_to_ask(connection: Connection, settings: Settings) -> Iterator[Connection]:
    if settings.replica_url is None:
        yield connection
        return
    with connect(Database.from_url(settings.replica_url), read_only=True) as replica:
        yield replica


def _answer(check: Check, each: Doubt, asked: Connection, settings: Settings, catalog: Catalog) -> CheckResult:
    query = each.query if each.by_failing else f"{each.query} LIMIT {SHOWN + 1}"
    try:
        rows = _ask(asked, query, settings, catalog)
    except _NO_ANSWER as error:
        message, remedy = _unseen(each, error, asked, settings, catalog)
        return answer(check, "unknown", f"{message} {_question(each)}", subject=each.relation, remedy=remedy, sql=query)
    except psycopg.Error as error:
        if not each.by_failing or error.sqlstate is None or not error.sqlstate.startswith("22"):
            raise
        said = (error.diag.message_primary or "") if settings.show_data else f"SQLSTATE {error.sqlstate}"
        return _found(check, each, f"the first that does not fit: {said}", query)
    if rows and not each.by_failing:
        return _found(check, each, _shown(each, rows, settings), query)
    return answer(
        check, "passed", f"{each.relation} has no {each.rows}: {each.what}.", subject=each.relation, sql=query
    )


def _ask(asked: Connection, query: str, settings: Settings, catalog: Catalog) -> list[tuple[Any, ...]]:
    path = ", ".join(identifier(name) for name in catalog.search_path)
    with reading(asked, settings.data_timeout):
        asked.execute(f"SET LOCAL row_security = off; SET LOCAL search_path = {path}".encode())
        return asked.execute(query.encode()).fetchall()


def _found(check: Check, each: Doubt, found: str, query: str) -> CheckResult:
    message = f"{each.what} ({each.place}) fails: {each.relation} has {each.rows}: {found}."
    if each.mended is not None:
        remedy = f"See that {each.mended} leaves none of them. {each.remedy}"
        message = f"{each.relation} has {each.rows} now: {found}. {each.what} ({each.place}) fails if they remain."
        message += f" {each.mended}, which runs before it, writes to {each.relation}."
        return answer(check, "warned", message, subject=each.relation, remedy=remedy, sql=query)
    return answer(check, "blocked", message, subject=each.relation, remedy=each.remedy, sql=query)


def _shown(each: Doubt, rows: list[tuple[Any, ...]], settings: Settings) -> str:
    number = f"more than {SHOWN}" if len(rows) > SHOWN else str(len(rows))
    if not settings.show_data or not each.keys:
        return number
    values = [", ".join(map(_value, row[: len(each.keys)])) for row in rows[:SHOWN]]
    listed = "; ".join(f"({value})" if len(each.keys) > 1 else value for value in values)
    return f"{number}, with {', '.join(each.keys)} = {listed}" + ("; …" if len(rows) > SHOWN else "")


def _value(value: object) -> str:
    text = str(value) if value is not None else "NULL"
    return text if len(text) <= 60 else f"{text[:57]}…"


def _question(each: Doubt) -> str:
    return f"{each.what} ({each.place}) fails if {each.relation} has {each.rows}."


def _unseen(
    each: Doubt, error: psycopg.Error, asked: Connection, settings: Settings, catalog: Catalog
) -> tuple[str, str]:
    """Why there is no answer, and what would bring one."""
    role, said = identifier(asked.info.user), error.diag.message_primary or type(error).__name__
    match error:
        case errors.QueryCanceled():
            known = catalog.relations.get(each.relation)
            about = f" ({size(known.bytes)})" if known and known.bytes else ""
            message = f"{each.relation}{about} could not be read in {duration(settings.data_timeout)}."
            return message, f"Raise data_timeout in the settings, ask a replica with --replica-url, or: {each.query};"
        case errors.LockNotAvailable():
            return f"{each.relation} is under ACCESS EXCLUSIVE.", "Wait for that session (see lock-holders)."
        case errors.InsufficientPrivilege() if "row-level security" in said:
            return f"Row security hides rows from {role}.", f"Ask as the owner, or: ALTER ROLE {role} BYPASSRLS;"
        case errors.InsufficientPrivilege():
            return f"{said.capitalize()}.", f"GRANT SELECT ON {qualified(each.relation)} TO {role};"
    return f"It cannot be asked yet ({said}).", "Look at the rows by hand, once what the plan makes is there."
