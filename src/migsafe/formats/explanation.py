"""What each statement does, as one tells it to a colleague: who waits for what, how much work, what is lost."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from rich.console import Console

from migsafe.formats import words
from migsafe.formats.hazards import STYLES
from migsafe.formats.lines import Part, heading, say
from migsafe.model.catalog import Catalog, Relation
from migsafe.model.effects import Effects
from migsafe.model.findings import Finding
from migsafe.model.locks import Lock, LockMode
from migsafe.model.plan import Plan
from migsafe.model.statement import Statement

_WIDTH = 13
_MANY = 6
_CONTEXT = "What is not certain would be with --schema FILE or --url URL."


class _Seen(msgspec.Struct, frozen=True):
    """`shared` are transactions of several statements, `new` relations that a statement before made: nobody's yet."""

    shared: frozenset[int]
    new: frozenset[str] = frozenset()


def explanation(plan: Plan, findings: Iterable[Finding], catalog: Catalog, console: Console) -> None:
    """Every statement with its locks, its work, what it destroys, and what lint says of it.

    `catalog` is the schema before the first statement: sizes are from there.
    """
    by_statement: dict[int | None, list[Finding]] = {}
    for finding in findings:
        by_statement.setdefault(finding.statement, []).append(finding)
    several = len(plan.statements) > 1
    ordinals = Counter(statement.transaction for statement in plan.statements)
    seen = _Seen(frozenset(ordinal for ordinal, number in ordinals.items() if ordinal is not None and number > 1))
    for statement in plan.statements:
        _statement(statement, catalog, seen, several, console)
        for finding in by_statement.get(statement.index, ()):
            _finding(finding, console)
        seen = _after(seen, statement.effects, catalog)
    if several:
        _summary(plan, tuple(each for many in by_statement.values() for each in many), console)
    if not catalog.complete and any(statement.effects.conditions for statement in plan.statements):
        say(console, "")
        say(console, (_CONTEXT, "dim"))


def _after(seen: _Seen, effects: Effects, catalog: Catalog) -> _Seen:
    made = {item.name for item in effects.creates if isinstance(item, Relation)} - {
        *catalog.relations,
        *effects.perhaps,
    }
    made |= {rename.new.label for rename in effects.renames if rename.old.label in seen.new}
    return msgspec.structs.replace(seen, new=seen.new | made) if made else seen


def _statement(statement: Statement, catalog: Catalog, seen: _Seen, several: bool, console: Console) -> None:
    if statement.index:
        console.print()
    place = f"{statement.place}  " if statement.path else f"line {statement.line}  " if several else ""
    say(console, (place, "dim"), (words.one_line(statement.sql), "bold"), hang=4)
    for label, parts in _facts(statement, catalog, seen):
        say(console, (f"{label:<{_WIDTH}}", "dim"), *parts, indent=2, hang=2 + _WIDTH)


Fact = tuple[str, tuple[Part, ...]]


def _facts(statement: Statement, catalog: Catalog, seen: _Seen) -> Iterator[Fact]:
    effects = statement.effects
    yield from _locks(statement, catalog, seen)
    yield from _listed("rewrites", (_sized(name, catalog, seen) for name in effects.rewrites), "yellow")
    read = [name for name in effects.scans if name not in effects.rewrites]
    yield from _listed("reads", (f"all of {_sized(name, catalog, seen)}" for name in read), "yellow")
    yield from _listed("builds", _builds(effects, catalog, seen), "")
    if effects.waits_for:
        yield "waits for", (f"{words.listed(effects.waits_for)} to end",)
    yield from _listed("changes", _writes(effects, catalog, seen), "")
    yield from _listed("destroys", _destroyed(effects, catalog, seen), "bold red")
    if not effects.in_transaction:
        inside = "it cannot run inside a transaction block, and here it stands in one"
        alone = "it cannot run inside a transaction block"
        yield "transaction", ((alone, "yellow") if statement.transaction is None else (inside, "bold red"),)
    yield from _listed("not certain", effects.conditions, "magenta")
    if effects.unknown:
        yield "not known", ((effects.unknown, "magenta"),)


def _listed(label: str, items: Iterable[str], style: str) -> Iterator[Fact]:
    found = list(dict.fromkeys(items))
    for number, item in enumerate(found[:_MANY]):
        yield label if number == 0 else "", ((item, style),)
    if len(found) > _MANY:
        yield "", ((f"and {len(found) - _MANY} more", style),)


def _locks(statement: Statement, catalog: Catalog, seen: _Seen) -> Iterator[Fact]:
    effects = statement.effects
    locks = [lock for lock in _strongest(effects.locks) if lock.relation not in seen.new]
    felt = _felt(locks, effects)
    lines: list[tuple[Part, ...]] = [_lock(lock, statement, catalog, seen) for lock in felt[:_MANY]]
    if len(felt) > _MANY:
        lines.append((f"the same on {_few([lock.relation for lock in felt[_MANY:]])}",))
    quiet = [lock for lock in locks if lock not in felt]
    tables = [lock for lock in quiet if "index" not in lock.kind]
    indexes = [lock for lock in quiet if "index" in lock.kind and lock.mode.blocks_writes]
    if tables:
        lines.append((f"{_by_mode(tables)}: {_who_goes_on(effects)}",))
    if indexes:
        lines.append((_of_indexes(indexes, effects),))
    if not locks and effects.unknown is None:
        lines.append((("nothing that anybody waits for", "green"),))
    yield from (("locks" if number == 0 else "", line) for number, line in enumerate(lines))


