"""An HNSW graph that does not fit into the memory it is built in."""

import re
from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.operations import bare, execute
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.vectors import of_type
from migsafe.lint.wording import pretty_size, size
from migsafe.model.catalog import Index
from migsafe.model.statement import Statement

_BUILD = (
    '    op.create_index(\n        "ix_embedding",\n        "messages",\n        ["embedding"],\n'
    '        postgresql_using="hnsw",\n        postgresql_ops={"embedding": "vector_cosine_ops"},\n'
    "        postgresql_concurrently=True,\n    )"
)

RULE = rule(
    __name__,
    severity="warning",
    summary="An HNSW index is built on a table whose graph does not fit into maintenance_work_mem.",
    effect="From the row on that does not fit any more the build is many times slower: hours instead of minutes.",
    safe="Set maintenance_work_mem before it, to as much as the server has to spare, and RESET it after.",
    bad=(f"# messages has about 2,000,000 rows of vector(1536)\nwith op.get_context().autocommit_block():\n{_BUILD}"),
    good=(
        "with op.get_context().autocommit_block():\n"
        "    op.execute(\"SET maintenance_work_mem = '16GB'\")\n"
        f"{_BUILD}\n"
        '    op.execute("RESET maintenance_work_mem")'
    ),
    language="python",
    pack="pgvector",
)

# PostgreSQL's default (manual, section 19.4.1).
_DEFAULT = 64 * 1024**2
_UNITS = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_BYTES = {"vector": 4.0, "halfvec": 2.0, "bit": 0.125, "sparsevec": 0.0}


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    building = {build.index for build in statement.effects.builds if situation.live(build.table)}
    for index in created(statement.effects, Index):
        if index.method != "hnsw" or index.name not in building:
            continue
        said = situation.setting("maintenance_work_mem")
        memory, needed = _memory(said), graph_size(index, situation)
        if needed is not None and memory is not None and needed > memory:
            enough = f"{-(-needed // 1024**3)}GB"
            has = f"maintenance_work_mem is {said or '64MB by default'}"
            enlarge = f"SET maintenance_work_mem = '{enough}'"
            yield Fault(
                f"The graph of {bare(index.name)} on {index.relation}{size(situation.catalog, index.relation)} needs "
                f"about {pretty_size(needed)}, and {has}: what does not fit is built many times slower.",
                f"Write `{execute(enlarge)}` before it, if the server has it to spare, and RESET it after.",
                unsure=() if said else ("nothing is slow if the server itself has set more",),
            )


def graph_size(index: Index, situation: Situation) -> int | None:
    """Bytes of an HNSW graph while it is built; None when the number of rows or the dimension is not known.

    Per row the vector, 2 m neighbours of 16 bytes, and the rest of the element. Measured with pgvector 0.8.6, at the
    row where it says that the graph no longer fits: 1,739 bytes a row of vector(256) at m = 16 (1,486 at m = 8),
    4,816 of vector(1024), 6,884 of vector(1536), with and without parallel workers.
    """
    known = situation.catalog.relations.get(index.relation)
    found = of_type(index.types[0]) if index.types else None
    if known is None or not known.rows or found is None or found[1] is None:
        return None
    m = next((int(value) for name, value in index.options if name == "m" and value.isdigit()), 16)
    return int(known.rows * (found[1] * _BYTES[found[0]] + 32 * m + 210))


def _memory(said: str | None) -> int | None:
    """Bytes of a memory setting; a bare number is kilobytes (manual, section 19.1.1). None: not to be read."""
    if said is None:
        return _DEFAULT
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB)?\s*", said)
    return int(float(match[1]) * _UNITS[match[2] or "kB"]) if match else None
