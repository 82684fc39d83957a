"""Whose server it is, and what has other names or other ways there: extensions, admin roles, poolers, disks."""

import msgspec

from migsafe.preflight.asking import Connection, ask
from migsafe.settings import Settings


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A managed service, from its documentation. `key` is the value of the setting `provider`.

    What it is recognised by: `roles`, `functions`, `schemas` and `parameters` that only its servers have, suffixes of
    `hosts`. `admin` is the role that does there what a superuser does elsewhere. Each of the others is one sentence:
    `extensions` how a missing one gets there ("{}" is its name), `direct` how to reach the server past a pooler,
    `disk` where the free bytes are to be read and what a full disk does.
    `poolers` are parts of a host name, or a `:port`, that are known to be a pooler's.
    """

    key: str
    name: str
    roles: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    admin: str | None = None
    poolers: tuple[str, ...] = ()
    extensions: str
    direct: str
    disk: str


class Recognised(msgspec.Struct, frozen=True):
    """`because` is what told, such as "role rds_superuser" or "the settings"."""

    provider: Provider
    because: str


_RDS_EXTENSIONS = (
    "SHOW rds.extensions lists what this version has; add {} to rds.allowed_extensions in the parameter group if that "
    "is set, or upgrade the engine's minor version."
)
_RDS_PROXY = "Use the endpoint of the instance (cluster), not that of RDS Proxy (….proxy-….rds.amazonaws.com)."

# In the order in which they are asked about: Heroku's small plans run on Aurora, Aurora has RDS's role, AlloyDB has
# parameters of Cloud SQL's.
PROVIDERS = (
    Provider(
        key="heroku",
        name="Heroku Postgres",
        schemas=("_heroku", "heroku_ext"),
        extensions="SHOW extwlist.extensions lists what Heroku allows; no other can be had.",
        direct="Use DATABASE_URL, not DATABASE_CONNECTION_POOL_URL.",
        disk="heroku pg:info shows the size and the plan's limit: set declared_free to the difference. Above the limit "
        "Heroku takes away the right to write.",
    ),
    Provider(
        key="aurora",
        name="Amazon Aurora",
        functions=("aurora_version",),
        admin="rds_superuser",
        poolers=(".proxy-",),
        extensions=_RDS_EXTENSIONS,
        direct=_RDS_PROXY,
        disk="The volume grows by itself; sort files of an index build do not fit there, they go to the local disk: "
        "CloudWatch FreeLocalStorage. Print it with disk_command.",
    ),
    Provider(
        key="rds",
        name="Amazon RDS",
        roles=("rds_superuser", "rdsadmin"),
        parameters=("rds.extensions",),
        hosts=(".rds.amazonaws.com", ".rds.amazonaws.com.cn"),
        admin="rds_superuser",
        poolers=(".proxy-",),
        extensions=_RDS_EXTENSIONS,
        direct=_RDS_PROXY,
        disk="CloudWatch FreeStorageSpace: print it with disk_command. Autoscaling does not rescue a migration: it "
        "waits six hours after the last change.",
    ),
    Provider(
        key="alloydb",
        name="AlloyDB",
        roles=("alloydbsuperuser",),
        admin="alloydbsuperuser",
        poolers=(":6432",),
        extensions="If AlloyDB supports {}, set the database flag that its list of extensions names; otherwise it "
        "cannot be had.",
        direct="Use port 5432; 6432 is the managed connection pool.",
        disk="The storage grows by itself; set declared_free to the quota that is left.",
    ),
    Provider(
        key="cloudsql",
        name="Cloud SQL",
        roles=("cloudsqlsuperuser", "cloudsqladmin"),
        admin="cloudsqlsuperuser",
        poolers=(":6432",),
        extensions="If Cloud SQL supports {}, set the flag that its list of extensions names; otherwise it cannot be "
        "had.",
        direct="Use port 5432, or the Auth Proxy; 6432 is the managed connection pool.",
        disk="Monitoring has database/disk/quota and database/disk/bytes_used: print the difference with disk_command.",
    ),
    Provider(
        key="azure",
        name="Azure Database for PostgreSQL",
        roles=("azure_pg_admin", "azuresu"),
        parameters=("azure.extensions",),
        hosts=(".postgres.database.azure.com",),
        admin="azure_pg_admin",
        poolers=(":6432",),
        extensions="Add {} to the server parameter azure.extensions (az postgres flexible-server parameter set).",
        direct="Use port 5432; 6432 is the PgBouncer in front of it.",
        disk="Azure Monitor has storage_free: print it with disk_command. A server that is nearly full becomes "
        "read-only.",
    ),
    Provider(
        key="supabase",
        name="Supabase",
        roles=("supabase_admin",),
        hosts=(".supabase.co", ".supabase.com"),
        poolers=(":6543",),
        extensions="Enable {} under Database, Extensions in the dashboard; what is not there cannot be had.",
        direct="Use db.<project>.supabase.co:5432, or the session pooler (port 5432 of ….pooler.supabase.com), "
        "not port 6543.",
        disk="The dashboard has the disk's size: set declared_free to what is left. A full database becomes read-only.",
    ),
    Provider(
        key="neon",
        name="Neon",
        roles=("neon_superuser",),
        hosts=(".neon.tech",),
        admin="neon_superuser",
        poolers=("-pooler.",),
        extensions="What Neon supports is in pg_available_extensions; a newer compute may have {}.",
        direct="Use the host without -pooler.",
        disk="The storage grows by itself up to the plan's limit: set declared_free to what is left.",
    ),
)


def recognised(connection: Connection, settings: Settings) -> Recognised | None:
    """The managed service that the setting `provider` names, else the one that the server or its host name tells of.

    None for a server of one's own. What the server shows goes before the host name, which a tunnel hides.
    """
    if settings.provider is not None:
        named = next((each for each in PROVIDERS if each.key == settings.provider), None)
        return Recognised(named, "the settings") if named is not None else None
    asked = {
        kind: [name for each in PROVIDERS for name in getattr(each, kind)]
        for kind in ("roles", "functions", "schemas", "parameters")
    }
    seen = set(ask(connection, "preflight_provider", **asked)[0]["seen"])
    for each in PROVIDERS:
        for kind in asked:
            for name in getattr(each, kind):
                if f"{kind[:-1]} {name}" in seen:
                    return Recognised(each, f"{kind[:-1]} {name}")
    host = (connection.info.host or "").lower()
    by_host = next((each for each in PROVIDERS if host.endswith(each.hosts)), None)
    return Recognised(by_host, f"host {host}") if by_host is not None else None


def is_pooler(provider: Provider, host: str, port: int) -> bool:
    """Whether the provider's documentation says that a pooler answers at that address."""
    return any(part == f":{port}" if part.startswith(":") else part in host.lower() for part in provider.poolers)
