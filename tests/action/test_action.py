"""The script of action.yml on a pull request of an example project, with a server in the place of GitHub's API."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from migsafe.formats.comment import NOTHING

ROOT = Path(__file__).parents[2]
STORY = ROOT / "tests" / "environments" / "generic"
HAZARD = "a92d5e7f0c14_index_orders_by_customer.py"
LATER = "c05b3e86d7f1_orders_belong_to_customers.py"
RANGE = "7be04d19c6a3:heads"
TOKEN = "ghs_token"

Run = Callable[..., subprocess.CompletedProcess[str]]


class GitHub(ThreadingHTTPServer):
    """Comments of pull request 7 of owner/shop. `refuse` answers writes with 403, `foreign` are others' comments."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.foreign: set[int] = set()
        self.refuse = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, body: str) -> int:
        self.comments.append({"id": len(self.comments) + 1, "body": body})
        return len(self.comments)


class _Handler(BaseHTTPRequestHandler):
    server: GitHub

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {key: int(values[0]) for key, values in parse_qs(address.query).items()}
        start = (query["page"] - 1) * query["per_page"]
        assert address.path == "/repos/owner/shop/issues/7/comments"
        self.server.asked.append("GET")
        self._answer(200, self.server.comments[start : start + query["per_page"]])

    def do_POST(self) -> None:
        assert self.path == "/repos/owner/shop/issues/7/comments"
        if self._may_write("POST"):
            self.server.add(self._body())
            self._answer(201, self.server.comments[-1])

    def do_PATCH(self) -> None:
        match = re.fullmatch(r"/repos/owner/shop/issues/comments/(\d+)", self.path)
        assert match
        if self._may_write("PATCH", int(match[1])):
            self.server.comments[int(match[1]) - 1]["body"] = self._body()
            self._answer(200, {})

    def _may_write(self, method: str, comment: int | None = None) -> bool:
        self.server.asked.append(method)
        allowed = self.headers["Authorization"] == f"Bearer {TOKEN}" and not self.server.refuse
        if not allowed or comment in self.server.foreign:
            self._body()
            self._answer(403, {"message": "Resource not accessible by integration"})
            return False
        return True

    def _body(self) -> str:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(content["body"], str)
        assert len(content["body"]) <= 65_536
        return content["body"]

    def _answer(self, status: int, content: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def github() -> Iterator[GitHub]:
    server = GitHub()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    with contextlib.closing(server.socket):
        yield server
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def pull_request(tmp_path: Path) -> Path:
    """A checkout in which `origin/main` has two revisions, and the branch one more, which is hazardous."""
    project = tmp_path / "checkout" / "backend"
    shutil.copytree(STORY, project, ignore=shutil.ignore_patterns("__pycache__"))
    added = [(project / "migrations" / "versions" / name) for name in (HAZARD, LATER)]
    contents = [path.read_text() for path in added]
    for path in added:
        path.unlink()
    git(project.parent, "init", "--quiet", "--initial-branch=main")
    commit(project.parent, "main")
    git(project.parent, "update-ref", "refs/remotes/origin/main", "HEAD")
    added[0].write_text(contents[0])
    commit(project.parent, "a hazard")
    return project


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *words], cwd=folder, check=True)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


