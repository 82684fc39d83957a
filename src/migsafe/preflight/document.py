"""docs/checks.md, written from the checks."""

import re
from collections.abc import Iterator

from migsafe.model.checks import Check
from migsafe.preflight import all_checks, modules
from migsafe.preflight.named_queries import queries_of

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

- `--only CHECK` asks this check and no other; the report says that the others were not asked.
- `--skip CHECK --because "…"` goes on although it refuses. It is asked all the same, and the report says who was
  overruled and why.
- `--require CHECK`, or `require = ["backup"]` in the settings, refuses also where the check is unknown.
- `--no-data`, or `show_data = false`, prints no keys and no values of rows.
- `--replica-url URL`, or `replica_url`, asks a standby for rows that would make a statement fail.
- `--verbose` shows each check that passed, and not one line a group.
- `--format markdown` is a list to go through, with a line to sign for each group.
"""

_OWN = """\

## Checks of your own

A team's checklist for a deployment, in the repository beside the migrations. Each `[[tool.migsafe.check]]` of
pyproject.toml (`[[check]]` of migsafe.toml) has a `name` and asks exactly one thing:

- `sql`: one SELECT, in a read-only transaction with row security off. `expect` is `"true"` (the default: one row that
  is true or 1), `"no rows"`, `"rows"`, `"3 rows"`, `"at least 3 rows"`, a comparison of the one value like `"< 30"`, or
  the value itself.
- `command`: a program, run without a shell in the folder of the settings. It has to end with `exit_code` (0) and, with
  `output`, to print something that this regular expression is found in.
- `http`: GET of an address; certificates are verified, and redirects not followed. It has to answer `status` (any of
  200 to 299) and, with `json`, a document of which `"$.status == 'ok'"` holds (==, !=, <, <=, > or >=).
- `env`: a variable, or a list of them, which has to be set and not empty. Values are never shown.
- `tcp`: a `host:port` that has to take a connection.
- `redis`: a `redis://` or `rediss://` URL that has to answer PING, after AUTH where it has a password.

And, if you like:

- `phase`: `"before"` (the default) is asked by preflight, `"after"` by the verification of an upgrade and by
  `migsafe verify`.
- `severity`: what a wrong answer is. `"blocked"` (the default) refuses, or after an upgrade ends it with exit code 5;
  `"warned"` is printed.
- `timeout`: how long the answer may take, by default `"10s"`.
- `remedy`: what to do about a wrong answer, in your words.

What cannot be asked is **unknown**, whatever the severity: a role without the privilege, a program that is missing or
does not end, a name that cannot be resolved or a network without a way there, a service that wants a password. A
refused connection, no answer within the timeout and a certificate that does not hold are answers: they are wrong ones.
`require` makes unknown refuse.

No secret needs to stand in the file: `http`, `headers`, `tcp` and `redis` may name variables as `${NAME}`. Of an
address only host and path are shown, and with `show_data = false` no value that was found.

```toml
[[tool.migsafe.check]]
name = "workers-drained"
sql = "SELECT count(*) FROM jobs WHERE state = 'running'"
expect = "< 30"
remedy = "Stop the workers: kubectl scale deployment/workers --replicas=0"

[[tool.migsafe.check]]
name = "maintenance-page-on"
http = "https://app.internal/health"
json = "$.mode == 'maintenance'"
headers = { Authorization = "Bearer ${HEALTH_TOKEN}" }
severity = "warned"

[[tool.migsafe.check]]
name = "release-is-built"
command = ["./deploy/image-exists", "shop"]
output = "sha256:[0-9a-f]{64}"
timeout = "1min"

[[tool.migsafe.check]]
name = "queue-reachable"
redis = "rediss://:${REDIS_PASSWORD}@queue.internal:6380"

[[tool.migsafe.check]]
name = "search-reachable"
tcp = "search.internal:9200"
severity = "warned"

[[tool.migsafe.check]]
name = "environment"
env = ["APP_ENV", "SENTRY_DSN"]

[[tool.migsafe.check]]
name = "application-answers"
phase = "after"
http = "https://app.internal/health"
status = 200
remedy = "Look at the log of the application, then: migsafe verify last"
```
"""


def checks_page() -> str:
    """The page: why, query, privilege and remedy of every check, and how to write one."""
    table = ["| check | group | privilege to see all |", "|---|---|---|"]
    table += [f"| [{each.name}](#{each.name}) | {each.group} | {each.privilege} |" for each in all_checks()]
    sections = [line for module in modules() for line in _section(module.CHECK, queries_of(module))]
    return "\n".join([_INTRODUCTION, *table, _OWN, *sections[1:]]) + "\n"


def _section(check: Check, queries: dict[str, str]) -> Iterator[str]:
    yield from ("", f"## {check.name}", "", f"{check.why}", "", f"**Remedy.** {check.remedy}")
    if check.privilege != "none":
        is_role = re.fullmatch(r"pg_\w+", check.privilege)
        needed = f"`GRANT {check.privilege} TO role;`" if is_role else f"{check.privilege}."
        yield from ("", f"**To see all of it:** {needed}")
    for name, sql in queries.items():
        yield from ("", f"<details><summary>{name}</summary>", "", "```sql", sql, "```", "", "</details>")
