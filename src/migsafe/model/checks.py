"""What preflight and verify found out about a server."""

from typing import Literal

import msgspec

Status = Literal["passed", "warned", "blocked", "unknown"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a server before or after a migration. `name` is the module's file name.

    `why` says what goes wrong without it; `privilege` what the role needs to see the answer.
    """

    name: str
    group: str
    why: str
    remedy: str
    privilege: str = "none"


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """An answer. `subject` is the relation, extension or file it is about; `evidence` what was seen, as text by name.

    A check that could not see is `unknown`, and `remedy` names the GRANT, flag or evidence that would settle it.
    `sql` is the query asked, for a person to repeat. With `required` (`--require`) being unknown refuses too.
    """

    check: str
    status: Status
    message: str
    group: str = ""
    subject: str | None = None
    remedy: str | None = None
    evidence: dict[str, str] = {}
    sql: str | None = None
    skipped_because: str | None = None
    required: bool = False

    @property
    def refuses(self) -> bool:
        is_against = self.status == "blocked" or (self.required and self.status == "unknown")
        return is_against and self.skipped_because is None
