"""`[[tool.migsafe.check]]`: questions that a team asks before or after a migration, beside migsafe's own."""

from typing import Annotated, Literal

import msgspec

Phase = Literal["before", "after"]
KINDS = ("sql", "command", "http", "env", "tcp", "redis")
BELONGS_TO = {
    "expect": "sql",
    "exit_code": "command",
    "output": "command",
    "status": "http",
    "json": "http",
    "headers": "http",
}


class OwnCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question, of exactly one of the kinds in KINDS; what else belongs to which kind says BELONGS_TO.

    `severity` is the status when the answer is not the expected one, `timeout` seconds. `expect`: "true" (one row
    that is true or 1), "no rows", "rows", "3 rows", "at least 3 rows", "< 30", or the one value. `output` is a regular
    expression, `json` like `$.status == 'ok'`. `http`, `headers`, `tcp` and `redis` may name variables as `${NAME}`.
    """

    name: str
    phase: Phase = "before"
    severity: Literal["blocked", "warned"] = "blocked"
    timeout: Annotated[float, "seconds"] = 10.0
    remedy: str | None = None
    sql: str | None = None
    expect: str | bool | int | float = "true"
    command: str | tuple[str, ...] | None = None
    exit_code: int = 0
    output: str | None = None
    http: str | None = None
    status: int | None = None
    json: str | None = None
    headers: dict[str, str] = {}
    env: str | tuple[str, ...] | None = None
    tcp: str | None = None
    redis: str | None = None

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)
