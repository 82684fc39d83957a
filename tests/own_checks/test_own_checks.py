"""Checks of a team, asked of a real database, real programs and real little servers."""

import http.server
import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from fix_postgres import Connect, Connection, Role
from migsafe.errors import UsageError
from migsafe.model.checks import CheckResult
from migsafe.model.own_checks import OwnCheck
from migsafe.own_checks import prepared, run_own_checks
from migsafe.settings import Settings

Ask = Callable[..., CheckResult]


@pytest.fixture
def ask(connection: Connection, tmp_path: Path) -> Ask:
    """`ask(sql=…, …)`: the one answer; `by` another connection, `show_data` as in the settings."""

    def run(*, by: Connection | None = None, show_data: bool = True, **keys: Any) -> CheckResult:
        settings = Settings(check=(OwnCheck(name="mine", **keys),), directory=str(tmp_path), show_data=show_data)
        (result,) = run_own_checks(settings, by or connection, "before")
        return result

    return run


# SQL


@pytest.mark.parametrize(
    ("sql", "expect", "status"),
    [
        ("SELECT true", "true", "passed"),
        ("SELECT false", "true", "blocked"),
        ("SELECT 7", 7, "passed"),
        ("SELECT 7 = 7", True, "passed"),
        ("SELECT 29.5", "< 30", "passed"),
        ("SELECT 30", "< 30", "blocked"),
        ("SELECT NULL::int", "< 30", "blocked"),
        ("SELECT 'b'", "> 'a'", "passed"),
        ("SELECT date '2026-01-31'", ">= 2026-01-30", "passed"),
        ("SELECT 'ready'", "!= ready", "blocked"),
        ("SELECT generate_series(1, 3)", "3 rows", "passed"),
        ("SELECT generate_series(1, 4)", "3 rows", "blocked"),
        ("SELECT generate_series(1, 4)", "at least 3 rows", "passed"),
        ("SELECT generate_series(1, 2)", ">= 3 rows", "blocked"),
        ("SELECT 1 WHERE false", "no rows", "passed"),
        ("SELECT 1 WHERE false", "rows", "blocked"),
        ("SELECT 1, 2", "rows", "passed"),
    ],
)
def test_rows_are_compared_with_what_is_expected(ask: Ask, sql: str, expect: str | int | bool, status: str) -> None:
    assert ask(sql=sql, expect=expect).status == status


def test_the_answer_says_what_was_expected_and_what_came_unless_values_are_to_be_hidden(ask: Ask) -> None:
    shown = ask(sql="SELECT 4711", expect="< 30", remedy="Drain the queue.")
    assert "expected one value < 30, found 4711" in shown.message
    assert (shown.group, shown.remedy, shown.evidence["found"]) == ("own", "Drain the queue.", "4711")
    hidden = ask(sql="SELECT 4700 + 11", expect="< 30", show_data=False)
    assert "4711" not in hidden.message + str(hidden.evidence)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (3)",
        "WITH gone AS (DELETE FROM t RETURNING 1) SELECT * FROM gone",
        "SELECT 1; DROP TABLE t",
        "SELECT set_it()",
        "COMMIT",
    ],
)
def test_what_writes_fails_and_writes_nothing(ask: Ask, connection: Connection, sql: str) -> None:
    connection.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)")
    connection.execute("CREATE FUNCTION set_it() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (9) RETURNING a'")
    assert ask(sql=sql, expect="rows").status == "blocked"
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)


def test_sql_that_takes_too_long_or_may_not_look_is_unknown(ask: Ask, role: Role, connect: Connect) -> None:
    assert ask(sql="SELECT pg_sleep(60)", timeout=0.05).status == "unknown"
    denied = ask(sql="SELECT * FROM pg_authid", by=connect(role("app")), severity="warned")
    assert (denied.status, denied.remedy) == ("unknown", "GRANT SELECT ON pg_authid TO " + _user(denied) + ";")


def _user(result: CheckResult) -> str:
    return (result.remedy or "").partition(" TO ")[2].rstrip(";")


