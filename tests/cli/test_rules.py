import json
from pathlib import Path

import pytest

from fix_migsafe import Migsafe
from migsafe.formats.rules import PACKS
from migsafe.lint import all_rules
from migsafe.lint.quoted import said_of_bad


def test_rules_are_listed_by_pack_with_the_severity_of_the_project(migsafe: Migsafe, tmp_path: Path) -> None:
    (tmp_path / "migsafe.toml").write_text('[lint]\ndisable = ["drop-column"]\nseverity = { drop-table = "info" }\n')
    done = migsafe(tmp_path, "rules")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    headings = [line.split(":")[0] for line in lines if line[:1].isalpha()]
    assert headings == [pack for pack in PACKS if pack in {rule.pack for rule in all_rules()}]
    named = {words[1]: words[0] for line in lines if line.startswith("  ") and len(words := line.split()) > 2}
    assert set(named) == {rule.name for rule in all_rules()}
    assert (named["drop-column"], named["drop-table"]) == ("off", "info")
    assert named["create-index-not-concurrently"] == "error"
    assert {named[rule.name] for rule in all_rules() if rule.pack == "style"} <= {"off"}
    assert lines[-1].startswith(f"{len(all_rules())} rules.")


def test_one_rule_says_why_and_shows_what_lint_says_of_its_bad_example(migsafe: Migsafe, tmp_path: Path) -> None:
    shown = migsafe(tmp_path, "rules create-index-not-concurrently").stdout
    (rule,) = (rule for rule in all_rules() if rule.name == "create-index-not-concurrently")
    assert shown.startswith(f"{rule.name}  (postgresql, error)\n{rule.summary}\n\nWhy: {rule.effect}\n")
    titles = [line for line in shown.splitlines() if line in ("Set-up", "Bad", "Good")]
    assert titles == ["Set-up", "Bad", "Good"]
    assert all(f"    {line}\n" in shown for line in rule.bad.splitlines())
    (finding,) = said_of_bad(rule)
    assert f"    error  {finding.message}\n    fix: {finding.fix}\n" in shown
    assert shown.endswith("    # migsafe: ignore[create-index-not-concurrently] why this one is harmless\n")


def test_rules_as_json_have_every_field(migsafe: Migsafe, tmp_path: Path) -> None:
    (document,) = json.loads(migsafe(tmp_path, "rules drop-table --format json").stdout)
    assert document["name"] == "drop-table"
    assert (document["severity"], document["default_severity"], document["on"]) == ("error", "error", True)
    assert {"effect", "safe", "bad", "good", "setup", "pack"} <= set(document)


@pytest.mark.parametrize(
    ("name", "remedy"), [("drop-colum", "Did you mean drop-column?"), ("xyzzy", "`migsafe rules` lists them.")]
)
def test_a_rule_that_is_not_there_names_the_nearest_one(
    migsafe: Migsafe, tmp_path: Path, name: str, remedy: str
) -> None:
    done = migsafe(tmp_path, f"rules {name}")
    assert done.returncode == 2
    assert done.stderr == f"migsafe: there is no rule {name}\n{remedy}\n"
