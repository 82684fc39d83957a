"""A comment that ignores what is not there."""

from migsafe.lint.rule import rule

RULE = rule(
    __name__,
    severity="warning",
    summary="A comment ignores a rule that has nothing to say of the statement.",
    effect="Nothing happens today. Once the statement is changed, the comment silences a hazard that nobody accepted.",
    safe="Delete the comment.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="-- migsafe: ignore[drop-table] nobody reads it since May\nSELECT 1;",
    good="-- migsafe: ignore[drop-table] nobody reads it since May\nDROP TABLE orders;",
)
