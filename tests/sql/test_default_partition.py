"""When a new partition makes the server read the default one, and when a CHECK there spares it that."""

import pytest

from fix_postgres import VERSION, Connect
from migsafe.lint.examples import catalog_of
from migsafe.postgres.observe import observe
from migsafe.sql.predict import predict
from migsafe.sql.split import split

SETUP = """
CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
INSERT INTO events SELECT n, '2024-01-01' FROM generate_series(1, 50) n;
CREATE TABLE events_2026 (id bigint, at date NOT NULL CHECK (at >= '2026-01-01' AND at < '2027-01-01'));
"""
BOUND = "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"
ATTACH = f"ALTER TABLE events ATTACH PARTITION events_2026 {BOUND}"
CREATE = f"CREATE TABLE events_new PARTITION OF events {BOUND}"

CHECKS = [
    ("at < '2026-01-01'", False),
    ("at < '2026-01-01' OR at >= '2027-01-01'", False),
    ("NOT (at >= '2026-01-01' AND at < '2027-01-01')", False),
    ("at IS NULL OR at < '2026-01-01'", False),
    ("at < '2026-06-01'", True),
    ("at < '2026-01-01' OR at >= '2026-12-31'", True),
    ("id > 0", True),
]


@pytest.mark.parametrize("statement", [ATTACH, CREATE], ids=["attach", "create"])
@pytest.mark.parametrize(("check", "read"), CHECKS)
def test_a_check_spares_the_default_partition_a_scan(check: str, read: bool, statement: str, connect: Connect) -> None:
    setup = f"{SETUP} ALTER TABLE events_rest ADD CONSTRAINT c CHECK ({check});"
    connection = connect()
    for piece in split(setup):
        connection.execute(piece.sql.encode())
    predicted = predict(statement, catalog_of(setup, VERSION), VERSION)
    assert ("public.events_rest" in predicted.scans) is read
    assert set(observe(statement, connection).scans) == set(predicted.scans)
