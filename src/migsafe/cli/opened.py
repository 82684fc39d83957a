"""The Alembic environment that a command line names."""

from migsafe.cli.options import Choices, Globals
from migsafe.revisions.config import Environment, open_environment
from migsafe.settings import Settings, load


def opened(given: Globals, choices: Choices) -> tuple[Environment, Settings]:
    """The environment and the settings that hold for it, with what was chosen on the command line over them."""
    settings = choices.over(load())
    environment = open_environment(
        given.config,
        name=given.name,
        x=given.x,
        tag=choices.tag,
        config_from=choices.config_from or settings.config_from,
    )
    return environment, settings
