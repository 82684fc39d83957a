"""preview.sql: every statement of a plan, where it was written, and what it locks."""

from collections.abc import Callable

from migsafe.formats import locks, words
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement


def preview(plan: Plan, layout: Callable[[str], str] = str) -> str:
    """The text of preview.sql. `layout` formats one statement (this format does not parse SQL).

    The file is for reading: it does not write the version table, so running it is not an upgrade.
    """
    sentences = locks.in_words(plan)
    start = [
        _comment(f"{plan.direction} {words.heads(plan.current)} -> {words.heads(plan.target)}, {_size(plan)}"),
        _comment("For reading. Running this file would not record the revisions in the version table."),
    ]
    parts = ["\n".join(start), *(_step(step, sentences, layout) for step in plan.steps)]
    return "\n\n".join(parts) + "\n"


def _size(plan: Plan) -> str:
    return f"{words.count(len(plan.steps), 'revision')}, {words.count(len(plan.statements), 'statement')}"


def _step(step: Step, sentences: dict[int, tuple[str, ...]], layout: Callable[[str], str]) -> str:
    head = [_comment(f"revision {step.revision} {step.path}"), *([_comment(step.doc)] if step.doc else [])]
    head += [_comment(note) for note in step.notes]
    parts = ["\n".join(head)]
    open_transaction: int | None = None
    for statement in step.statements:
        parts += _boundary(open_transaction, statement.transaction)
        open_transaction = statement.transaction
        parts.append(_statement(statement, sentences[statement.index], layout))
    parts += _boundary(open_transaction, None)
    if step.unreadable:
        parts.append(_comment(f"NOT READ from here on: {step.unreadable}"))
    return "\n\n".join(parts)


def _boundary(before: int | None, now: int | None) -> list[str]:
    if before == now:
        return []
    return [*(["COMMIT;"] if before is not None else []), *(["BEGIN;"] if now is not None else [])]


def _statement(statement: Statement, sentences: tuple[str, ...], layout: Callable[[str], str]) -> str:
    where = [statement.place, statement.operation or "", "" if statement.transaction is not None else "(autocommit)"]
    comments = [" ".join(part for part in (f"revision {statement.revision}", *where) if part), *sentences]
    return "\n".join([*(_comment(comment) for comment in comments), _ended(layout(statement.sql).strip())])


def _comment(text: str) -> str:
    return f"-- {words.one_line(text, width=None)}"


def _ended(sql: str) -> str:
    if sql.endswith(";"):
        return sql
    # A semicolon behind a `--` comment would be part of the comment.
    return f"{sql}\n;" if "--" in sql.rpartition("\n")[2] else f"{sql};"