def test_rows_hidden_by_row_security_are_unknown_and_not_none(
    ask: Ask, connection: Connection, role: Role, connect: Connect
) -> None:
    app = role("app")
    connection.execute("CREATE TABLE jobs (a int); INSERT INTO jobs VALUES (1)")
    connection.execute("ALTER TABLE jobs ENABLE ROW LEVEL SECURITY")
    connection.execute(f"GRANT SELECT ON jobs TO {app.parameters['user']}".encode())
    assert ask(sql="SELECT * FROM jobs", expect="no rows", by=connect(app)).status == "unknown"


def test_the_severity_is_the_teams_own(ask: Ask) -> None:
    assert ask(sql="SELECT false", severity="warned").status == "warned"


# Commands


def test_a_command_is_judged_by_its_exit_code_and_output(ask: Ask, tmp_path: Path) -> None:
    script = tmp_path / "ready.sh"
    script.write_text("#!/bin/sh\necho workers: $1\nexit $2\n")
    script.chmod(0o755)
    assert ask(command=["./ready.sh", "0 running", "0"], output=r"workers: 0\b").status == "passed"
    assert ask(command="./ready.sh '0 running' 3", exit_code=3).status == "passed"
    failed = ask(command=["./ready.sh", "4", "0"], output=r"workers: 0\b")
    assert (failed.status, "it printed last: workers: 4" in failed.message) == ("blocked", True)
    ended = ask(command=["./ready.sh", "4", "2"], show_data=False)
    assert ended.message == "./ready.sh ended with 2, not 0"


def test_no_shell_reads_the_words(ask: Ask, tmp_path: Path) -> None:
    ask(command="true ; touch made-by-a-shell")
    ask(command=["echo", "$(touch made-by-a-shell)"])
    assert not list(tmp_path.iterdir())


def test_a_command_that_is_not_there_or_does_not_end_is_unknown(ask: Ask) -> None:
    missing = ask(command="no-such-program --now")
    assert (missing.status, "No such file" in missing.message) == ("unknown", True)
    started = time.monotonic()
    assert ask(command=["sh", "-c", "sleep 60 & sleep 60"], timeout=0.2).status == "unknown"
    assert time.monotonic() - started < 30


def test_what_a_command_leaves_in_the_background_is_not_waited_for(ask: Ask) -> None:
    started = time.monotonic()
    assert ask(command=["sh", "-c", "sleep 40 & echo started"], output="started", timeout=30).status == "passed"
    assert time.monotonic() - started < 30


# Environment


