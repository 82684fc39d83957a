"""Space: what a plan takes, and what is free where that can be known."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from fix_postgres import Connect, Connection, Role
from fix_preflight import asked, only
from fix_verify import plan_of
from migsafe.model.catalog import Catalog
from migsafe.postgres.catalog import read
from migsafe.preflight.checks.disk import judge
from migsafe.preflight.free import FileSystem, Free, on_this_machine, said_by
from migsafe.preflight.space import WAL, Item, Space, needed
from migsafe.settings import Settings

REWRITE = "ALTER TABLE orders ALTER id TYPE bigint"
GB = 1024**3


@pytest.fixture
def orders(connection: Connection) -> Connection:
    connection.execute("CREATE TABLE orders (id int PRIMARY KEY, note text)")
    connection.execute("INSERT INTO orders SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i")
    connection.execute("ANALYZE orders")
    return connection


def sizes(connection: Connection, relation: str) -> tuple[int, int]:
    row = connection.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", (relation, relation)).fetchone()
    assert row is not None
    return row[0], row[1]


def space_of(connection: Connection, *statements: str) -> Space:
    catalog = read(connection)
    return needed(connection, plan_of(catalog, *statements), catalog)


def test_a_rewrite_takes_table_indexes_and_wal(orders: Connection) -> None:
    (item,) = space_of(orders, REWRITE).items
    assert item.files == sum(sizes(orders, "orders"))
    assert item.wal > item.files


def test_a_build_is_estimated_near_its_size(orders: Connection) -> None:
    (item,) = space_of(orders, "CREATE INDEX CONCURRENTLY orders_other ON orders (id)").items
    orders.execute("CREATE INDEX orders_other ON orders (id)")
    row = orders.execute("SELECT pg_relation_size('orders_other')").fetchone()
    assert row is not None
    assert 0.7 < item.files / row[0] < 1.5


def test_an_index_of_unknown_width_is_bounded_by_its_table(orders: Connection) -> None:
    (item,) = space_of(orders, "CREATE INDEX orders_other ON orders (lower(note))").items
    assert item.files == sizes(orders, "orders")[0]


def test_an_update_of_all_rows_is_counted(orders: Connection) -> None:
    (item,) = space_of(orders, "UPDATE orders SET note = ''").items
    assert item.bytes > 3 * sum(sizes(orders, "orders"))
    assert space_of(orders, "UPDATE orders SET note = '' WHERE id = 1").items == ()


def test_a_partitioned_table_is_the_sum_of_its_partitions(connection: Connection) -> None:
    connection.execute("CREATE TABLE events (id int, at int) PARTITION BY RANGE (at)")
    for i in range(2):
        connection.execute(f"CREATE TABLE events_{i} PARTITION OF events FOR VALUES FROM ({i}) TO ({i + 1})".encode())
    connection.execute("INSERT INTO events SELECT i, i % 2 FROM generate_series(1, 5000) i")
    space = space_of(connection, "ALTER TABLE events ALTER id TYPE bigint")
    assert sum(item.files for item in space.items) == sum(sizes(connection, f"events_{i}")[0] for i in range(2))


def test_a_table_that_the_plan_makes_takes_nothing(connection: Connection) -> None:
    made = "CREATE TABLE orders (id int)"
    assert space_of(connection, made, REWRITE, "CREATE INDEX ON orders (id)", "UPDATE orders SET id = 1") == Space()


def test_metadata_takes_nothing(orders: Connection) -> None:
    assert asked("disk", orders, "ALTER TABLE orders ADD flag boolean DEFAULT false") == ()


def test_the_servers_own_disk_is_found_on_this_machine(orders: Connection) -> None:
    result = only(asked("disk", orders, REWRITE, settings=Settings(min_free=0)))
    assert result.status == "passed"
    assert result.evidence["from"].startswith("the file system of")


def test_too_little_blocks(orders: Connection) -> None:
    result = only(asked("disk", orders, REWRITE, settings=Settings(declared_free=GB, min_free=GB)))
    assert result.status == "blocked"
    assert "public.orders" in result.message


def test_enough_declared_passes(orders: Connection) -> None:
    assert only(asked("disk", orders, REWRITE, settings=Settings(declared_free=3 * GB, min_free=GB))).status == "passed"


def test_without_a_way_to_know_it_is_unknown_with_what_is_needed(
    orders: Connection, connect: Connect, role: Role
) -> None:
    asker = connect(role("app"))
    result = only(asked("disk", orders, REWRITE, by=asker))
    assert result.status == "unknown"
    assert "needs up to" in result.message
    assert "pg_read_all_settings" in (result.remedy or "")
    assert "disk_command" in (result.remedy or "")
    settings = Settings(declared_free=10 * GB)
    assert only(asked("disk", orders, REWRITE, by=asker, settings=settings)).status == "passed"


def test_a_command_may_say_it(orders: Connection) -> None:
    settings = Settings(disk_command=f"{sys.executable} -c 'print(12)'")
    result = only(asked("disk", orders, REWRITE, settings=settings))
    assert (result.status, result.evidence["free"]) == ("blocked", "12")


@pytest.mark.parametrize("command", ["no-such-program", "false", "echo plenty", "'", ""])
def test_a_command_that_does_not_say_it_is_unknown(orders: Connection, command: str) -> None:
    result = only(asked("disk", orders, REWRITE, settings=Settings(disk_command=command)))
    assert result.status == "unknown"
    assert "disk_command" in (result.remedy or "")


def test_a_command_is_not_run_by_a_shell() -> None:
    assert said_by("echo 1; echo 2").bytes is None


def test_another_servers_directory_is_no_answer(orders: Connection, tmp_path: Path) -> None:
    row = orders.execute(
        "SELECT current_setting('data_directory'), extract(epoch FROM pg_postmaster_start_time())::float8,"
        " system_identifier FROM pg_control_system()"
    ).fetchone()
    assert row is not None
    directory, started, identifier = Path(row[0]), row[1], row[2]
    assert on_this_machine(directory, started, identifier, ()).bytes is not None
    assert on_this_machine(directory, started, identifier + 1, ()).bytes is None
    assert on_this_machine(directory, started + 3600, identifier, ()).bytes is None
    assert on_this_machine(tmp_path, started, identifier, ()).bytes is None


def test_what_is_not_there_is_unknown(connection: Connection) -> None:
    catalog = Catalog()
    results = asked("disk", connection, plan=plan_of(catalog, REWRITE))
    assert [result.status for result in results] == ["unknown"]


@pytest.fixture
def tablespace(orders: Connection) -> Iterator[str]:
    """A tablespace beside the data directory, which is a folder of the test server's own."""
    row = orders.execute("SHOW data_directory").fetchone()
    assert row is not None
    folder = Path(row[0]).parent / "fast"
    folder.mkdir()
    os.chown(folder, Path(row[0]).stat().st_uid, Path(row[0]).stat().st_gid)
    orders.execute(f"CREATE TABLESPACE fast LOCATION '{folder}'".encode())
    yield "fast"
    orders.execute("DROP TABLE IF EXISTS orders")
    orders.execute("DROP TABLESPACE fast")
    folder.rmdir()


