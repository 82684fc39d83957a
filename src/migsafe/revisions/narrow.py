"""Some rounds of an env.py, or one."""

from fnmatch import fnmatchcase

import msgspec

from migsafe.errors import UsageError, nearest
from migsafe.revisions.config import Environment
from migsafe.revisions.read import Reading, read_rounds
from migsafe.revisions.rounds import Round, listed


def narrowed(environment: Environment, name: str | None, *, url: str | None = None) -> Environment:
    """`environment` as if env.py had its round `name` alone, as it is for None; UsageError for an unknown one."""
    if name is None:
        return environment
    rounds = [each.round for each in read_rounds(environment, "heads", url=url, revisions=False)]
    for each in rounds:
        if each is None or each.name == name:
            return msgspec.structs.replace(environment, only=each)
    raise UsageError(f"env.py has no round {name!r}", f"It has: {listed(each for each in rounds if each is not None)}.")


def each_round(environment: Environment, wanted: tuple[str, ...], *, url: str | None = None) -> tuple[Environment, ...]:
    """`environment` narrowed to each of its rounds that `wanted` names, as `chosen` does."""
    readings = chosen(read_rounds(environment, "heads", url=url, revisions=False), wanted)
    return tuple(msgspec.structs.replace(environment, only=each.round) for each in readings)


def of_one_database(environment: Environment, *, url: str | None = None) -> Reading:
    """Where the one database of `environment` is, or that of `url`; of several schemas in it, the first.

    No revision is rendered. Raises UsageError where env.py migrates several databases, and no `url` says which.
    """
    found = read_rounds(environment, "heads", url=url, revisions=False)
    if url is None and len({each.round.database for each in found if each.round is not None}) > 1:
        names = listed(each.round for each in found if each.round is not None)
        raise UsageError(f"env.py migrates several databases: {names}", "Name the one that is meant: --url.")
    return found[0]


def chosen(readings: tuple[Reading, ...], wanted: tuple[str, ...]) -> tuple[Reading, ...]:
    """The readings whose round has a name that one of `wanted` (patterns as of a shell) fits; all for ().

    Raises UsageError for a pattern that fits none, and for a target that leads nowhere from where one of them is.
    """
    rounds = [each.round for each in readings if each.round is not None]
    for pattern in wanted:
        if not any(fnmatchcase(each.name, pattern) for each in rounds):
            raise UsageError(f"--round {pattern}: env.py has no such round", _other(pattern, rounds))
    kept = tuple(each for each in readings if not wanted or (each.round and _fits(each.round.name, wanted)))
    for each in kept:
        if each.astray is not None:
            where = f" (round {each.round.name})" if each.round else ""
            raise type(each.astray)(f"{each.astray.message}{where}", each.astray.remedy)
    return kept


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _other(pattern: str, rounds: list[Round]) -> str:
    if not rounds:
        return "It migrates one database and schema in a run: leave --round out."
    near = nearest(pattern, (each.name for each in rounds))
    return f"Did you mean {near}?" if near else f"It has: {listed(rounds)}."
