"""docs/locks.md from what was measured: `python tests/locks_page.py` writes it, sql/test_locks_page.py compares."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from fix_cases import VERSIONS, Case, every_case, recorded

PAGE = Path(__file__).parents[1] / "docs" / "locks.md"
NEWEST = VERSIONS[-1]
_KINDS = {"table": "", "matview": ""}
_INTRODUCTION = """\
# What statements lock

<!-- Written by `python tests/locks_page.py` from tests/sql/cases; edit there. -->

Measured on PostgreSQL 14.23, 15.18, 16.14, 17.10 and 18.6, not read in a manual: each statement was executed in a
database of its own after its set-up, and before it was committed `pg_locks` told what it held, `relfilenode` what it
had rewritten or built, DEBUG1 messages and `pg_stat` counters what it had read in full. A lock that is let go of
before the statement ends was found by standing in its way. The tests hold `migsafe explain` against every row, and
against the server at hand.

Locks are on tables where no kind is named. Not counted: system catalogs, TOAST, temporary relations, and what the
statement itself creates. **rewrites**: the data files are replaced, and every index is built anew. **reads**: all rows
are read while the locks are held. The first column names the case in `tests/sql/cases/observed_18.jsonl`, where its
set-up stands. A version has a column where it differs in any row of the table; an empty cell is the same as 18.

What a mode makes wait: ACCESS EXCLUSIVE everybody, reads too; EXCLUSIVE, SHARE ROW EXCLUSIVE and SHARE everybody who
writes; SHARE UPDATE EXCLUSIVE other DDL and VACUUM; ROW EXCLUSIVE, ROW SHARE and ACCESS SHARE only what is stronger.
"""


def page() -> str:
    """The whole document as Markdown."""
    by_version = {version: {str(case["id"]): case for case in every_case(version)} for version in VERSIONS}
    shown = [name for name in by_version[NEWEST] if any(by_version[version][name]["ok"] for version in VERSIONS)]
    ordered = sorted(shown, key=_family)
    families = [(family, list(names)) for family, names in groupby(ordered, key=_family)]
    index = ", ".join(f"[{_title(family)}](#{_title(family).replace(' ', '-')})" for family, _ in families)
    tables = "\n".join(_section(family, names, by_version) for family, names in families)
    return f"{_INTRODUCTION}\n{len(shown)} statements: {index}.\n\n{tables}"


def _family(name: str) -> str:
    return name.split(".", 1)[0]


def _title(family: str) -> str:
    return family.replace("_", " ")


def _section(family: str, names: Sequence[str], by_version: dict[int, dict[str, Case]]) -> str:
    words = {name: {version: _cell(by_version[version][name]) for version in VERSIONS} for name in names}
    older = [v for v in reversed(VERSIONS[:-1]) if any(words[name][v] != words[name][NEWEST] for name in names)]
    head = ["case", "statement", *map(str, (NEWEST, *older))]
    lines = [f"## {_title(family)}", "", _row(head), _row(["---"] * len(head))]
    for name in names:
        said = words[name]
        cells = [said[NEWEST], *("" if said[v] == said[NEWEST] else said[v] for v in older)]
        lines.append(
            _row([name.split(".", 1)[1].replace("_", " "), _code(by_version[NEWEST][name]["statement"]), *cells])
        )
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(statement: str) -> str:
    """A statement for a cell of a table, in which a bar ends the cell even inside of code."""
    text = " ".join(statement.split()).replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _cell(case: Case) -> str:
    if not case["ok"]:
        return f"fails ({case['sqlstate']})" if case.get("sqlstate") else "fails"
    return "; ".join(_parts(recorded(case)))


def _parts(words: dict[str, Any]) -> Iterator[str]:
    locks = sorted(words["locks"], key=lambda lock: (lock[2], lock[1] != "table", lock[1], lock[0]))
    for mode, group in groupby(locks, key=lambda lock: str(lock[2])):
        yield f"{mode} on {', '.join(_relation(name, kind) for name, kind, _ in group)}"
    if not locks:
        yield "no lock"
    for verb, field in (("rewrites", "rewrites"), ("reads", "scans"), ("builds", "builds")):
        if words[field]:
            yield f"**{verb}** {', '.join(words[field])}"
    if not words["in_transaction"]:
        yield "**not in a transaction block**"


def _relation(name: str, kind: str) -> str:
    return f"{_KINDS.get(kind, f'{kind} ')}{name}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
