"""`--format` and `--output` of lint."""

import json
import shutil
import sys
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner

from example_reports import BLOCKING_INDEX, PLAN
from fix_alembic import ENVIRONMENTS
from fix_migsafe import Migsafe
from migsafe.cli import output
from migsafe.cli.findings import Output, findings_format, print_findings, root
from migsafe.errors import MigsafeError
from migsafe.formats import hazards


@click.command
@findings_format
def given(format: str, outputs: tuple[Output, ...]) -> None:
    print(format, outputs)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("", "text ()"),
        ("--format sarif --output a.sarif", "sarif ((None, 'a.sarif'),)"),
        ("--output sarif:a.sarif --output junit:b:c.xml", "text (('sarif', 'a.sarif'), ('junit', 'b:c.xml'))"),
        ("--output c:a.txt", "text ((None, 'c:a.txt'),)"),
    ],
)
def test_an_output_may_have_a_format_of_its_own(words: str, shown: str) -> None:
    assert CliRunner().invoke(given, words.split()).output == f"{shown}\n"


@pytest.mark.parametrize("words", ["--output sarif:", "--output a --output b"])
def test_an_output_that_cannot_be_meant_is_wrong_usage(words: str) -> None:
    done = CliRunner().invoke(given, words.split())
    assert done.exit_code == 2
    assert "like sarif:migsafe.sarif" in done.output


def test_one_run_writes_several_formats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    print_findings(PLAN, [BLOCKING_INDEX], outputs=[("sarif", "a.sarif"), ("gitlab", "b.json")])
    assert capsys.readouterr().out.endswith("Lint: 1 error, in 6 statements of 3 revisions\n")
    assert json.loads(Path("a.sarif").read_text())["version"] == "2.1.0"
    assert len(json.loads(Path("b.json").read_text())) == 1
    print_findings(PLAN, [BLOCKING_INDEX], format="junit", outputs=[(None, "c.xml"), ("gitlab", "d.json")])
    assert capsys.readouterr().out == ""
    assert Path("c.xml").read_text().startswith("<?xml")


def test_a_password_is_in_no_line_and_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "_redactors", [])
    output.redact_with(lambda text: text.replace("s3cret", "***"))
    finding = msgspec.structs.replace(BLOCKING_INDEX, message="a s3cret one")
    file = tmp_path / "a.md"
    with output.guarded():
        print_findings(PLAN, [finding], outputs=[("markdown", str(file))])
        hazards.section([finding], output.console())
        sys.stdout.writelines(["s3cret\n"])
    shown = capsys.readouterr().out + file.read_text()
    assert shown.count("a *** one") == 3
    assert "s3cret" not in shown


def test_a_file_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(MigsafeError, match=r"no such folder/a\.txt cannot be written: No such file"):
        print_findings(PLAN, [], outputs=[(None, str(tmp_path / "no such folder" / "a.txt"))])


def test_the_root_is_where_git_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    folder = tmp_path / "repository" / "services" / "shop"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert root() == "services/shop"
    monkeypatch.chdir(tmp_path / "repository")
    assert root() == ""


def test_lint_prints_findings_at_their_lines_from_the_root_of_the_repository(migsafe: Migsafe, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    project = tmp_path / "shop"
    shutil.copytree(ENVIRONMENTS / "generic", project, ignore=shutil.ignore_patterns("__pycache__"))
    done = migsafe(project, "lint 7be04d19c6a3:a92d5e7f0c14 --format gitlab --output text:found.txt")
    assert (done.returncode, done.stderr) == (1, "")
    place = "migrations/versions/a92d5e7f0c14_index_orders_by_customer.py"
    assert json.loads(done.stdout)[0]["location"] == {"path": f"shop/{place}", "lines": {"begin": 23, "end": 23}}
    text = (project / "found.txt").read_text()
    assert f"  error    create-index-not-concurrently  {place}:23\n" in text
    assert '| op.create_index(op.f("ix_orders_customer_id"), "orders", ["customer_id"])\n' in text
