"""Extensions: there, new enough, allowed, and creatable by this role."""

import psycopg
import pytest

from fix_postgres import VERSION, Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.model.checks import CheckResult
from migsafe.postgres.connection import Database
from migsafe.preflight.checks.extensions import judge
from migsafe.preflight.features import Wanted
from migsafe.preflight.versions import is_older
from migsafe.settings import Settings

CREATE = "CREATE EXTENSION vector"
COLUMN = "ALTER TABLE documents ADD embedding {}(3)"


@pytest.mark.pgvector
def test_a_superuser_may_create_what_is_on_the_server(connection: Connection) -> None:
    result = only(asked("extensions", connection, CREATE))
    assert (result.status, result.subject) == ("passed", "vector")


def test_what_is_not_on_the_server_blocks(connection: Connection) -> None:
    result = only(asked("extensions", connection, "CREATE EXTENSION timescaledb"))
    assert result.status == "blocked"
    assert f"timescaledb-2-postgresql-{VERSION}" in (result.remedy or "")


def test_the_remedy_names_the_package_of_pgvector() -> None:
    row: dict[str, object] = {"installed": None, "versions": [], "offered": None, "lacks": []}
    result = judge(Wanted("vector", creates=True), row, {}, 18)
    assert "postgresql-18-pgvector" in (result.remedy or "")


@pytest.mark.pgvector
def test_a_version_that_the_server_does_not_offer_blocks(connection: Connection) -> None:
    result = only(asked("extensions", connection, "CREATE EXTENSION vector VERSION '77.0'"))
    assert result.status == "blocked"
    assert "77.0" in result.message


@pytest.mark.pgvector
def test_a_server_that_offers_less_than_the_settings_want_blocks(connection: Connection) -> None:
    result = only(asked("extensions", connection, CREATE, settings=Settings(extensions={"vector": "99.0"})))
    assert result.status == "blocked"
    assert "99.0" in result.message
    assert result.evidence["needed"] == "99.0"


@pytest.mark.pgvector
def test_an_installed_one_below_the_settings_blocks(connection: Connection) -> None:
    connection.execute("CREATE EXTENSION vector; CREATE TABLE documents (id int)")
    settings = Settings(extensions={"vector": "99.0"})
    result = only(asked("extensions", connection, COLUMN.format("vector"), settings=settings))
    assert result.status == "blocked"
    assert "Update the package" in (result.remedy or "")