def test_what_is_needed_is_told_by_tablespace(orders: Connection, tablespace: str) -> None:
    orders.execute(f"CREATE INDEX orders_note ON orders (note) TABLESPACE {tablespace}".encode())
    space = space_of(orders, REWRITE)
    (item,) = space.items
    placed, names = dict(item.placed), space.tablespaces
    assert {names.get(place, "WAL") for place in placed} == {"pg_default", "fast", "WAL"}
    by_name = {names.get(place, "WAL"): count for place, count in placed.items()}
    assert by_name["fast"] == sizes(orders, "orders_note")[0]
    assert by_name["pg_default"] == sum(sizes(orders, "orders")) - by_name["fast"]
    known = asked("disk", orders, REWRITE, settings=Settings(disk_command="false"))
    assert "by tablespace: pg_default" in only(known).message
    own = asked("disk", orders, REWRITE, settings=Settings(min_free=0))
    assert only(own).evidence["from"].startswith("the file system of")


def test_the_file_system_that_is_short_is_named() -> None:
    item = Item("rewrite of public.orders", 3 * GB, wal=GB, placed=((1663, GB), (16400, 2 * GB), (WAL, GB)))
    space = Space((item,), {1663: "pg_default", 16400: "fast"})
    wide = FileSystem(100 * GB, 200 * GB, frozenset({1663, WAL}))
    narrow = FileSystem(2 * GB, 10 * GB, frozenset({16400}))
    result = judge(space, Free((wide, narrow), "df on the server"), Settings())
    assert (result.status, result.evidence["needed"]) == ("blocked", str(2 * GB))
    assert "where tablespace fast is" in result.message
    assert judge(space, Free((wide,), "df"), Settings()).status == "passed"


