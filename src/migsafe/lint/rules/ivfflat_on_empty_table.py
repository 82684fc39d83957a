"""An IVFFlat index whose lists are made from no rows."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.operations import AUTOCOMMIT, bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Index
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="An IVFFlat index is created on a table that has no rows yet.",
    effect="Its lists are made from the rows that are there: made from none, queries miss most of what comes later.",
    safe="Create it when the table is filled, with lists = rows / 1000; or use HNSW, which needs no rows.",
    setup="CREATE EXTENSION vector;",
    bad=(
        "CREATE TABLE messages (id bigint PRIMARY KEY, embedding vector(3));\n"
        "CREATE INDEX ix_embedding ON messages USING ivfflat (embedding vector_cosine_ops) WITH (lists = 100);"
    ),
    good=(
        "CREATE TABLE messages (id bigint PRIMARY KEY, embedding vector(3));\n"
        "CREATE INDEX ix_embedding ON messages USING hnsw (embedding vector_cosine_ops);"
    ),
    pack="pgvector",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for index in created(statement.effects, Index):
        table = situation.catalog.relations.get(index.relation)
        if index.method == "ivfflat" and table is not None and table.rows == 0:
            yield Fault(
                f"IVFFlat index {bare(index.name)} is made while {index.relation} is empty: its lists mean nothing, "
                f"and queries through it miss most rows.",
                f"Create it in a later revision, when the rows are there, with postgresql_concurrently=True inside "
                f"{AUTOCOMMIT}; or use HNSW.",
            )
