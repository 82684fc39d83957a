"""Whose server it is, told by what is on it; and what the checks then say in the provider's words."""

from collections.abc import Iterator

import pytest
from psycopg import sql

from fix_postgres import Connect, Connection
from fix_preflight import asked, only
from migsafe.postgres.connection import Database
from migsafe.preflight.providers import PROVIDERS, is_pooler, recognised
from migsafe.settings import Settings


@pytest.fixture
def admin_roles(connection: Connection) -> Iterator[Connection]:
    """A server with the admin role of Azure; the host tells nothing."""
    connection.execute("CREATE ROLE azure_pg_admin")
    yield connection
    connection.execute("DROP ROLE azure_pg_admin")


def provider_of(connection: Connection, **settings: str) -> str | None:
    found = recognised(connection, Settings(**settings))  # type: ignore[arg-type]  # names of providers
    return f"{found.provider.key} by {found.because}" if found else None


def test_a_server_of_ones_own_is_nobodys(connection: Connection) -> None:
    assert provider_of(connection) is None


def test_the_settings_name_it(connection: Connection) -> None:
    assert provider_of(connection, provider="supabase") == "supabase by the settings"


def test_a_role_tells_and_the_settings_overrule_it(admin_roles: Connection) -> None:
    assert provider_of(admin_roles) == "azure by role azure_pg_admin"
    assert provider_of(admin_roles, provider="none") is None


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("CREATE SCHEMA _heroku", "heroku by schema _heroku"),
        ("CREATE FUNCTION aurora_version() RETURNS text RETURN '16.1'", "aurora by function aurora_version"),
        ("ALTER DATABASE {} SET rds.extensions = 'vector'", "rds by parameter rds.extensions"),
    ],
)
def test_schemas_functions_and_parameters_tell(
    connection: Connection, connect: Connect, database: Database, made: str, told: str
) -> None:
    connection.execute(sql.SQL(made).format(sql.Identifier(database.dbname)))
    assert provider_of(connect()) == told


def test_poolers_are_known_by_their_address() -> None:
    providers = {each.key: each for each in PROVIDERS}
    assert is_pooler(providers["neon"], "ep-cool-1-pooler.eu-central-1.aws.neon.tech", 5432)
    assert not is_pooler(providers["neon"], "ep-cool-1.eu-central-1.aws.neon.tech", 5432)
    assert is_pooler(providers["supabase"], "aws-0-eu.pooler.supabase.com", 6543)
    assert not is_pooler(providers["supabase"], "aws-0-eu.pooler.supabase.com", 5432)


def test_an_extension_that_the_provider_lacks_is_said_in_its_words(connection: Connection) -> None:
    settings = Settings(provider="azure")
    result = only(asked("extensions", connection, "CREATE EXTENSION nothing_like_it", settings=settings))
    assert result.message.startswith("Azure Database for PostgreSQL has no nothing_like_it")
    assert "az postgres flexible-server parameter set" in (result.remedy or "")


def test_the_report_says_whose_server_it_was(connection: Connection) -> None:
    result = only(asked("server-reachable-and-primary", connection, settings=Settings(provider="neon")))
    assert result.evidence["provider"] == "Neon (the settings)"
    assert result.evidence["system"].isdigit()
