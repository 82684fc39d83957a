"""The options that several commands share, with one meaning everywhere, and their values as structs."""

import functools
import itertools
import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, cast

import click
import msgspec
from click.core import ParameterSource

from migsafe.cli import output
from migsafe.cli.durations import duration_option as _duration
from migsafe.errors import UsageError, nearest
from migsafe.model.report import Excuse
from migsafe.settings import Settings

Format = Literal["text", "json", "markdown"]
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Globals(msgspec.Struct, frozen=True):
    """What stands before the command: Alembic's own global options."""

    config: tuple[str, ...] = ()
    name: str = "alembic"
    x: tuple[str, ...] = ()
    raiseerr: bool = False
    quiet: bool = False

    @property
    def typed(self) -> tuple[str, ...]:
        """These words again, as far as they say which environment is meant."""
        section = () if self.name == "alembic" else ("-n", self.name)
        files, arguments = (("-c", each) for each in self.config), (("-x", each) for each in self.x)
        return (*itertools.chain.from_iterable(files), *section, *itertools.chain.from_iterable(arguments))


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen for this run; None (or the default) where nothing was. Durations in seconds."""

    url: str | None = None
    scratch_url: str | None = None
    config_from: str | None = None
    tag: str | None = None
    yes: bool = False
    dry_run: bool = False
    excuses: tuple[Excuse, ...] = ()
    backup: Literal["dump", "evidence", "none"] | None = None
    lock_timeout: float | None = None
    max_wait: float | None = None
    terminate_idle_in_transaction: float | None = None
    deadline: float | None = None
    timeout: float | None = None
    only: tuple[str, ...] = ()
    round: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    replica_url: str | None = None
    no_data: bool = False
    allow_server_program: bool = False
    verbose: bool = False
    events: str | None = None
    format: Format = "text"

    @property
    def typed(self) -> tuple[str, ...]:
        """The options that say which database is meant; a URL is left out, and so is one of the environment."""
        url = () if self.url in (None, os.environ.get("DATABASE_URL")) else ("--url", "…")
        named = (("--config-from", self.config_from), ("--tag", self.tag))
        rounds = (word for each in self.round for word in ("--round", each))
        return (*url, *(word for option, value in named if value is not None for word in (option, value)), *rounds)

    def over(self, settings: Settings) -> Settings:
        """`settings` with what was chosen on the command line in place of what the file says."""
        locking = ("lock_timeout", "max_wait", "terminate_idle_in_transaction", "deadline", "timeout")
        names = ("scratch_url", "config_from", "backup", "replica_url", *locking)
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        given["require"] = tuple(dict.fromkeys((*settings.require, *self.require)))
        given["allow_server_program"] = settings.allow_server_program or self.allow_server_program
        given["show_data"] = settings.show_data and not self.no_data
        return msgspec.structs.replace(settings, **given)


pass_globals = click.make_pass_decorator(Globals, ensure=True)


class Command(click.Command):
    """A command with `excuses`: remembers the order in which options were typed, which click does not tell."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = _relative_last(args)
        typed = self.make_parser(ctx).parse_args(args=list(args))[2]
        ctx.meta[_TYPED] = [parameter.name for parameter in typed]
        return super().parse_args(ctx, args)


_TYPED = "migsafe.typed"


def _relative_last(args: list[str]) -> list[str]:
    """`downgrade -1 --yes` as Alembic takes it: `-1` is a revision and no option."""
    if "--" in args:
        return args
    relative = [arg for arg in args if re.fullmatch(r"-\d+", arg)]
    return [arg for arg in args if arg not in relative] + (["--", *relative] if relative else [])


