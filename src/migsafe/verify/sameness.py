"""Expressions compared by the server: it plans what was written and what it prints, and the plans must be the same.

The server prints an expression in its own words (`status = ANY (ARRAY[…])` for `status IN (…)`), and SQL cannot compare
two texts of expressions. Planning both brings them to one form. Nothing is executed, and no row is read.
"""

from collections.abc import Sequence
from typing import NamedTuple

from migsafe.model.catalog import Catalog
from migsafe.postgres.queries import query
from migsafe.sql.expressions import columns
from migsafe.sql.parse import parse_expression
from migsafe.sql.quote import identifier, literal, qualified
from migsafe.verify.proof import bare, fill, schema_of


class Expression(NamedTuple):
    """An expression as it was written; `type` is what it is converted to where it is stored."""

    written: str
    type: str | None = None


HOLDS = query("verify_same_holds")
PERHAPS = query("verify_same_perhaps")
DOUBT = query("verify_same_doubt")


def expressions(kind: str, name: str, of: str, written: Sequence[Expression], catalog: Catalog, reads: bool) -> str:
    """A DO block that compares `written` with what is stored for the object.

    `kind` is column, constraint, index or policy, `of` its relation. `reads`: columns of that relation may be in the
    expressions.
    """
    source = f" FROM (SELECT (NULL::{qualified(of)}).* OFFSET 0) AS {identifier(bare(of))}" if reads else ""
    mine = "SELECT " + ", ".join(_cast(each.written, each.type) for each in written) + source
    theirs = "SELECT " + ", ".join(_cast("\0", each.type) for each in written) + source
    template = theirs.replace("%", "%%").replace("\0", "%s")
    return _block(_lookup(kind, name, of), mine, template, catalog)


def left_out(sql: str) -> str:
    """A query without what it says of expressions."""
    return sql.replace(HOLDS, "true").replace(PERHAPS, "true").replace(f" || {DOUBT}", "")


def is_of_columns(written: str, relation: str, catalog: Catalog) -> bool:
    """Whether the columns in an expression still go by the names that were written."""
    node, known = parse_expression(written), catalog.columns.get(relation, {})
    return node is not None and all(name in known or name == bare(relation) for name in columns(node))


def view(name: str, written: str, catalog: Catalog) -> str:
    """The same for the query of a view."""
    return _block(_lookup("view", name, name), written, "%s", catalog)


def _lookup(kind: str, name: str, of: str) -> str:
    home = name if kind in ("index", "view") else of
    return fill(
        f"verify_same_{kind}",
        schema=schema_of(home),
        relation=literal(bare(of)),
        name=literal(bare(name) if kind in ("index", "view") else name),
    )


def _cast(text: str, type_name: str | None) -> str:
    return f"CAST(({text}) AS {type_name})" if type_name else f"({text})"


def _block(lookup: str, written: str, template: str, catalog: Catalog) -> str:
    path = ", ".join(identifier(schema) for schema in catalog.search_path)
    body = fill("verify_same", path=literal(path), lookup=lookup, written=literal(written), template=literal(template))
    tag = "migsafe"
    while f"${tag}$" in body:
        tag += "_"
    return f"DO ${tag}$\n{body}\n${tag}$"
