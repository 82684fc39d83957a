"""A comment that ignores a rule and does not say why."""

from migsafe.lint.rule import rule

RULE = rule(
    __name__,
    severity="warning",
    summary="A comment ignores a rule and does not say why.",
    effect="It silences nothing. Who reads the revision next cannot tell an accepted risk from a finding in the way.",
    safe="Write the reason behind the bracket: `# migsafe: ignore[drop-table] nobody reads it since May`.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="-- migsafe: ignore[drop-table]\nSELECT 1;",
    good="-- migsafe: ignore[drop-table] nobody reads it since May\nDROP TABLE orders;",
)
