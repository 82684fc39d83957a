"""The user's environment is found where Alembic would find it, and elsewhere only where Alembic could not."""

import importlib.metadata
from pathlib import Path

import pytest
from alembic.config import Config

from fix_postgres import Connect
from fix_stories import EnterStory, RunTo
from migsafe.errors import UsageError
from migsafe.revisions.config import from_config, open_environment, relative, reopen
from migsafe.revisions.read import read

pytestmark = pytest.mark.alembic_matrix

ALEMBIC = tuple(int(part) for part in importlib.metadata.version("alembic").split(".")[:2])


def test_alembic_ini_of_the_working_directory(enter_story: EnterStory) -> None:
    enter_story("generic")
    assert open_environment().heads == ("c05b3e86d7f1",)


def test_another_file_by_option_from_another_directory(
    enter_story: EnterStory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = enter_story("generic")
    monkeypatch.chdir(tmp_path)
    (folder / "alembic.ini").rename(tmp_path / "other.ini")
    (tmp_path / "other.ini").write_text(
        (tmp_path / "other.ini").read_text().replace("%(here)s/migrations", "%(here)s/generic/migrations")
    )
    assert open_environment(("other.ini",)).heads == ("c05b3e86d7f1",)


def test_another_file_by_environment_variable(enter_story: EnterStory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = enter_story("generic")
    (folder / "alembic.ini").rename(folder / "other.ini")
    monkeypatch.setenv("ALEMBIC_CONFIG", "other.ini")
    assert open_environment().heads == ("c05b3e86d7f1",)


def test_another_section_by_option(enter_story: EnterStory) -> None:
    folder = enter_story("generic")
    ini = folder / "alembic.ini"
    ini.write_text(ini.read_text().replace("[alembic]", "[reports]"))
    environment = open_environment(name="reports")
    assert environment.heads == ("c05b3e86d7f1",)
    assert len(read(environment, "head").steps) == 4


def test_x_arguments_and_the_tag_reach_env_py(enter_story: EnterStory) -> None:
    folder = enter_story("generic")
    env_py = folder / "migrations" / "env.py"
    seen = 'Path("seen").write_text(f"{context.get_x_argument()} {context.get_tag_argument()}")\n'
    env_py.write_text(f"from pathlib import Path\n{env_py.read_text()}{seen}")
    read(open_environment(x=("tenant=blue", "fast"), tag="nightly"), "head")
    assert (folder / "seen").read_text() == "['tenant=blue', 'fast'] nightly"


def test_tool_alembic_of_pyproject_where_alembic_reads_it(enter_story: EnterStory) -> None:
    enter_story("pyproject")
    if ALEMBIC < (1, 16):
        with pytest.raises(UsageError, match="No 'script_location' key found in configuration"):
            open_environment()
    else:
        assert open_environment().heads == ("5b2c3d4e5f60",)


def test_a_config_made_in_code_by_name(enter_story: EnterStory) -> None:
    enter_story("programmatic")
    assert open_environment(config_from="migrate:configure").heads == ("9f6071829304",)


def test_a_config_made_in_code_by_value(enter_story: EnterStory) -> None:
    folder = enter_story("generic")
    config = Config(str(folder / "alembic.ini"))
    assert from_config(config).heads == ("c05b3e86d7f1",)


@pytest.mark.parametrize("variable", [None, "app:create_app"])
def test_flask_migrate_without_an_ini_of_its_own(
    variable: str | None, enter_story: EnterStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter_story("flask")
    if variable is not None:
        monkeypatch.setenv("FLASK_APP", variable)
    environment = open_environment()
    assert environment.heads == ("7d4e5f607182",)
    assert environment.app.name == "app"


def test_flask_migrates_env_py_named_by_a_config(enter_story: EnterStory) -> None:
    folder = enter_story("flask")
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n[loggers]\nkeys = root\n")
    assert open_environment().app is not None


STORIES = {"generic": {}, "kwargs": {}, "programmatic": {"config_from": "migrate:configure"}, "flask": {}}


@pytest.mark.parametrize("story", STORIES)
def test_the_source_opens_the_same_environment_again(story: str, enter_story: EnterStory) -> None:
    enter_story(story)
    environment = open_environment(**STORIES[story])
    again = reopen(environment.source)
    assert again.heads == environment.heads
    assert again.config.get_section(again.config.config_ini_section) == environment.config.get_section(
        environment.config.config_ini_section
    )


def test_the_source_of_a_config_made_by_the_caller(enter_story: EnterStory) -> None:
    folder = enter_story("programmatic")
    config = Config()
    config.set_main_option("script_location", str(folder / "migrations"))
    config.set_main_option("url", "postgresql:///100%%")
    again = reopen(from_config(config, tag="nightly").source)
    assert again.heads == ("9f6071829304",)
    assert again.tag == "nightly"
    assert again.config.get_main_option("url") == "postgresql:///100%"


def test_paths_are_said_as_seen_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert relative(tmp_path / "versions" / "a.py") == "versions/a.py"
    assert relative(tmp_path.parent / "b.py") == str(tmp_path.parent / "b.py")


def test_pyproject_goes_up_and_down(enter_story: EnterStory, run_to: RunTo, connect: Connect) -> None:
    folder = enter_story("pyproject")
    if ALEMBIC < (1, 16):
        ini = folder / "alembic.ini"
        ini.write_text(ini.read_text().replace("[alembic]", "[alembic]\nscript_location = %(here)s/migrations"))
    assert [step.outcome for step in run_to("head").steps] == ["done", "done"]
    assert [step.outcome for step in run_to("base", direction="downgrade").steps] == ["done", "done"]
    assert connect().execute("SELECT to_regclass('invoices')").fetchone() == (None,)