def hide_password(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """A click callback: the password of a URL is never printed."""
    if value is not None:
        output.hide_password_of(value)
    return value


def _database_url(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    hide_password(ctx, param, value)
    if value is not None:
        # What env.py's driver would make of another dialect is a connection to the wrong place.
        from migsafe.postgres.connection import Database

        try:
            Database.from_url(value)
        except UsageError as error:
            source = "DATABASE_URL" if value == os.environ.get("DATABASE_URL") else "--url"
            raise UsageError(f"{source}: {error.message}", error.remedy) from None
    return value


url = click.option(
    "--url",
    envvar="DATABASE_URL",
    show_envvar=True,
    metavar="URL",
    callback=_database_url,
    help="The database, instead of the one in env.py.",
)
scratch_url = click.option(
    "--scratch-url",
    metavar="URL",
    callback=hide_password,
    help="A server on which migsafe may create and drop databases, instead of the embedded one.",
)
config_from = click.option(
    "--config-from",
    metavar="MODULE:CALLABLE",
    help="A callable that returns an alembic.config.Config, instead of a file.",
)
tag = click.option("--tag", metavar="TEXT", help="A tag for env.py, as in Alembic.")
yes = click.option("--yes", is_flag=True, help="Do not ask; for CI.")
dry_run = click.option("--dry-run", is_flag=True, help="Stop before the backup; nothing is changed.")
backup = click.option(
    "--backup",
    type=click.Choice(["dump", "evidence", "none"]),
    help="Dump before the run, trust the evidence of another backup, or do without one.",
)


lock_timeout = _duration("--lock-timeout", "How long one lock may be waited for, like 500ms: others queue behind us.")
max_wait = _duration("--max-wait", "The longest that anybody may wait for us, like 250ms: then we stop, and try again.")
terminate_idle_in_transaction = _duration(
    "--terminate-idle-in-transaction",
    "End sessions that are in our way and have done nothing in their transaction for longer, like 5min.",
)
deadline = _duration("--deadline", "When to give up on getting the locks, like 10min.")
timeout = _duration("--timeout", "The time for everything, like 2h: then it stops, whatever is going on.")

only = click.option("--only", multiple=True, metavar="CHECK", help="Ask this check of preflight, and no other.")
round = click.option(
    "--round",
    multiple=True,
    metavar="NAME",
    help="Of an env.py that migrates several databases or schemas in a run: this one (or pattern, tenant_*).",
)
require = click.option(
    "--require", multiple=True, metavar="CHECK", help="Refuse also where this check cannot see (is unknown)."
)
replica_url = click.option(
    "--replica-url",
    metavar="URL",
    callback=hide_password,
    help="A standby to ask for rows that would make a statement fail, instead of the database itself.",
)
no_data = click.option("--no-data", is_flag=True, help="Print no keys or values of rows, only how many there are.")
allow_server_program = click.option(
    "--allow-server-program", is_flag=True, help="Let the server run df, as a role that may (COPY FROM PROGRAM)."
)
verbose = click.option("--verbose", is_flag=True, help="Show each check that passed too.")


events = click.option(
    "--events",
    metavar="FILE|-",
    help="Write what happens as JSON lines, to the end of a file or to standard output (the text then goes to stderr).",
)


def output_format(*names: Format) -> Decorator:
    """`--format` with these names, the first of them the default."""
    return click.option("--format", type=click.Choice(names), default=names[0], show_default=True, help="How to print.")


def excuses(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--allow RULE`, `--skip CHECK`, each with `--because TEXT`; the command gets `excuses: tuple[Excuse, ...]`.

    The reasons go with the uses in the order typed, or one reason goes with all. Needs `cls=options.Command`.
    """

    @click.option("--allow", multiple=True, metavar="RULE", help="Accept the findings of a rule for this run.")
    @click.option("--skip", multiple=True, metavar="CHECK", help="Go on although this check refuses.")
    @click.option("--because", multiple=True, metavar="TEXT", help="Why; kept in the report. One each, or one for all.")
    @functools.wraps(function)
    def with_excuses(*args: Any, allow: Sequence[str], skip: Sequence[str], because: Sequence[str], **rest: Any) -> Any:
        typed = click.get_current_context().meta[_TYPED]
        return function(*args, excuses=_paired(typed, allow, skip, because), **rest)

    return with_excuses


def _paired(
    typed: Iterable[str], allow: Sequence[str], skip: Sequence[str], because: Sequence[str]
) -> tuple[Excuse, ...]:
    lose = click.get_current_context().params.get("lose", ())
    left = {"allow": iter(allow), "skip": iter(skip), "lose": iter(lose)}
    uses = [(kind, next(left[kind])) for kind in typed if kind in left]
    said = " ".join(f"--{kind} {name}" for kind, name in uses)
    if because and not uses:
        raise click.UsageError("--because says why of an --allow, a --skip or a --lose, and there is none.")
    if uses and not all(text.strip() for text in because or ("",)):
        raise click.UsageError(f'{said} needs a reason that will be in the report: add --because "…".')
    if len(because) not in (1, len(uses)):
        raise click.UsageError(f"{said}: {len(uses)} to excuse, {len(because)} times --because. Give one each, or one.")
    reasons = tuple(because) * (1 if len(because) == len(uses) else len(uses))
    return tuple(
        Excuse(cast("Literal['allow', 'skip', 'lose']", kind), name, why.strip())
        for (kind, name), why in zip(uses, reasons, strict=True)
    )


def was_typed(parameter: str) -> bool:
    """Whether an option of this command was typed, rather than taken from the environment or its default."""
    return click.get_current_context().get_parameter_source(parameter) is ParameterSource.COMMANDLINE


def only_known(names: Iterable[str], known: Iterable[str], option: str) -> None:
    """Raise a usage error for a name that is not known, with the nearest one; `option` like `--allow`."""
    known = sorted(known)
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"Did you mean {near}?" if near else f"Known: {', '.join(known)}."
            raise click.UsageError(f"{option} {name}: there is nothing of that name. {hint}")


_OPTIONS: dict[str, Decorator] = {
    "url": url,
    "scratch_url": scratch_url,
    "config_from": config_from,
    "tag": tag,
    "yes": yes,
    "dry_run": dry_run,
    "excuses": excuses,
    "backup": backup,
    "lock_timeout": lock_timeout,
    "max_wait": max_wait,
    "terminate_idle_in_transaction": terminate_idle_in_transaction,
    "deadline": deadline,
    "timeout": timeout,
    "only": only,
    "round": round,
    "require": require,
    "replica_url": replica_url,
    "no_data": no_data,
    "allow_server_program": allow_server_program,
    "verbose": verbose,
    "events": events,
    "format": output_format("text", "json", "markdown"),
}


def choices(*names: str) -> Decorator:
    """Give a command these options; it gets them as `choices: Choices`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def with_choices(*args: Any, **given: Any) -> Any:
            chosen = Choices(**{name: given.pop(name) for name in names})
            return function(*args, choices=chosen, **given)

        command: Callable[..., Any] = with_choices
        for name in reversed(names):
            command = _OPTIONS[name](command)
        return command

    return decorate