@pytest.fixture
def action(pull_request: Path, github: GitHub, tmp_path: Path) -> Run:
    """`action(**environment)`: the step of action.yml in the checkout; what came of it."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"action": "synchronize", "pull_request": {"number": 7}}))
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "migsafe"
    program.write_text(f"#!{sys.executable}\nfrom migsafe.cli import main\nmain()\n")
    program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "MIGSAFE_"))}
    given = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": "owner/shop",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "MIGSAFE_WORKING_DIRECTORY": "backend",
        "MIGSAFE_REVISION": RANGE,
    }

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words or ["bash", str(ROOT / "action" / "lint.sh")],
            cwd=pull_request.parent,
            env=kept | given | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.fixture
def commenting(action: Run, tmp_path: Path) -> Run:
    """`commenting(text, **environment)`: only that part of the script which writes the comment."""

    def run(text: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "comment.md").write_text(text)
        return action(sys.executable, str(ROOT / "action" / "comment.py"), str(tmp_path / "comment.md"), **environment)

    return run


def test_a_hazard_is_annotated_commented_on_once_and_fails_the_build(
    action: Run, github: GitHub, pull_request: Path, tmp_path: Path
) -> None:
    done = action(MIGSAFE_REVISION="", GITHUB_BASE_REF="main")
    assert (done.returncode, done.stderr) == (1, "")
    place = f"backend/migrations/versions/{HAZARD}"
    assert f"::error file={place},line=23," in done.stdout
    (comment,) = github.comments
    assert comment["body"].startswith("<!-- migsafe lint backend -->\n### migsafe lint: ")
    assert f"`{place}:23`" in comment["body"]
    assert comment["body"] == (tmp_path / "summary").read_text()
    outputs = dict(line.split("=") for line in (tmp_path / "output").read_text().splitlines())
    assert json.loads(Path(outputs["sarif"]).read_text())["version"] == "2.1.0"

    (pull_request / "migrations" / "versions" / LATER).write_text(
        (STORY / "migrations" / "versions" / LATER).read_text()
    )
    action(MIGSAFE_REVISION="", GITHUB_BASE_REF="main")
    (updated,) = github.comments
    assert LATER in updated["body"]
    assert updated["id"] == comment["id"]
    assert github.asked == ["GET", "POST", "GET", "PATCH"]


def test_the_exit_code_is_that_of_lint_also_when_the_token_may_not_write(action: Run, github: GitHub) -> None:
    github.refuse = True
    done = action(MIGSAFE_ARGUMENTS="--fail-on never")
    assert done.returncode == 0
    assert "::warning title=migsafe::The comment could not be written (403 Forbidden). Give the job" in done.stdout
    assert TOKEN not in done.stdout + done.stderr


def test_wrong_usage_is_said_and_nothing_is_commented(action: Run, github: GitHub) -> None:
    done = action(MIGSAFE_REVISION="nowhere:heads")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert github.asked == []


MARKER = "<!-- migsafe lint . -->"
COMMENT = f"{MARKER}\n### migsafe lint: 1 error\n"
QUIET = f"{MARKER}\n{NOTHING}\n### migsafe lint: nothing found\n"


def test_the_comment_is_found_behind_a_hundred_others_and_those_of_somebody_else(
    commenting: Run, github: GitHub
) -> None:
    github.foreign.add(github.add(f"{MARKER} is how it begins"))
    for number in range(120):
        github.add(f"comment {number}")
    ours = github.add(f"{MARKER}\nthe last one")
    assert commenting(COMMENT).returncode == 0
    assert len(github.comments) == ours
    assert github.comments[-1]["body"] == COMMENT
    assert github.asked == ["GET", "PATCH", "GET", "PATCH"]


def test_a_comment_of_another_environment_of_the_repository_is_left_alone(commenting: Run, github: GitHub) -> None:
    github.add("<!-- migsafe lint backend -->\n### migsafe lint: 1 error")
    commenting(COMMENT)
    assert [each["body"] for each in github.comments][1:] == [COMMENT]


def test_a_comment_that_says_the_same_is_not_written_again(commenting: Run, github: GitHub) -> None:
    github.add(COMMENT.replace("\n", "\r\n"))
    commenting(COMMENT)
    assert github.asked == ["GET"]


def test_without_new_revisions_nobody_is_told_and_an_old_comment_is_mended(commenting: Run, github: GitHub) -> None:
    commenting(QUIET)
    assert github.comments == []
    github.add(COMMENT)
    commenting(QUIET)
    assert [each["body"] for each in github.comments] == [QUIET]


def test_no_comment_is_written_where_there_is_no_pull_request(commenting: Run, github: GitHub, tmp_path: Path) -> None:
    event = tmp_path / "push.json"
    event.write_text('{"ref": "refs/heads/main"}')
    assert "not about a pull request" in commenting(COMMENT, GITHUB_EVENT_PATH=str(event)).stdout
    assert github.asked == []


def test_an_api_that_does_not_answer_fails_no_build(commenting: Run) -> None:
    done = commenting(COMMENT, GITHUB_API_URL="http://127.0.0.1:1")
    assert done.returncode == 0
    assert "::warning title=migsafe::The comment could not be written (URLError" in done.stdout
