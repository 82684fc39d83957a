"""A comment that ignored a rule until a day that is over."""

from migsafe.lint.rule import rule

RULE = rule(
    __name__,
    severity="warning",
    summary="The day until which a comment ignores a rule is over.",
    effect="The findings that it silenced are back.",
    safe="Mend what it was for, or set a later day and say why.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="-- migsafe: ignore[drop-table] until=2026-01-31 nobody reads it\nSELECT 1;",
    good="-- migsafe: ignore[drop-table] until=2999-01-31 nobody reads it\nDROP TABLE orders;",
)
