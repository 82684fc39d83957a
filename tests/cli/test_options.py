from typing import Any

import click
import pytest
from click.testing import CliRunner

from migsafe.cli import options, output
from migsafe.cli.options import Choices
from migsafe.model.report import Excuse
from migsafe.settings import Settings

ALL = tuple(Choices.__struct_fields__)


@pytest.fixture(autouse=True)
def _nothing_to_hide_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_redactors", [])
    monkeypatch.delenv("DATABASE_URL", raising=False)


@click.command(cls=options.Command)
@click.argument("revision", default="head")
@options.choices(*ALL)
def upgrade(choices: Choices, revision: str) -> Choices:
    """A command with every option."""
    return choices


def chosen(*arguments: str, **settings: Any) -> Choices:
    result = CliRunner().invoke(upgrade, arguments, standalone_mode=False, catch_exceptions=False, **settings)
    assert isinstance(result.return_value, Choices)
    return result.return_value


def refused(*arguments: str) -> str:
    with pytest.raises(click.UsageError) as error:
        CliRunner().invoke(upgrade, arguments, standalone_mode=False, catch_exceptions=False)
    return error.value.format_message()


def test_nothing_chosen_is_the_default_of_every_choice() -> None:
    assert chosen() == Choices()


def test_every_option_is_parsed_to_its_type() -> None:
    assert chosen(
        *("--url", "postgresql://db/shop", "--scratch-url", "postgresql://scratch", "--config-from", "app.db:config"),
        *("--tag", "deploy", "--yes", "--dry-run", "--backup", "evidence"),
        *("--lock-timeout", "500ms", "--deadline", "10min", "--format", "json"),
        *("--only", "backup", "--only", "disk", "--require", "backup", "--replica-url", "postgresql://standby"),
        *("--max-wait", "1s", "--terminate-idle-in-transaction", "5min", "--timeout", "2h", "--events", "-"),
        *("--no-data", "--allow-server-program", "--verbose", "--skip", "disk", "--because", "A"),
    ) == Choices(
        url="postgresql://db/shop",
        scratch_url="postgresql://scratch",
        config_from="app.db:config",
        tag="deploy",
        yes=True,
        dry_run=True,
        backup="evidence",
        lock_timeout=0.5,
        deadline=600.0,
        only=("backup", "disk"),
        require=("backup",),
        replica_url="postgresql://standby",
        max_wait=1.0,
        terminate_idle_in_transaction=300.0,
        timeout=7200.0,
        events="-",
        no_data=True,
        allow_server_program=True,
        verbose=True,
        excuses=(Excuse("skip", "disk", "A"),),
        format="json",
    )
    from migsafe.cli.upgrade import OPTIONS

    assert set(OPTIONS) <= set(ALL)


def test_the_url_comes_from_the_environment_too_and_its_password_is_hidden() -> None:
    assert chosen(env={"DATABASE_URL": "postgresql://app:s3cret@db/shop"}).url == "postgresql://app:s3cret@db/shop"
    assert output.redact("could not connect as app with s3cret") == "could not connect as app with ***"


def test_the_command_line_stands_above_the_settings() -> None:
    settings = Settings(deadline=30.0, lock_timeout=2.0)
    assert chosen("--lock-timeout", "5s", "--backup", "none").over(settings) == Settings(
        deadline=30.0, lock_timeout=5.0, backup="none"
    )


def test_what_is_required_adds_to_the_settings_and_data_can_only_be_hidden() -> None:
    settings = Settings(require=("backup",), show_data=True)
    assert chosen("--require", "disk", "--require", "backup").over(settings).require == ("backup", "disk")
    assert not chosen("--no-data").over(settings).show_data
    assert not chosen().over(Settings(show_data=False)).show_data


@pytest.mark.parametrize(
    ("arguments", "excuses"),
    [
        ("--allow drop-column --because A", [("allow", "drop-column", "A")]),
        ("--because A --skip disk", [("skip", "disk", "A")]),
        (
            "--skip disk --because A --allow drop-column --because B",
            [("skip", "disk", "A"), ("allow", "drop-column", "B")],
        ),
        (
            "--allow=x --allow y --skip=disk --because A --because B --because C",
            [("allow", "x", "A"), ("allow", "y", "B"), ("skip", "disk", "C")],
        ),
        ("--allow x --skip disk head --because A", [("allow", "x", "A"), ("skip", "disk", "A")]),
    ],
)
def test_reasons_go_with_the_uses_in_the_order_typed(arguments: str, excuses: list[tuple[Any, str, str]]) -> None:
    assert chosen(*arguments.split()).excuses == tuple(Excuse(*excuse) for excuse in excuses)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--allow", "x"], '--allow x needs a reason that will be in the report: add --because "…".'),
        (["--allow", "x", "--because", " "], "--allow x needs a reason"),
        (["--because", "A"], "--because says why of an --allow, a --skip or a --lose, and there is none."),
        (
            ["--allow", "x", "--skip", "y", "--skip", "z", "--because", "A", "--because", "B"],
            "--allow x --skip y --skip z: 3 to excuse, 2 times --because. Give one each, or one.",
        ),
        (["--allow", "x", "--because", "A", "--because", "B"], "1 to excuse, 2 times --because"),
        (["--deadline", "soon"], "'soon' is not a duration. Write it like"),
        (["--lock-timeout", "0"], "'0' is not a duration"),
        (["--backup", "maybe"], "'maybe' is not one of 'dump', 'evidence', 'none'"),
    ],
)
def test_wrong_use_is_refused_in_one_sentence(arguments: list[str], message: str) -> None:
    assert message in refused(*arguments)


def test_a_name_that_is_not_known_is_refused_with_the_nearest_one() -> None:
    options.only_known(["drop-table"], ["drop-table", "drop-column"], "--allow")
    with pytest.raises(click.UsageError, match=r"--allow drop-tabel: .* Did you mean drop-table\?"):
        options.only_known(["drop-tabel"], ["drop-table", "drop-column"], "--allow")
    with pytest.raises(click.UsageError, match=r"--skip x: .* Known: disk, primary\."):
        options.only_known(["x"], ["primary", "disk"], "--skip")


def test_a_command_may_take_single_options() -> None:
    @click.command()
    @options.yes
    @options.output_format("markdown", "text")
    @options.pass_globals
    def show(given: options.Globals, yes: bool, format: str) -> tuple[options.Globals, bool, str]:
        return given, yes, format

    result = CliRunner().invoke(show, ["--yes"], standalone_mode=False, catch_exceptions=False)
    assert result.return_value == (options.Globals(), True, "markdown")
