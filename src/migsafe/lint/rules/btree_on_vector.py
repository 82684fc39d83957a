"""A B-tree over vectors, which are too long for it."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.vectors import of_type
from migsafe.model.catalog import Column, Index
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A B-tree index, UNIQUE or PRIMARY KEY on a column of long vectors.",
    effect="It is created, and every INSERT of a vector fails: a B-tree entry holds 2,704 bytes at most.",
    safe="Use HNSW to search; for uniqueness index a digest: `UNIQUE (md5(embedding::text))`.",
    setup="CREATE EXTENSION vector;",
    bad="CREATE TABLE messages (id bigint PRIMARY KEY, embedding vector(1536) UNIQUE);",
    good=(
        "CREATE TABLE messages (id bigint PRIMARY KEY, embedding vector(1536), digest text UNIQUE);\n"
        "CREATE INDEX ix_embedding ON messages USING hnsw (embedding vector_cosine_ops);"
    ),
    pack="pgvector",
)

# BTMaxItemSize of nbtree.h for pages of 8 kB; a vector has 8 bytes of its own.
_LARGEST = 2704
_EACH = {"vector": 4, "halfvec": 2}


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    made = {(column.relation, column.name): column for column in created(statement.effects, Column)}
    for index in created(statement.effects, Index):
        for name in index.columns if index.method == "btree" else ():
            known = situation.catalog.columns.get(index.relation, {}).get(name or "")
            column = made.get((index.relation, name or ""), known)
            kind, dimensions = of_type(column.type if column else None) or ("", None)
            bytes_ = _EACH.get(kind, 0) * (dimensions or 0) + 8
            if bytes_ > _LARGEST:
                yield Fault(
                    f"{bare(index.name)} is a B-tree on {name} of {index.relation}, whose values have {bytes_:,} "
                    f"bytes: every INSERT of one fails with SQLSTATE 54000, an entry holds {_LARGEST:,} at most.",
                    f"Use HNSW to search {name}; for uniqueness index a digest such as md5({name}::text).",
                )
