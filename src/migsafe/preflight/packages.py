"""Where an extension that is not on a server comes from."""

# Debian and PGDG; {0} is the major version of the server.
_PACKAGES = {
    "vector": "postgresql-{0}-pgvector",
    "postgis": "postgresql-{0}-postgis-3",
    "pg_cron": "postgresql-{0}-cron",
    "pg_partman": "postgresql-{0}-partman",
    "pg_repack": "postgresql-{0}-repack",
    "pgaudit": "postgresql-{0}-pgaudit",
    "hypopg": "postgresql-{0}-hypopg",
    "timescaledb": "timescaledb-2-postgresql-{0}",
    "rum": "postgresql-{0}-rum",
    "hll": "postgresql-{0}-hll",
    "pg_hint_plan": "postgresql-{0}-pg-hint-plan",
    "age": "postgresql-{0}-age",
    "h3": "postgresql-{0}-h3",
}
# Appendix F of the manual: in postgresql-NN of Debian, in postgresqlNN-contrib of the RPMs.
# fmt: off
_CONTRIB = frozenset((
    "amcheck", "bloom", "btree_gin", "btree_gist", "citext", "cube", "dblink", "dict_int", "dict_xsyn",
    "earthdistance", "file_fdw", "fuzzystrmatch", "hstore", "intarray", "isn", "lo", "ltree", "pageinspect",
    "pg_buffercache", "pg_freespacemap", "pg_prewarm", "pg_stat_statements", "pg_surgery", "pg_trgm",
    "pg_visibility", "pg_walinspect", "pgcrypto", "pgrowlocks", "pgstattuple", "postgres_fdw", "seg", "sslinfo",
    "tablefunc", "tsm_system_rows", "tsm_system_time", "unaccent", "uuid-ossp", "xml2",
))
# fmt: on


def where_from(extension: str, version: int) -> str:
    """One sentence: the package for a server of one's own, and what to do on a managed one."""
    if extension in _CONTRIB:
        package = f"postgresql-{version} (Debian has contrib in it) or postgresql{version}-contrib (RPM)"
    elif extension in _PACKAGES:
        package = _PACKAGES[extension].format(version)
    else:
        package = f"the package that has it (apt-cache search postgresql-{version})"
    return f"Install {package} on the server; on a managed one, enable {extension} in the provider's settings."
