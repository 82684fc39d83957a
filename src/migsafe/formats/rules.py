"""The rules of lint for a person, and as JSON."""

from collections.abc import Iterable, Iterator

import msgspec
from rich.console import Console

from migsafe.formats import words
from migsafe.formats.hazards import STYLES
from migsafe.formats.lines import heading, say
from migsafe.model.findings import Finding, Pack, Rule, Severity

PACKS: dict[Pack, str] = {
    "postgresql": "what blocks an application, breaks it or loses its data",
    "pgvector": "the extension vector",
    "alembic": "revisions that cannot be repeated, resumed or undone",
    "style": 'off unless it is enabled: enable = ["style"] in [tool.migsafe.lint]',
}


class Listed(msgspec.Struct, frozen=True):
    """A rule as this project has it: `severity` of the settings, `on` if it is asked at all."""

    rule: Rule
    severity: Severity
    on: bool


def listing(rules: Iterable[Listed], console: Console) -> None:
    """A line for each rule, by pack."""
    known = tuple(rules)
    width = max((len(listed.rule.name) for listed in known), default=0)
    for pack, about in PACKS.items():
        members = [listed for listed in known if listed.rule.pack == pack]
        if members:
            heading(console, pack, about)
        for listed in members:
            severity = (f"{listed.severity:<8}", STYLES[listed.severity]) if listed.on else (f"{'off':<8}", "dim")
            name = (f"{listed.rule.name:<{width}}", "bold")
            say(console, severity, " ", name, f"  {listed.rule.summary}", indent=2, hang=2 + 8 + 1 + width + 2)
    console.print()
    say(console, f"{words.count(len(known), 'rule')}. `migsafe rules NAME` says why, with examples and the fix.")


def page(listed: Listed, quoted: Iterable[Finding], console: Console) -> None:
    """One rule: why, what is bad and what lint says of it, what is good, how to accept it."""
    rule = listed.rule
    state = (listed.severity, STYLES[listed.severity]) if listed.on else ("off", "dim")
    say(console, (rule.name, "bold"), f"  ({rule.pack}, ", state, ")")
    say(console, rule.summary)
    for title, text in (("Why", rule.effect), ("Fix", rule.safe)):
        console.print()
        say(console, (f"{title}: ", "bold"), text, hang=len(title) + 2)
    for title, code in (("Set-up", rule.setup), ("Bad", rule.bad), ("Good", rule.good)):
        if not code:
            continue
        heading(console, title)
        for line in code.splitlines():
            say(console, (line, "cyan"), indent=4, fold=False)
        if title == "Bad":
            _quoted(quoted, console)
    heading(console, "To accept one", "a comment in the line of the call or above it; in SQL with -- instead of #")
    say(console, (f"# migsafe: ignore[{rule.name}] why this one is harmless", "cyan"), indent=4, fold=False)


def _quoted(findings: Iterable[Finding], console: Console) -> None:
    for finding in findings:
        say(console, (f"{finding.severity}  ", STYLES[finding.severity]), finding.message, indent=4, hang=6)
        say(console, ("fix: ", "bold"), finding.fix, indent=4, hang=6)


def as_json(rules: Iterable[Listed]) -> str:
    """A JSON array: every field of Rule, `severity` as the settings have it, `default_severity`, and `on`."""
    return msgspec.json.format(msgspec.json.encode(list(_documents(rules))), indent=2).decode() + "\n"


def _documents(rules: Iterable[Listed]) -> Iterator[dict[str, object]]:
    for listed in rules:
        fields: dict[str, object] = msgspec.to_builtins(listed.rule)
        yield fields | {"severity": listed.severity, "default_severity": listed.rule.severity, "on": listed.on}
