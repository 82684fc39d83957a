"""Which pg_dump is taken."""

from pathlib import Path

import pytest

from migsafe.errors import ToolMissing
from migsafe.postgres import binaries


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose only folders of programs are /16/bin and so on, below the folder returned."""
    monkeypatch.setattr(binaries, "_PATTERNS", (f"{tmp_path}/*/bin",))
    monkeypatch.setattr(binaries, "wheel", lambda: None)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv(binaries.ENVIRONMENT_VARIABLE, raising=False)
    return tmp_path


def _install(machine: Path, version: str, program: str = "pg_dump") -> Path:
    folder = machine / version.partition(".")[0] / "bin"
    folder.mkdir(parents=True)
    path = folder / program
    path.write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {version} (Debian {version}-1)'\n")
    path.chmod(0o755)
    return path


def test_the_version_of_the_server_is_preferred(machine: Path) -> None:
    for version in ("15.18", "17.2", "18.1"):
        _install(machine, version)
    assert binaries.find("pg_dump", 17) == machine / "17/bin/pg_dump"


def test_else_the_newest_is_taken(machine: Path) -> None:
    for version in ("15.18", "17.2", "18beta1"):
        _install(machine, version)
    assert binaries.find("pg_dump", 16) == machine / "18beta1/bin/pg_dump"


def test_an_older_one_is_refused_and_named(machine: Path) -> None:
    path = _install(machine, "15.18")
    with pytest.raises(ToolMissing) as caught:
        binaries.find("pg_dump", 18)
    assert caught.value.message == f"pg_dump 15.18 at {path} is older than the server, 18"
    assert "postgresql-client-18" in str(caught.value.remedy)


def test_none_at_all_is_refused(machine: Path) -> None:
    with pytest.raises(ToolMissing, match="psql is not on this machine"):
        binaries.find("psql", 14)


def test_the_environment_names_the_only_folder_asked(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(machine, "18.1")
    old = _install(machine, "14.2")
    monkeypatch.setenv(binaries.ENVIRONMENT_VARIABLE, str(old.parent))
    assert binaries.find("pg_dump", 14) == old
    with pytest.raises(ToolMissing, match="older than the server") as caught:
        binaries.find("pg_dump", 18)
    assert binaries.ENVIRONMENT_VARIABLE in str(caught.value.remedy)


def test_a_program_that_does_not_run_is_passed_over(machine: Path) -> None:
    broken = _install(machine, "18.1")
    broken.write_text("#!/bin/sh\nexit 3\n")
    _install(machine, "19.1")
    assert binaries.find("pg_dump", 18) == machine / "19/bin/pg_dump"


@pytest.mark.parametrize("program", ["pg_dump", "pg_restore", "psql"])
def test_the_wheel_has_every_program(program: str) -> None:
    assert binaries.version_of(binaries.find(program, 18)) is not None
