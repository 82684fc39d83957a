"""A comment that ignores a rule of a name that there is not."""

from migsafe.lint.rule import rule

RULE = rule(
    __name__,
    severity="warning",
    summary="A comment ignores a rule that does not exist.",
    effect="Nothing is silenced under that name; mostly it is a slip of the pen, or a rule of another tool.",
    safe="Write the name as `migsafe rules` has it.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="-- migsafe: ignore[drop-tabel] nobody reads it since May\nSELECT 1;",
    good="-- migsafe: ignore[drop-table] nobody reads it since May\nDROP TABLE orders;",
)
