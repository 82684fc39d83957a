"""`verify.sql`: the proofs as a script that a person runs with psql."""

import os
from collections.abc import Iterable
from pathlib import Path

from migsafe.model.checks import CheckResult
from migsafe.verify.proof import Proof

_HEADER = """\
-- What must be true after this migration: {count} queries, each answering with one row, ok and found.
--
-- Run it (nothing is written; the connection comes from PGHOST, PGDATABASE, PGUSER, ~/.pgpass or a service file):
--   psql -X -f {name}
-- ok is t: proven. f: not as expected; found says what is there. Empty: cannot be told. An ERROR is not a proof either.

\\set QUIET on
\\pset footer off
\\pset null '(cannot be told)'
SET default_transaction_read_only = on;
SET row_security = off;
SET statement_timeout = '30s';
"""


def write(path: Path, proofs: Iterable[Proof], unproven: Iterable[CheckResult] = ()) -> None:
    """Write the proofs to `path`, for its owner only (0600); `unproven` are named at the end.

    Raises OSError when the file cannot be written.
    """
    proofs = tuple(proofs)
    parts = [_HEADER.format(count=len(proofs), name=path.name)]
    for number, proof in enumerate(proofs, 1):
        sentence = f"{number}. {_line(proof.sentence)}"
        parts.append(f"-- {sentence}\n\\echo {_argument(sentence)}\n{_statements(proof)}")
    parts += [
        f"-- Not proven: {_line(result.message)}\n\\echo {_argument(_line(result.message))}\n" for result in unproven
    ]
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(parts))


def _statements(proof: Proof) -> str:
    """What is run first leaves its outcome in a setting of the transaction."""
    if proof.first is None:
        return f"{proof.sql}\n;\n"
    return f"BEGIN;\n{proof.first};\n{proof.sql}\n;\nCOMMIT;\n"


def _line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _argument(text: str) -> str:
    """An argument of a psql meta-command (psql's manual, Meta-Commands): C escapes work in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
