"""docs/checks.md, written from the checks."""

from collections.abc import Iterator

from migsafe.model.checks import Check
from migsafe.preflight import all_checks

_INTRODUCTION = """\
# Checks

<!-- Written by `python -m migsafe.cli.docs` from src/migsafe/preflight/checks; edit there. -->

`migsafe preflight` and `migsafe upgrade` ask these before anything is changed, each only when the plan makes it
matter. They read, in transactions of their own, and need no superuser. Four answers:

- **passed**: looked, and found nothing in the way.
- **warned**: printed; the upgrade goes on.
- **blocked**: the upgrade is refused, with exit code 1.
- **unknown**: this role, or this machine, could not see. It is never counted as passed; the remedy names the GRANT or
  the setting that would let it see.

To go on although one refuses: `migsafe upgrade --skip CHECK --because "…"`; it is asked all the same, and the report
says who was overruled and why.
"""


def checks_page() -> str:
    """The page: why, remedy and privilege of every check."""
    table = ["| check | group | privilege to see all |", "|---|---|---|"]
    table += [f"| [{each.name}](#{each.name}) | {each.group} | {each.privilege} |" for each in all_checks()]
    return "\n".join([_INTRODUCTION, *table, *(line for each in all_checks() for line in _section(each))]) + "\n"


def _section(check: Check) -> Iterator[str]:
    yield from ("", f"## {check.name}", "", f"{check.why}", "", f"**Remedy.** {check.remedy}")
    if check.privilege != "none":
        yield from ("", f"**To see all of it:** `GRANT {check.privilege} TO role;`")
