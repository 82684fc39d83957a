"""The user's Alembic environment, found and opened as Alembic itself would."""

import configparser
import functools
import importlib
import os
import re
import sys
import tomllib
import traceback
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import msgspec
from alembic.config import CommandLine, Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from migsafe.errors import MigsafeError, RevisionError, UsageError, nearest
from migsafe.revisions.plugin import load_plugin
from migsafe.revisions.rounds import Round
from migsafe.revisions.sentence import named, sentence


class Source(msgspec.Struct, frozen=True):
    """How to open the same environment again in another process."""

    files: tuple[str, ...] = ()
    name: str = "alembic"
    x: tuple[str, ...] = ()
    tag: str | None = None
    config_from: str | None = None
    config_file: str | None = None
    options: dict[str, str] = {}
    path: tuple[str, ...] = ()


class Environment(msgspec.Struct, frozen=True):
    """An Alembic environment. `app` is the Flask application whose context env.py wants, if it does.

    `only` narrows an env.py of several rounds to one: whatever runs it then works in that round and in no other.
    """

    config: Config
    script: ScriptDirectory
    tag: str | None = None
    app: Any = None
    opened: Source | None = None
    only: Round | None = None

    @property
    def source(self) -> Source:
        """How a process of its own opens the same one; of a `Config` made in code, what is text in it."""
        if self.opened is not None:
            return self.opened
        config = self.config
        section = config.config_ini_section
        options = config.file_config.items(section, raw=True) if config.file_config.has_section(section) else []
        return Source(
            name=section,
            x=tuple(getattr(config.cmd_opts, "x", None) or ()),
            tag=self.tag,
            config_file=config.config_file_name,
            options=dict(options),
            path=tuple(sys.path),
        )

    def context(self) -> AbstractContextManager[Any]:
        """What has to be entered around env.py."""
        return nullcontext() if self.app is None else cast("AbstractContextManager[Any]", self.app.app_context())

    @property
    def heads(self) -> tuple[str, ...]:
        with loading(self):
            return tuple(self.script.get_heads())


class _Capture(CommandLine):
    """Alembic's own command line, stopped where it would run the command: every option means what it means there."""

    config: Config

    def run_cmd(self, config: Config, options: Namespace) -> None:
        self.config = config


def open_environment(
    files: Sequence[str] = (),
    *,
    name: str = "alembic",
    x: Sequence[str] = (),
    tag: str | None = None,
    config_from: str | None = None,
) -> Environment:
    """The environment that `alembic -c FILE … -n NAME -x ARG` would use.

    `config_from` is `package.module:callable` for programs that build their `Config` in code. Without an ini file,
    a Flask-Migrate project is recognised by its `migrations/alembic.ini`. Raises UsageError when there is none.
    """
    source = Source(tuple(files), name, tuple(x), tag, config_from, path=tuple(sys.path))
    if config_from is not None:
        return from_config(_called(config_from), tag=tag, opened=source)
    if not files and not _has_own_config() and Path("migrations/alembic.ini").is_file():
        return _flask_environment(x, tag, source)
    line = _Capture(prog="migsafe")
    argv = (
        [part for file in files for part in ("-c", file)] + ["-n", name] + [part for arg in x for part in ("-x", arg)]
    )
    line.main(argv=[*argv, "upgrade", "head", *(["--tag", tag] if tag else [])])
    return from_config(line.config, tag=tag, opened=source)


def reopen(source: Source) -> Environment:
    """The environment that `source` was taken from, in another process."""
    sys.path[:0] = [entry for entry in source.path if entry not in sys.path]
    if source.config_file is None and not source.options:
        return open_environment(
            source.files, name=source.name, x=source.x, tag=source.tag, config_from=source.config_from
        )
    config = Config(source.config_file, ini_section=source.name, cmd_opts=Namespace(x=list(source.x) or None))
    for name, value in source.options.items():
        config.set_main_option(name, value)
    return from_config(config, tag=source.tag)


