"""Hazards of pgvector, in whatever schema its types live."""

import pytest

from migsafe.lint import lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.lint.rules.vector_index_memory import graph_size
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Catalog, Index, Relation
from migsafe.model.findings import Finding
from migsafe.model.plan import Step

SETUP = """
CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions;
CREATE TABLE m (id bigint PRIMARY KEY, short extensions.vector(384), long extensions.vector(3072),
    half extensions.halfvec(4001), free extensions.vector, note text);
"""


def sized(rows: float) -> Catalog:
    catalog = catalog_of(SETUP)
    known = {**catalog.relations, "public.m": Relation("public.m", rows=rows, bytes=int(rows * 2000))}
    return Catalog(
        known, catalog.columns, catalog.constraints, catalog.indexes, catalog.types, catalog.extensions, complete=True
    )


def found(script: str, catalog: Catalog | None = None) -> list[Finding]:
    before = catalog_of(SETUP) if catalog is None else catalog
    return list(lint(plan_of(script, before)[0], before))


def index(rest: str) -> str:
    return f"CREATE INDEX CONCURRENTLY i ON m USING {rest}"


REFUSED = [
    (index("hnsw (long vector_l2_ops)"), "54000"),
    (index("ivfflat (long vector_l2_ops)"), "54000"),
    (index("hnsw (half halfvec_l2_ops)"), "54000"),
    (index("hnsw ((long::extensions.halfvec(4096)) halfvec_l2_ops)"), "54000"),
    (index("hnsw (free vector_l2_ops)"), "22023"),
    (index("hnsw (short)"), "42704"),
    (index("hnsw (short vector_l2_ops)").replace("CREATE", "CREATE UNIQUE"), "0A000"),
]
SILENT = [
    index("hnsw (short vector_cosine_ops)"),
    index("ivfflat (short)"),
    index("hnsw ((long::extensions.halfvec(3072)) halfvec_cosine_ops)"),
    index("hnsw ((binary_quantize(long)::bit(3072)) bit_hamming_ops)"),
    index("hnsw ((free::extensions.vector(700)) vector_cosine_ops)"),
    index("btree (note)"),
    "CREATE TABLE n (short extensions.vector(384) UNIQUE)",
]


@pytest.mark.parametrize(("script", "sqlstate"), REFUSED)
def test_an_index_that_pgvector_refuses_is_told_with_its_sqlstate(script: str, sqlstate: str) -> None:
    [finding] = [each for each in found(script) if each.rule == "vector-index-refused"]
    assert f"SQLSTATE {sqlstate}" in finding.message


@pytest.mark.parametrize("script", SILENT)
def test_an_index_that_pgvector_builds_is_not_told(script: str) -> None:
    assert [each.message for each in found(script, sized(5)) if each.severity != "info"] == []


def test_a_graph_that_does_not_fit_into_memory_is_a_warning_with_the_memory_it_needs() -> None:
    build = index("hnsw (short vector_l2_ops)")
    [finding] = [each for each in found(build, sized(2_000_000)) if each.rule == "vector-index-memory"]
    assert "needs about 4 GB, and maintenance_work_mem is 64MB by default" in finding.message
    assert "SET maintenance_work_mem = '5GB'" in finding.fix
    told = [each.rule for each in found(f"SET maintenance_work_mem = '256MB'; {build}", sized(2_000_000))]
    assert "vector-index-memory" in told


@pytest.mark.parametrize("rows", [None, 1_000.0])
def test_a_graph_that_fits_or_whose_size_nobody_knows_is_not_told(rows: float | None) -> None:
    catalog = sized(rows) if rows else None
    told = [each.rule for each in found(index("hnsw (short vector_l2_ops)"), catalog)]
    assert "vector-index-memory" not in told


def test_memory_that_the_revision_sets_is_enough() -> None:
    script = f"SET maintenance_work_mem = '8GB'; {index('hnsw (short vector_l2_ops)')}; RESET maintenance_work_mem"
    assert "vector-index-memory" not in [each.rule for each in found(script, sized(2_000_000))]


def test_the_size_of_a_graph_grows_with_rows_dimensions_and_m() -> None:
    situation = Situation(sized(1000), Step("", (), ""))
    small = Index("i", "public.m", "hnsw", ("short",), types=("vector(256)",))
    large = Index("i", "public.m", "hnsw", ("short",), types=("vector(256)",), options=(("m", "32"),))
    assert graph_size(small, situation) == 1000 * (1024 + 32 * 16 + 210)
    assert graph_size(large, situation) == 1000 * (1024 + 32 * 32 + 210)


def test_lists_made_from_no_rows_are_told_and_those_of_a_filled_table_are_not() -> None:
    new = "CREATE TABLE n (id bigint, e extensions.vector(3)); "
    ivfflat = "CREATE INDEX i ON n USING ivfflat (e)"
    assert [each.rule for each in found(new + ivfflat)] == ["ivfflat-on-empty-table"]
    assert found(f"{new} INSERT INTO n SELECT id, NULL FROM m; {ivfflat}") == []
    assert "ivfflat-on-empty-table" not in [each.rule for each in found(index("ivfflat (short)"), sized(5))]


def test_a_b_tree_over_long_vectors_is_told_for_constraints_too() -> None:
    for script in ("ALTER TABLE m ADD UNIQUE (long)", index("btree (long)"), "CREATE TABLE n (e vector(700) UNIQUE)"):
        assert "btree-on-vector" in [each.rule for each in found(script)]


def test_dropping_the_extension_lists_every_embedding_column() -> None:
    [finding] = [each for each in found("DROP EXTENSION vector CASCADE") if each.severity == "error"]
    for column in ("short", "long", "half", "free"):
        assert f"column public.m.{column}" in finding.message


def test_another_dimension_says_how_many_embeddings_go() -> None:
    change = "ALTER TABLE m ALTER COLUMN short TYPE extensions.vector(768) USING NULL"
    [finding] = [each for each in found(change, sized(2_000_000)) if each.severity == "error"]
    assert finding.rule == "vector-dimension-change"
    assert "its embeddings of about 2,000,000 rows" in finding.message
