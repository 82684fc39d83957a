"""Configuration files of the application, copied beside its dump; what looks like a secret is left out."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from migsafe.errors import UsageError
from migsafe.postgres.connection import Database, redact

FILES = "files"
LARGEST = 16 * 1024**2

# Templates are no secrets: %(…)s, ${…}, {{ … }}, <…>, *** and the URL that `alembic init` writes.
_PLACE = r"(?:%\(|\$|\{|<|\*|pass@localhost|password@)"
_URL = re.compile(rf"\b[A-Za-z][\w.+-]*://[^\s:/@'\"]*:(?!{_PLACE})[^\s@/'\"]+@")
_KEY = re.compile(
    r"(?i)\b[\w.-]*(?:password|passwd|passphrase|secret|token|api_?key|access_?key|credentials)[\w.-]*[\"']?"
    r"[ \t]*[=:][ \t]*[\"']?"
    r"(?!%\(|\$|\{|<|\*|(?:changeme|change_me|none|null|true|false|your\b|example|x{3,})\b)[^\s\"'#;,]{3,}"
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def length(root: Path, names: Iterable[str]) -> int:
    """Bytes of the files `names`, relative to `root`.

    Raises UsageError for one that is not there, is no file, is not below `root`, or is larger than LARGEST.
    """
    return sum(_size(root, name) for name in names)


def copy(root: Path, names: Iterable[str], folder: Path, database: Database) -> tuple[str, ...]:
    """Copy the files into `folder/files`, for their owner only; returns a sentence for each that was left out.

    Left out is what looks as if it held a password: the one of `database`, a URL with one, `SECRET_KEY = …`, or a
    private key. migsafe writes no secret anywhere. Raises OSError.
    """
    left_out = []
    for name in names:
        content = (root / name).read_bytes()
        reason = _secret(content.decode("utf-8", errors="replace"), database)
        if reason is not None:
            left_out.append(f"{name} is not in the backup: {reason}; keep it where secrets are kept")
            continue
        target = folder / FILES / name
        for each in reversed([target.parent, *target.parent.parents]):
            if not each.exists():
                each.mkdir(mode=0o700)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    return tuple(left_out)


def _size(root: Path, name: str) -> int:
    path = root / name
    inside = path.resolve().is_relative_to(root.resolve()) and not Path(name).is_absolute()
    if not inside or ".." in Path(name).parts or re.search(r"[\\\n\r]", name):
        raise UsageError(
            f"backup_files: {name!r} is not below {root.resolve()}", "Name files relative to the settings."
        )
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(f"backup_files: {path}: {error.strerror}", "Correct the name, or take it away.") from None
    if not path.is_file() or size > LARGEST:
        why = f"has {size:,} bytes; {LARGEST:,} is the most" if path.is_file() else "is no file"
        raise UsageError(f"backup_files: {path} {why}", "Name configuration files only.")
    return size


def _secret(text: str, database: Database) -> str | None:
    """Why a file is not copied, with the line and without what stands there."""
    if redact(text, database) != text:
        return "it holds the password of this database"
    for pattern, what in ((_URL, "a URL with a password"), (_PEM, "a private key"), (_KEY, "a secret")):
        match = pattern.search(text)
        if match is not None:
            return f"line {text.count(chr(10), 0, match.start()) + 1} looks like {what}"
    return None