def from_config(
    config: Config, *, tag: str | None = None, app: Any = None, opened: Source | None = None
) -> Environment:
    """The environment of a `Config` that the caller made. Raises UsageError when it has no usable script_location."""
    load_plugin()
    try:
        script = ScriptDirectory.from_config(config)
    except (CommandError, configparser.Error, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        file = config.config_file_name
        readable = isinstance(error, CommandError) and file and Path(file).is_file()
        if file and readable and not config.file_config.has_section(config.config_ini_section):
            raise _no_section(config, file) from None
        there = f"in {file}" if file and Path(file).is_file() else f"there is no {file}" if file else "made in code"
        raise UsageError(
            f"no Alembic environment: {sentence(error)} ({there})",
            "Run this where alembic.ini is, or name it: migsafe -c path/to/alembic.ini …",
        ) from None
    if app is None and "current_app" in _text(Path(script.dir) / "env.py"):
        app = _flask_app()
    return Environment(config, script, tag, app, opened)


def _no_section(config: Config, file: str) -> UsageError:
    name, known = config.config_ini_section, config.file_config
    usable = [each for each in known.sections() if known.has_option(each, "script_location")]
    if not usable:
        there = "no section of it has a script_location"
        return UsageError(f"{file} has no section [{name}], and {there}", "Name the right file: migsafe -c FILE …")
    listed = ", ".join(usable)
    return UsageError(f"{file} has no section [{name}]; there is {listed}", f"Name one: migsafe -n {usable[0]} …")


@contextmanager
def loading(environment: Environment) -> Iterator[None]:
    """Turns what Alembic raises over revision files and revision names into one clear sentence."""
    try:
        yield
    except MigsafeError:
        raise
    except CommandError as error:
        message = sentence(error)
        wrong_name = "locate revision" in message or "not a valid" in message
        raise (UsageError if wrong_name else RevisionError)(message, _advice(message, environment)) from None
    except Exception as error:
        if isinstance(error, KeyError) and _is_about_the_map(error):
            raise RevisionError(
                f"revision {error.args[0]} is the down_revision of a file, and is itself in none",
                "Bring its file back, or mend the down_revision.",
            ) from None
        place = broken_place(error, Path(environment.script.dir))
        if place is None:
            raise
        raise RevisionError(
            f"{place}: {named(error)}",
            "Alembic loads every revision file for every command; mend this one, then run the same command again.",
        ) from error


def _is_about_the_map(error: KeyError) -> bool:
    """Alembic warns of a down_revision that no file has, and then stumbles over it."""
    return any(frame.name == "_revision_map" for frame in traceback.extract_tb(error.__traceback__))


def broken_place(error: BaseException, directory: Path) -> str | None:
    """`path:line` of the innermost frame in `directory`, or of the syntax error itself."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{relative(error.filename)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if Path(frame.filename).resolve().is_relative_to(directory.resolve()):
            return f"{relative(frame.filename)}:{frame.lineno}"
    return None


def relative(path: str | os.PathLike[str]) -> str:
    """`path` as a person in the working directory would write it."""
    return _relative(os.fspath(path), Path.cwd())


@functools.cache
def _relative(path: str, directory: Path) -> str:
    absolute = Path(path).resolve()
    try:
        return str(absolute.relative_to(directory))
    except ValueError:
        return str(absolute)


def _has_own_config() -> bool:
    if "ALEMBIC_CONFIG" in os.environ or Path("alembic.ini").is_file():
        return True
    return "[tool.alembic" in _text(Path("pyproject.toml"))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _called(name: str) -> Config:
    module_name, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        made = getattr(importlib.import_module(module_name), attribute or "config")
        config = made() if callable(made) and not isinstance(made, Config) else made
    except Exception as error:
        raise UsageError(f"config_from {name!r}: {named(error)}", 'Write it like "package.module:function".') from error
    if not isinstance(config, Config):
        raise UsageError(f"config_from {name!r} gave {type(config).__name__}, not alembic.config.Config")
    return config


def _flask_app() -> Any:
    try:
        from flask.cli import NoAppException, ScriptInfo
    except ImportError:
        return None
    try:
        return ScriptInfo().load_app()
    except NoAppException as error:
        raise UsageError(
            f"env.py wants a Flask application: {sentence(error)}",
            "Set FLASK_APP, as for `flask db upgrade`: FLASK_APP=package:create_app migsafe …",
        ) from None
    except Exception as error:
        raise UsageError(
            f"the Flask application that env.py wants does not start: {named(error)}",
            "`flask db current` says the same, with more detail.",
        ) from error


def _flask_environment(x: Sequence[str], tag: str | None, source: Source) -> Environment:
    app = _flask_app()
    if app is None or "migrate" not in getattr(app, "extensions", {}):
        raise UsageError(
            "migrations/alembic.ini is Flask-Migrate's, but no Flask application with Migrate() was found",
            "Set FLASK_APP, as for `flask db upgrade`.",
        )
    with app.app_context():
        config = app.extensions["migrate"].migrate.get_config(None, x_arg=list(x) or None)
    return from_config(config, tag=tag, app=app, opened=source)


def _advice(message: str, environment: Environment) -> str:
    if wanted := re.search(r"identified by '([^']+)'", message):
        return _meant(wanted[1], environment)
    if "Ambiguous walk" in message:
        return "Branches part here: name the one that is meant (migsafe upgrade <branch>@+1), or all: heads."
    if "Multiple head" in message:
        return "Merge them (migsafe merge heads), or name one: migsafe upgrade <branch>@head, or all: heads."
    return "`migsafe history` and `migsafe heads` list the revisions."


def _meant(name: str, environment: Environment) -> str:
    """What somebody may have meant by a name that no revision has."""
    known = sorted(each for each in environment.script.revision_map._revision_map if isinstance(each, str))
    listed = "`migsafe history` lists the revisions."
    several = [each for each in known if each.startswith(name)]
    if several:
        return f"{', '.join(several[:5])}{' …' if len(several) > 5 else ''} begin so: write more of one."
    near = nearest(name, known)
    return f"Did you mean {near}? {listed}" if near else listed
