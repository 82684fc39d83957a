"""A hazardous statement written safely: as SQL, and as the Python of one revision or two."""

import msgspec

AUTOCOMMIT_BLOCK = "with op.get_context().autocommit_block():"


class Line(msgspec.Struct, frozen=True):
    """One statement as SQL and as the Python that sends it. `is_call`: it is the call that the revision has already,

    with the changes that the Rewrite names; in the file it is that call which is kept, not `python`.
    """

    sql: str
    python: str
    is_call: bool = False


class Part(msgspec.Struct, frozen=True):
    """What one revision sends: first `concurrent` outside of any transaction, then `statements` in one."""

    concurrent: tuple[Line, ...] = ()
    statements: tuple[Line, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.concurrent or self.statements)

    def __add__(self, other: "Part") -> "Part":
        return Part(self.concurrent + other.concurrent, self.statements + other.statements)

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.concurrent + self.statements

    @property
    def sql(self) -> tuple[str, ...]:
        return tuple(line.sql for line in self.lines if line.sql)

    @property
    def python(self) -> tuple[str, ...]:
        """Python statements as they stand in upgrade(); an indented line belongs to the block above it."""
        within = tuple(f"    {line.python}" for line in self.concurrent if line.python)
        block = (AUTOCOMMIT_BLOCK, *within) if within else ()
        return block + tuple(line.python for line in self.statements if line.python)


class Undo(msgspec.Struct, frozen=True, kw_only=True):
    """What downgrade() has to do differently. The call there is found as op.`operation` of `names`.

    It gets `keywords`, and with `concurrent` an autocommit block, before everything else when it may be `first`.
    With `later`, or when the statement itself moves, it moves into the second revision (where there is none, `line`
    is written), followed by `also`; `instead` takes its place in the first. `names` are the values of its first
    arguments, `spellings` what an op.execute() in its place may say.
    """

    operation: str
    names: tuple[str, ...]
    spellings: tuple[str, ...] = ()
    line: Line | None = None
    keywords: tuple[tuple[str, str], ...] = ()
    concurrent: bool = False
    first: bool = False
    later: bool = False
    instead: tuple[Line, ...] = ()
    also: tuple[Line, ...] = ()


class Rewrite(msgspec.Struct, frozen=True, kw_only=True):
    """`here` takes the statement's place in its revision, `later` follows in a revision of its own.

    The call in the file is changed by `keywords` (added), `insertions` (into the SQL of op.execute(): offset in
    characters, text) and `without` (what its sa.Column loses: index, unique, ForeignKey). `moved`: what comes before it
    in the revision is a transaction, which an autocommit block would commit; so `here` belongs into the later revision
    too. `by_hand` says why `--fix` must leave it to a person.
    """

    here: Part = Part()
    later: Part = Part()
    keywords: tuple[tuple[str, str], ...] = ()
    insertions: tuple[tuple[int, str], ...] = ()
    without: tuple[str, ...] = ()
    undo: Undo | None = None
    moved: bool = False
    by_hand: str | None = None

    @property
    def first(self) -> Part:
        """What stays in the revision."""
        return Part() if self.moved else self.here

    @property
    def second(self) -> Part:
        """What a revision of its own does after it."""
        return self.here + self.later if self.moved else self.later

    @property
    def sql(self) -> tuple[str, ...]:
        return self.first.sql

    @property
    def autocommit(self) -> bool:
        """Whether the first of `sql` may not run inside a transaction block."""
        return bool(self.first.concurrent)

    @property
    def next_sql(self) -> tuple[str, ...]:
        return self.second.sql

    @property
    def python(self) -> tuple[str, ...]:
        return self.first.python

    @property
    def next_python(self) -> tuple[str, ...]:
        return self.second.python
