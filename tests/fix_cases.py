"""The recorded cases: what real servers of every version did, statement by statement.

`cases/observed_18.jsonl` holds every case, the files of the other versions only those that differ: `ok` false where the
statement fails there. How they were measured stands in docs/locks.md.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects
from migsafe.sql.schema import read

CASES = Path(__file__).parent / "sql" / "cases"
VERSIONS = (14, 15, 16, 17, 18)
KINDS = {"partitioned table": "table", "partitioned index": "index", "materialized view": "matview"}

Case = dict[str, Any]

_PLANNED = "the query that looks for rows which reference the partition may read its tables in any way, or stop early"
# Case and version → why the prediction differs. Every entry must still differ.
DISAGREEMENTS = {("fk_partitioned.detach_referenced_partition", version): _PLANNED for version in VERSIONS}


def _lines(version: int) -> Iterator[Case]:
    for line in (CASES / f"observed_{version}.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


@cache
def every_case(version: int) -> tuple[Case, ...]:
    """All statements as that version treated them, each with its `setup_sql`; `ok` is False for those that fail."""
    found: dict[str, Case] = {}
    setups: dict[str, str] = {}
    for case in _lines(18):
        setups.setdefault(case["setup_id"], case.get("setup_sql", ""))
        found[case["id"]] = case | {"setup_sql": setups[case["setup_id"]]}
    if version != 18:
        found |= {case["id"]: found[case["id"]] | case for case in _lines(version)}
    return tuple(found.values())


def cases(version: int) -> tuple[Case, ...]:
    """The statements that succeed on a version."""
    return tuple(case for case in every_case(version) if case["ok"])


@cache
def schema(setup: str, version: int) -> Catalog:
    return read(setup, version)


def recorded(case: Case) -> dict[str, Any]:
    """What was measured, without locks on what the statement made itself and on temporary relations."""
    locks = [k for k in case["locks"] if not k.get("new") and not k.get("temp")]
    return {
        "locks": sorted((k["relation"], k["kind"], k["mode"]) for k in locks),
        "rewrites": sorted(case["rewritten"]),
        "scans": sorted(case["scanned"]),
        "builds": sorted(case["built_indexes"]),
        "in_transaction": case["in_txn_allowed"],
    }


def words_of(effects: Effects) -> dict[str, Any]:
    """Effects in the words of the recorded cases."""
    return {
        "locks": sorted((bare(k.relation), KINDS.get(k.kind, k.kind), k.mode.text) for k in effects.locks),
        "rewrites": sorted(map(bare, effects.rewrites)),
        "scans": sorted(map(bare, effects.scans)),
        "builds": sorted(bare(build.index) for build in effects.builds),
        "in_transaction": effects.in_transaction,
    }


def bare(name: str) -> str:
    return name.removeprefix("public.")


def scored(case: Case, words: dict[str, Any]) -> dict[str, Any]:
    """What a query reads, and through which indexes, is the planner's choice: only table locks count there."""
    if "dml" not in case.get("tags", ()):
        return words
    return {"locks": [lock for lock in words["locks"] if lock[1] != "index"]}
