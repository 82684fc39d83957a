"""Values as a person says them: durations, sizes, counts, one line of SQL."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from migsafe.model.findings import Finding, Severity
from migsafe.model.locks import LockMode
from migsafe.model.plan import Plan
from migsafe.model.report import Report
from migsafe.model.run import Blocker

# Names, comments and messages come from files and servers; an escape sequence in one must not reach a terminal.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def near(path: str) -> str:
    """`path` as a person in the working directory would type it."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def plain(text: str) -> str:
    """`text` with control characters spelled out, line breaks and tabs kept."""
    return text.replace("\r\n", "\n").translate(_CONTROL)


def one_line(text: str, width: int | None = 100) -> str:
    """`text` on one line, cut to `width` characters with an ellipsis (None: not cut)."""
    line = plain(" ".join(text.split()))
    return line if width is None or len(line) <= width else line[: width - 1].rstrip() + "…"


def duration(seconds: float) -> str:
    """`0.41 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _pair(whole, 60, "min", "s")
    minutes = round(whole / 60)
    return _pair(minutes, 60, "h", "min") if minutes < 2 * 24 * 60 else _pair(round(minutes / 60), 24, "d", "h")


def _pair(value: int, step: int, large: str, small: str) -> str:
    whole, rest = divmod(value, step)
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"


def size(count: int) -> str:
    """Bytes as `pg_size_pretty()` has them, in powers of 1024: `812 bytes`, `1.2 MB`, `20 GB`."""
    if count < 1024:
        return f"{count} bytes"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1024
        if value < 1024:
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{value / 1024:.1f} TB"


def count(number: int, noun: str) -> str:
    """`1 revision`, `2,000 revisions`, `3 indexes`."""
    plural = f"{noun}es" if noun.endswith(("x", "ss")) else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def severities(findings: Iterable[Finding]) -> list[str]:
    """`1 error`, `2 warnings` of those that are not accepted; nothing for a severity that none has."""
    still = Counter(finding.severity for finding in findings if finding.ignored_because is None)
    nouns: tuple[Severity, ...] = ("error", "warning", "info")
    return [count(still[noun], noun) for noun in nouns if still[noun]]


def steps(plan: Plan) -> str:
    """`3 revisions`, `1 file`, `1 revision and 2 files`: what the statements of a plan were written in."""
    files = sum(not step.revision for step in plan.steps)
    revisions = len(plan.steps) - files
    parts = [count(revisions, "revision")] if revisions or not files else []
    return listed([*parts, count(files, "file")] if files else parts)


def fix(finding: Finding) -> str:
    """The fix in the language of the file: SQL where the statement stands in SQL, Alembic's API elsewhere."""
    rewrite = finding.rewrite
    if finding.revision or rewrite is None or not (rewrite.sql or rewrite.next_sql):
        return finding.fix
    now, later = (f"`{'; '.join(sql)}`" for sql in (rewrite.sql, rewrite.next_sql))
    outside = " outside of a transaction" if rewrite.autocommit else ""
    if not rewrite.sql:
        return f"Leave it out here, and write {later} in a later file."
    return f"Write {now}{outside}{f', and {later} in a later file' if rewrite.next_sql else ''}."


def listed(items: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *rest, last = tuple(items) or ("nothing",)
    return f"{', '.join(rest)} and {last}" if rest else last


def heads(revisions: tuple[str, ...]) -> str:
    return ", ".join(revisions) or "base"


def mode(text: str) -> str:
    """A lock mode as the manual spells it, from either spelling; other texts as they are."""
    try:
        return LockMode(text).text
    except ValueError:
        return text


def elapsed(report: Report) -> float | None:
    """Seconds between the start and the end of a report, None where one is not (yet) a time."""
    try:
        began = datetime.fromisoformat(report.began or report.started)
        return (datetime.fromisoformat(report.ended) - began).total_seconds()
    except (ValueError, TypeError):
        return None


def time(iso: str) -> str:
    """`2026-01-31 02:13:07 UTC` of an ISO 8601 time in UTC; what is no time as it is."""
    return f"{match[1]} {match[2]} UTC" if (match := re.match(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)", iso)) else iso


def blocker(session: Blocker, *others: Blocker) -> str:
    """Who is in the way, with which lock on what, for how long; what this role may not see is said to be so.

    `others` are the same session's locks on more relations.
    """
    who = f"prepared transaction {session.gid!r}" if session.pid == 0 else f"pid {session.pid}"
    about = [session.application, session.user and f"user {session.user}", session.address]
    about.append(_state(session))
    held = listed(dict.fromkeys(_lock(each) for each in (session, *others)))
    query = f": {one_line(session.query, 60)}" if session.query else ""
    return plain(f"{who} ({', '.join(part for part in about if part)}) {held}{query}")


def _state(session: Blocker) -> str:
    state = session.state or "state not visible to this role"
    return f"{state} for {duration(session.age)}" if session.age is not None else state


def _lock(session: Blocker) -> str:
    if not session.mode:
        return "waits in our way" if session.waits_for else "is in the way"
    on = f" on {session.relation}" if session.relation else ""
    return f"{'holds' if session.granted else 'waits for'} {mode(session.mode)}{on}"
