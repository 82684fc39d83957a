"""A check as data, and its answers."""

from migsafe.model.checks import Check, CheckResult, Status


def check(module: str, *, group: str, why: str, remedy: str, privilege: str = "none") -> Check:
    """A Check named after its module (`__name__`), so that `--skip`, the report and the page cannot drift apart.

    `privilege` is a role to GRANT (`pg_read_all_stats`) or "none".
    """
    name = module.rpartition(".")[2].replace("_", "-")
    return Check(name=name, group=group, why=why, remedy=remedy, privilege=privilege)


def answer(
    check: Check,
    status: Status,
    message: str,
    *,
    subject: str | None = None,
    remedy: str | None = None,
    evidence: dict[str, str] | None = None,
    sql: str | None = None,
) -> CheckResult:
    """One answer of `check`; what did not pass always has a remedy, by default the check's own."""
    return CheckResult(
        check=check.name,
        group=check.group,
        status=status,
        message=message,
        subject=subject,
        remedy=None if status == "passed" else remedy or check.remedy,
        evidence=evidence or {},
        sql=sql,
    )
