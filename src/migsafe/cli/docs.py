"""Documentation that is written from the code: `python -m migsafe.cli.docs`. A test fails when a file is stale."""

from collections.abc import Callable, Iterator
from pathlib import Path

from migsafe.cli.reference import reference
from migsafe.formats.json import schema
from migsafe.formats.rules import PACKS
from migsafe.lint import all_rules
from migsafe.lint.quoted import said_of_bad
from migsafe.model.findings import Rule
from migsafe.preflight.document import checks_page

_RULES_INTRODUCTION = """\
# Rules

<!-- Written by `python -m migsafe.cli.docs` from src/migsafe/lint/rules; edit there. -->

`migsafe lint` and `migsafe upgrade` ask these of every statement of every pending revision. An **error** will block the
application or lose data, and refuses the upgrade; a **warning** may, depending on size or load; an **info** is good to
know. What depends on a catalog that could not be read is a warning at most. A relation that an earlier statement of the
same plan created is not live: no rule about locks speaks of it.

Both examples of every rule are executed on a server by the tests, and the quoted finding is what migsafe says of the
bad one after the set-up. `migsafe rules` lists them with the severity that they have in your project, and
`migsafe rules NAME` shows one.

## On, off, and how bad

All rules are on except those of the pack `style`. In `[tool.migsafe.lint]` of pyproject.toml, or `[lint]` of
migsafe.toml:

```toml
[tool.migsafe.lint]
enable = ["style"]               # a pack, or single rules of it
disable = ["drop-column"]
severity = { update-whole-table = "warning" }
fail_on = "error"                # or warning, info, never
```

## To accept a finding

A comment with the reason, in the line of the call or above it:

```python
op.drop_column("orders", "legacy")  # migsafe: ignore[drop-column] no code has read it since May
```

```sql
-- migsafe: ignore[drop-column] no code has read it since May until=2027-01-31
ALTER TABLE orders DROP COLUMN legacy;
```

`until` is the last day on which it holds. `ignore-file[rule]` at the top of a file is for all of it. A comment without
a reason, with an unknown rule, past its day, or that accepts nothing is told. For many files:

```toml
[[tool.migsafe.lint.ignore]]
path = "migrations/versions/2019_*.py"
rules = ["create-index-not-concurrently"]
reason = "deployed long ago"
```

For all that an old project has: `migsafe lint --baseline migsafe-baseline.json --write-baseline`, once; from then on
`--baseline migsafe-baseline.json`, or `baseline` in the settings, and only new findings count. For one run:
`--allow RULE --because "…"`, of `migsafe lint` and `migsafe upgrade`.

An accepted finding is counted, and not gone: text names it with its reason, SARIF has it as suppressed.
"""


def rules_page() -> str:
    """docs/rules.md: why, lock, bad, good and fix of every rule, by pack."""
    rules = sorted(all_rules(), key=lambda rule: (list(PACKS).index(rule.pack), rule.name))
    lines = [_RULES_INTRODUCTION]
    for pack, about in PACKS.items():
        members = [rule for rule in rules if rule.pack == pack]
        if members:
            lines += [f"## Pack {pack}", "", f"{about[0].upper()}{about[1:]}.", ""]
            lines += ["| rule | severity | what it finds |", "|---|---|---|"]
            lines += [f"| [{rule.name}](#{rule.name}) | {rule.severity} | {rule.summary} |" for rule in members]
            lines.append("")
    return "\n".join([*lines[:-1], *(line for rule in rules for line in _section(rule))]) + "\n"


def _section(rule: Rule) -> Iterator[str]:
    yield from ("", f"## {rule.name}", "", f"{rule.summary} ({rule.severity}, pack {rule.pack})", "")
    yield from (f"**What happens.** {rule.effect}", "", f"**Instead.** {rule.safe}", "")
    if rule.setup:
        yield from ("Set-up:", "", *_block(rule.setup, rule.language), "")
    yield from ("Bad:", "", *_block(rule.bad, rule.language), "")
    yield from _said(rule)
    yield from ("Good:", "", *_block(rule.good, rule.language))


def _block(code: str, language: str) -> tuple[str, ...]:
    return f"```{language}", code, "```"


def _said(rule: Rule) -> Iterator[str]:
    for finding in said_of_bad(rule):
        yield from (f"> {finding.message}", ">", f"> {finding.fix}", "")


DOCUMENTS: dict[str, Callable[[], str]] = {
    "rules.md": rules_page,
    "checks.md": checks_page,
    "cli.md": reference,
    "report.schema.json": schema,
}


def write(folder: Path) -> None:
    """Write every generated document into `folder`."""
    folder.mkdir(exist_ok=True)
    for name, page in DOCUMENTS.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path("docs"))
