"""Why a connection could not be made, in a sentence: libpq has no code for it, only English text."""

import re

# The first pattern that is found in libpq's text wins; a group becomes {0} of the sentence.
_CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        r"password authentication failed for user \"([^\"]*)\"",
        'the password for user "{0}" is wrong, or the user does not exist.',
        "Check PGPASSWORD, ~/.pgpass or the URL; percent-encode special characters in a URL.",
    ),
    (
        r"no password supplied|fe_sendauth",
        "the server asks for a password and none was given.",
        "Set PGPASSWORD, or add a line to ~/.pgpass.",
    ),
    (
        r"database \"([^\"]*)\" does not exist|no such database: (\S+)",
        'the database "{0}" does not exist.',
        "Create it with createdb, or correct the name; `psql -l` lists what is there.",
    ),
    (r"role \"([^\"]*)\" does not exist", 'the role "{0}" does not exist.', "Create it, or correct the user name."),
    (
        r"permission denied to set role \"([^\"]*)\"",
        'this user may not SET ROLE "{0}".',
        'GRANT "{0}" to the user that connects.',
    ),
    (
        r"permission denied for database \"?([^\"\n]*)\"?",
        'this user may not connect to the database "{0}".',
        'GRANT CONNECT ON DATABASE "{0}" to it.',
    ),
    (
        r"too many clients|connection slots are reserved|too many connections|no more connections allowed",
        "the server has no free connection.",
        "Close idle sessions or raise max_connections, then run the same command again.",
    ),
    (
        r"the database system is ([a-z ]+)",
        "the server is {0}.",
        "Wait until it accepts connections, then run the same command again.",
    ),
    (
        r"no pg_hba\.conf entry for ([^\n]*)",
        "the server's pg_hba.conf lets nobody in from here ({0}).",
        "Add a line for this host, user and database to pg_hba.conf and reload, or connect another way.",
    ),
    (
        r"received invalid response to \w+ negotiation|expected authentication request|invalid message length"
        r"|unsupported frontend protocol",
        "what listens there is not PostgreSQL.",
        "Check host and port; PostgreSQL usually listens on 5432.",
    ),
    (
        r"does not support SSL, but SSL was required",
        "the server offers no SSL, and sslmode demands it.",
        "Turn ssl on at the server, or lower sslmode.",
    ),
    (
        r"certificate[^\n]*",
        "the certificate was not accepted ({all}).",
        "Check sslrootcert, sslcert and the host name in the certificate.",
    ),
    (
        r"Connection refused|Connect call failed",
        "connection refused; nothing listens on that host and port.",
        "Check host and port, and that PostgreSQL is running and listens there (listen_addresses).",
    ),
    (
        r"failed to resolve host '([^']*)'|could not translate host name \"([^\"]*)\""
        r"|Name or service not known",
        'there is no host "{0}".',
        "Check the host name, and that this machine can resolve it.",
    ),
    (
        r"connection to server on socket \"([^\"]*)\" failed: No such file or directory",
        "there is no server socket {0}.",
        "Start PostgreSQL, or give the host (host=localhost, or the folder of the socket).",
    ),
    (
        r"timeout expired|timed out|Network is unreachable|No route to host",
        "no answer in time; the host is down, or a firewall drops the packets.",
        "Check host, port and network, or raise connect_timeout.",
    ),
    (
        r"server closed the connection unexpectedly",
        "the connection was closed at once; the server crashed, is full, or is not PostgreSQL.",
        "Check host and port, and the server's log.",
    ),
)


# Of a server that starts, stops, recovers, is full or out of reach; not of one that knows us and says no.
_PASSING = re.compile(
    r"the database system is |Connection refused|Connect call failed|Connection reset|Connection timed out"
    r"|No such file or directory|timeout expired|Network is unreachable|No route to host|too many clients"
    r"|connection slots are reserved|too many connections|no more connections|terminating connection"
    r"|server closed the connection|unexpected connection_lost|connection was closed in the middle of operation"
)


def passing(message: str) -> bool:
    """Whether a server that answers so, or does not answer, may let the same client in later by itself."""
    return _PASSING.search(message) is not None


def explain(message: str) -> tuple[str, str]:
    """A sentence and a remedy for the text that libpq gives when a connection fails.

    Texts are those of libpq 14 to 18 and psycopg 3. One that is not known (a server that speaks another language)
    is given back itself, its first line. It may hold a password still.
    """
    for pattern, sentence, remedy in _CAUSES:
        match = re.search(pattern, message)
        if match is not None:
            name = next((group for group in match.groups() if group is not None), "").strip()
            return sentence.format(name, all=match[0]), remedy.format(name, all=match[0])
    lines = message.strip().splitlines()
    return lines[0] if lines else "no reason was given.", "Try `psql` with the same host, port, user and database."
