"""Findings mended in the revision files themselves: which can be, what the files are then, and writing them."""

import contextlib
import difflib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from migsafe.errors import RevisionError, UsageError
from migsafe.lint.rewrites.placing import placed
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan, Step
from migsafe.model.rewrite import Rewrite
from migsafe.revisions.config import Environment, relative
from migsafe.revisions.edit import Change, RevisionFile
from migsafe.revisions.edit_second import NewRevision, after_another, new_revision

_AGAIN = "Nothing was changed. Run the same command again."


class FileFix(msgspec.Struct, frozen=True):
    """A file as it is (`before`; None: it is not there yet) and as it should be."""

    path: Path
    before: bytes | None
    after: bytes


class Left(msgspec.Struct, frozen=True):
    """A finding whose safe form is known, and why a person has to write it."""

    finding: Finding
    because: str


class Fixes(msgspec.Struct, frozen=True):
    """What can be mended, as whole files; what cannot."""

    files: tuple[FileFix, ...] = ()
    fixed: tuple[Finding, ...] = ()
    left: tuple[Left, ...] = ()


def find_fixes(environment: Environment, plan: Plan, findings: Iterable[Finding]) -> Fixes:
    """What can be mended of the errors and warnings among `findings` that nobody ignored.

    Reads the revision files; writes nothing. Raises RevisionError for a file that cannot be read or edited.
    """
    found = tuple(
        each
        for each in findings
        if each.rewrite is not None and each.ignored_because is None and each.severity != "info"
    )
    files = _Files()
    fixed: list[Finding] = []
    left: list[Left] = []
    for step in plan.steps:
        of_step = tuple(each for each in found if each.revision == step.revision)
        if not of_step:
            continue
        path = Path(step.path).resolve()
        file = RevisionFile(Path(step.path), files.now(path))
        judged = _judged(file, plan, step, of_step)
        left += [Left(each, each.rewrite.by_hand) for each in judged if each.rewrite and each.rewrite.by_hand]
        doable = tuple(each for each in judged if each.rewrite and not each.rewrite.by_hand)
        if doable:
            content, second = file.changed(_changes(step, doable))
            files.change(path, content)
            fixed += doable
            if second:
                files.follow(step.revision, new_revision(environment, step.revision, second))
    return Fixes(files.changed(), tuple(fixed), tuple(left))


class _Files:
    """The contents of files while they are changed."""

    def __init__(self) -> None:
        self._before: dict[Path, bytes] = {}
        self._after: dict[Path, bytes] = {}
        self._new: list[FileFix] = []

    def now(self, path: Path) -> bytes:
        if path not in self._after:
            self._before[path] = self._after[path] = _read(path)
        return self._after[path]

    def change(self, path: Path, content: bytes) -> None:
        try:
            compile(content, str(path), "exec")
        except SyntaxError as error:
            raise RevisionError(f"{relative(path)}: the fix would not be valid Python: {error}", None) from None
        self._after[path] = content

    def follow(self, revision: str, new: NewRevision) -> None:
        self._new.append(FileFix(new.path, None, new.text.encode()))
        for follower in new.followers:
            path = follower.resolve()
            self.change(path, after_another(self.now(path), Path(relative(path)), revision, new.revision))

    def changed(self) -> tuple[FileFix, ...]:
        changed = [FileFix(path, self._before[path], after) for path, after in self._after.items()]
        return (*self._new, *(each for each in changed if each.before != each.after))


