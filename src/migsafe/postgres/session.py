"""The settings of somebody else's session: what they were, and putting them back."""

LOCK_TIMEOUT_NOW = "SELECT pg_catalog.current_setting('lock_timeout')"
# `source` tells a SET in env.py from a default of the server, the role or the database.
LOCK_TIMEOUT_SET_BY_ENV_PY = "SELECT source = 'session' FROM pg_catalog.pg_settings WHERE name = 'lock_timeout'"
# A revision may take longer than the server lets a session be idle, and the one beside it is.
NEVER_IDLE = "SELECT pg_catalog.set_config('idle_session_timeout', '0', false)"

# A setting of ours remembers, in the session itself, what a SET of the user's had made of lock_timeout.
PUT_BACK_LOCK_TIMEOUT = (
    "SELECT pg_catalog.set_config('lock_timeout',"
    " nullif(pg_catalog.current_setting('migsafe.lock_timeout'), ''), false)"
)


def hold_lock_timeout(value: str) -> str:
    """SQL that sets lock_timeout for the session until `PUT_BACK_LOCK_TIMEOUT`; both outside a transaction."""
    assert value.isalnum()
    return (
        "SELECT pg_catalog.set_config('migsafe.lock_timeout', CASE source WHEN 'session'"
        " THEN pg_catalog.current_setting('lock_timeout') ELSE '' END, false),"
        f" pg_catalog.set_config('lock_timeout', '{value}', false)"
        " FROM pg_catalog.pg_settings WHERE name = 'lock_timeout'"
    )


def restore_lock_timeout(value: str | None) -> str:
    """SQL that puts `value` of `LOCK_TIMEOUT_NOW` back, or with None what the session began with.

    As with RESET, `source` is then no longer the session: the next to look does not take it for env.py's.
    """
    assert value is None or value.isalnum()
    literal = "NULL" if value is None else f"'{value}'"
    return f"SELECT pg_catalog.set_config('lock_timeout', {literal}, false)"
