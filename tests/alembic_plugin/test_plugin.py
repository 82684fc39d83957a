"""The plugin must not be able to break `import alembic`, whatever is wrong with it."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import migsafe_alembic

pytestmark = pytest.mark.alembic_matrix

PACKAGE = Path(migsafe_alembic.__file__).parent
LOADS_PLUGINS = tuple(int(part) for part in importlib.metadata.version("alembic").split(".")[:2]) >= (1, 18)

Sabotage = Callable[[Path], object]

_ASK = """
import sys
import alembic
plugin = sys.modules.get("migsafe_alembic")
print("failure:", plugin.failure if plugin else "not loaded")
from alembic.config import main
main(argv=["--help"])
"""


def run(*arguments: str, first: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"PYTHONPATH": str(first)} if first else {})
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, cwd=first)


def installed(site: Path, *, entry_point: bool = True) -> Path:
    """A copy of the plugin as a distribution of its own; it hides the one that is really installed."""
    shutil.copytree(PACKAGE, site / "migsafe_alembic", ignore=shutil.ignore_patterns("__pycache__"))
    information = site / "alembic_migsafe-999.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: alembic-migsafe\nVersion: 999\n")
    if entry_point:
        (information / "entry_points.txt").write_text("[alembic.plugins]\nmigsafe = migsafe_alembic:PLUGIN\n")
    return site


def replaced_by(text: str) -> Sabotage:
    return lambda site: (site / "migsafe_alembic" / "operations.py").write_text(text)


def followed_by(text: str) -> Sabotage:
    def append(site: Path) -> None:
        with (site / "migsafe_alembic" / "operations.py").open("a") as file:
            file.write(text)

    return append


BROKEN: dict[str, tuple[Sabotage, str]] = {
    "operations.py is missing": (
        lambda site: (site / "migsafe_alembic" / "operations.py").unlink(),
        "ModuleNotFoundError: No module named 'migsafe_alembic.operations'",
    ),
    "it raises at import": (replaced_by("raise RuntimeError('broken')"), "RuntimeError: broken"),
    "it does not parse": (replaced_by("def ("), "SyntaxError: invalid syntax (operations.py, line 1)"),
    "it exits": (replaced_by("raise SystemExit(3)"), "SystemExit: 3"),
    "it raises when half is registered": (followed_by("\nraise KeyError('verify')\n"), "KeyError: 'verify'"),
    "it needs what is not there": (replaced_by("import nowhere"), "ModuleNotFoundError: No module named 'nowhere'"),
    "its error cannot be printed": (
        replaced_by("class E(Exception):\n    def __str__(self): raise ValueError\nraise E"),
        "E\n",
    ),
    "Alembic has no such operation": (
        followed_by("\nOperations.no_such_thing()\n"),
        "AttributeError: type object 'Operations' has no attribute 'no_such_thing'",
    ),
}


def test_alembic_works_with_the_plugin() -> None:
    done = run("-c", _ASK)
    assert done.returncode == 0, done.stderr
    assert f"failure: {None if LOADS_PLUGINS else 'not loaded'}" in done.stdout
    assert "usage:" in done.stdout
    assert done.stderr == ""


def test_alembic_works_with_a_copy_of_the_plugin(tmp_path: Path) -> None:
    done = run("-c", _ASK, first=installed(tmp_path))
    assert done.returncode == 0, done.stderr
    assert f"failure: {None if LOADS_PLUGINS else 'not loaded'}" in done.stdout


@pytest.mark.parametrize("way", BROKEN)
def test_alembic_works_although_the_plugin_is_broken(way: str, tmp_path: Path) -> None:
    sabotage, failure = BROKEN[way]
    sabotage(installed(tmp_path))
    done = run("-c", _ASK, first=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"failure: {failure if LOADS_PLUGINS else 'not loaded'}" in done.stdout
    assert "usage:" in done.stdout
    assert done.stderr == ""


def test_alembic_works_although_migsafe_is_broken(tmp_path: Path) -> None:
    (installed(tmp_path) / "migsafe").mkdir()
    (tmp_path / "migsafe" / "__init__.py").write_text("raise RuntimeError('broken')")
    done = run("-c", _ASK, first=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"failure: {None if LOADS_PLUGINS else 'not loaded'}" in done.stdout


def test_alembic_works_without_the_plugin(tmp_path: Path) -> None:
    done = run("-c", _ASK, first=installed(tmp_path, entry_point=False))
    assert done.returncode == 0, done.stderr
    assert "failure: not loaded" in done.stdout
    assert "usage:" in done.stdout


def test_the_alembic_command_works_with_a_broken_plugin(tmp_path: Path) -> None:
    sabotage, _ = BROKEN["it raises at import"]
    sabotage(installed(tmp_path))
    done = run("-m", "alembic", "--help", first=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_operations_can_be_imported_before_alembic() -> None:
    done = run("-c", "import migsafe_alembic.operations as o, migsafe_alembic as m; print(m.failure, o.collector)")
    assert done.stdout == "None None\n", done.stderr


def test_the_entry_point_is_a_module_and_iterable() -> None:
    (found,) = importlib.metadata.entry_points(group="alembic.plugins", name="migsafe")
    plugin = found.load()
    assert isinstance(plugin, ModuleType)
    assert list(plugin) == [plugin]


def test_a_second_setup_changes_nothing() -> None:
    migsafe_alembic.PLUGIN.setup(None)
    migsafe_alembic.PLUGIN.setup(None)
    assert migsafe_alembic.failure is None


def test_the_plugin_imports_neither_migsafe_nor_a_driver() -> None:
    heavy = "{'migsafe', 'psycopg', 'psycopg2', 'msgspec', 'rich', 'click', 'postgast'}"
    done = run("-c", f"import sys, alembic, migsafe_alembic.operations; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout == "[]\n", done.stderr
    alone = run("-c", "import sys, migsafe_alembic; print('alembic' in sys.modules, 'sqlalchemy' in sys.modules)")
    assert alone.stdout == "False False\n"
