"""`migsafe lint`: what it can be given, and what it answers."""

import io
import json
import sys
from pathlib import Path

import pytest

from fix_alembic import Run
from fix_lint import Lint, Project

INDEX = 'op.create_index("ix", "orders", ["note"])'
NAIVE = "create-index-not-concurrently"
DROP = 'op.drop_column("orders", "note")'
ONLY = ("--select", NAIVE, "--select", "drop-column", "--select", "drop-table")


def typed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_without_a_database_it_says_what_else_names_revisions(project: Project, lint: Lint) -> None:
    env = project.folder / "migrations" / "env.py"
    env.write_text(
        "from alembic import context\nimport sqlalchemy as sa\n"
        "with sa.create_engine('postgresql+psycopg://u:s3cr3t@127.0.0.1:1/x').connect() as connection:\n"
        "    context.configure(connection=connection)\n"
    )
    said = lint()
    assert said.code == 2
    assert "Connection refused" in said.err
    assert "`migsafe lint --base-ref origin/main`" in said.err
    assert "`migsafe lint FROM:TO`" in said.err
    assert "s3cr3t" not in said.err
    env.write_text("raise KeyError('DATABASE_URL')\n")
    assert "--base-ref origin/main" in lint().err


def test_a_range_is_linted_each_revision_alone(project: Project, lint: Lint) -> None:
    project.revision("b2", "a1", INDEX)
    said = lint("base:heads", *ONLY)
    assert (said.code, said.places) == (1, [(NAIVE, "b2.py:11")])


def test_files_are_linted_over_the_schema_that_comes_before(project: Project, lint: Lint) -> None:
    path = project.revision("b2", "a1", INDEX)
    last = project.revision("c3", "b2", DROP)
    said = lint(str(path), *ONLY)
    assert (said.code, said.places, said.revisions) == (1, [(NAIVE, "b2.py:11")], {"b2"})
    assert lint("migrations/versions/a1.py", *ONLY).places == []
    both = lint(str(last), "./migrations/versions/b2.py", *ONLY)
    assert both.places == [(NAIVE, "b2.py:11"), ("drop-column", "c3.py:11")]
    assert "and with it index public.ix" in both.findings[1]["message"]


def test_a_gap_between_chosen_revisions_is_known_and_not_linted(project: Project, lint: Lint) -> None:
    project.revision("b2", "a1", INDEX)
    project.revision("c3", "b2", 'op.rename_table("orders", "sales")')
    project.revision("d4", "c3", 'op.drop_index("ix", "sales")')
    said = lint(
        "migrations/versions/b2.py", "migrations/versions/d4.py", *ONLY, "--select", "drop-index-not-concurrently"
    )
    assert said.places == [(NAIVE, "b2.py:11"), ("drop-index-not-concurrently", "d4.py:11")]
    assert [each["index"] for each in said.document["statements"]] == list(range(len(said.document["statements"])))
    assert "public.sales" in said.findings[-1]["message"]


def test_what_is_no_revision_is_noted_and_what_is_another_environments_is_refused(project: Project, lint: Lint) -> None:
    said = lint("migrations/env.py")
    assert (said.code, said.places) == (0, [])
    assert "note: migrations/env.py is no revision file, and was not linted" in said.err
    stray = project.folder / "stray.py"
    stray.write_text('revision: str = "x"\ndown_revision: str | None = None\n')
    said = lint("stray.py")
    assert said.code == 2
    assert "stray.py: no revision of the environment in" in said.err
    assert "migsafe -c FILE lint" in said.err
    assert "nope.py: there is no such file" in lint("nope.py").err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("a1:heads base:a1", "more than one thing"),
        ("a1.py base:a1", "more than one thing"),
        ("--base-ref main base:a1", "--base-ref and base:a1"),
        ("base:heads --schema x.sql", "are for SQL"),
        ("base:heads --select drop-tabel", "Did you mean drop-table?"),
        ("base:heads --ignore nothing-like-it", "there is nothing of that name"),
        ("base:heads --write-baseline", "--write-baseline needs a file"),
        ("base:heads --baseline none.json", "the baseline none.json cannot be read"),
        ("base:nope", "nope"),
        ("- --downgrade", "--downgrade is for revisions"),
        ("- -", "standard input can be read once"),
        ("nope.sql", "nope.sql cannot be read"),
    ],
)
def test_wrong_usage_is_told_with_2(project: Project, lint: Lint, words: str, says: str) -> None:
    said = lint(*words.split())
    assert said.code == 2
    assert says in said.err


def test_downgrade_is_linted_for_every_input(project: Project, lint: Lint) -> None:
    path = project.revision("b2", "a1", DROP, f'op.add_column("orders", sa.Column("note", sa.Text))\n{INDEX}')
    project.revision("c3", "b2", 'op.create_table("x", sa.Column("id", sa.Integer))', 'op.drop_table("x")')
    for words in (["base:heads"], ["heads:base"]):
        said = lint(*words, "--downgrade", *ONLY)
        assert said.places == [("drop-table", "c3.py:15"), (NAIVE, "b2.py:16"), ("drop-table", "a1.py:15")]
        # What the way there brought, the way back takes away: that is told, and is no error.
        assert [each["severity"] for each in said.findings] == ["warning", "error", "warning"]
    one = lint(str(path), "--downgrade", *ONLY)
    assert (one.code, one.places) == (1, [(NAIVE, "b2.py:16")])


