"""`migsafe explain`: what SQL statements lock, rewrite, scan, build and destroy."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migsafe.cli.options import Format, hide_password, output_format
from migsafe.errors import UsageError
from migsafe.model.findings import Severity

if TYPE_CHECKING:
    from migsafe.explanation import Explanation, Text
    from migsafe.model.catalog import Catalog

_EXAMPLE = 'Give a statement, like migsafe explain "ALTER TABLE orders ADD COLUMN note text", or a file, or pipe it in.'


@click.command(name="explain", short_help="Say what SQL locks, rewrites, scans and destroys.")
@click.argument("sql", metavar="[SQL | FILE | -]...", nargs=-1)
@click.option("--schema", metavar="FILE", help="SQL that builds the schema, as pg_dump --schema-only prints it.")
@click.option("--url", metavar="URL", callback=hide_password, help="Read the schema and its sizes from this database.")
@click.option(
    "--server-version",
    type=click.Choice(["14", "15", "16", "17", "18"]),
    help="The major version of PostgreSQL.  [default: 18, or that of --url]",
)
@click.option(
    "--fail-on", type=click.Choice(["error", "warning"]), help="Exit with 1 when a finding is as bad as this; for CI."
)
@output_format("text", "json")
def command(
    sql: tuple[str, ...],
    schema: str | None,
    url: str | None,
    server_version: str | None,
    fail_on: Severity | None,
    format: Format,
) -> int:
    """Say what SQL statements lock and who waits, what they rewrite, scan and destroy, and the safe form.

    The SQL is given as it is, in files, or on standard input. Nothing is executed and no database is needed; with
    --schema or --url the answer is certain where it would otherwise be conditional. A statement knows what those before
    it did.
    """
    from migsafe.explanation import explain_texts
    from migsafe.settings import load

    texts = _texts(sql)
    if not any(text.sql.strip() for text in texts):
        raise UsageError("there is no SQL to explain", _EXAMPLE)
    catalog, version = context(schema, url, int(server_version) if server_version else None)
    explained = explain_texts(texts, catalog, version, load().lint)
    if format == "json":
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(explained.to_dict()), indent=2).decode())
    else:
        _print(explained)
    return int(fail_on is not None and any(each.fails(fail_on) for each in explained.findings))


def _print(explained: "Explanation") -> None:
    from migsafe.cli import output
    from migsafe.formats.explanation import explanation

    explanation(explained.plan, explained.findings, explained.catalog, output.console())


def context(schema: str | None, url: str | None, version: int | None) -> "tuple[Catalog, int]":
    """The catalog of --schema, of --url, or an unknown one; and the server version that holds."""
    if schema is not None and url is not None:
        raise UsageError("--schema and --url are both given", "Take one: both say what the schema is.")
    if url is not None:
        return _live(url, version)
    from migsafe.explanation import known_schema

    catalog, unread = known_schema(content(schema) if schema is not None else "", version or 18)
    for piece in unread:
        print(f"migsafe: {schema}:{piece.line}: not understood: {piece.error}", file=sys.stderr)
    if unread:
        print("The rest was read; what is not in it may exist all the same.", file=sys.stderr)
    return catalog, version or 18


def _live(url: str, version: int | None) -> "tuple[Catalog, int]":
    from migsafe.cli import output
    from migsafe.explanation import SERVER_VERSIONS
    from migsafe.postgres.catalog import read
    from migsafe.postgres.connection import Database, connect, redact

    database = Database.from_url(url)
    output.redact_with(lambda text: redact(text, database))
    with connect(database, read_only=True) as connection:
        catalog = read(connection)
    asked = version or catalog.server_version
    if asked not in SERVER_VERSIONS:
        raise UsageError(f"The server is PostgreSQL {asked}, which is not known", "Give --server-version, 14 to 18.")
    return catalog, asked


def _texts(given: Sequence[str]) -> "list[Text]":
    if not given and sys.stdin.isatty():
        raise UsageError("there is no SQL to explain", _EXAMPLE)
    return [_text(each) for each in given or ("-",)]


def _text(given: str) -> "Text":
    from migsafe.explanation import Text

    if given == "-":
        return Text(decoded(sys.stdin.buffer.read(), "standard input"))
    # A statement may hold a NUL or be longer than a path may be: os.path answers no where pathlib raises.
    if os.path.exists(given) or _looks_like_a_path(given):  # noqa: PTH110
        return Text(content(given), given)
    return Text(given)


def _looks_like_a_path(given: str) -> bool:
    return given.endswith(".sql") or ("/" in given and not any(letter.isspace() for letter in given))


def content(path: str) -> str:
    try:
        return decoded(Path(path).read_bytes(), path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "Give a file with SQL in it.") from None
    except ValueError:
        raise UsageError(f"{path!r} is no name of a file", "Give a file with SQL in it.") from None


def decoded(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        remedy = "Convert it, like iconv -f LATIN1 -t UTF-8; pg_dump writes UTF-8 with --encoding=UTF8."
        raise UsageError(f"{source}, line {line}: this is not UTF-8", remedy) from None