def test_an_old_one_is_updated_where_the_server_has_a_newer(connection: Connection) -> None:
    connection.execute("CREATE EXTENSION pg_stat_statements VERSION '1.4'")
    settings = Settings(extensions={"pg_stat_statements": "1.5"})
    result = only(
        asked("extensions", connection, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements", settings=settings)
    )
    assert result.status == "blocked"
    assert "1.4" in result.message
    assert "1.5" in result.message
    assert result.remedy == "ALTER EXTENSION pg_stat_statements UPDATE;"


def test_versions_are_compared_as_numbers() -> None:
    assert is_older("0.9.1", "0.10.0")
    assert not is_older("0.7.0", "0.7")
    assert is_older("unpackaged", "1.0") is None


@pytest.mark.pgvector
def test_an_installed_one_passes(connection: Connection) -> None:
    connection.execute("CREATE EXTENSION vector; CREATE TABLE documents (id int)")
    settings = Settings(extensions={"vector": "0.5.0"})
    assert only(asked("extensions", connection, COLUMN.format("vector"), settings=settings)).status == "passed"


def test_if_not_exists_keeps_another_version(connection: Connection) -> None:
    connection.execute("CREATE EXTENSION pg_stat_statements VERSION '1.4'")
    statement = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements VERSION '1.10'"
    assert only(asked("extensions", connection, statement)).status == "warned"


@pytest.mark.pgvector
def test_a_type_of_an_extension_that_nobody_creates_blocks(connection: Connection) -> None:
    connection.execute("CREATE TABLE documents (id int)")
    result = only(asked("extensions", connection, COLUMN.format("vector")))
    assert result.status == "blocked"
    assert "op.enable_extension('vector')" in (result.remedy or "")
    assert only(asked("extensions", connection, CREATE, COLUMN.format("vector"))).status == "passed"


def test_a_type_of_the_users_own_needs_no_extension(connection: Connection) -> None:
    connection.execute("CREATE DOMAIN citext AS text; CREATE TABLE documents (id int)")
    assert asked("extensions", connection, "ALTER TABLE documents ADD title citext") == ()


@pytest.mark.parametrize(
    ("feature", "version", "status"),
    [
        ("hnsw", "0.4.4", "blocked"),
        ("hnsw", "0.5.0", "passed"),
        ("halfvec", "0.6.2", "blocked"),
        ("halfvec", "0.8.0", "passed"),
    ],
)
def test_features_of_pgvector_have_their_version(feature: str, version: str, status: str) -> None:
    minimum = {"hnsw": "0.5.0", "halfvec": "0.7.0"}[feature]
    row = {"installed": version, "versions": [version], "offered": version, "lacks": []}
    result = judge(Wanted("vector", minimum=minimum, because=f"the {feature} thing"), row, {}, 18)
    assert result.status == status


@pytest.mark.pgvector
def test_the_plan_says_which_features_it_uses(connection: Connection) -> None:
    connection.execute("CREATE EXTENSION vector; CREATE TABLE documents (id int, embedding vector(3))")
    index = "CREATE INDEX CONCURRENTLY ON documents USING hnsw (embedding vector_l2_ops)"
    assert only(asked("extensions", connection, index)).evidence["needed"] == "0.5.0"
    assert only(asked("extensions", connection, COLUMN.format("sparsevec"))).evidence["needed"] == "0.7.0"


@pytest.mark.pgvector
def test_a_role_without_rights_may_not_create_it(connection: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    result = only(asked("extensions", connection, CREATE, by=connect(app)))
    assert result.status == "blocked"
    assert "CREATE EXTENSION vector;" in (result.remedy or "")


def test_a_trusted_one_needs_create_on_the_database(
    database: Database, connection: Connection, connect: Connect, role: Role
) -> None:
    app = role("app")
    statement = "CREATE EXTENSION pg_trgm"
    refused = only(asked("extensions", connection, statement, by=connect(app)))
    assert refused.status == "blocked"
    assert refused.remedy is not None
    connection.execute(refused.remedy.partition(";")[0].encode())
    assert f"ON DATABASE {database.dbname}" in refused.remedy
    assert only(asked("extensions", connection, statement, by=connect(app))).status == "passed"


@pytest.mark.pgvector
@pytest.mark.parametrize(
    ("allowed", "status"), [("pg_trgm, vector", "passed"), ("pg_trgm", "blocked"), ("*", "passed")]
)
def test_the_provider_has_a_list(
    database: Database, connection: Connection, connect: Connect, allowed: str, status: str
) -> None:
    connection.execute(f"ALTER DATABASE {database.dbname} SET azure.extensions = '{allowed}'".encode())
    result: CheckResult = only(asked("extensions", connection, CREATE, by=connect()))
    assert result.status == status
    assert ("azure.extensions" in result.message) == (status == "blocked")


def test_one_that_needs_another_is_warned_of(connection: Connection) -> None:
    statement = "CREATE EXTENSION earthdistance"
    result = only(asked("extensions", connection, statement))
    assert result.status == "warned"
    assert "CREATE EXTENSION cube" in (result.remedy or "")
    both = asked("extensions", connection, "CREATE EXTENSION cube", statement)
    assert {result.status for result in both} == {"passed"}


def test_a_providers_own_superuser_may_perhaps() -> None:
    row = {"installed": None, "versions": ["1.0"], "offered": "1.0", "lacks": [], "superuser_only": True}
    role = {"role": "me", "superuser": False, "allow_lists": [], "provider_roles": ["rds_superuser"]}
    role |= {"for_everybody": []}
    assert judge(Wanted("x", creates=True), row, role, 18).status == "unknown"
    assert judge(Wanted("x", creates=True), row, role | {"for_everybody": ["x"]}, 18).status == "passed"


@pytest.mark.servers
def test_a_server_without_pgvector_blocks_and_the_package_is_named(connection: Connection) -> None:
    settings = Settings(extensions={"vector": "0.7.0"})
    for wanted in (Settings(), settings):
        result = only(asked("extensions", connection, CREATE, "CREATE TABLE d (e vector(3))", settings=wanted))
        assert (result.status, result.subject) == ("blocked", "vector")
        assert result.message.startswith("vector is not on this server")
        assert f"postgresql-{VERSION}-pgvector" in (result.remedy or "")
        assert (result.evidence["installed"], result.evidence["offered"]) == ("no", "no")
    with pytest.raises((psycopg.errors.UndefinedFile, psycopg.errors.FeatureNotSupported)):
        connection.execute(CREATE)


@pytest.mark.servers
@pytest.mark.pgvector
def test_a_pgvector_that_is_too_old_blocks_offered_and_installed(
    connection: Connection,
) -> None:
    settings = Settings(extensions={"vector": "0.7.0"})
    offered = only(asked("extensions", connection, CREATE, settings=settings))
    assert offered.status == "blocked"
    assert offered.message == ("The server offers vector 0.6.2; 0.7.0 is needed for extensions.vector in the settings.")
    assert f"postgresql-{VERSION}-pgvector" in (offered.remedy or "")
    assert only(asked("extensions", connection, CREATE, settings=Settings(extensions={"vector": "0.6.2"}))).status == (
        "passed"
    )
    connection.execute("CREATE EXTENSION vector; CREATE TABLE documents (id int)")
    installed = only(asked("extensions", connection, COLUMN.format("vector"), settings=settings))
    assert installed.status == "blocked"
    assert installed.message == "vector is at 0.6.2; 0.7.0 is needed for extensions.vector in the settings."
    assert "Update the package on the server" in (installed.remedy or "")


@pytest.mark.servers
@pytest.mark.pgvector
def test_a_plan_that_uses_what_an_old_pgvector_has_not_is_blocked(connection: Connection) -> None:
    connection.execute("CREATE EXTENSION vector; CREATE TABLE documents (id int)")
    statement = COLUMN.format("halfvec")
    result = only(asked("extensions", connection, statement))
    assert result.status == "blocked"
    assert "vector is at 0.6.2; 0.7.0 is needed" in result.message
    with pytest.raises(psycopg.errors.UndefinedObject):
        connection.execute(statement.encode())
