"""Every broken environment is one sentence with a place and a remedy, and no password in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fix_postgres import Connect, Role
from fix_stories import EnterStory, write_revision
from migsafe.errors import ConnectionFailed, MigsafeError, RevisionError, UsageError
from migsafe.postgres.connection import Database
from migsafe.revisions.config import Environment, open_environment
from migsafe.revisions.read import range_of, read, read_rounds

pytestmark = [
    pytest.mark.alembic_matrix,
    # Flask-Migrate's own template tries the old name first.
    pytest.mark.filterwarnings("ignore:'get_engine' is deprecated"),
]


def failure(kind: type[MigsafeError], call: Callable[[], object]) -> str:
    """Message and remedy of what `call` raises: one line each."""
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message
    return f"{caught.value.message} | {caught.value.remedy}"


def in_env_py(folder: Path, before: str, after: str) -> None:
    path = folder / "migrations" / "env.py"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def test_no_ini_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = failure(UsageError, open_environment)
    assert "there is no alembic.ini" in said
    assert "migsafe -c path/to/alembic.ini" in said


def test_a_file_that_is_not_there(enter_story: EnterStory) -> None:
    enter_story("generic")
    assert "no Alembic environment" in failure(UsageError, lambda: open_environment(("nowhere.ini",)))


def test_a_section_that_is_not_there(enter_story: EnterStory) -> None:
    enter_story("generic")
    said = failure(UsageError, lambda: open_environment(name="reports"))
    assert "alembic.ini has no section [reports]; there is alembic" in said


def test_a_script_location_that_is_not_there(enter_story: EnterStory) -> None:
    folder = enter_story("generic")
    (folder / "migrations").rename(folder / "elsewhere")
    assert "migrations" in failure(UsageError, open_environment)


@pytest.mark.parametrize("text", ["script_location = migrations\n", "[alembic]\nscript_location = 50%s\n"])
def test_an_ini_that_cannot_be_parsed(text: str, enter_story: EnterStory) -> None:
    folder = enter_story("generic")
    (folder / "alembic.ini").write_text(text)
    assert "alembic.ini" in failure(UsageError, open_environment)


def test_a_password_with_a_percent_in_the_ini(enter_story: EnterStory) -> None:
    folder = enter_story("generic")
    ini = folder / "alembic.ini"
    ini.write_text(
        ini.read_text().replace("sqlalchemy.url = ", "sqlalchemy.url = postgresql://app:half%40whole@x/y\n#")
    )
    said = failure(RevisionError, lambda: read(open_environment(), "head"))
    assert "sqlalchemy.url" in said
    assert "%%" in said
    assert "whole" not in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere:configure", "No module named 'nowhere'"),
        ("migrate:nothing", "has no attribute 'nothing'"),
        ("migrate:HERE", "not alembic.config.Config"),
        ("migrate:configure", "KeyError: 'DATABASE_URL'"),
    ],
)
def test_a_config_from_that_gives_none(
    name: str, words: str, enter_story: EnterStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter_story("programmatic")
    monkeypatch.delenv("DATABASE_URL")
    assert words in failure(UsageError, lambda: open_environment(config_from=name))


def test_a_flask_project_without_its_application(enter_story: EnterStory) -> None:
    folder = enter_story("flask")
    (folder / "app.py").unlink()
    assert "FLASK_APP" in failure(UsageError, open_environment)


def test_a_flask_application_that_cannot_start(enter_story: EnterStory, monkeypatch: pytest.MonkeyPatch) -> None:
    enter_story("flask")
    monkeypatch.delenv("DATABASE_URL")
    assert "KeyError: 'DATABASE_URL'" in failure(UsageError, open_environment)


def reading(target: str = "head") -> Callable[[], object]:
    return lambda: read(open_environment(), target)


def test_a_revision_with_a_syntax_error(enter_story: EnterStory, database: Database) -> None:
    enter_story("broken")
    said = failure(RevisionError, reading())
    assert "migrations/versions/919191919191_add_events_kind.py:23: SyntaxError" in said
    assert "919191919191_add_events_kind.py:23" in failure(RevisionError, lambda: open_environment().heads)


def test_a_revision_with_a_missing_import(enter_story: EnterStory) -> None:
    enter_story("missing_import")
    said = failure(RevisionError, reading())
    assert "versions/939393939393_add_payments_amount.py:13: ModuleNotFoundError: No module named 'shop'" in said


def test_a_revision_whose_body_raises_anything_when_loaded(enter_story: EnterStory) -> None:
    folder = enter_story("generic")
    path = write_revision(folder, "f0", "c05b3e86d7f1", "pass")
    path.write_text(path.read_text() + "\n1 / 0\n")
    assert f"f0_written.py:{len(path.read_text().splitlines())}: ZeroDivisionError" in failure(RevisionError, reading())


@pytest.mark.filterwarnings("ignore:Revision missing referenced")
def test_a_down_revision_that_is_missing(enter_story: EnterStory) -> None:
    write_revision(enter_story("generic"), "f0", "missing", "pass")
    assert "missing" in failure(RevisionError, reading())


@pytest.mark.parametrize("target", ["nope", "nope@head", "c05b3e86d7f1+7"])
def test_a_target_that_is_not_known(target: str, enter_story: EnterStory) -> None:
    enter_story("generic")
    said = failure(MigsafeError, reading(target))
    assert "migsafe history" in said


@pytest.mark.parametrize(
    ("story", "target", "meant"),
    [
        ("generic", "c05b3e86d7f2", "Did you mean c05b3e86d7f1?"),
        ("generic", "c05b", "c05b00000001, c05b3e86d7f1 begin so: write more of one."),
        ("branches", "biling@head", "Did you mean billing?"),
        ("generic", "", "Name one: head, base, +1, or an id."),
    ],
)
def test_what_was_meant_by_a_name_that_no_revision_has(
    story: str, target: str, meant: str, enter_story: EnterStory
) -> None:
    folder = enter_story(story)
    if story == "generic":
        write_revision(folder, "c05b00000001", "c05b3e86d7f1", "pass")
    assert meant in failure(UsageError, reading(target))


def test_a_relative_target_where_branches_part_asks_for_the_branch(enter_story: EnterStory) -> None:
    enter_story("branches")
    environment = open_environment()
    said = failure(MigsafeError, lambda: read(environment, "+1", start=("aa0000000001",)))
    assert "Branches part here: name the one that is meant" in said


def test_a_range_that_is_not_known(enter_story: EnterStory) -> None:
    enter_story("generic")
    said = failure(UsageError, lambda: range_of(open_environment(), "nope:head"))
    assert "Can't locate revision identified by 'nope'" in said


@pytest.mark.parametrize("story", ["two_heads_error", "branches"])
def test_head_where_there_are_two(story: str, enter_story: EnterStory) -> None:
    enter_story(story)
    said = failure(RevisionError, reading())
    assert "Multiple head revisions" in said
    assert "migsafe merge heads" in said


def test_env_py_that_raises(enter_story: EnterStory) -> None:
    folder = enter_story("generic")
    in_env_py(folder, "target_metadata = None", "raise RuntimeError('no settings for postgresql://me:hidden@db/x')")
    said = failure(RevisionError, reading())
    assert "migrations/env.py:21: RuntimeError: no settings" in said
    assert "hidden" not in said


@pytest.mark.parametrize("leave", ["sys.exit('no tenant given')", "raise SystemExit(3)"])
def test_env_py_that_ends_the_process(leave: str, enter_story: EnterStory) -> None:
    in_env_py(enter_story("generic"), "target_metadata = None", f"import sys; {leave}")
    assert "migrations/env.py:21: SystemExit" in failure(RevisionError, reading())


def test_env_py_that_is_missing(enter_story: EnterStory) -> None:
    (enter_story("generic") / "migrations" / "env.py").unlink()
    assert "env.py" in failure(RevisionError, reading())


def test_env_py_that_never_runs_migrations(enter_story: EnterStory) -> None:
    in_env_py(enter_story("generic"), "            context.run_migrations()", "            pass")
    assert "env.py never called context.run_migrations()" in failure(RevisionError, reading())


@pytest.mark.parametrize("story", ["generic", "flask", "async"])
def test_a_server_that_is_not_there(story: str, enter_story: EnterStory, over_tcp: Database) -> None:
    enter_story(story, over_tcp.replace(port="1", user="app", password="hidden-1"))
    said = failure(ConnectionFailed, reading())
    assert "refused" in said or "Connect call failed" in said
    assert "is the server up" in said
    assert "hidden" not in said


@pytest.mark.parametrize("story", ["generic", "flask", "async"])
def test_a_wrong_password(story: str, enter_story: EnterStory, role: Role) -> None:
    app = role(asks_password=True)
    enter_story(story, app.replace(host="127.0.0.1", password="hidden-2"))
    said = failure(ConnectionFailed, reading())
    assert f'password authentication failed for user "{app.parameters["user"]}"' in said
    assert "hidden" not in said


@pytest.mark.parametrize("story", ["generic", "async"])
def test_a_database_that_is_not_there(story: str, enter_story: EnterStory, database: Database) -> None:
    enter_story(story, database.replace(dbname="nowhere"))
    assert 'database "nowhere" does not exist' in failure(ConnectionFailed, reading())


def test_a_url_that_is_none(enter_story: EnterStory) -> None:
    folder = enter_story("generic")
    ini = folder / "alembic.ini"
    ini.write_text(ini.read_text().replace("sqlalchemy.url = ", "sqlalchemy.url = app:hidden@host/shop\n#"))
    said = failure(RevisionError, reading())
    assert "URL" in said
    assert "hidden" not in said


def test_a_url_by_option_that_is_none(enter_story: EnterStory) -> None:
    enter_story("generic")
    said = failure(MigsafeError, lambda: read(open_environment(), "head", url="app:hidden@host/shop"))
    assert "URL" in said
    assert "hidden" not in said


def test_a_driver_that_is_not_installed(enter_story: EnterStory) -> None:
    folder = enter_story("generic")
    ini = folder / "alembic.ini"
    ini.write_text(ini.read_text().replace("postgresql+psycopg:", "postgresql+pygresql:"))
    assert "pygresql" in failure(RevisionError, reading())


def test_env_py_that_comes_to_one_database_twice_has_one_round(enter_story: EnterStory) -> None:
    folder = enter_story("generic")
    in_env_py(
        folder, "else:\n    run_migrations_online()", "else:\n    run_migrations_online()\n    run_migrations_online()"
    )
    (found,) = read_rounds(open_environment(), "head")
    assert found.round is None
    assert "more than once" in found.notes[0]


def test_a_revision_that_the_database_has_and_the_scripts_have_not(enter_story: EnterStory, connect: Connect) -> None:
    enter_story("generic")
    connect().execute("CREATE TABLE alembic_version (version_num varchar(32))")
    connect().execute("INSERT INTO alembic_version VALUES ('beef00000000')")
    found = read(open_environment(), "head")
    assert (found.unknown_heads, found.steps) == (("beef00000000",), ())


def test_a_reading_never_shows_the_password(enter_story: EnterStory, role: Role) -> None:
    app = role(asks_password=True).replace(host="127.0.0.1")
    enter_story("generic", app)
    found = read(open_environment(), "head")
    assert found.connection is not None
    assert Database.from_parameters(found.connection).parameters["password"] == app.parameters["password"]
    assert app.parameters["password"] not in repr(found)


def test_the_environment_of_a_revision_error_can_be_opened(enter_story: EnterStory) -> None:
    enter_story("broken")
    assert isinstance(open_environment(), Environment)
