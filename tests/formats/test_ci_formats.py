"""What CI systems read: read back by readers that know nothing of migsafe."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest
from junitparser import JUnitXml, TestSuite

from example_reports import BLOCKING_INDEX, DROPPED_COLUMN, NO_DOWNGRADE, PATH, PLAN
from migsafe.formats.findings import FORMATS, FindingsFormat, findings_as
from migsafe.formats.frame import Files
from migsafe.lint import all_rules
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan, Step
from migsafe.model.rewrite import Line, Part, Rewrite

SARIF = json.loads((Path(__file__).parent / "sarif-2.1.0.json").read_text())
# GitLab docs, "Code Quality report format".
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^./]"},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"minimum": 1}}},
                },
            },
        },
    },
}

BLOCKING = msgspec.structs.replace(BLOCKING_INDEX, fingerprint="f1")
DROPPED = msgspec.structs.replace(DROPPED_COLUMN, line=6, fingerprint="f2")
ACCEPTED = msgspec.structs.replace(BLOCKING, ignored_because="the table is empty", fingerprint="f3")
FOUND = (BLOCKING, DROPPED, NO_DOWNGRADE, ACCEPTED)
SOURCE = '# a1\n\ndef upgrade():\n    op.create_index(\n        "ix")\n    op.drop_column("orders", "legacy")\n'
FILES = Files({PATH: SOURCE, "migrations/versions/c3_later.py": "x = 1\n"}, "shop")

Rendered = Callable[..., str]


def rendered(name: FindingsFormat, *findings: Finding, plan: Plan = PLAN, **options: Any) -> str:
    return findings_as(name, plan, findings or FOUND, files=FILES, **options)


def sarif(*findings: Finding) -> dict[str, Any]:
    document = json.loads(rendered("sarif", *findings, rules=all_rules()))
    jsonschema.validate(document, SARIF, cls=jsonschema.Draft4Validator)
    (run,) = document["runs"]
    assert isinstance(run, dict)
    return run


def test_every_format_ends_with_a_line_break_also_when_nothing_was_found() -> None:
    assert get_args(FindingsFormat) == FORMATS
    for name in FORMATS:
        assert findings_as(name, PLAN, ()).endswith("\n")
        assert findings_as(name, Plan((), ()), ()).endswith("\n")


def test_sarif_describes_every_rule_with_help_and_a_default_level() -> None:
    rules = sarif()["tool"]["driver"]["rules"]
    described = {rule["id"]: rule for rule in rules}
    assert {rule.name for rule in all_rules()} <= set(described)
    one = described["create-index-not-concurrently"]
    assert one["defaultConfiguration"] == {"level": "error", "enabled": True}
    assert "```sql\n" in one["help"]["markdown"]


def test_a_sarif_result_is_at_its_call_below_the_root_of_the_repository() -> None:
    blocking, dropped, no_downgrade, _ = sarif()["results"]
    assert (blocking["ruleId"], blocking["level"]) == ("create-index-not-concurrently", "error")
    location = blocking["locations"][0]["physicalLocation"]
    assert location["artifactLocation"] == {"uri": f"shop/{PATH}", "uriBaseId": "SRCROOT"}
    assert location["region"] == {"startLine": 4, "startColumn": 5, "endLine": 5, "endColumn": 14}
    assert blocking["partialFingerprints"] == {"migsafe/v1": "f1"}
    assert dropped["level"] == "warning"
    assert no_downgrade["level"] == "note"
    assert "region" not in no_downgrade["locations"][0]["physicalLocation"]


def test_the_index_of_a_sarif_rule_is_that_of_its_name_also_for_a_rule_that_is_not_described() -> None:
    run = sarif(msgspec.structs.replace(BLOCKING, rule="of-somebody-else"))
    rule = run["tool"]["driver"]["rules"][run["results"][0]["ruleIndex"]]
    assert rule["id"] == "of-somebody-else"


def test_an_accepted_finding_is_suppressed_in_sarif_with_the_reason() -> None:
    results = sarif()["results"]
    assert results[3]["suppressions"] == [{"kind": "external", "justification": "the table is empty"}]
    assert not any("suppressions" in result for result in results[:3])


def test_a_path_with_blanks_is_a_uri_in_sarif() -> None:
    run = sarif(msgspec.structs.replace(BLOCKING, path="my versions/ü.py"))
    artifact = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uri"] == "shop/my%20versions/%C3%BC.py"


def test_gitlab_gets_what_its_manual_asks_for() -> None:
    issues = json.loads(rendered("gitlab"))
    jsonschema.validate(issues, GITLAB)
    assert [issue["severity"] for issue in issues] == ["critical", "major", "info"]
    assert issues[0]["location"] == {"path": f"shop/{PATH}", "lines": {"begin": 4, "end": 5}}
    assert [issue["fingerprint"] for issue in issues[:2]] == ["f1", "f2"]
    assert len({issue["fingerprint"] for issue in issues}) == 3


def suite(*findings: Finding, **options: Any) -> TestSuite:
    read = JUnitXml.fromfile(io.StringIO(rendered("junit", *findings, **options)))
    (one,) = read
    assert isinstance(one, TestSuite)
    return one


def test_junit_has_a_case_for_each_revision_and_a_failure_for_each_finding() -> None:
    cases = list(suite(BLOCKING, msgspec.structs.replace(BLOCKING, rule="second"), DROPPED, ACCEPTED))
    assert [case.name for case in cases] == ["a1 note on orders", "b2 index, and the old column goes", "c3 later"]
    assert [len(case.result) for case in cases] == [0, 2, 0]
    failure = cases[1].result[0]
    assert (failure.type, failure.message) == ("create-index-not-concurrently", BLOCKING.message)
    assert f"shop/{PATH}:4: " in failure.text
    assert "warning drop-column" in cases[1].system_out
    assert "accepted create-index-not-concurrently (the table is empty)" in cases[1].system_out


def test_junit_fails_for_what_fails_the_command() -> None:
    assert [suite(BLOCKING, DROPPED, fail_on=least).failures for least in ("never", "error", "warning")] == [0, 1, 1]
    assert suite(DROPPED, fail_on="error").failures == 0


def test_junit_has_a_case_for_a_file_that_is_no_revision() -> None:
    finding = msgspec.structs.replace(BLOCKING, path="fix.sql", revision=None, statement=None, message="a\x00\ufffe<b>")
    cases = list(suite(finding))
    assert cases[-1].classname == "shop/fix.sql"
    assert cases[-1].result[0].message == "a\\x00?<b>"


def annotations(*findings: Finding) -> list[tuple[str, dict[str, str], str]]:
    """The commands, as the runner of GitHub Actions reads them (ActionCommand.TryParseV2)."""
    found = []
    for line in rendered("github", *findings).splitlines():
        if match := re.fullmatch(r"::(\w+) (.*?)::(.*)", line):
            pairs = dict(pair.split("=", 1) for pair in match[2].split(","))
            values = {key: unescaped(value, {"%3A": ":", "%2C": ","}) for key, value in pairs.items()}
            found.append((match[1], values, unescaped(match[3], {})))
    return found


def unescaped(text: str, more: dict[str, str]) -> str:
    for code, char in {"%0D": "\r", "%0A": "\n", **more, "%25": "%"}.items():
        text = text.replace(code, char)
    return text


def test_annotations_are_at_the_call_and_the_worst_comes_first() -> None:
    error, warning, notice = annotations(NO_DOWNGRADE, DROPPED, BLOCKING, ACCEPTED)
    assert [each[0] for each in (error, warning, notice)] == ["error", "warning", "notice"]
    place = {"file": f"shop/{PATH}", "line": "4", "endLine": "5", "title": "create-index-not-concurrently"}
    assert error[1] == place
    assert error[2] == f"{BLOCKING.message}\nFix: {BLOCKING.fix}"
    assert (warning[1]["line"], warning[1]["col"], warning[1]["endColumn"]) == ("6", "5", "39")
    assert "line" not in notice[1]


def test_nothing_in_a_finding_can_end_an_annotation_or_begin_another() -> None:
    hostile = msgspec.structs.replace(
        BLOCKING, path="a,b:c%0A.py", message="50 % of\r\n::error file=x::gone: a, b", fix="100%25"
    )
    (found,) = annotations(hostile)
    assert found[1]["file"] == "shop/a,b:c%0A.py"
    assert found[2] == "50 % of\r\n::error file=x::gone: a, b\nFix: 100%25"


def test_the_last_line_for_github_counts() -> None:
    last = rendered("github").splitlines()[-1]
    assert last == "migsafe: 1 error, 1 warning, 1 info, 1 accepted in 3 revisions"


def test_text_has_the_call_in_its_lines_the_lock_the_fix_and_a_count() -> None:
    shown = rendered("text")
    assert (
        f"  error    create-index-not-concurrently  {PATH}:4\n"
        f"           {BLOCKING.message}\n"
        "           3 | def upgrade():\n"
        "           4 |     op.create_index(\n"
        "             |     ^^^^^^^^^^^^^^^^\n"
        '           5 |         "ix")\n'
        '           6 |     op.drop_column("orders", "legacy")\n'
        f"           fix: {BLOCKING.fix}\n"
    ) in shown
    assert "           lock: ACCESS EXCLUSIVE on public.orders" in shown
    assert shown.splitlines()[-1] == "Lint: 1 error, 1 warning, 1 info, 1 accepted, in 6 statements of 3 revisions"


def test_text_is_coloured_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" not in rendered("text")
    assert "\x1b[1;31m" in rendered("text", width=80)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;31m" not in rendered("text", width=80)


def test_hundreds_of_accepted_findings_are_only_counted() -> None:
    shown = rendered("text", *[ACCEPTED] * 500)
    assert shown.splitlines() == ["", "Lint: nothing found, 500 accepted, in 6 statements of 3 revisions"]


def test_json_is_the_contract() -> None:
    document = json.loads(rendered("json"))
    assert document["version"] == 1
    assert document["summary"] == {"error": 1, "warning": 1, "info": 1, "ignored": 1}


def test_statements_of_a_file_without_revisions_are_a_case_of_their_own() -> None:
    plan = Plan((), (), (Step("", (), "fix.sql"),))
    finding = msgspec.structs.replace(BLOCKING, path="fix.sql", revision=None, statement=None)
    (case,) = suite(finding, plan=plan)
    assert len(case.result) == 1


def test_the_fix_of_a_statement_in_sql_is_sql() -> None:
    now = Line("CREATE INDEX CONCURRENTLY ix ON orders (customer)", "op.create_index(…)")
    later = Line("ALTER TABLE orders VALIDATE CONSTRAINT ck", "op.execute(…)")
    rewrite = Rewrite(here=Part(concurrent=(now,)), later=Part(statements=(later,)))
    finding = msgspec.structs.replace(BLOCKING, path="fix.sql", revision=None, rewrite=rewrite)
    wanted = f"Write `{now.sql}` outside of a transaction, and `{later.sql}` in a later file."
    plan = Plan((), (), (Step("", (), "fix.sql"),))
    for name in ("text", "github", "gitlab", "junit", "sarif", "markdown"):
        assert wanted in rendered(name, finding, plan=plan)
    assert wanted not in rendered("text", msgspec.structs.replace(BLOCKING, rewrite=rewrite))
    assert rendered("github", finding, plan=plan).endswith("migsafe: 1 error in 1 file\n")
