"""The command `migsafe`. One click command a file, loaded when it is asked for; the folder is the registry."""

import atexit
import gc as garbage
import importlib
import os
import pkgutil
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, ModuleType
from typing import NoReturn, cast

import click

from migsafe import __version__
from migsafe.cli import output
from migsafe.errors import Interrupted, MigsafeError, nearest

_COMMAND = re.compile(r"^(def command\(|command\b.*=)", re.MULTILINE)
_BUG = "This is a bug in migsafe; rerun with MIGSAFE_DEBUG=1 for the traceback."


class ForAlembic(Exception):
    """The command line is one of Alembic's own."""


class Commands(click.Group):
    """migsafe's commands by file; any other command of Alembic's is left to Alembic.

    A module may have `is_alembics(args)` beside its `command`, where both have a command of that name.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))
        return [name for name in names if self.get_command(ctx, name) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _module(cmd_name)
        command = getattr(module, "command", None)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, rest = args[0], args[1:]
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            self._must_be_alembics(ctx, name)
        if command is None or _is_alembics(name, command, rest):
            raise ForAlembic
        return name, command, rest

    def _must_be_alembics(self, ctx: click.Context, name: str) -> None:
        from migsafe.revisions.handover import alembic_commands

        theirs = alembic_commands()
        if name not in theirs:
            near = nearest(name, [*self.list_commands(ctx), *theirs])
            hint = f" Did you mean {near!r}?" if near else ""
            raise click.UsageError(f"No such command {name!r}, neither of migsafe nor of Alembic.{hint}", ctx)


def _module(name: str) -> ModuleType | None:
    """The module of a command. What else is in the folder (options, the reference) is not loaded to find that out."""
    file = name.replace("-", "_")
    path = f"{__name__}.{file}"
    spec = find_spec(path) if file.isidentifier() else None
    if spec is None or spec.origin is None or not _COMMAND.search(Path(spec.origin).read_text(encoding="utf-8")):
        return None
    return importlib.import_module(path)


def _is_alembics(name: str, command: click.Command, args: Sequence[str]) -> bool:
    if "--sql" in args and not any("--sql" in parameter.opts for parameter in command.params):
        # Offline mode writes a script and touches no database: `upgrade … --sql`, `downgrade a:b --sql`.
        return True
    asked = getattr(_module(name), "is_alembics", None)
    return bool(asked and asked(args))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every other command is Alembic's, unchanged: branches, check, current, edit, ensure_version, heads, "
    "history, list_templates, merge, revision, stamp; and upgrade and downgrade with --sql, init with a DIRECTORY, "
    "show with a revision.",
)
@click.version_option(__version__, prog_name="migsafe", message="%(prog)s %(version)s")
@click.option("-c", "--config", multiple=True, metavar="FILE", help="Alembic's configuration; may be given twice.")
@click.option("-n", "--name", default="alembic", metavar="SECTION", help="Section of the ini file to use.")
@click.option("-x", multiple=True, metavar="ARG", help="An argument for env.py, like -x tenant=a; may be repeated.")
@click.option("--raiseerr", is_flag=True, help="Show the traceback of an error.")
@click.option("-q", "--quiet", is_flag=True, help="Print results only, no progress.")
@click.pass_context
def group(
    ctx: click.Context, config: tuple[str, ...], name: str, x: tuple[str, ...], raiseerr: bool, quiet: bool
) -> None:
    """Alembic migrations on a live PostgreSQL: checked before, guarded while they run, proven afterwards, undone when
    needed. Stands wherever `alembic` stood.
    """
    from migsafe.cli.options import Globals

    ctx.obj = Globals(config, name, x, raiseerr, quiet)
    if raiseerr:
        os.environ["MIGSAFE_DEBUG"] = "1"


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The entry point. Ends with the exit codes of docs/guide.md; errors are one message and what to type next."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # A plan is hundreds of thousands of small values that all stay: looking for garbage among them is a tenth of lint.
    garbage.set_threshold(500_000, 50, 50)
    # At its end Python would look through all of them once more, and free what the process gives back anyway.
    atexit.register(garbage.freeze)
    # Mako, of which Alembic needs plain text alone, would load Pygments to colour its errors as HTML: 20 ms.
    sys.modules.setdefault("mako.ext.pygmentplugin", cast("ModuleType", None))
    # What ends a pod, or the terminal of a remote login, ends a run as Ctrl-C does: the statement is cancelled, the
    # state is said, nothing is left behind. Under nohup a hangup is ignored, and stays so.
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        with output.guarded():
            code = _run(arguments)
    except ForAlembic:
        from migsafe.revisions.handover import hand_over

        code = hand_over(arguments)
    sys.exit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _run(arguments: list[str]) -> int:
    try:
        result = group.main(arguments, prog_name="migsafe", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except ForAlembic:
        raise
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _failed("interrupted", None, Interrupted.exit_code)
    except MigsafeError as error:
        return _failed(error.message, error.remedy, error.exit_code)
    except Exception as error:
        return _failed(f"{type(error).__name__}: {error}", _BUG, 3)


def _failed(message: str, remedy: str | None, exit_code: int) -> int:
    if os.environ.get("MIGSAFE_DEBUG"):
        traceback.print_exc()
    print(f"migsafe: {message}", file=sys.stderr)
    if remedy:
        print(remedy, file=sys.stderr)
    return exit_code
