"""Documentation that is written from the code: `python -m migsafe.cli.docs`. A test fails when a file is stale."""

from collections.abc import Callable, Iterator
from pathlib import Path

from migsafe.cli.reference import reference
from migsafe.formats.json import schema
from migsafe.lint import all_rules, lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.findings import Rule
from migsafe.preflight.document import checks_page

_RULES_INTRODUCTION = """\
# Rules

<!-- Written by `python -m migsafe.cli.docs` from src/migsafe/lint/rules; edit there. -->

`migsafe lint` and `migsafe upgrade` ask these of every statement of every pending revision. An **error** refuses the
upgrade; a **warning** is printed; so is an **info**. What depends on a catalog that could not be read is a warning at
most. A relation that an earlier statement of the same plan created is not live: no rule about locks speaks of it.

Both examples of every rule are executed on a server by the tests, and the quoted finding is what migsafe says of the
bad one after the set-up.

To accept a finding for one run: `migsafe upgrade --allow RULE --because "…"`. For a repository:

```toml
[tool.migsafe.lint]
disable = ["drop-column"]
severity = { update-whole-table = "warning" }
```
"""


def rules_page() -> str:
    """docs/rules.md: why, lock, bad, good and fix of every rule."""
    table = ["| rule | severity | what it finds |", "|---|---|---|"]
    table += [f"| [{rule.name}](#{rule.name}) | {rule.severity} | {rule.summary} |" for rule in all_rules()]
    return "\n".join([_RULES_INTRODUCTION, *table, *(line for rule in all_rules() for line in _section(rule))]) + "\n"


def _section(rule: Rule) -> Iterator[str]:
    yield from ("", f"## {rule.name}", "", f"{rule.summary} ({rule.severity})", "")
    yield from (f"**What happens.** {rule.effect}", "", f"**Instead.** {rule.safe}", "")
    if rule.setup:
        yield from ("Set-up:", "", *_block(rule.setup, rule.language), "")
    yield from ("Bad:", "", *_block(rule.bad, rule.language), "")
    yield from _said(rule)
    yield from ("Good:", "", *_block(rule.good, rule.language))


def _block(code: str, language: str) -> tuple[str, ...]:
    return f"```{language}", code, "```"


def _said(rule: Rule) -> Iterator[str]:
    if rule.language == "sql":
        catalog = catalog_of(rule.setup)
        for finding in lint(plan_of(rule.bad, catalog)[0], catalog):
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
