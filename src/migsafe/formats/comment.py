"""One comment for a pull request: findings with fixes, then the plan with its SQL and locks, within GitHub's limit."""

import html
from collections.abc import Callable, Sequence

from migsafe.formats import locks, markup, words
from migsafe.formats.frame import Files, Span, frame, spans
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement

# What the API of GitHub answers to more: "body is too long (maximum is 65536 characters)".
LIMIT = 65_536
NOTHING = "<!-- nothing to say -->"
# For the sentences that say what was left out.
_RESERVE = 1_200
_MESSAGE, _FIX, _SQL, _LINE, _NAME = 1_500, 3_000, 4_000, 200, 300
_WORST_FIRST = ("error", "warning", "info")


def marker(root: str) -> str:
    """The first line of the comment, which nobody sees, and by which a script finds it again."""
    return f"<!-- migsafe lint {root or '.'} -->".replace("\n", " ")


def render(plan: Plan, findings: tuple[Finding, ...], files: Files) -> str:
    """The comment. Where it would be longer than GitHub takes, the end of it says what was left out.

    Its second line is NOTHING when there is no revision and no finding: then nobody needs to be told.
    """
    still = [finding for finding in findings if finding.ignored_because is None]
    still.sort(key=lambda finding: _WORST_FIRST.index(finding.severity))
    accepted = [finding for finding in findings if finding.ignored_because is not None]
    head = _head(plan, still, accepted, files)
    room = LIMIT - _RESERVE - size(head)
    steps = _steps(plan, files, _with_sql)
    placed = zip(still, spans(plan, tuple(still), files), strict=True)
    found, left = _fitting([_finding(*each, files) for each in placed], max(room - _sum(steps), room * 2 // 3))
    room -= _sum(found)
    parts = [head, *found, *([_left_out(still[len(still) - left :])] if left else [])]
    if accepted:
        parts.append(_accepted(accepted, min(room // 2, 8_000), files))
        room -= size(parts[-1])
    if plan.steps:
        parts.append(_plan(plan, steps, room, files))
    return "\n\n".join(parts) + "\n"


def size(text: str) -> int:
    """Characters as the strictest reader counts them: units of UTF-16."""
    return len(text.encode("utf-16-le", errors="replace")) // 2


def _sum(blocks: Sequence[str]) -> int:
    return sum(size(block) + 2 for block in blocks)


def _fitting(blocks: Sequence[str], room: int) -> tuple[list[str], int]:
    """The first of `blocks` that have room together, and how many are left out."""
    taken: list[str] = []
    for block in blocks:
        room -= size(block) + 2
        if room < 0:
            break
        taken.append(block)
    return taken, len(blocks) - len(taken)


def _head(plan: Plan, still: Sequence[Finding], accepted: Sequence[Finding], files: Files) -> str:
    counts = words.severities(still) or ["nothing found"]
    counts += [f"{len(accepted)} accepted"] if accepted else []
    way = " → ".join(markup.code(_clipped(words.heads(heads), _NAME)) for heads in (plan.current, plan.target))
    way = f"{way}: " if any(step.revision for step in plan.steps) else ""
    about = [words.steps(plan), words.count(len(plan.statements), "statement")]
    about += [f"PostgreSQL {plan.server_version}"] if plan.server_version else []
    hidden = [marker(files.root), *([NOTHING] if not plan.steps and not still else [])]
    return "\n".join([*hidden, f"### migsafe lint: {', '.join(counts)}", "", f"{way}{', '.join(about)}."])


def _finding(finding: Finding, span: Span | None, files: Files) -> str:
    where = markup.code(_clipped(_place(finding, files), _NAME))
    said = _text(_clipped(finding.message, _MESSAGE))
    source = files.text(finding.path)
    shown: list[str] = []
    if source is not None and span is not None:
        framed = frame(source, span)
        lines = [(text, framed.mark if number == framed.marked else None) for number, text in framed.lines]
        code = [line[:_LINE] for text, mark in lines for line in (text, mark) if line is not None]
        shown = ["", *markup.fence("\n".join(code), "text")]
    return "\n".join(
        [
            f"**{finding.severity}** {markup.code(finding.rule)} at {where}: {said}",
            "",
            *_folded("Fix", [_text(_clipped(words.fix(finding), _FIX)), *shown]),
        ]
    )


def _left_out(findings: Sequence[Finding]) -> str:
    counts = words.listed(words.severities(findings))
    return f"**{counts} left out here:** a comment may have {LIMIT:,} characters. `migsafe lint` prints every finding."


def _accepted(findings: Sequence[Finding], room: int, files: Files) -> str:
    lines = [
        f"- {markup.code(finding.rule)} at {markup.code(_clipped(_place(finding, files), _NAME))}: "
        f"{_text(_clipped(finding.ignored_because or '', _NAME))}"
        for finding in findings
    ]
    shown, left = _fitting(lines, room)
    rest = [f"- and {left} more, left out here"] if left else []
    return "\n".join(_folded(f"{len(findings)} accepted", [*shown, *rest]))


def _plan(plan: Plan, steps: Sequence[str], room: int, files: Files) -> str:
    title = f"Plan: {words.steps(plan)}, {words.count(len(plan.statements), 'statement')}"
    shown, notes = list(steps), []
    if _sum(shown) > room:
        shown, left = _fitting(_steps(plan, files, _without_sql), room)
        notes.append("SQL left out here: `migsafe preview` prints it.")
        notes += [f"The last {words.count(left, 'revision')} left out here, too."] if left else []
    return "\n".join(_folded(title, ["\n\n".join([*shown, *notes])]))


def _steps(plan: Plan, files: Files, statement: Callable[[Statement, Sequence[str]], list[str]]) -> list[str]:
    sentences = locks.in_words(plan)
    return [
        "\n".join(_step(step, files, [statement(s, sentences[s.index]) for s in step.statements]))
        for step in plan.steps
    ]


def _step(step: Step, files: Files, statements: Sequence[Sequence[str]]) -> list[str]:
    doc = _text(_clipped(step.doc, _NAME))
    path = markup.code(_clipped(files.from_root(step.path), _NAME))
    lines = [f"**{markup.code(step.revision)}** {doc} ({path})" if step.revision else f"**{path}**"]
    lines += ["", f"Not read: {_text(_clipped(step.unreadable, _MESSAGE))}"] if step.unreadable else []
    for statement in statements:
        lines += ["", *statement]
    return lines


def _without_sql(statement: Statement, sentences: Sequence[str]) -> list[str]:
    where = f"line {statement.line}" if statement.line else "line unknown"
    operation = f", {markup.code(statement.operation)}" if statement.operation else ""
    return [f"- {where}{operation}: {_text(_clipped('; '.join(sentences), _MESSAGE))}"]


def _with_sql(statement: Statement, sentences: Sequence[str]) -> list[str]:
    sql = markup.fence(_clipped(statement.sql, _SQL), "sql")
    return [*_without_sql(statement, sentences), "", *(f"  {line}".rstrip() for line in sql)]


def _place(finding: Finding, files: Files) -> str:
    path = files.from_root(finding.path) if finding.path else "SQL"
    return f"{path}:{finding.line}" if finding.line else path


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    # A summary is HTML; a blank line behind it makes what follows Markdown again.
    return [f"<details><summary>{html.escape(title)}</summary>", "", *lines, "", "</details>"]


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length:,} more characters)"


def _text(text: str) -> str:
    # Nobody of that name shall get a notification. (Within code nobody does.)
    if text.count("`") % 2:
        return markup.text(text).replace("@", "@<!-- -->")
    pieces = markup.prose(text).split("`")
    return "`".join(piece if number % 2 else piece.replace("@", "@<!-- -->") for number, piece in enumerate(pieces))
