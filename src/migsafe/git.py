"""What git knows of a folder: the files that are new or changed since another branch went its own way."""

import os
import shutil
import subprocess
from pathlib import Path

import msgspec

from migsafe.errors import ToolMissing, UsageError

_FETCH = "Fetch it: git fetch origin {branch}. In CI: actions/checkout with `fetch-depth: 0`, GitLab with GIT_DEPTH: 0."


class Changes(msgspec.Struct, frozen=True):
    """Absolute paths of files that were added, changed, or renamed and changed, untracked ones too; and a remark."""

    paths: frozenset[Path]
    note: str | None = None


def changed_since(ref: str, folder: Path, *, only_new: bool = False) -> Changes:
    """The files of the working tree around `folder` that differ from the merge base of HEAD and `ref`.

    A file that was only renamed has not changed. In a shallow clone without a merge base the commit of `ref` itself is
    compared. With `only_new` a file that is there too, under whatever name, does not count. Raises UsageError where
    `folder` is in no repository or git does not know `ref`, ToolMissing without git.
    """
    top = Path(_asked(folder, "rev-parse", "--show-toplevel").removesuffix("\n"))
    base, note = _base(ref, top)
    kinds = "--diff-filter=A" if only_new else "--diff-filter=d"
    told = _asked(top, "diff", "--no-ext-diff", "--no-relative", "--name-status", "-z", "-M", kinds, base, "--")
    untracked = _asked(top, "ls-files", "--others", "--exclude-standard", "-z")
    names = [*_changed(told.split("\0")), *untracked.split("\0")]
    return Changes(frozenset((top / name).resolve() for name in names if name), note)


def _changed(fields: list[str]) -> list[str]:
    """The paths in `git diff --name-status -z`: a status, then a path, or two where the file was renamed or copied."""
    names: list[str] = []
    rest = iter(fields)
    for status in rest:
        if not status:
            break
        name = next(rest)
        if status[0] in "RC":
            name = next(rest)
        if status != "R100":
            names.append(name)
    return names


def _base(ref: str, top: Path) -> tuple[str, str | None]:
    found = _run(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found.returncode:
        branch = ref.partition("/")[2] if ref.startswith("origin/") else ref
        raise UsageError(f"git knows no commit {ref} in {top}", _FETCH.format(branch=branch))
    commit = found.stdout.strip()
    common = _run(top, "merge-base", commit, "HEAD")
    if common.returncode == 0:
        return common.stdout.strip(), None
    if _asked(top, "rev-parse", "--is-shallow-repository").strip() == "true":
        return commit, (
            f"this clone is shallow and has no common ancestor with {ref}: compared with {ref} as it is now "
            "(git fetch --unshallow gives the ancestor)"
        )
    raise UsageError(f"HEAD and {ref} have no common ancestor", "Name the branch that this one was made from.")


def _asked(folder: Path, *arguments: str) -> str:
    done = _run(folder, *arguments)
    if done.returncode:
        said = done.stderr.strip().partition("\n")[0] or f"git {arguments[0]} failed"
        if "not a git repository" in said:
            raise UsageError(
                f"--base-ref asks git, and {folder} is in no git repository",
                "Name a range such as FROM:TO, or the revision files.",
            )
        advice = next((line.strip() for line in done.stderr.splitlines() if "safe.directory" in line), None)
        raise UsageError(f"git says: {said}", advice or "Mend that, then run the same command again.")
    return done.stdout


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    git = shutil.which("git")
    if git is None:
        raise ToolMissing("git is not installed, and --base-ref asks it", "Install git, or name FROM:TO.")
    return subprocess.run(
        [git, "-C", str(folder), *arguments],
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )
