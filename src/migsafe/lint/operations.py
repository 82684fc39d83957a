"""Alembic's operations as the reader would type them, with this statement's names: the code in a fix."""

from collections.abc import Iterable

from migsafe.model.catalog import Catalog, Constraint, Index
from migsafe.sql.quote import identifier, qualified

AUTOCOMMIT = "`with op.get_context().autocommit_block():`"


def accepting(rule: str) -> str:
    """How to go on with a finding that is meant: in the revision, or for one run."""
    return (
        f"with the comment `# migsafe: ignore[{rule}] …` (why) on its line, or upgrade with "
        f'`--allow {rule} --because "…"`'
    )


def bare(name: str) -> str:
    """The last part of `schema.name`."""
    return name.rpartition(".")[2]


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def in_schema(catalog: Catalog, name: str, keyword: str = "schema") -> str:
    """`, schema="app"` for what does not live in the first schema of the search path, else nothing."""
    schema = name.rpartition(".")[0]
    return f", {keyword}={quoted(schema)}" if schema and schema != catalog.search_path[0] else ""


def dotted(catalog: Catalog, name: str) -> str:
    """The name as SQL in op.execute() would have it: with its schema only where that is needed."""
    return qualified(name) if in_schema(catalog, name) else identifier(bare(name))


def columns(names: Iterable[str | None]) -> str:
    """`["a", "b"]`; an expression is left for the reader to carry over."""
    return f"[{', '.join('…' if name is None else quoted(name) for name in names)}]"


def create_index(catalog: Catalog, index: Index, unique: bool | None = None) -> str:
    """`op.create_index(…, postgresql_concurrently=True)`; `unique` overrides that of `index`."""
    arguments = f"{quoted(bare(index.name))}, {quoted(bare(index.relation))}, {columns(index.columns)}"
    arguments += ", unique=True" if (index.unique if unique is None else unique) else ""
    arguments += f", postgresql_using={quoted(index.method)}" if index.method != "btree" else ""
    arguments += ", postgresql_where=…" if index.predicate else ""
    return f"`op.create_index({arguments}, postgresql_concurrently=True{in_schema(catalog, index.relation)})`"


def drop_index(catalog: Catalog, name: str, relation: str | None) -> str:
    table = f", table_name={quoted(bare(relation))}" if relation else ""
    return f"`op.drop_index({quoted(bare(name))}{table}, postgresql_concurrently=True{in_schema(catalog, name)})`"


def create_foreign_key(catalog: Catalog, constraint: Constraint) -> str:
    target = constraint.references or "…"
    arguments = f"{quoted(constraint.name)}, {quoted(bare(constraint.relation))}, {quoted(bare(target))}"
    arguments += f", {columns(constraint.columns)}, {columns(constraint.referenced_columns or (None,))}"
    arguments += in_schema(catalog, constraint.relation, "source_schema")
    arguments += in_schema(catalog, target, "referent_schema") if constraint.references else ""
    arguments += _clauses(constraint)
    return f"`op.create_foreign_key({arguments}, postgresql_not_valid=True)`"


def create_check(catalog: Catalog, relation: str, name: str, condition: str) -> str:
    arguments = f"{quoted(name)}, {quoted(bare(relation))}, {quoted(condition)}"
    return f"`op.create_check_constraint({arguments}, postgresql_not_valid=True{in_schema(catalog, relation)})`"


def add_column(catalog: Catalog, relation: str, column: str, rest: str = "…, nullable=True") -> str:
    where = in_schema(catalog, relation)
    return f"`op.add_column({quoted(bare(relation))}, sa.Column({quoted(column)}, {rest}){where})`"


def drop_column(catalog: Catalog, relation: str, column: str) -> str:
    return f"`op.drop_column({quoted(bare(relation))}, {quoted(column)}{in_schema(catalog, relation)})`"


def drop_table(catalog: Catalog, relation: str) -> str:
    return f"`op.drop_table({quoted(bare(relation))}{in_schema(catalog, relation)})`"


def alter_column(catalog: Catalog, relation: str, column: str, change: str) -> str:
    where = in_schema(catalog, relation)
    return f"`op.alter_column({quoted(bare(relation))}, {quoted(column)}, {change}{where})`"


def validate(catalog: Catalog, relation: str, constraint: str) -> str:
    return f"`{execute(f'ALTER TABLE {dotted(catalog, relation)} VALIDATE CONSTRAINT {identifier(constraint)}')}`"


def execute(sql: str) -> str:
    return f"op.execute({quoted(sql)})"


_CONSTRAINT_TYPES = {"foreign key": "foreignkey", "primary key": "primary", "unique": "unique", "check": "check"}


def drop_constraint(catalog: Catalog, constraint: Constraint) -> str:
    kind = _CONSTRAINT_TYPES.get(constraint.kind)
    arguments = f"{quoted(constraint.name)}, {quoted(bare(constraint.relation))}"
    arguments += f", type_={quoted(kind)}" if kind else ""
    return f"`op.drop_constraint({arguments}{in_schema(catalog, constraint.relation)})`"


_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def _clauses(key: Constraint) -> str:
    """`, ondelete="CASCADE"` and what else a foreign key says of itself."""
    actions = {"onupdate": _ACTIONS.get(key.on_update), "ondelete": _ACTIONS.get(key.on_delete)}
    actions |= {"match": "FULL" if key.match == "f" else None, "initially": "DEFERRED" if key.deferred else None}
    written = "".join(f", {name}={quoted(value)}" for name, value in actions.items() if value)
    return written + (", deferrable=True" if key.deferrable else "")
