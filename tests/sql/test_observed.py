"""What real servers did, statement by statement (PostgreSQL 14 to 18), and what is predicted of it.

`cases/observed_18.jsonl` holds every case, the files of the other versions only those that differ: `ok` false where the
statement fails there. How they were measured stands in docs/locks.md.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects
from migsafe.sql.predict import predict
from migsafe.sql.schema import read

CASES = Path(__file__).parent / "cases"
KINDS = {"partitioned table": "table", "partitioned index": "index", "materialized view": "matview"}

# Case and version → why the prediction differs. Every entry must still differ.
DISAGREEMENTS: dict[tuple[str, int], str] = {}


def _lines(version: int) -> Iterator[dict[str, Any]]:
    for line in (CASES / f"observed_{version}.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


@cache
def _cases(version: int) -> tuple[dict[str, Any], ...]:
    """The statements that succeed on a version, each with its `setup_sql`."""
    found: dict[str, dict[str, Any]] = {}
    setups: dict[str, str] = {}
    for case in _lines(18):
        setups.setdefault(case["setup_id"], case.get("setup_sql", ""))
        found[case["id"]] = case | {"setup_sql": setups[case["setup_id"]]}
    if version != 18:
        found |= {case["id"]: case for case in _lines(version)}
    return tuple(case for case in found.values() if case["ok"])


@cache
def _schema(setup: str, version: int) -> Catalog:
    return read(setup, version)


def _observed(case: dict[str, Any]) -> dict[str, Any]:
    """Without locks on what the statement made itself and on temporary relations."""
    locks = [k for k in case["locks"] if not k.get("new") and not k.get("temp")]
    return {
        "locks": sorted((k["relation"], k["kind"], k["mode"]) for k in locks),
        "rewrites": sorted(case["rewritten"]),
        "scans": sorted(case["scanned"]),
        "builds": sorted(case["built_indexes"]),
        "in_transaction": case["in_txn_allowed"],
    }


def _predicted(effects: Effects) -> dict[str, Any]:
    return {
        "locks": sorted((_bare(k.relation), KINDS.get(k.kind, k.kind), k.mode.text) for k in effects.locks),
        "rewrites": sorted(map(_bare, effects.rewrites)),
        "scans": sorted(map(_bare, effects.scans)),
        "builds": sorted(_bare(build.index) for build in effects.builds),
        "in_transaction": effects.in_transaction,
    }


def _bare(name: str) -> str:
    return name.removeprefix("public.")


def _scored(case: dict[str, Any], words: dict[str, Any]) -> dict[str, Any]:
    """What a query reads, and through which indexes, is the planner's choice: only table locks count there."""
    if "dml" not in case.get("tags", ()):
        return words
    return {"locks": [lock for lock in words["locks"] if lock[1] != "index"]}


@pytest.mark.parametrize("version", [14, 15, 16, 17, 18])
def test_what_is_predicted_is_what_servers_did(version: int) -> None:
    wrong: dict[str, Any] = {}
    for case in _cases(version):
        effects = predict(case["statement"], _schema(case["setup_sql"], version), version)
        expected, found = _scored(case, _observed(case)), _scored(case, _predicted(effects))
        if found != expected or effects.unknown:
            wrong[case["id"]] = {"statement": case["statement"], "observed": expected, "predicted": found}
    known = {name for name, of in DISAGREEMENTS if of == version}
    assert not {name: case for name, case in wrong.items() if name not in known}
    assert known <= set(wrong), "these are right now: take them out of DISAGREEMENTS"


def test_there_are_hundreds_of_cases() -> None:
    assert len(_cases(18)) >= 480
    assert len(_cases(14)) >= 440


def test_a_text_cut_or_doubled_anywhere_never_raises() -> None:
    for case in _cases(18)[::5]:
        statement, catalog = case["statement"], _schema(case["setup_sql"], 18)
        for cut in range(0, len(statement), 7):
            for broken in (statement[:cut], statement[cut:], statement[:cut] + "\0'" + statement[cut:]):
                effects = predict(broken, catalog)
                assert effects.unknown or effects.command


def test_every_statement_says_something_without_any_schema() -> None:
    for case in _cases(18):
        effects = predict(case["statement"], Catalog())
        assert effects.command
        if effects.unknown:
            assert effects.unknown.strip()
