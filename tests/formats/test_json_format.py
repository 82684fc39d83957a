import json
from pathlib import Path

import msgspec
import pytest

from example_reports import BLOCKING_INDEX, DROPPED_COLUMN, NO_DOWNGRADE, PLAN, REPORTS
from migsafe.formats.json import plan_json, read_report, report_json, schema
from migsafe.model.report import EXIT_CODES

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
FINDINGS = (BLOCKING_INDEX, msgspec.structs.replace(DROPPED_COLUMN, ignored_because="no reader is left"))


def test_a_plan_is_exactly_the_contract() -> None:
    document = plan_json(msgspec.structs.replace(PLAN, steps=PLAN.steps[:2]), FINDINGS)
    assert list(document) == ["version", "server_version", "statements", "summary"]
    assert (document["version"], document["server_version"]) == (1, 18)
    assert document["summary"] == {"error": 1, "warning": 0, "info": 0, "ignored": 1}
    assert document["statements"][1] == {
        "index": 1,
        "revision": "b2",
        "path": "migrations/versions/b2_index.py",
        "line": 4,
        "operation": "op.create_index",
        "sql": "CREATE INDEX ix_orders_customer ON orders (customer)",
        "transaction": 0,
        "effects": {
            "locks": [{"relation": "public.orders", "kind": "table", "mode": "SHARE"}],
            "rewrites": [],
            "scans": ["public.orders"],
            "builds": [{"index": "public.ix_orders_customer", "table": "public.orders", "concurrently": False}],
            "destroys": [],
            "in_transaction": True,
            "source": "predicted",
            "unknown": None,
            "conditions": [],
        },
        "findings": [
            {
                "rule": "create-index-not-concurrently",
                "severity": "error",
                "message": BLOCKING_INDEX.message,
                "fix": BLOCKING_INDEX.fix,
                "ignored_because": None,
            }
        ],
    }


def test_what_is_destroyed_has_its_full_name_and_an_accepted_finding_its_reason() -> None:
    statement = plan_json(PLAN, FINDINGS)["statements"][2]
    assert statement["effects"]["destroys"] == [{"kind": "column", "name": "public.orders.legacy"}]
    assert statement["findings"][0]["ignored_because"] == "no reader is left"


def test_a_statement_outside_a_transaction_has_none() -> None:
    statement = plan_json(PLAN, ())["statements"][3]
    assert statement["transaction"] is None
    assert statement["effects"]["in_transaction"] is False
    assert statement["effects"]["locks"][0]["mode"] == "SHARE UPDATE EXCLUSIVE"


def test_what_belongs_to_no_statement_is_not_lost() -> None:
    document = plan_json(PLAN, (NO_DOWNGRADE,))
    assert [(found["rule"], found["revision"]) for found in document["findings"]] == [("downgrade-empty", "c3")]
    assert document["summary"]["info"] == 1
    assert [(step["revision"], "scratch server" in step["because"]) for step in document["unreadable"]] == [
        ("c3", True)
    ]


@pytest.mark.parametrize("outcome", REPORTS)
def test_a_report_is_read_back_as_it_was(outcome: str) -> None:
    report = REPORTS[outcome]
    written = report_json(report)
    assert read_report(written) == report
    document = json.loads(written)
    assert (document["outcome"], document["exit_code"]) == (outcome, EXIT_CODES[outcome])


def test_a_report_spells_lock_modes_as_the_manual_does() -> None:
    written = report_json(REPORTS["done"])
    assert b'"mode": "SHARE UPDATE EXCLUSIVE"' in written
    assert b"ShareUpdateExclusiveLock" not in written


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"version": 2}',
        b'{"version": 1}',
        b'{"version": 1, "plan": {"steps": [{"statements": [{"effects": {"locks": [{"mode": "LOUD"}]}}]}]}}',
        b'{"version": 1, "plan": {"steps": 3}}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_report(content)


def test_the_schema_in_docs_is_the_one_of_the_code() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "stale: run `make docs`"


@pytest.mark.parametrize("outcome", REPORTS)
def test_every_key_of_a_report_is_in_the_schema(outcome: str) -> None:
    definitions = json.loads(schema())["$defs"]
    document = json.loads(report_json(REPORTS[outcome]))
    assert set(document) == set(definitions["Report"]["properties"])
    assert set(definitions["Report"]["required"]) <= set(document)
    for step in document["plan"]["steps"]:
        for statement in step["statements"]:
            assert set(statement["effects"]) == set(definitions["Effects"]["properties"])
            assert all(lock["mode"] in definitions["LockMode"]["enum"] for lock in statement["effects"]["locks"])