def test_less_than_a_tenth_of_the_disk_is_a_warning() -> None:
    space = Space((Item("rewrite of public.orders", GB, placed=((1663, GB),)),), {1663: "pg_default"})
    for available, status in ((50, "passed"), (11, "warned"), (2, "blocked")):
        result = judge(space, Free((FileSystem(available * GB, 100 * GB),), "df"), Settings(min_free=GB))
        assert result.status == status


def test_wal_that_a_slot_holds_is_counted_and_warned_of(orders: Connection) -> None:
    orders.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
    try:
        orders.execute("UPDATE orders SET note = repeat('y', 200)")
        space = space_of(orders, REWRITE)
        (held,) = (each for each in space.held if "forgotten" in each.what)
        assert held.wal > 2 * 1024**2
        enough = round(space.bytes * 1.3) + 1024
        result = only(asked("disk", orders, REWRITE, settings=Settings(declared_free=enough, min_free=0)))
        assert result.status == "warned"
        assert "the inactive slot forgotten" in result.message
        assert "pg_drop_replication_slot('forgotten')" in (result.remedy or "")
    finally:
        orders.execute("SELECT pg_drop_replication_slot('forgotten')")


def test_a_dump_onto_the_servers_own_disk_is_counted(orders: Connection) -> None:
    row = orders.execute("SHOW data_directory").fetchone()
    assert row is not None
    settings = Settings(min_free=0, directory=row[0])
    with_dump = only(asked("disk", orders, REWRITE, settings=settings, backup_kind="dump"))
    assert "on the same disk" in with_dump.message
    without = only(asked("disk", orders, REWRITE, settings=settings))
    assert int(with_dump.evidence["needed"]) > int(without.evidence["needed"])


def test_the_server_may_be_made_to_say_it(orders: Connection, connect: Connect, role: Role) -> None:
    settings = Settings(allow_server_program=True, min_free=0)
    result = only(asked("disk", orders, REWRITE, settings=settings))
    assert result.evidence["from"] == "df on the server"
    here = only(asked("disk", orders, REWRITE, settings=Settings(min_free=0)))
    assert int(result.evidence["free"]) == pytest.approx(int(here.evidence["free"]), rel=0.05)
    assert orders.execute("SELECT to_regclass('pg_temp.migsafe_df')").fetchone() == (None,)
    app = role("app")
    refused = only(asked("disk", orders, REWRITE, by=connect(app), settings=settings))
    assert (refused.status, "may not make the server run df" in refused.message) == ("unknown", True)
    orders.execute((refused.remedy or "").partition(";")[0].encode())
    with connect(app) as allowed:
        allowed.execute("SET default_transaction_read_only = on")
        answer = only(asked("disk", orders, REWRITE, by=allowed, settings=settings))
    assert answer.evidence["from"] == "df on the server"


def test_a_managed_service_is_never_asked_to_run_programs(orders: Connection) -> None:
    result = only(asked("disk", orders, REWRITE, settings=Settings(allow_server_program=True, provider="rds")))
    assert (result.status, "FreeStorageSpace" in (result.remedy or "")) == ("unknown", True)


