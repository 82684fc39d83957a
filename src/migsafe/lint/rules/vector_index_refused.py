"""A vector index that pgvector cannot build."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.vectors import METHODS, of_type
from migsafe.model.catalog import Index
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="An HNSW or IVFFlat index has too many dimensions or none, no operator class, or is UNIQUE.",
    effect="The statement fails (SQLSTATE 54000, 22023, 42704 or 0A000), a concurrent one late and leaving an index.",
    safe="Index `(embedding::halfvec(n))` above 2,000 dimensions, and name an operator class: vector_cosine_ops, …",
    setup="CREATE EXTENSION vector;\nCREATE TABLE messages (id bigint PRIMARY KEY, embedding vector(3072));",
    refused="54000",
    bad="CREATE INDEX CONCURRENTLY ix_embedding ON messages USING hnsw (embedding vector_cosine_ops);",
    good=(
        "CREATE INDEX CONCURRENTLY ix_embedding ON messages\n"
        "  USING hnsw ((embedding::halfvec(3072)) halfvec_cosine_ops);"
    ),
    pack="pgvector",
)

# The manual of pgvector, sections HNSW and IVFFlat.
_MOST = {"vector": 2000, "halfvec": 4000, "bit": 64000}


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for index in created(statement.effects, Index):
        if index.method in METHODS and index.definition:
            for message, fix in _faults(index):
                yield Fault(f"CREATE INDEX {bare(index.name)} USING {index.method} fails with {message}.", fix)
                break


def _faults(index: Index) -> Iterator[tuple[str, str]]:
    if index.unique:
        yield f"SQLSTATE 0A000: {index.method} does not support unique indexes", "Leave UNIQUE out."
    types = index.types or (None,) * len(index.columns)
    classes = index.opclasses or ("",) * len(index.columns)
    for column, printed, opclass in zip(index.columns, types, classes, strict=True):
        found = of_type(printed)
        if found is None:
            continue
        kind, dimensions = found
        if opclass is None and index.method == "hnsw":
            yield (
                f"SQLSTATE 42704: {kind} has no default operator class for hnsw",
                f'Name the one of the operator that queries use: `postgresql_ops={{"{column}": "{kind}_cosine_ops"}}` '
                f"for <=>, {kind}_l2_ops for <->, {kind}_ip_ops for <#>.",
            )
        if dimensions is None and kind != "bit":
            yield "SQLSTATE 22023: the column does not have dimensions", f"Give it some, or index a cast to {kind}(n)."
        elif dimensions is not None and dimensions > _MOST.get(kind, dimensions):
            yield (
                f"SQLSTATE 54000: {kind} cannot have more than {_MOST[kind]:,} dimensions here, and has {dimensions:,}",
                _smaller(column, kind, dimensions),
            )


def _smaller(column: str | None, kind: str, dimensions: int) -> str:
    if kind == "vector" and dimensions <= _MOST["halfvec"]:
        return f"Index `(({column or '…'}::halfvec({dimensions})) halfvec_cosine_ops)` and query with the same cast."
    return f"Index `(binary_quantize({column or '…'})::bit({dimensions})) bit_hamming_ops` and re-rank, or use fewer."
