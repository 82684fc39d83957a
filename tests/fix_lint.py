"""A small Alembic environment without a database, its revisions in a git repository where a test wants one."""

import json
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from migsafe import cli
from migsafe.cli import output

_INI = "[alembic]\nscript_location = %(here)s/migrations\n"
_ENV = """
from alembic import context

context.configure(dialect_name="postgresql", url="postgresql://nobody@127.0.0.1:1/nowhere")
with context.begin_transaction():
    context.run_migrations()
"""
_REVISION = '''"""{name}"""
{top}
import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = {down!r}


def upgrade() -> None:
{upgrade}


def downgrade() -> None:
{downgrade}
'''
CREATE = 'op.create_table("orders", sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("note", sa.Text))'


class Project:
    """A folder with an environment: `revision` writes one, `git` runs git there, `commit` commits what there is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions = folder / "migrations" / "versions"
        self.versions.mkdir(parents=True)
        (folder / "alembic.ini").write_text(_INI)
        (folder / "migrations" / "env.py").write_text(_ENV)
        self.revision("a1", None, CREATE, 'op.drop_table("orders")')

    def revision(
        self, name: str, down: str | tuple[str, ...] | None, upgrade: str, downgrade: str = "pass", top: str = ""
    ) -> Path:
        path = self.versions / f"{name}.py"
        bodies = (textwrap.indent(textwrap.dedent(each).strip(), "    ") for each in (upgrade, downgrade))
        up, back = bodies
        path.write_text(_REVISION.format(name=name, down=down, upgrade=up, downgrade=back, top=top))
        return path

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ["git", *identity, *words], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")


class Said:
    """What `migsafe lint` answered. `places` are (rule, path:line) of the findings that nobody ignores."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def findings(self) -> list[dict[str, Any]]:
        document = self.document
        on_statements = [
            each | {"path": statement["path"], "line": statement["line"], "revision": statement["revision"]}
            for statement in document["statements"]
            for each in statement["findings"]
        ]
        return [*on_statements, *document.get("findings", [])]

    @property
    def places(self) -> list[tuple[str, str]]:
        still = (each for each in self.findings if each["ignored_because"] is None and each["severity"] != "info")
        return [(each["rule"], f"{Path(each['path'] or 'SQL').name}:{each['line']}") for each in still]

    @property
    def revisions(self) -> set[str]:
        return {statement["revision"] for statement in self.document["statements"]}


Lint = Callable[..., Said]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An environment in `tmp_path / "shop"`, which is the working directory; revision a1 makes the table orders."""
    made = Project(tmp_path / "shop")
    monkeypatch.chdir(made.folder)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return made


@pytest.fixture
def repository(project: Project) -> Project:
    """The project in git, a1 on the branch main, on a new branch `feature`."""
    project.git("init", "-q", "-b", "main")
    project.commit()
    project.git("checkout", "-q", "-b", "feature")
    return project


@pytest.fixture
def lint(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lint:
    """`lint(*words)`: `migsafe lint` with these words in this process; JSON unless `--format` is given."""
    monkeypatch.setattr(output, "_redactors", [])

    def run(*words: str) -> Said:
        format_ = () if "--format" in words else ("--format", "json")
        with pytest.raises(SystemExit) as ended:
            cli.main(["lint", *words, *format_])
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, *capsys.readouterr())

    return run
