"""A schema copied to a scratch database, also where the other server lacks an extension of it."""

from collections.abc import Callable

from fix_postgres import Connect
from migsafe.postgres.connection import Database
from migsafe.postgres.copy_schema import copy_schema


def test_the_copy_has_the_schema_and_the_version_rows_and_no_others(
    database: Database, create_database: Callable[[], Database], connect: Connect
) -> None:
    connection = connect()
    connection.execute("CREATE TABLE orders (id bigint PRIMARY KEY, note text)")
    connection.execute("INSERT INTO orders VALUES (1, 'x')")
    connection.execute('CREATE TABLE "Versions" (version_num text)')
    connection.execute("INSERT INTO \"Versions\" VALUES ('abc')")
    target = create_database()
    assert copy_schema(database, target, version_table="public.Versions") == ()
    assert connect(target).execute("SELECT count(*) FROM orders").fetchone() == (0,)
    assert connect(target).execute('SELECT version_num FROM "Versions"').fetchall() == [("abc",)]


def test_what_stands_in_for_an_extension_is_there_before_the_schema_needs_it(
    database: Database, create_database: Callable[[], Database], connect: Connect
) -> None:
    connection = connect()
    connection.execute("CREATE SCHEMA ext")
    connection.execute("CREATE EXTENSION unaccent SCHEMA ext")
    target = create_database()
    stand_in = {"unaccent": "CREATE FUNCTION stood_in() RETURNS text LANGUAGE sql AS $$ SELECT 'yes' $$", "absent": ""}
    copy_schema(database, target, version_table="public.alembic_version", stand_ins=stand_in)
    assert connect(target).execute("SELECT ext.stood_in()").fetchone() == ("yes",)
