"""The ignores of a plan: comments in its revisions and its SQL, and paths in the settings."""

import datetime
import fnmatch
import os
from collections.abc import Iterable, Iterator

import msgspec

from migsafe.lint.directive import Directive, directives
from migsafe.lint.source import Lines, Remark, Source, read_source
from migsafe.model.catalog import Relation
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Comment, Statement
from migsafe.settings import LintSettings, PathIgnore


class Ignore(msgspec.Struct, frozen=True):
    """A directive and what it is for: statements by their index in the plan, lines, or the whole file at `path`.

    `misplaced` says why it is for nothing. `seen`: all that it is for was in the plan, and used by the application
    before; that no finding was there then means something.
    """

    directive: Directive
    revision: str | None
    path: str | None
    line: int | None
    statements: frozenset[int] = frozenset()
    about: Lines | None = None
    misplaced: str | None = None
    seen: bool = False

    @property
    def silences(self) -> bool:
        return self.directive.problem is None and self.misplaced is None and bool(self.directive.reason)

    def covers(self, finding: Finding) -> bool:
        """Whether this is for `finding`, expired or not."""
        if not self.silences or finding.rule not in self.directive.rules or finding.path != self.path:
            return False
        if self.directive.whole_file:
            return finding.revision == self.revision
        if finding.statement is not None:
            return finding.statement in self.statements
        first, last = self.about or (0, -1)
        return finding.line is not None and first <= finding.line <= last


def ignores_of(plan: Plan, *, each_alone: bool) -> tuple[Ignore, ...]:
    """Every ignore comment in the files and the statements of `plan`, in its order. Reads the revision files."""
    found: list[Ignore] = []
    earlier: set[str] = set()
    for step in plan.steps:
        fresh = frozenset() if each_alone else frozenset(earlier)
        found += _in_file(plan, step, fresh)
        found += _in_sql(step, fresh)
        made = (item for statement in step.statements for item in statement.effects.creates)
        earlier |= {item.name for item in made if isinstance(item, Relation)}
    return tuple(found)


def _in_file(plan: Plan, step: Step, fresh: frozenset[str]) -> Iterator[Ignore]:
    source = read_source(step.path) if step.path.endswith(".py") else Source()
    # What is wrong with a comment in upgrade() is said where upgrade() is linted.
    down = plan.direction == "downgrade"
    for remark in (each for each in source.remarks if not (down and source.inside("upgrade", each.line))):
        for directive in directives(remark.text):
            whole = directive.whole_file
            on = [each for each in step.statements if whole or _is_on(each, remark.about)]
            # What is there for downgrade() cannot be seen in a plan of upgrade().
            other = "downgrade" if plan.direction == "upgrade" else "upgrade"
            complete = (bool(on) and not whole) or (whole and step.unreadable is None and other in source.idle)
            yield Ignore(
                directive,
                step.revision,
                step.path,
                remark.line,
                frozenset(each.index for each in on),
                remark.about,
                _misplaced(directive, remark),
                seen=complete and not any(_touches(each, fresh) for each in on),
            )


def _in_sql(step: Step, fresh: frozenset[str]) -> Iterator[Ignore]:
    for position, statement in enumerate(step.statements):
        for comment in statement.comments:
            at_top = position == 0 and comment.line is not None and comment.line < (statement.line or 0)
            for directive in directives(comment.text):
                on = step.statements if directive.whole_file else (statement,)
                yield Ignore(
                    directive,
                    statement.revision,
                    statement.path,
                    comment.line or statement.line,
                    frozenset(each.index for each in on),
                    misplaced=_misplaced_in_sql(directive, comment, at_top=at_top),
                    seen=not any(_touches(each, fresh) for each in on),
                )


def _is_on(statement: Statement, about: Lines | None) -> bool:
    return about is not None and statement.line is not None and about[0] <= statement.line <= about[1]


def _touches(statement: Statement, relations: frozenset[str]) -> bool:
    """Whether a statement is about a relation that an earlier revision of the plan makes: no rule speaks of those."""
    return not relations.isdisjoint(lock.relation for lock in statement.effects.locks)


def _misplaced(directive: Directive, remark: Remark) -> str | None:
    if directive.whole_file:
        return None if remark.header else "`ignore-file` stands at the top of a file, above the first statement of code"
    if remark.header:
        return "at the top of a file it is for the whole file, and is written `ignore-file`"
    return "it stands at no statement: neither on its lines nor directly above it" if remark.about is None else None


def _misplaced_in_sql(directive: Directive, comment: Comment, *, at_top: bool) -> str | None:
    if directive.whole_file:
        return None if at_top else "`ignore-file` stands at the top of a file, above the first statement"
    return "it stands at no statement: neither on its lines nor directly above it" if comment.apart else None


def accepted(
    finding: Finding, ignores: Iterable[Ignore], settings: LintSettings, today: datetime.date
) -> tuple[Finding, Ignore | None]:
    """`finding` with the reason for which it is ignored, and the comment that does so.

    Where the ignore has expired, the message says when; the comment is returned all the same.
    """
    late: str | None = None
    for ignore in ignores:
        if ignore.covers(finding):
            until = ignore.directive.until
            if until is None or until >= today:
                return _because(finding, ignore.directive.reason, until), ignore
            late = f"The ignore at {ignore.path or 'SQL'}:{ignore.line} expired on {until}."
    for entry in settings.ignore:
        if _is_for(entry, finding, settings.directory):
            if entry.until is None or entry.until >= today:
                return _because(finding, entry.reason, entry.until), None
            late = f"Its ignore in the settings ({entry.path}) expired on {entry.until}."
    said = f"{finding.message} {late}" if late else finding.message
    return msgspec.structs.replace(finding, message=said), None


def _because(finding: Finding, reason: str, until: datetime.date | None) -> Finding:
    return msgspec.structs.replace(finding, ignored_because=reason + (f" (until {until})" if until else ""))


def _is_for(entry: PathIgnore, finding: Finding, directory: str) -> bool:
    if finding.rule not in entry.rules or not finding.path:
        return False
    path = os.path.relpath(finding.path, directory).replace(os.sep, "/")
    pattern = entry.path.removeprefix("./")
    return fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, pattern.rstrip("/") + "/*")
