"""What SQL statements do to a server: read, predicted and linted, without a server."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from migsafe.errors import UsageError
from migsafe.lint import lint
from migsafe.model.after import after
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement
from migsafe.settings import LintSettings
from migsafe.sql.predict import predict
from migsafe.sql.schema import read_noting, with_settings
from migsafe.sql.split import Piece, split

SERVER_VERSIONS = (14, 15, 16, 17, 18)
_DEFAULTS = LintSettings()


class Text(msgspec.Struct, frozen=True):
    """SQL as it was given; `path` is the file that it is from."""

    sql: str
    path: str | None = None


class Explanation(msgspec.Struct, frozen=True):
    """What each statement of a text does, and what lint says of it.

    `catalog` is the schema before the first statement; `unread` what could not be understood in the text that it was
    made of, each with its line and the reason.
    """

    plan: Plan
    findings: tuple[Finding, ...]
    catalog: Catalog
    unread: tuple[Piece, ...] = ()

    @property
    def statements(self) -> tuple[Statement, ...]:
        return self.plan.statements

    def to_dict(self) -> dict[str, Any]:
        """The document of `migsafe explain --format json`, as docs/report.schema.json describes it."""
        from migsafe.formats.json import plan_json

        return plan_json(self.plan, self.findings)


def explain(sql: str, *, schema: str | Catalog = "", server_version: int = 18) -> Explanation:
    """What the statements of `sql` lock, rewrite, scan, build and destroy on PostgreSQL 14 to 18.

    `schema` is any SQL text that builds the schema (what `pg_dump --schema-only` prints; an INSERT tells that a table
    is not empty), or a Catalog. Without one, what depends on it is pessimistic and says so in `conditions`. A statement
    knows what those before it did. One that cannot be read is `unknown` and says why; the others are read still.
    Raises UsageError for another server version.
    """
    catalog, unread = known_schema(schema, server_version)
    explained = explain_texts((Text(sql),), catalog, server_version)
    return msgspec.structs.replace(explained, unread=unread)


def known_schema(schema: str | Catalog, server_version: int) -> tuple[Catalog, tuple[Piece, ...]]:
    """The catalog that `schema` is or describes, incomplete for an empty text, and what of the text was not read."""
    if server_version not in SERVER_VERSIONS:
        known = ", ".join(map(str, SERVER_VERSIONS))
        raise UsageError(f"What PostgreSQL {server_version} does is not known", f"Take one of {known}.")
    if isinstance(schema, Catalog):
        return schema, ()
    if not schema or schema.isspace():
        return Catalog(server_version=server_version), ()
    return read_noting(schema, server_version)


def explain_texts(
    texts: Iterable[Text], catalog: Catalog, server_version: int, settings: LintSettings = _DEFAULTS
) -> Explanation:
    """As `explain`, of texts that are run one after the other, each in a session of its own."""
    plan = planned(texts, catalog, server_version)
    return Explanation(plan, lint(plan, catalog, settings), catalog)


def planned(texts: Iterable[Text], catalog: Catalog, server_version: int) -> Plan:
    """The plan of texts that are run one after the other, each a step without a name, in a session of its own."""
    steps: list[Step] = []
    following, begun, index = catalog, 0, 0
    for text in texts:
        session = _Session(following, server_version, begun)
        statements = tuple(
            msgspec.structs.replace(statement, index=number, path=text.path)
            for number, statement in enumerate(session.read(text.sql), index)
        )
        index += len(statements)
        begun = session.begun
        following = msgspec.structs.replace(session.catalog, search_path=catalog.search_path)
        steps.append(Step("", (), text.path or "", statements=statements))
    return Plan((), (), tuple(steps), server_version=server_version)


class _Session:
    """Reads statements one after the other: the schema as it is by then, and the transaction that is open.

    Outside BEGIN … COMMIT each statement is a transaction of its own, but one that refuses a transaction block has
    none. What a transaction did is undone by its ROLLBACK; SET LOCAL holds until its end, and not at all outside.
    """

    def __init__(self, catalog: Catalog, server_version: int, begun: int) -> None:
        self.catalog, self.version, self.begun = catalog, server_version, begun
        self._before: Catalog | None = None
        self._lasting = catalog

    def read(self, sql: str) -> Iterator[Statement]:
        for piece in split(sql):
            yield self._statement(piece)

    def _statement(self, piece: Piece) -> Statement:
        effects = self._effects(piece)
        if effects.command in ("BEGIN", "START TRANSACTION") and self._before is None:
            self._before = self.catalog
        ordinal = self.begun if effects.in_transaction or self._before is not None else None
        self._follow(effects)
        if effects.command in ("COMMIT", "ROLLBACK", "PREPARE TRANSACTION"):
            self._end(effects.command)
        self.begun += ordinal is not None and self._before is None
        # Half a character (a surrogate) is for no file and no JSON.
        sql = piece.sql if piece.error is None else piece.sql.encode(errors="backslashreplace").decode()
        return Statement(sql, effects, line=piece.line, transaction=ordinal, comments=piece.comments)

    def _follow(self, effects: Effects) -> None:
        lasting = tuple(setting for setting in effects.settings if not setting.local)
        lasts = msgspec.structs.replace(effects, settings=lasting) if lasting != effects.settings else effects
        self.catalog = with_settings(after(self.catalog, effects), lasts if self._before is None else effects)
        self._lasting = with_settings(self._lasting, lasts)

    def _effects(self, piece: Piece) -> Effects:
        if piece.error is not None:
            return Effects(unknown=f"this is no PostgreSQL statement: {piece.error}")
        return predict(piece.sql, self.catalog, self.version)

    def _end(self, command: str) -> None:
        if command == "ROLLBACK" and self._before is not None:
            self.catalog = self._lasting = self._before
        elif self._before is not None:
            lasting = self._lasting
            self.catalog = msgspec.structs.replace(
                self.catalog, search_path=lasting.search_path, timezone=lasting.timezone
            )
        self._before = None