def _strongest(locks: Sequence[Lock]) -> list[Lock]:
    """The strongest lock of each relation, the strongest first."""
    found: dict[str, Lock] = {}
    for lock in sorted(locks, key=lambda lock: -lock.mode.strength):
        found.setdefault(lock.relation, lock)
    return list(found.values())


def _felt(locks: Sequence[Lock], effects: Effects) -> list[Lock]:
    """The locks for which reads or writes wait.

    Planning a query opens every index of its table, so that one under ACCESS EXCLUSIVE stops reads of the table too
    (manual, REINDEX); what CONCURRENTLY takes on an index at its end, nobody uses any more.
    """
    tables = [lock for lock in locks if lock.mode.blocks_writes and "index" not in lock.kind]
    if effects.concurrently or any(lock.mode.blocks_reads for lock in tables):
        return tables
    return [lock for lock in locks if lock in tables or ("index" in lock.kind and lock.mode.blocks_reads)]


def _lock(lock: Lock, statement: Statement, catalog: Catalog, seen: _Seen) -> tuple[Part, ...]:
    kind = "" if lock.kind == "table" else f"{lock.kind} "
    unnamed = "" if _is_named(lock.relation, statement.sql) else ", which the statement does not name"
    of = " of its table" if "index" in lock.kind else ""
    who = f"reads and writes{of} wait" if lock.mode.blocks_reads else "writes wait, reads go on"
    style = "bold red" if lock.mode.blocks_reads else "yellow"
    on = f"{lock.mode.text} on {kind}{_sized(lock.relation, catalog, seen)}{unnamed}"
    return f"{on}: ", (f"{who}, {_how_long(lock, statement, seen)}", style)


def _how_long(lock: Lock, statement: Statement, seen: _Seen) -> str:
    effects = statement.effects
    working = effects.rewrites or effects.scans or any(not build.concurrently for build in effects.builds)
    if lock.relation in effects.transient:
        return "for a moment"
    if statement.transaction in seen.shared:
        return "until the transaction ends" + (", and longer than the work below" if working else "")
    if lock.relation in effects.rewrites:
        return "until it is rewritten"
    if any(build.table == lock.relation for build in effects.builds):
        return "until the index is built"
    if lock.relation in effects.scans:
        return "until it is read"
    return "until the work below is done" if working else "briefly, from the moment it asks for the lock"


def _by_mode(locks: Sequence[Lock]) -> str:
    modes: dict[LockMode, list[str]] = {}
    for lock in locks:
        modes.setdefault(lock.mode, []).append(lock.relation)
    return "; ".join(f"{mode.text} on {_few(names)}" for mode, names in modes.items())


def _who_goes_on(effects: Effects) -> str:
    others = ", but who changes the same rows waits" if effects.writes else ""
    return f"reads and writes go on{others}"


def _of_indexes(locks: Sequence[Lock], effects: Effects) -> str:
    when = ", at the end, when nobody uses them any more" if effects.concurrently else ""
    return f"of indexes: {_by_mode(locks)}{when}"


def _is_named(relation: str, sql: str) -> bool:
    bare = re.escape(relation.rpartition(".")[2])
    return re.search(rf"(?<!\w){bare}(?!\w)", sql, re.IGNORECASE) is not None


def _few(names: Sequence[str]) -> str:
    rest = len(names) - _MANY
    return words.listed(names) if rest <= 0 else words.listed([*names[:_MANY], f"{rest} more"])


def _sized(name: str, catalog: Catalog, seen: _Seen) -> str:
    """`public.orders (12 GB, about 3,000,000 rows)` as far as that is known."""
    known = catalog.relations.get(name)
    if name in seen.new or known is None:
        return name
    facts = [words.size(known.bytes)] if known.bytes else []
    facts += (
        [f"about {known.rows:,.0f} rows"] if known.rows else ["empty"] if known.rows == 0 and known.bytes == 0 else []
    )
    return f"{name} ({', '.join(facts)})" if facts else name


def _builds(effects: Effects, catalog: Catalog, seen: _Seen) -> Iterator[str]:
    for build in effects.builds:
        how = ", without making writes wait" if build.concurrently else ""
        method = "" if build.method == "btree" else f"{build.method} "
        yield f"{method}index {build.index} from all of {_sized(build.table, catalog, seen)}{how}"


def _writes(effects: Effects, catalog: Catalog, seen: _Seen) -> Iterator[str]:
    for write in effects.writes:
        how = "every row" if write.whole else "rows"
        yield f"{how} of {_sized(write.relation, catalog, seen)} ({write.command})"


def _destroyed(effects: Effects, catalog: Catalog, seen: _Seen) -> Iterator[str]:
    dropped = {gone.label for gone in effects.drops}
    for gone in effects.destroys:
        label = gone.label if gone.of else _sized(gone.name, catalog, seen)
        if gone.kind == "rows":
            yield f"every row of {label}"
        elif gone.label in dropped:
            yield f"{gone.kind} {label}, with what is in it"
        else:
            yield f"what is in {gone.kind} {label}"


def _finding(finding: Finding, console: Console) -> None:
    margin = 2 + _WIDTH
    say(console, (f"{finding.severity:<{_WIDTH}}", STYLES[finding.severity]), (finding.rule, "bold"), indent=2)
    say(console, finding.message, indent=margin)
    say(console, ("safe form: ", "bold"), finding.fix, indent=margin, hang=margin + 2)


def _summary(plan: Plan, findings: Sequence[Finding], console: Console) -> None:
    counts = words.severities(findings)
    heading(console, words.count(len(plan.statements), "statement"), *(counts or ["nothing found"]))
