"""Does the WAL reach the archive?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult, Status
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.backups.listed import FAR_BEHIND
from migsafe.preflight.providers import Recognised, recognised
from migsafe.preflight.space import behind_archive
from migsafe.preflight.touched import moments
from migsafe.preflight.wording import duration, some
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="backup",
    why="Where archiving fails, WAL stays in pg_wal until the disk is full, and a recovery ends before the migration.",
    remedy="See the server's log for what archive_command (archive_library) says, and mend that.",
)


def run(
    *, connection: Connection, plan: Plan, settings: Settings, backup_kind: str, **_: object
) -> Iterator[CheckResult]:
    if not any(moments(plan)):
        return
    row = ask(connection, "preflight_archiving")[0]
    if row["in_recovery"]:
        return
    service = recognised(connection, settings)
    if row["mode"] != "off":
        yield _archiving(row, service)
    elif backup_kind == "evidence":
        yield _streamed(ask(connection, "preflight_receivers"), service, connection.info.user)


def _archiving(row: Row, service: Recognised | None) -> CheckResult:
    failing = row["failing"]
    if service is not None and (failing or row["last"] is None):
        return _hidden(service)
    if failing:
        since = (
            f"the last of {row['failed_count']} failures {duration(row['since_failed'])} ago, with {row['last_failed']}"
        )
        good = f"; the last success {duration(row['since_archived'])} ago" if row["last"] else "; it has never worked"
        return _said("blocked", f"WAL archiving fails: {since}{good}. WAL stays until the disk is full.", row)
    if row["last"] is None:
        message = "archive_mode is on, and nothing has been archived since the server's statistics began."
        remedy = "SELECT pg_switch_wal(); then ask again. If there still is nothing: is archive_command empty?"
        return _said("unknown", message, row, remedy)
    behind = behind_archive(row)
    archived = f"{row['last']} was archived {duration(row['since_archived'])} ago"
    if behind is not None and behind > FAR_BEHIND:
        return _said(
            "warned",
            f"{archived}, {behind} segments before what is written now ({row['current']}).",
            row,
            "Wait until it has caught up: what is not archived cannot be recovered, and fills pg_wal.",
        )
    return _said("passed", f"WAL archiving works: {archived}.", row)


def _streamed(receivers: list[Row], service: Recognised | None, user: str) -> CheckResult:
    """Without archive_mode a backup tool may receive the WAL as it is written."""
    names = some(row["name"] for row in receivers)
    if any(row["state"] == "streaming" for row in receivers):
        return answer(CHECK, "passed", f"WAL goes to {names} as it is written.", sql=query("preflight_receivers"))
    if any(row["state"] is None for row in receivers):
        message = f"{names} is connected for WAL; whether it gets any, this role may not see."
        return answer(CHECK, "unknown", message, remedy=f"GRANT pg_read_all_stats TO {user};")
    if service is not None:
        return _hidden(service)
    message = "archive_mode is off and nobody receives WAL: a restore loses what was written since the backup ended."
    return answer(CHECK, "warned", message, remedy="Make the backup right before the upgrade, or turn on archiving.")


def _hidden(service: Recognised) -> CheckResult:
    message = f"{service.provider.name} archives WAL by means that SQL does not show."
    remedy = (
        "Ask its API for the latest restorable time, and write it into the file of backup_evidence: "
        '{"provider": …, "kind": …, "latest_restorable_time": …, "expires": …, "said_by": …}.'
    )
    return answer(CHECK, "unknown", message, remedy=remedy)


def _said(status: Status, message: str, row: Row, remedy: str | None = None) -> CheckResult:
    shown = {name: str(row[name]) for name in ("mode", "last", "last_failed", "failed_count", "current")}
    return answer(CHECK, status, message, remedy=remedy, evidence=shown, sql=query("preflight_archiving"))
