from pathlib import Path

import click

from migsafe.cli import group
from migsafe.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_the_one_of_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "stale: run `make docs`"


def test_every_command_is_on_it_with_every_option() -> None:
    context = click.Context(group)
    page = reference()
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        section = page.split(f"\n## migsafe {name}\n")[1].split("\n## ")[0]
        options = [
            parameter for parameter in command.params if isinstance(parameter, click.Option) and not parameter.hidden
        ]
        assert all(option.opts[0] in section for option in options)
        assert command.get_short_help_str(), f"{name} has no help"
