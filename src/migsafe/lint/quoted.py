"""What lint says of a rule's own bad example: what docs/rules.md and `migsafe rules NAME` quote."""

from migsafe.lint import lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.findings import Finding, Rule
from migsafe.settings import LintSettings


def said_of_bad(rule: Rule) -> tuple[Finding, ...]:
    """The findings of the rule in its bad example, after the set-up; none for an example in Python."""
    if rule.language != "sql":
        return ()
    catalog = catalog_of(rule.setup)
    enabled = LintSettings(enable=(rule.name,))
    found = lint(plan_of(rule.bad, catalog)[0], catalog, enabled)
    return tuple(finding for finding in found if finding.rule == rule.name)
