"""Expressions compared by the server: it plans what was written and what it prints, and the plans must be the same.

The server prints an expression in its own words (`status = ANY (ARRAY[…])` for `status IN (…)`), and SQL cannot compare
two texts of expressions. Planning both brings them to one form. Nothing is executed, and no row is read.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from migsafe.model.catalog import Catalog
from migsafe.postgres.queries import query
from migsafe.sql.expressions import columns
from migsafe.sql.parse import parse_expression
from migsafe.sql.quote import identifier, literal, qualified
from migsafe.verify.proof import array, bare, fill, schema_of


class Expression(NamedTuple):
    """An expression as it was written; `type` is what it is converted to where it is stored."""

    written: str
    type: str | None = None


HOLDS = query("verify_same_holds")
PERHAPS = query("verify_same_perhaps")
DOUBT = query("verify_same_doubt")


def expressions(kind: str, name: str, of: str, written: Sequence[Expression], catalog: Catalog, reads: bool) -> str:
    """A DO block that compares `written` with what is stored for the object.

    `kind` is column, constraint, index, policy, trigger, statistics or partition, `of` its relation. `reads`: columns
    of that relation may be in the expressions.
    """
    source = " FROM " + (_old_and_new(of) if kind == "trigger" else _row(of, bare(of))) if reads else ""
    return _compared(_lookup(kind, name, of), written, source, catalog)


def domain(
    name: str, base: str, checks: Sequence[str], written: Sequence[Expression], catalog: Catalog, *, default: bool
) -> str:
    """The same for the conditions `checks` of a domain, and its default; VALUE is a column of its base type."""
    lookup = fill(
        "verify_same_domain",
        schema=schema_of(name),
        name=literal(bare(name)),
        checks=array(checks),
        default=str(default).lower(),
    )
    return _compared(lookup, written, f" FROM (SELECT CAST(NULL AS {base}) AS value OFFSET 0) AS domain", catalog)


def rows(publication: str, filters: Mapping[str, str], catalog: Catalog) -> str:
    """The same for the rows that a publication has of each table, in the order of their names."""
    lookup = fill("verify_same_publication", name=literal(publication), tables=array(filters))
    sources = [f" FROM {_row(table, bare(table))}" for table in filters]
    mine = ", ".join(f"(SELECT ({where}){of}" + ")" for where, of in zip(filters.values(), sources, strict=True))
    theirs = ", ".join(f"(SELECT (\0){of}" + ")" for of in sources)
    return _block(lookup, f"SELECT {mine}", f"SELECT {theirs}", catalog)


def function(
    signature: str,
    defaults: Sequence[Expression],
    body: str | None,
    given: Sequence[tuple[str, str]],
    catalog: Catalog,
) -> str:
    """The same for the defaults of a function's arguments, and for the query that is its body; `given` are the names
    and types of its arguments."""
    lookup = fill(
        "verify_same_function",
        signature=literal(signature_of(signature)),
        defaults=str(bool(defaults)).lower(),
        body=str(body is not None).lower(),
    )
    row = ", ".join(f"CAST(NULL AS {type_name}) AS {identifier(name)}" for name, type_name in given)
    name = identifier(bare(signature.partition("(")[0]))
    source = f" FROM (SELECT {row} OFFSET 0) AS {name}, LATERAL (\0) AS body" if body is not None else ""
    wanted = [_cast(each.written, each.type) for each in defaults]
    kept = [_cast("\0", each.type) for each in defaults]
    last = ["body.*"] if body is not None else []
    mine = f"SELECT {', '.join([*wanted, *last])}{source.replace(chr(0), body or '')}"
    return _block(lookup, mine, f"SELECT {', '.join([*kept, *last])}{source}", catalog)


def rule(name: str, of: str, where: str | None, actions: Sequence[str], catalog: Catalog) -> str:
    """The same for a rule: its condition and each of its actions; `new.a` is a column of no row there."""
    statements = [f"SELECT ({where})"] if where is not None else []
    body = fill(
        "verify_same_rule",
        path=_path(catalog),
        schema=schema_of(of),
        relation=literal(bare(of)),
        name=literal(name),
        written=array([*statements, *actions]),
        conditional=str(where is not None).lower(),
        row=literal(f"(SELECT \\1.\\2 FROM (SELECT (NULL::{qualified(of)}).* OFFSET 0) AS \\1)"),
        whole=literal(f"(SELECT \\1 FROM (SELECT (NULL::{qualified(of)}).* OFFSET 0) AS \\1)"),
    )
    return _do(body)


def signature_of(name: str) -> str:
    """`schema.name(types)` with its name as SQL spells it."""
    function_, parenthesis, arguments = name.partition("(")
    return qualified(function_) + parenthesis + arguments


def _row(relation: str, alias: str) -> str:
    return f"(SELECT (NULL::{qualified(relation)}).* OFFSET 0) AS {identifier(alias)}"


def _old_and_new(relation: str) -> str:
    return f"{_row(relation, 'old')}, {_row(relation, 'new')}"


def _compared(lookup: str, written: Sequence[Expression], source: str, catalog: Catalog) -> str:
    mine = "SELECT " + ", ".join(_cast(each.written, each.type) for each in written) + source
    theirs = "SELECT " + ", ".join(_cast("\0", each.type) for each in written) + source
    return _block(lookup, mine, theirs, catalog)


def written_in(block: str) -> str:
    """The part of a DO block with what was written, without what is looked up to compare it with."""
    plain = block.partition("FORMAT JSON) ' || ")[2].partition(" INTO written;")
    of_rule = block.partition("written text[] := ")[2].partition("mine jsonb;")
    return (plain[0] if plain[1] else of_rule[0]) or block


def left_out(sql: str) -> str:
    """A query without what it says of expressions."""
    return sql.replace(HOLDS, "true").replace(PERHAPS, "true").replace(f" || {DOUBT}", "")


def is_of_columns(written: str, relation: str, catalog: Catalog) -> bool:
    """Whether the columns in an expression still go by the names that were written."""
    node, known = parse_expression(written), catalog.columns.get(relation, {})
    return node is not None and all(name in known or name == bare(relation) for name in columns(node))


def view(name: str, written: str, catalog: Catalog) -> str:
    """The same for the query of a view."""
    return _block(_lookup("view", name, name), written, "\0", catalog)


def _lookup(kind: str, name: str, of: str) -> str:
    in_schema = kind in ("index", "view", "statistics", "partition")
    return fill(
        f"verify_same_{kind}",
        schema=schema_of(name if in_schema else of),
        relation=literal(bare(of)),
        name=literal(bare(name) if in_schema else name),
    )


def _cast(text: str, type_name: str | None) -> str:
    return f"CAST(({text}) AS {type_name})" if type_name else f"({text})"


def _path(catalog: Catalog) -> str:
    return literal(", ".join(identifier(schema) for schema in catalog.search_path))


def _block(lookup: str, written: str, kept: str, catalog: Catalog) -> str:
    """`kept` is the statement over what is stored, with NUL where each of the texts goes that are looked up."""
    template = literal(kept.replace("%", "%%").replace("\0", "%s"))
    values = {"lookup": lookup, "written": literal(written), "template": template}
    return _do(fill("verify_same", path=_path(catalog), parts=str(kept.count("\0")), **values))


def _do(body: str) -> str:
    tag = "migsafe"
    while f"${tag}$" in body:
        tag += "_"
    return f"DO ${tag}$\n{body}\n${tag}$"
