import json
from pathlib import Path

import pytest

from example_reports import REPORTS
from migsafe import cli
from migsafe.formats.json import report_json

FINISHED = {
    "2026-01-31T02-13-07-123Z_a0_c3": "done",
    "2026-02-01T02-13-07-123Z_a0_c3": "partial",
    "2026-01-30T02-13-07-123Z_a0_c3": "refused",
}
CRASHED = "2026-02-02T04-05-06-789Z_c3_d4"
DAMAGED = "2026-01-29T04-05-06-789Z_c3_d4"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with three finished runs, one that crashed, and one whose report is damaged; its runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "migsafe.toml").write_text('runs = "var/runs"\n')
    runs = tmp_path / "var" / "runs"
    for name, outcome in FINISHED.items():
        (runs / name).mkdir(parents=True)
        (runs / name / "report.json").write_bytes(report_json(REPORTS[outcome]))
    for name, file, content in ((CRASHED, "journal.jsonl", '{"event": "begin"}\n{"ev'), (DAMAGED, "report.json", "{")):
        (runs / name).mkdir()
        (runs / name / file).write_text(content)
    (runs / "notes.txt").write_text("no run")
    return runs


def migsafe(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int | str | None, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    out, error = capsys.readouterr()
    return ended.value.code, out, error


def test_runs_are_listed_newest_first(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = migsafe(capsys, "runs")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["when", "from", "→", "to", "outcome", "took", "exit", "run"]
    assert [line.split()[-1] for line in lines[1:]] == sorted([*FINISHED, CRASHED, DAMAGED], reverse=True)
    assert lines[2].split("  ")[0] == "2026-01-31 02:13:07 UTC"
    assert all(text in lines[2] for text in ("a0 → c3", " partial ", " 50 s ", " 4 "))


def test_a_run_without_a_report_crashed_or_is_running(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = migsafe(capsys, "runs")[1].splitlines()[1]
    assert first.startswith("2026-02-02 04:05:06 UTC  ?  ")
    assert "crashed or running" in first


def test_a_damaged_report_does_not_hide_the_others(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "unreadable report" in migsafe(capsys, "runs")[1].splitlines()[-1]


def test_runs_are_json_too(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = json.loads(migsafe(capsys, "runs", "--format", "json")[1])
    assert [(run["outcome"], run["exit_code"]) for run in runs[:3]] == [
        ("crashed or running", None),
        ("partial", 4),
        ("done", 0),
    ]
    assert runs[1]["path"] == str(project / runs[1]["name"])


def test_no_runs_are_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert migsafe(capsys, "runs")[:2] == (0, "None yet: .migsafe/runs has no runs. `migsafe upgrade` makes one.\n")
    code, _, error = migsafe(capsys, "show", "last")
    assert (code, error) == (
        2,
        "migsafe: .migsafe/runs has no run 'last'\nThere is none yet; `migsafe upgrade` makes one.\n",
    )


@pytest.mark.parametrize("format", ["text", "json", "markdown"])
def test_a_run_is_shown_by_name_by_path_and_the_last_one(
    project: Path, capsys: pytest.CaptureFixture[str], format: str
) -> None:
    name = "2026-02-01T02-13-07-123Z_a0_c3"
    named = migsafe(capsys, "show", name, "--format", format)
    assert named == migsafe(capsys, "show", "--format", format, f"var/runs/{name}")
    assert (named[0], named[2]) == (0, "")
    assert {"text": "Stopped part-way", "json": '"outcome": "partial"', "markdown": "# upgrade: `a0`"}[format] in named[
        1
    ]


def test_last_is_the_newest_run_even_if_it_crashed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, error = migsafe(capsys, "show", "last")
    assert (code, out) == (2, "")
    assert error.splitlines() == [
        f"migsafe: var/runs/{CRASHED} has no report.json: the run crashed or is still running",
        f"Its last lines are in var/runs/{CRASHED}/journal.jsonl; the command of that run, typed again, resumes it.",
    ]


def test_a_backup_is_no_run_that_crashed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project / "2026-02-03T04-05-06-789Z_c3_backup"
    (folder / "backup").mkdir(parents=True)
    assert "  backup  " in migsafe(capsys, "runs")[1].splitlines()[1]
    assert CRASHED in migsafe(capsys, "show", "last")[2]
    code, _, error = migsafe(capsys, "show", folder.name)
    assert (code, "is of `migsafe backup`" in error, error.splitlines()[1]) == (
        2,
        True,
        f"To restore it: sh var/runs/{folder.name}/restore.sh",
    )


def test_a_damaged_report_is_said_to_be_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = migsafe(capsys, "show", DAMAGED)
    assert code == 2
    assert "this is no report that can be read" in error
