"""Drop-in for programs that call `alembic.command`: `upgrade` and `downgrade` guarded, all else Alembic's own."""

from collections.abc import Mapping
from typing import Any

from alembic import command as alembic_command
from alembic.config import Config

from migsafe.errors import NotMigrated, UsageError
from migsafe.formats.outcome import outcome
from migsafe.model.report import Excuse, Report
from migsafe.model.rounds import Rounds
from migsafe.model.run import Blocker
from migsafe.postgres.connection import Database
from migsafe.revisions.config import from_config
from migsafe.rounds import migrate
from migsafe.settings import load, with_wishes
from migsafe.situation import Asked


def __getattr__(name: str) -> Any:
    return getattr(alembic_command, name)


class _Nobody:
    """An Observer for a program: nobody is asked, nothing is printed."""

    def known(self, database: Database) -> None:
        return None

    def planned(self, report: Report) -> bool:
        return True

    def all_planned(self, reports: tuple[Report, ...]) -> bool:
        return True

    def begins(self, report: Report, number: int, of: int) -> None:
        return None

    def progress(self, text: str, fraction: float | None) -> None:
        return None

    def blocked(self, blockers: tuple[Blocker, ...], pause: float) -> None:
        return None


def upgrade(config: Config, revision: str, sql: bool = False, tag: str | None = None, **wishes: Any) -> Report | None:
    """As `alembic.command.upgrade(config, revision)`, through preview, lint, preflight, backup, guard and verify.

    `wishes` are keys of the settings (`lock_timeout="500ms"`, `backup="none"`), over what the project's file says.
    With `sql` it is Alembic's own. Returns the report; raises NotMigrated, which carries it, for every outcome but
    done and nothing to do, and UsageError for a wish that is no setting. Where env.py has several rounds it is the
    report of one: the one that went wrong, if one did.
    """
    if sql:
        alembic_command.upgrade(config, revision, sql=True, tag=tag)
        return None
    return _migrate(config, Asked(revision), tag, wishes)


def downgrade(
    config: Config,
    revision: str,
    sql: bool = False,
    tag: str | None = None,
    lose: Mapping[str, str] | None = None,
    **wishes: Any,
) -> Report | None:
    """As `alembic.command.downgrade(config, revision)`, guarded like `upgrade`.

    `lose` says of tables and columns whose rows may go, why: `{"column:public.t.c": "nobody has filled it"}`; and of a
    revision with an empty downgrade(), why nothing of it need be undone: `{"revision:a1b2": "…"}`. Raises UsageError
    for one without a reason.
    """
    if sql:
        alembic_command.downgrade(config, revision, sql=True, tag=tag)
        return None
    excuses = tuple(Excuse("lose", name, _reason(name, because)) for name, because in (lose or {}).items())
    return _migrate(config, Asked(revision, "downgrade", excuses=excuses), tag, wishes)


def _reason(name: str, because: str) -> str:
    if not because.strip():
        raise UsageError(f"lose: {name} has no reason", f'Write lose={{"{name}": "why its rows may go"}}.')
    return because.strip()


def _migrate(config: Config, asked: Asked, tag: str | None, wishes: dict[str, Any]) -> Report:
    settings = with_wishes(load(), wishes)
    whole = Rounds(migrate(from_config(config, tag=tag), settings, asked, _Nobody()))
    if whole.exit_code != 0:
        raise NotMigrated(outcome(whole.worst).headline, whole.worst)
    return whole.worst
