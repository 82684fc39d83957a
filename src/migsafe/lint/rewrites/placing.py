"""Where in its revision, or after it, each rewritten statement goes: that depends on what else the revision does."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from migsafe.model.catalog import Column, Constraint
from migsafe.model.effects import Effects, Object
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan, Step
from migsafe.model.rewrite import Rewrite
from migsafe.model.statement import Statement

_LATER = "a later statement of this revision works on the same table, and would come before it"


def placed(findings: Iterable[Finding], plan: Plan) -> tuple[Finding, ...]:
    """The findings, each rewrite told whether it must move into a revision of its own.

    An autocommit block commits what its revision did before, so that after a failure the revision can neither go on
    nor be run again: concurrent work stays where nothing transactional comes before it, and moves where it does.
    """
    found = tuple(findings)
    rewritten: dict[int, list[Rewrite]] = {}
    for finding in found:
        if finding.statement is not None and finding.rewrite is not None:
            rewritten.setdefault(finding.statement, []).append(finding.rewrite)
    if not rewritten:
        return found
    moved: set[int] = set()
    clashing: set[int] = set()
    for step in plan.steps:
        _place(step, rewritten, moved, clashing)
    return tuple(_told(finding, moved, clashing) for finding in found)


def _told(finding: Finding, moved: set[int], clashing: set[int]) -> Finding:
    rewrite = finding.rewrite
    if rewrite is None or finding.statement is None:
        return finding
    by_hand = rewrite.by_hand or (_LATER if finding.statement in clashing else None)
    changed = msgspec.structs.replace(rewrite, moved=finding.statement in moved, by_hand=by_hand)
    return msgspec.structs.replace(finding, rewrite=changed)


def _place(step: Step, rewritten: Mapping[int, Sequence[Rewrite]], moved: set[int], clashing: set[int]) -> None:
    after_transaction = False
    for position, statement in enumerate(step.statements):
        rewrites = [each for each in rewritten.get(statement.index, ()) if each.by_hand is None]
        concurrent = any(each.here.concurrent for each in rewrites)
        if statement.transaction is not None and concurrent and after_transaction:
            moved.add(statement.index)
        elif statement.transaction is not None and _counts(statement, rewrites):
            after_transaction = True
        following = step.statements[position + 1 :]
        is_moved = statement.index in moved
        overtaken = is_moved and _is_overtaken(statement, following, rewritten)
        if overtaken or (any(each.later for each in rewrites) and _is_undermined(statement, following)):
            clashing.add(statement.index)
            moved.discard(statement.index)
            after_transaction = after_transaction or statement.transaction is not None


def _counts(statement: Statement, rewrites: Sequence[Rewrite]) -> bool:
    """Whether the transaction will have done something once the statement is through."""
    if rewrites:
        return any(each.here.statements for each in rewrites)
    effects = statement.effects
    return not effects.settings or effects.changes_schema or bool(effects.writes)


def _is_undermined(statement: Statement, following: Iterable[Statement]) -> bool:
    """Whether what the later revision is to finish is gone by then, or is no longer what it was.

    New rows have to fit a constraint from the moment it is there, validated or not: writes change nothing.
    """
    relations, columns, constraints = set[str](), set[tuple[str, str]](), set[tuple[str, str]]()
    for made in (*statement.effects.creates, *(altered.after for altered in statement.effects.alters)):
        if isinstance(made, Column):
            columns.add((made.relation, made.name))
        elif isinstance(made, Constraint):
            constraints.add((made.relation, made.name))
            columns |= {(made.relation, name) for name in made.columns}
            columns |= {(made.references, name) for name in made.referenced_columns if made.references}
            relations |= {made.references} if made.references else set()
    relations |= {relation for relation, _ in columns | constraints}
    for effects in (each.effects for each in following):
        gone = [*effects.drops, *(rename.old for rename in effects.renames)]
        if any(each.name in relations if each.of is None else _is_part(each, columns, constraints) for each in gone):
            return True
        if any(
            isinstance(each.after, Column) and (each.after.relation, each.after.name) in columns
            for each in effects.alters
        ):
            return True
    return False


def _is_part(gone: Object, columns: set[tuple[str, str]], constraints: set[tuple[str, str]]) -> bool:
    return (gone.of or "", gone.name) in (columns if gone.kind == "column" else constraints)


def _is_overtaken(
    statement: Statement, following: Iterable[Statement], rewritten: Mapping[int, Sequence[Rewrite]]
) -> bool:
    """Whether a statement that stays would find the table otherwise than it does now."""
    relations = _tables(statement.effects)
    stay = [each for each in following if not _leaves(rewritten.get(each.index, ()))]
    return any(_disturbs(each.effects, relations) for each in stay)


def _leaves(rewrites: Iterable[Rewrite]) -> bool:
    return any(each.by_hand is None and (each.here.concurrent or each.later) for each in rewrites)


def _disturbs(effects: Effects, relations: set[str]) -> bool:
    keys = {made.references for made in effects.creates if isinstance(made, Constraint)}
    changes = effects.drops or effects.renames or effects.alters or effects.writes or effects.truncates
    return bool((changes or effects.validates) and relations & _tables(effects)) or bool(keys & relations)


def _tables(effects: Effects) -> set[str]:
    return {lock.relation for lock in effects.locks if "index" not in lock.kind} | {
        write.relation for write in effects.writes
    }
