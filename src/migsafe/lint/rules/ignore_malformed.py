"""A comment that was meant to ignore something, and does not."""

from migsafe.lint.rule import rule

RULE = rule(
    __name__,
    severity="warning",
    summary="A comment to ignore a rule cannot be read, or stands at no statement.",
    effect="It silences nothing: the findings that it was written for are reported.",
    safe="Write `# migsafe: ignore[rule] reason` on a line of the op.* call, or alone directly above it.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="-- migsafe: ignore drop-table, nobody reads it\nSELECT 1;",
    good="-- migsafe: ignore[drop-table] nobody reads it since May\nDROP TABLE orders;",
)
