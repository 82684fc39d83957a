"""Previewed SQL, laid out for a reader."""

import sqlparse

from migsafe.sql.libpg_query import Rejected
from migsafe.sql.parse import tokens

# What sqlparse indents well; it staggers the columns of CREATE TABLE, and Alembic lays out its DDL itself.
_QUERIES = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH")


def layout(sql: str) -> str:
    """`sql` with line breaks and indentation; the text as it is when its tokens would not stay exactly the same.

    Comments, string constants and dollar-quoted bodies stay byte for byte.
    """
    if not sql.lstrip("( \t\r\n").upper().startswith(_QUERIES):
        return sql
    try:
        pretty: str = sqlparse.format(sql, reindent=True, keyword_case=None, strip_whitespace=False)
    except (sqlparse.exceptions.SQLParseError, RecursionError, ValueError):
        return sql
    before = _tokens(sql)
    return pretty.strip() if before is not None and before == _tokens(pretty) else sql


def _tokens(sql: str) -> list[bytes] | None:
    """The text of every token, comments too; None when the scanner rejects it."""
    data = sql.encode(errors="surrogatepass")
    try:
        return [data[token.start : token.end] for token in tokens(sql)]
    except (Rejected, UnicodeEncodeError):
        return None