@contextmanager
def serving(respond: Callable[[str, str | None], tuple[int, str]]) -> Iterator[str]:
    """The URL of a web server that answers (path, Authorization) with a status and a text."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = respond(self.path, self.headers.get("Authorization"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def vector(*values: str) -> str:
    result = [{"metric": {"instance": "db1"}, "value": [1777600000.1, value]} for value in values]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (vector("128849018880"), "passed", "120 GB are free"),
        (vector("12"), "blocked", "12 bytes are free"),
        (vector(), "unknown", "0 series"),
        (vector("1", "2"), "unknown", "2 series"),
        (vector("NaN"), "unknown", "no number of bytes"),
        ('{"status": "error"}', "unknown", "does not answer as Prometheus does"),
        ("<html>", "unknown", "does not answer as Prometheus does"),
    ],
)
def test_prometheus_may_say_it(orders: Connection, body: str, status: str, said: str) -> None:
    paths: list[str] = []

    def respond(path: str, _: str | None) -> tuple[int, str]:
        paths.append(path)
        return 200, body

    with serving(respond) as url:
        settings = Settings(prometheus_url=url + "/", prometheus_query='avail{mountpoint="/data"}')
        result = only(asked("disk", orders, REWRITE, settings=settings))
    assert (result.status, said in result.message) == (status, True), result.message
    assert paths == ["/api/v1/query?query=avail%7Bmountpoint%3D%22%2Fdata%22%7D"]


METRICS = """# HELP node_filesystem_avail_bytes Filesystem space available to non-root users in bytes.
# TYPE node_filesystem_avail_bytes gauge
node_filesystem_avail_bytes{device="/dev/sda1",device_error="",fstype="ext4",mountpoint="/"} 5.4e+09
node_filesystem_avail_bytes{device="/dev/sdb{1}",fstype="xfs",mountpoint="/var/lib/postgresql"} 1.28849018880e+11
node_filesystem_size_bytes{device="/dev/sdb{1}",fstype="xfs",mountpoint="/var/lib/postgresql"} 2.56e+12
"""


@pytest.mark.parametrize(
    ("mountpoint", "status", "said"),
    [
        ("/var/lib/postgresql", "warned", "less than 10 % of 2.3 TB"),
        ("/", "passed", "5.0 GB are free"),
        ("/data", "unknown", "knows no mountpoint /data"),
        (None, "unknown", "mountpoint is not"),
    ],
)
def test_node_exporter_may_say_it(orders: Connection, mountpoint: str | None, status: str, said: str) -> None:
    seen: list[str | None] = []

    def respond(_: str, authorization: str | None) -> tuple[int, str]:
        seen.append(authorization)
        return 200, METRICS

    with serving(respond) as url:
        url = url.replace("http://", "http://ada:s3cret%40@") + "/metrics"
        settings = Settings(node_exporter_url=url, mountpoint=mountpoint)
        result = only(asked("disk", orders, REWRITE, settings=settings))
    assert (result.status, said in result.message) == (status, True), result.message
    assert seen == ([] if mountpoint is None else ["Basic YWRhOnMzY3JldEA="])
    assert "s3cret" not in repr(result)


@pytest.mark.parametrize("url", ["http://ada:s3cret@127.0.0.1:1/metrics", "file:///etc/passwd", "nonsense", "http://["])
def test_metrics_that_cannot_be_had_are_unknown(orders: Connection, url: str) -> None:
    result = only(asked("disk", orders, REWRITE, settings=Settings(node_exporter_url=url, mountpoint="/")))
    assert (result.status, "node_exporter_url" in result.message) == ("unknown", True)
    assert "s3cret" not in repr(result)


def test_an_answer_of_404_is_unknown(orders: Connection) -> None:
    with serving(lambda *_: (404, "")) as url:
        result = only(asked("disk", orders, REWRITE, settings=Settings(node_exporter_url=url, mountpoint="/")))
    assert (result.status, "answers 404" in result.message) == ("unknown", True)