def test_variables_are_looked_at_and_never_shown(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGSAFE_TEST_TOKEN", "hush-hush")
    monkeypatch.setenv("MIGSAFE_TEST_EMPTY", "")
    held = ask(env="MIGSAFE_TEST_TOKEN")
    failed = ask(env=["MIGSAFE_TEST_TOKEN", "MIGSAFE_TEST_EMPTY", "MIGSAFE_TEST_NONE"])
    assert held.status == "passed"
    assert failed.message == "Not set, or empty: MIGSAFE_TEST_EMPTY, MIGSAFE_TEST_NONE."
    assert "hush-hush" not in f"{held}{failed}"


# HTTP


class _Application(http.server.BaseHTTPRequestHandler):
    """`/health`, `/status/N`, `/slow`, `/login` (wants a bearer), `/basic`, `/away` (redirects to /health)."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.seen.append(self.path)
        answers = {"/health": 200, "/away": 302, "/text": 200, "/slow": 200}
        code = int(path.split("/")[2]) if path.startswith("/status/") else answers.get(path, 401)
        if path == "/login" and self.headers["Authorization"] == "Bearer hush-hush":
            code = 200
        if path == "/basic" and self.headers["Authorization"] == "Basic dTpodXNoLWh1c2g=":
            code = 200
        self.send_response(code)
        if path == "/away":
            self.send_header("Location", "/health")
        self.end_headers()
        document = {"status": "ok", "queue": {"depth": 12, "names": ["a b"]}, "ready": True, "lag": None}
        content = b"plain" if path == "/text" else json.dumps(document).encode()
        try:
            for byte in content:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if path == "/slow":
                    time.sleep(0.2)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        return


def _serving(server: socketserver.TCPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.socket.getsockname()[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def application() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Application)
    server.daemon_threads = True
    yield from _serving(server)


def test_http_is_judged_by_its_status(ask: Ask, application: str) -> None:
    assert ask(http=f"http://{application}/health").status == "passed"
    assert ask(http=f"http://{application}/status/204").status == "passed"
    assert ask(http=f"http://{application}/status/503", status=503).status == "passed"
    failed = ask(http=f"http://{application}/status/503")
    assert (failed.status, failed.message) == ("blocked", f"http://{application}/status/503 answers 503, not 2xx.")
    assert ask(http=f"http://{application}/away").message.endswith("answers 302, not 2xx.")
    assert ask(http=f"http://{application}/away", status=302).status == "passed"


@pytest.mark.parametrize(
    ("json", "status"),
    [
        ("$.status == 'ok'", "passed"),
        ('$["status"] == "ok"', "passed"),
        ("$.status != 'ok'", "blocked"),
        ("$.queue.depth < 100", "passed"),
        ("$.queue.depth < 12", "blocked"),
        ("$.queue['names'][0] == 'a b'", "passed"),
        ("$.ready == true", "passed"),
        ("$.ready == 1", "blocked"),
        ("$.lag == null", "passed"),
        ("$.lag < 5", "blocked"),
        ("$.nowhere.at[3] != 'ok'", "blocked"),
    ],
)
def test_a_value_of_the_json_is_compared(ask: Ask, application: str, json: str, status: str) -> None:
    assert ask(http=f"http://{application}/health", json=json).status == status


def test_what_is_no_json_is_an_answer_too(ask: Ask, application: str) -> None:
    assert ask(http=f"http://{application}/text", json="$.a == 1").status == "blocked"


def test_secrets_of_an_address_are_sent_and_never_shown(
    ask: Ask, application: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGSAFE_TEST_TOKEN", "hush-hush")
    bearer = {"Authorization": "Bearer ${MIGSAFE_TEST_TOKEN}"}
    results = [
        ask(http=f"http://{application}/login", headers=bearer),
        ask(http=f"http://u:hush-hush@{application}/basic"),
        ask(http=f"http://u:hush-hush@{application}/status/500?key=hush-hush"),
        ask(http=f"http://{application}/status/500/${{MIGSAFE_TEST_TOKEN}}"),
        ask(http="http://u:hush-hush@127.0.0.1:1/"),
    ]
    assert [result.status for result in results] == ["passed", "passed", "blocked", "blocked", "blocked"]
    assert "hush-hush" not in str(results)
    assert "/status/500?key=hush-hush" in _Application.seen


def test_who_may_not_ask_does_not_know(ask: Ask, application: str) -> None:
    assert ask(http=f"http://{application}/login").status == "unknown"
    unset = ask(http=f"http://{application}/login", headers={"Authorization": "Bearer ${MIGSAFE_TEST_UNSET}"})
    assert (unset.status, unset.message) == ("unknown", "Not asked: MIGSAFE_TEST_UNSET is not set.")
    assert "export MIGSAFE_TEST_UNSET" in (unset.remedy or "")


def test_a_server_that_drips_does_not_hold_us_up(ask: Ask, application: str) -> None:
    slow = ask(http=f"http://{application}/slow", timeout=0.5)
    assert (slow.status, "did not answer within 0.5 s" in slow.message) == ("blocked", True)


def test_a_certificate_that_nobody_vouches_for_is_an_answer(ask: Ask, application: str) -> None:
    assert "TLS" in ask(http=f"https://{application}/health").message


# TCP


def test_a_port_that_listens_passes_and_one_that_refuses_blocks(ask: Ask, application: str) -> None:
    assert ask(tcp=application).status == "passed"
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{bound.getsockname()[1]}"
        refused = ask(tcp=closed)
    assert (refused.status, refused.message) == ("blocked", f"{closed} refuses the connection.")


def test_a_name_that_cannot_be_resolved_here_is_unknown(ask: Ask) -> None:
    assert ask(tcp="no-such-host.invalid:5672").status == "unknown"


def test_a_port_that_says_nothing_blocks_in_time(ask: Ask) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        assert ask(tcp=f"127.0.0.1:{port}").status == "passed"
        assert "did not answer within" in ask(redis=f"redis://127.0.0.1:{port}", timeout=0.2).message


# Redis: the answers as its documentation has them ("Redis serialization protocol specification", AUTH, PING).


class _Redis(socketserver.StreamRequestHandler):
    password: ClassVar[str | None] = None
    answer: ClassVar[bytes] = b"+PONG\r\n"

    def handle(self) -> None:
        known = self.password is None
        while words := self._command():
            if words[0] == "AUTH":
                known = words[-1] == self.password
                self.wfile.write(b"+OK\r\n" if known else self._refused(words))
            elif not known:
                self.wfile.write(b"-NOAUTH Authentication required.\r\n")
            else:
                self.wfile.write(self.answer)

    def _refused(self, words: list[str]) -> bytes:
        if self.password is None:
            return f"-ERR unknown command 'AUTH', with args beginning with: '{words[-1]}'\r\n".encode()
        return b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"

    def _command(self) -> list[str]:
        head = self.rfile.readline()
        if not head.startswith(b"*"):
            return []
        words = []
        for _ in range(int(head[1:])):
            size = int(self.rfile.readline()[1:])
            words.append(self.rfile.read(size + 2)[:-2].decode())
        return words


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(_Redis, "password", None)
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Redis)
    server.daemon_threads = True
    yield from _serving(server)


def test_a_redis_that_answers_ping_passes(ask: Ask, redis: str) -> None:
    assert ask(redis=f"redis://{redis}/0").message == f"{redis} answers PING."


def test_a_redis_that_is_not_ready_blocks(ask: Ask, redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Redis, "answer", b"-LOADING Redis is loading the dataset in memory\r\n")
    loading = ask(redis=f"redis://{redis}")
    assert (loading.status, "-LOADING" in loading.message) == ("blocked", True)


def test_a_redis_with_a_password_is_asked_with_it_and_unknown_without(
    ask: Ask, redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Redis, "password", "hush hush")
    monkeypatch.setenv("MIGSAFE_TEST_REDIS", f"redis://app:hush%20hush@{redis}")
    without = ask(redis=f"redis://{redis}")
    assert (without.status, "NOAUTH" in without.message) == ("unknown", True)
    wrong = ask(redis=f"redis://:hush@{redis}")
    assert (wrong.status, wrong.message) == ("unknown", f"{redis} does not accept the password (WRONGPASS).")
    right = ask(redis="${MIGSAFE_TEST_REDIS}")
    assert (right.status, right.message) == ("passed", f"{redis} answers PING.")


def test_a_server_that_repeats_the_password_does_not_make_us_show_it(ask: Ask, redis: str) -> None:
    result = ask(redis=f"redis://:hush-hush@{redis}")
    assert (result.status, "hush-hush" in str(result)) == ("unknown", False)


# All of them


def test_what_is_slow_is_asked_at_the_same_time_and_answered_in_order(connection: Connection) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        slow = tuple(OwnCheck(name=f"r{number}", redis=url, timeout=1.0) for number in range(8))
        settings = Settings(
            check=(*slow, OwnCheck(name="last", sql="SELECT true"), OwnCheck(name="x", env="X", phase="after"))
        )
        started = time.monotonic()
        results = run_own_checks(settings, connection, "before")
    assert [each.check for each in results] == [*(f"r{number}" for number in range(8)), "last"]
    assert time.monotonic() - started < 6


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"sql": " "}, "check mine: sql is empty"),
        ({"command": []}, "check mine: command is empty"),
        ({"command": "echo 'x"}, "check mine: command: No closing quotation"),
        ({"command": "x", "output": "("}, "check mine: output is no regular expression"),
        ({"http": "ftp://x/"}, "check mine: http is not an http:// or https:// URL"),
        ({"http": "https://x/", "json": "status = ok"}, "check mine: json: 'status = ok' is no comparison"),
        ({"env": []}, "check mine: env names no variable"),
        ({"tcp": "queue"}, "check mine: tcp: this is not host:port"),
        ({"redis": "queue:6379"}, "check mine: redis is not a redis:// or rediss:// URL"),
    ],
)
def test_what_cannot_be_understood_is_an_error_of_the_settings_before_anything_is_asked(
    keys: dict[str, Any], message: str
) -> None:
    settings = Settings(check=(OwnCheck(name="mine", phase="after", **keys),), source="migsafe.toml")
    with pytest.raises(UsageError) as caught:
        prepared(settings)
    assert caught.value.message.startswith(f"migsafe.toml: {message}")
    assert caught.value.remedy