def _judged(file: RevisionFile, plan: Plan, step: Step, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings, those that cannot be mended here `by_hand`; the others placed as if these stayed what they are."""
    whole = msgspec.structs.replace(plan, steps=(step,))
    while True:
        findings = placed(findings, whole)
        refused = {each.fingerprint: _refusal(file, step, each) for each in findings}
        judged = tuple(_by_hand(each, refused[each.fingerprint]) for each in findings)
        if judged == findings:
            return judged
        findings = judged


def _refusal(file: RevisionFile, step: Step, finding: Finding) -> str | None:
    assert finding.rewrite is not None
    if finding.rewrite.by_hand:
        return finding.rewrite.by_hand
    if step.unreadable:
        return "the revision could not be read to its end"
    if finding.line is None or finding.path != step.path:
        return "its line is not known"
    return file.refusal(_change(step, finding.statement, finding.rewrite))


def _by_hand(finding: Finding, because: str | None) -> Finding:
    assert finding.rewrite is not None
    return msgspec.structs.replace(finding, rewrite=msgspec.structs.replace(finding.rewrite, by_hand=because))


def _changes(step: Step, findings: Iterable[Finding]) -> list[Change]:
    """One change a statement, in their order: of two rewrites of one statement the one that does more."""
    best: dict[int, Rewrite] = {}
    for finding in findings:
        assert finding.rewrite is not None
        assert finding.statement is not None
        known = best.get(finding.statement)
        if known is None or _lines(finding.rewrite) > _lines(known):
            best[finding.statement] = finding.rewrite
    return [_change(step, index, best[index]) for index in sorted(best)]


def _lines(rewrite: Rewrite) -> int:
    return len(rewrite.here.lines + rewrite.later.lines)


def _change(step: Step, index: int | None, rewrite: Rewrite) -> Change:
    statement = next(each for each in step.statements if each.index == index)
    same = [each for each in step.statements if (each.path, each.line) == (statement.path, statement.line)]
    return Change(statement.line or 0, statement.operation, statement.sql, rewrite, alone=len(same) == 1)


def diff(fixes: Fixes) -> str:
    """A unified diff that `git apply` takes in the working directory; empty when there is nothing to change."""
    return "".join(part for each in fixes.files for part in _diff(each))


def _diff(each: FileFix) -> Iterator[str]:
    name = relative(each.path)
    before = (each.before or b"").decode(errors="replace").splitlines(keepends=True)
    after = each.after.decode(errors="replace").splitlines(keepends=True)
    source = "/dev/null" if each.before is None else f"a/{name}"
    for line in difflib.unified_diff(before, after, source, f"b/{name}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def write(fixes: Fixes, since: float) -> None:
    """Write the files: all of them beside their places first, then each into its place.

    `since` is when the revisions were read (seconds since 1970): a file changed after that is not the one that was
    linted. Raises UsageError for one that changed, exists or may not be written; then nothing is changed.
    """
    for each in fixes.files:
        _refuse_to_write(each, since)
    written: dict[Path, Path] = {}
    try:
        for each in fixes.files:
            written[each.path] = _beside(each, like=fixes.files[-1].path)
        for path, temporary in written.items():
            temporary.replace(path)
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}", "Mend that, then run the same command again.") from None
    finally:
        for temporary in written.values():
            with contextlib.suppress(OSError):
                temporary.unlink()


def _refuse_to_write(each: FileFix, since: float) -> None:
    name = relative(each.path)
    if each.before is None:
        if each.path.exists():
            raise UsageError(f"{name} is there already", "Move it away, or finish what it began.")
        return
    status = each.path.stat()
    if status.st_mtime > since or _read(each.path) != each.before:
        raise UsageError(f"{name} changed while it was being linted", _AGAIN)
    if not status.st_mode & 0o222 or not os.access(each.path, os.W_OK):
        raise UsageError(f"{name} is read-only", "Nothing was changed. Make it writable, or take --diff.")


def _beside(each: FileFix, like: Path) -> Path:
    """The new content in a file of the same folder, with the permissions that it will have."""
    mode = (each.path if each.before is not None else like).stat().st_mode & 0o777
    with tempfile.NamedTemporaryFile(dir=each.path.parent, prefix=f".{each.path.name}.", delete=False) as file:
        path = Path(file.name)
        try:
            file.write(each.after)
            file.flush()
            os.fsync(file.fileno())
            path.chmod(mode)
        except OSError:
            path.unlink()
            raise
    return path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RevisionError(f"{relative(path)} cannot be read: {error.strerror}", None) from None
