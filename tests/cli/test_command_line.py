import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import click
import pytest

from fix_alembic import Environment, Run
from migsafe import cli
from migsafe.cli import output
from migsafe.errors import BackupFailed, Interrupted, LockNotAvailable, MigsafeError, UsageError
from migsafe.postgres.connection import Database

MAIN = "from migsafe.cli import main; main()"
LOADED = """
import sys
def loaded(): return sorted({"alembic", "sqlalchemy", "psycopg", "postgast", "rich"} & set(sys.modules))
"""
PRINTS_MUCH = """
import sys
from migsafe.cli import output
with output.guarded():
    for number in range(99999): print("line", number)
sys.exit(7)
"""


def migsafe(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture(autouse=True)
def _nothing_to_hide_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_redactors", [])


def ending_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `migsafe runs` end with this exception."""

    def fail() -> NoReturn:
        raise error

    monkeypatch.setattr("migsafe.cli.runs.load", fail)


@pytest.mark.parametrize("words", ["--help", "--version", "runs --help", "upgrade --help", "lint --help"])
def test_help_and_version_load_neither_alembic_nor_a_driver(python: Run, tmp_path: Path, words: str) -> None:
    code = f"{LOADED}\nfrom migsafe.cli import main\ntry: main(sys.argv[1:])\nfinally: print(loaded())"
    done = python(tmp_path, "-c", code, *words.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n[]\n")


def test_importing_migsafe_loads_neither_alembic_nor_a_driver(python: Run, tmp_path: Path) -> None:
    done = python(tmp_path, "-c", f"{LOADED}\nimport migsafe; print(loaded())")
    assert done.stdout == "[]\n"


def test_help_lists_the_commands_and_says_what_is_alembics(capsys: pytest.CaptureFixture[str]) -> None:
    assert migsafe("--help") == 0
    shown = capsys.readouterr().out
    assert "\n  runs " in shown
    assert "\n  options " not in shown
    assert "Every other command is Alembic's, unchanged" in shown


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (UsageError("no such thing", "Take another."), 2),
        (BackupFailed("no such thing", "Take another."), 3),
        (LockNotAvailable("no such thing", "Take another."), 75),
        (Interrupted("no such thing", "Take another."), 130),
    ],
)
def test_an_error_is_one_message_and_what_to_do(
    error: MigsafeError, exit_code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending_with(error, monkeypatch)
    assert migsafe("runs") == exit_code
    assert capsys.readouterr() == ("", "migsafe: no such thing\nTake another.\n")


def test_a_bug_is_one_line_and_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending_with(KeyError("colour"), monkeypatch)
    assert migsafe("runs") == 3
    assert capsys.readouterr().err.splitlines() == [
        "migsafe: KeyError: 'colour'",
        "This is a bug in migsafe; rerun with MIGSAFE_DEBUG=1 for the traceback.",
    ]


@pytest.mark.parametrize("asked", ["environment", "--raiseerr"])
def test_the_traceback_is_there_when_asked_for(
    asked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending_with(UsageError("no such thing"), monkeypatch)
    monkeypatch.setenv("MIGSAFE_DEBUG", "1" if asked == "environment" else "")
    assert migsafe(*([] if asked == "environment" else ["--raiseerr"]), "runs") == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ending_with(KeyboardInterrupt(), monkeypatch)
    assert migsafe("runs") == 130
    assert capsys.readouterr().err.strip() == "migsafe: interrupted"


@pytest.mark.parametrize("words", ["runs --colour", "runs --format=xml", "--colour runs", "histroy", "show"])
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert migsafe(*words.split()) == 2
    assert "Error: " in capsys.readouterr().err


def test_a_command_that_nobody_has_names_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert migsafe("histroy") == 2
    assert (
        "No such command 'histroy', neither of migsafe nor of Alembic. Did you mean 'history'?"
        in capsys.readouterr().err
    )


def test_a_password_is_in_nothing_that_goes_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output.hide_password_of("postgresql://app:s3cr@t/x@db:5432/shop?password=tw0&sslmode=require")
    output.hide_password_of("host=db password='thr3e'")
    output.redact_with(lambda text: text.replace("f0ur", "***"))
    ending_with(RuntimeError("s3cr@t/x tw0 thr3e f0ur"), monkeypatch)
    monkeypatch.setenv("MIGSAFE_DEBUG", "1")
    migsafe("runs")
    shown = "".join(capsys.readouterr())
    assert "migsafe: RuntimeError: *** *** *** ***" in shown
    assert not any(secret in shown for secret in ("s3cr@t", "tw0", "thr3e", "f0ur"))


def test_click_and_rich_write_through_the_redactors(capsys: pytest.CaptureFixture[str]) -> None:
    output.redact_with(lambda text: text.replace("f0ur", "***"))
    with output.guarded():
        click.echo("one f0ur")
        click.echo("two f0ur", err=True)
        output.console().print("three [f0ur]")
        output.console(stderr=True).print("four :smile: f0ur")
    assert capsys.readouterr() == ("one ***\nthree [***]\n", "two ***\nfour :smile: ***\n")


def test_a_reader_that_goes_away_changes_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", PRINTS_MUCH], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.wait() == 7


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_closed_stream_is_no_reason_to_fail(closed: str) -> None:
    code = "import sys\nfrom migsafe.cli import output\nwith output.guarded(): print('a'); print('b', file=sys.stderr)"
    shell = f'exec "$0" -c "$1" {closed}>&-'
    done = subprocess.run(["/bin/sh", "-c", shell, sys.executable, code], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, {"1": "b\n", "2": "a\n"}[closed])


def test_a_short_password_is_hidden_as_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    output.hide_password_of("postgresql://app:x@db/shop")
    with output.guarded():
        click.echo("x exists, 'x' x=x")
    assert capsys.readouterr().out == "*** exists, '***' ***=***\n"


def test_a_locale_without_arrows_is_no_reason_to_fail(tmp_path: Path) -> None:
    code = "from migsafe.cli import output\nwith output.guarded(): print('a → b')"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "a \\u2192 b\n"


@pytest.mark.parametrize(
    "words",
    [
        "-c {folder}/alembic.ini history -v",
        "-c {folder}/alembic.ini -x tenant=a heads",
        "-c {folder}/alembic.ini upgrade head --sql",
        "-c {folder}/alembic.ini downgrade c05b3e86d7f1:base --sql",
        "-c {folder}/alembic.ini show head",
        "-c {folder}/alembic.ini current",
        "-c {folder}/alembic.ini show nowhere",
        "-c {folder}/alembic.ini history --colour",
        "-c nowhere.ini history",
        "history --help",
        "init -t async elsewhere/migrations --package",
        "init -t",
    ],
)
def test_what_is_alembics_is_handed_over_unchanged(
    environment: Environment, database: Database, python: Run, tmp_path: Path, words: str
) -> None:
    folder = environment("generic", database)
    arguments = words.format(folder=folder).split()
    results: list[tuple[int, str, str]] = []
    for code in (MAIN, "from alembic.config import main; main(prog='alembic')"):
        place = tmp_path / f"place-{len(results)}"
        place.mkdir()
        done = python(place, "-c", code, *arguments)
        results.append((done.returncode, done.stdout.replace(str(place), ""), done.stderr.replace(str(place), "")))
    assert results[0] == results[1]
    assert "".join(results[0][1:])