def test_several_heads_and_a_merge_are_fine(project: Project, lint: Lint) -> None:
    project.revision("b2", "a1", INDEX)
    project.revision("b3", "a1", 'op.create_index("iy", "orders", ["note"])')
    assert sorted(lint("base:heads", *ONLY).places) == [(NAIVE, "b2.py:11"), (NAIVE, "b3.py:11")]
    merge = project.revision("m4", ("b2", "b3"), "pass")
    last = project.revision("c5", "m4", 'op.drop_index("iy", "orders")')
    said = lint(str(merge), str(last), "--select", "drop-index-not-concurrently")
    assert said.places == [("drop-index-not-concurrently", "c5.py:11")]


def test_sql_files_and_stdin_need_no_environment(tmp_path: Path, lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    Path("1.sql").write_text("CREATE TABLE fresh (id int);\n-- migsafe: ignore[drop-table] unused\nDROP TABLE old;\n")
    Path("2.sql").write_text("CREATE INDEX ix ON fresh (id);\n")
    typed("SELECT 1;\nDROP TABLE fresh;", monkeypatch)
    said = lint("./1.sql", "2.sql", "-", *ONLY)
    assert said.places == [(NAIVE, "2.sql:1"), ("drop-table", "<stdin>:2")]
    assert said.document["summary"]["ignored"] == 1
    typed("DROP TABLE orders;", monkeypatch)
    assert "DROP TABLE orders;" in lint("-", "--format", "text").out


def test_the_schema_makes_sql_certain(tmp_path: Path, lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("schema.sql").write_text("CREATE TABLE orders (id int, note varchar(20));")
    Path("x.sql").write_text("ALTER TABLE orders ALTER note TYPE varchar(40);")
    assert lint("x.sql", "--schema", "schema.sql").places == []
    assert lint("x.sql", "--select", "alter-column-type-rewrite").places != []


def test_linting_sql_loads_neither_alembic_nor_a_driver(python: Run, tmp_path: Path) -> None:
    (tmp_path / "x.sql").write_text("SELECT 1")
    code = (
        "import sys\nfrom migsafe.cli import main\ntry: main(['lint', 'x.sql'])\n"
        "finally: print(sorted({'alembic', 'sqlalchemy', 'psycopg', 'libcst'} & set(sys.modules)))"
    )
    done = python(tmp_path, "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n[]\n")


@pytest.mark.parametrize(("fail_on", "code"), [("error", 1), ("warning", 1), ("info", 1), ("never", 0), (None, 1)])
def test_fail_on_decides_the_exit_code(project: Project, lint: Lint, fail_on: str | None, code: int) -> None:
    project.revision("b2", "a1", INDEX)
    assert lint("a1:heads", *(["--fail-on", fail_on] if fail_on else [])).code == code


def test_severities_rules_and_fail_on_come_from_the_settings(project: Project, lint: Lint) -> None:
    project.revision("b2", "a1", f"{INDEX}\n{DROP}")
    settings = project.folder / "migsafe.toml"
    settings.write_text(f'[lint]\nseverity = {{ {NAIVE} = "warning", drop-column = "warning" }}\n')
    assert lint("a1:heads", *ONLY).code == 0
    assert lint("a1:heads", *ONLY, "--fail-on", "warning").code == 1
    assert lint("a1:heads", *ONLY, "--ignore", "drop-column").places == [(NAIVE, "b2.py:11")]
    settings.write_text('[lint]\nfail_on = "never"\n')
    assert lint("a1:heads").code == 0


def test_a_baseline_leaves_only_what_is_new(project: Project, lint: Lint) -> None:
    path = project.revision("b2", "a1", INDEX)
    wrote = lint("base:heads", *ONLY, "--baseline", "known.json", "--write-baseline")
    assert (wrote.code, wrote.places) == (0, [])
    assert "wrote known.json: 1 known findings" in wrote.err
    path.write_text("# one line more\n" + path.read_text())
    project.revision("c3", "b2", DROP)
    (project.folder / "migsafe.toml").write_text('[lint]\nbaseline = "known.json"\n')
    said = lint("base:heads", *ONLY)
    assert (said.code, said.places) == (1, [("drop-column", "c3.py:11")])
    assert [each["ignored_because"] for each in said.findings if each["rule"] == NAIVE] == ["in the baseline"]


def test_what_is_gone_from_the_baseline_is_told_and_dropped(project: Project, lint: Lint) -> None:
    path = project.revision("b2", "a1", f"{INDEX}\n{DROP}")
    baseline = ("--baseline", "known.json")
    lint("base:heads", *ONLY, *baseline, "--write-baseline")
    project.revision("b2", "a1", DROP)
    # Only what was linted, and asked, can be gone.
    assert "gone" not in lint("base:a1", *ONLY, *baseline).err
    assert "gone" not in lint("base:heads", "--select", "drop-column", *baseline).err
    assert "gone" not in lint("base:heads", *ONLY, *baseline, "--downgrade").err
    said = lint(str(path), *ONLY, *baseline)
    assert f"note: 1 of the baseline are gone ({NAIVE} in migrations/versions/b2.py)" in said.err
    lint("base:a1", *ONLY, *baseline, "--write-baseline")
    assert len(json.loads(Path("known.json").read_text())["findings"]) == 2
    lint("base:heads", *ONLY, *baseline, "--write-baseline")
    assert [each["rule"] for each in json.loads(Path("known.json").read_text())["findings"]] == ["drop-column"]


def test_a_file_that_is_no_baseline_is_refused(project: Project, lint: Lint) -> None:
    Path("known.json").write_text("[]")
    said = lint("base:heads", "--baseline", "known.json")
    assert said.code == 2
    assert "known.json is no baseline" in said.err
