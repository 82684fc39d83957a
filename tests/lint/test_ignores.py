"""Ignore comments in revisions and SQL: what they reach, when they end, and what is said of the ones that are wrong."""

import datetime
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from fix_lint import CREATE, Project
from migsafe.errors import UsageError
from migsafe.lint import all_rules, lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.findings import Finding
from migsafe.preview import preview, schema_at
from migsafe.revisions.config import open_environment
from migsafe.revisions.read import read
from migsafe.settings import LintSettings, PathIgnore, load

TODAY = datetime.date(2026, 11, 21)
INDEX = 'op.create_index("ix", "orders", ["note"])'
# What other rules say of these revisions is for their own tests.
ASKED = ("create-index-not-concurrently", "drop-column", "drop-table")
NAIVE = "create-index-not-concurrently"
SMALL = f"migsafe: ignore[{NAIVE}] small table"

Found = Callable[..., dict[str, str | None]]


def linted(
    *, start: tuple[str, ...] = ("a1",), judging: bool = True, settings: LintSettings | None = None
) -> tuple[Finding, ...]:
    environment = open_environment()
    reading = read(environment, "heads", start=start)
    seen = preview(environment, reading, schema_at(environment, start))
    settings = settings or LintSettings()
    others = (rule.name for rule in all_rules() if rule.name not in ASKED and not rule.name.startswith("ignore-"))
    settings = msgspec.structs.replace(settings, disable=(*settings.disable, *others))
    return lint(seen.plan, seen.before, settings, each_alone=start == ("a1",), judging=judging, today=TODAY)


@pytest.fixture
def found(project: Project) -> Found:
    """The findings of one revision with this body of upgrade(): why each rule is ignored, None where it is not."""

    def ask(upgrade: str, *, top: str = "", downgrade: str = "pass") -> dict[str, str | None]:
        project.revision("b2", "a1", upgrade, downgrade, top)
        findings = [each for each in linted() if each.severity != "info"]
        return {each.rule: each.ignored_because for each in findings}

    return ask


@pytest.mark.parametrize(
    "body",
    [
        f"{INDEX}  # {SMALL}",
        f"# {SMALL}\n{INDEX}",
        f"# {SMALL}\n# and this says more\n{INDEX}",
        f'op.create_index(  # {SMALL}\n    "ix",\n    "orders",\n    ["note"],\n)',
        f'op.create_index(\n    "ix",\n    # {SMALL}\n    "orders",\n    ["note"],\n)',
        f'op.create_index(\n    "ix",\n    "orders",\n    ["note"],\n)  # {SMALL}',
        f'for name in ["ix"]:\n    # {SMALL}\n    op.create_index(name, "orders", ["note"])',
        f'with op.batch_alter_table("orders") as batch:  # {SMALL}\n    batch.create_index("ix", ["note"])',
        f'op.execute("""\n-- {SMALL}\nCREATE INDEX ix ON orders (note)""")',
        f'op.execute("CREATE INDEX ix /* {SMALL} */ ON orders (note)")',
        f'op.execute("CREATE INDEX ix ON orders (note); -- {SMALL}")',
    ],
)
def test_a_comment_at_the_statement_accepts_its_finding_with_the_reason(found: Found, body: str) -> None:
    assert found(body) == {NAIVE: "small table"}


@pytest.mark.parametrize(
    "body",
    [
        f"# {SMALL}\n\n{INDEX}",
        f"{INDEX}\n# {SMALL}",
        f'text = "# {SMALL}"\n{INDEX}',
        f"if True:\n    # {SMALL}\n    pass\n{INDEX}",
        f'op.execute("-- {SMALL}\\n\\nCREATE INDEX ix ON orders (note)")',
        f"op.execute(\"CREATE INDEX ix ON orders (note) WHERE note = '-- {SMALL}'\")",
        f'op.execute("SELECT 1; -- {SMALL}\\nCREATE INDEX ix ON orders (note)")',
    ],
)
def test_a_comment_elsewhere_accepts_nothing(found: Found, body: str) -> None:
    assert found(body)[NAIVE] is None


def test_a_comment_reaches_no_other_statement_and_no_other_rule(found: Found) -> None:
    body = f'{INDEX}  # {SMALL}\nop.create_index("iy", "orders", ["note"])\nop.drop_column("orders", "note")'
    findings = {(each.rule, each.line): each.ignored_because for each in _of(found, body)}
    reasons = [because for (rule, _), because in findings.items() if rule == NAIVE]
    assert reasons == ["small table", None]
    assert [because for (rule, _), because in findings.items() if rule == "drop-column"] == [None]


def _of(found: Found, body: str) -> list[Finding]:
    found(body)
    return list(linted())


def test_the_top_of_the_file_is_for_all_of_the_revision(found: Found) -> None:
    top = f"# migsafe: ignore-file[{NAIVE}] nobody writes here"
    assert found(f'{INDEX}\nop.create_index("iy", "orders", ["id", "note"])', top=top) == {NAIVE: "nobody writes here"}


def test_file_and_statement_are_told_apart(found: Found) -> None:
    assert found(f"# migsafe: ignore-file[{NAIVE}] small\n{INDEX}") == {NAIVE: None, "ignore-malformed": None}
    assert found(INDEX, top=f"# {SMALL}") == {NAIVE: None, "ignore-malformed": None}


@pytest.mark.parametrize(
    ("comment", "rule", "says"),
    [
        (f"ignore[{NAIVE}]", "ignore-without-reason", "because …"),
        ("ignore[create-index-not-concurently] small", "ignore-unknown-rule", f"Did you mean {NAIVE}?"),
        (f"ignore {NAIVE} small", "ignore-malformed", "Write `migsafe: ignore[rule] reason`"),
        (f"ignore[{NAIVE}] small until=soon", "ignore-malformed", "until=2027-01-31"),
        (f"ignore[{NAIVE}] small until=2026-11-20", "ignore-expired", "set a later day"),
    ],
)
def test_what_is_wrong_with_a_comment_is_a_finding_at_its_line(
    project: Project, comment: str, rule: str, says: str
) -> None:
    path = project.revision("b2", "a1", f"# migsafe: {comment}\n{INDEX}")
    by_rule = {each.rule: each for each in linted()}
    assert by_rule[NAIVE].ignored_because is None
    assert by_rule[rule].severity == "warning"
    assert by_rule[rule].line == path.read_text().splitlines().index(f"    # migsafe: {comment}") + 1
    assert says in by_rule[rule].fix


def test_an_ignore_holds_through_its_last_day_and_then_the_finding_says_when_it_ended(project: Project) -> None:
    project.revision("b2", "a1", f"{INDEX}  # {SMALL} until=2026-11-21")
    [finding] = [each for each in linted() if each.rule == NAIVE]
    assert finding.ignored_because == "small table (until 2026-11-21)"
    project.revision("b2", "a1", f"{INDEX}  # {SMALL} until=2026-11-20")
    [finding] = [each for each in linted() if each.rule == NAIVE]
    assert finding.ignored_because is None
    assert finding.message.endswith("The ignore at migrations/versions/b2.py:11 expired on 2026-11-20.")


def test_an_unused_ignore_is_told_of_a_statement_that_was_asked(found: Found) -> None:
    body = f'# {SMALL}\nop.add_column("orders", sa.Column("more", sa.Text))'
    assert found(body) == {"ignore-unused": None}


@pytest.mark.parametrize(
    ("body", "downgrade"),
    [
        (f'if False:\n    {INDEX}  # {SMALL}\nop.add_column("orders", sa.Column("more", sa.Text))', "pass"),
        ("pass", f"{INDEX}  # {SMALL}"),
    ],
)
def test_of_what_was_not_in_the_plan_nothing_is_said(found: Found, body: str, downgrade: str) -> None:
    assert "ignore-unused" not in found(body, downgrade=downgrade)


def test_an_ignore_of_a_rule_that_is_off_is_not_unused(project: Project) -> None:
    project.revision("b2", "a1", f"{INDEX}  # {SMALL}")
    assert [each.rule for each in linted(settings=LintSettings(disable=(NAIVE,))) if each.severity != "info"] == []


def test_an_ignore_on_a_table_that_the_same_plan_makes_is_not_unused(project: Project) -> None:
    project.revision("b2", "a1", f"{INDEX}  # {SMALL}")
    assert [each.rule for each in linted(start=()) if each.severity != "info"] == []


def test_a_run_says_nothing_of_unused_and_expired_ignores(project: Project) -> None:
    body = '# migsafe: ignore[drop-table] old until=2026-01-01\nop.add_column("orders", sa.Column("more", sa.Text))'
    project.revision("b2", "a1", body)
    assert [each.rule for each in linted(judging=False)] == []
    assert [each.rule for each in linted()] == ["ignore-expired"]


def test_rules_about_ignores_have_a_severity_and_can_be_off(project: Project) -> None:
    project.revision("b2", "a1", f"{INDEX}  # migsafe: ignore[{NAIVE}]")
    strict = LintSettings(severity={"ignore-without-reason": "error"})
    assert [each.severity for each in linted(settings=strict) if each.rule == "ignore-without-reason"] == ["error"]
    off = LintSettings(disable=("ignore-without-reason",))
    assert "ignore-without-reason" not in [each.rule for each in linted(settings=off)]


def test_a_file_with_another_encoding_or_a_form_feed_is_read_too(project: Project) -> None:
    path = project.revision("b2", "a1", f"{INDEX}  # migsafe: ignore[{NAIVE}] für zwölf Zeilen")
    path.write_bytes(b"# -*- coding: latin-1 -*-\n\x0c" + path.read_text().encode("latin-1"))
    assert [each.ignored_because for each in linted() if each.rule == NAIVE] == ["für zwölf Zeilen"]


def in_sql(script: str) -> list[tuple[str, str | None]]:
    before = catalog_of("CREATE TABLE orders (id bigint, note text); CREATE TABLE users (id bigint);")
    found = lint(plan_of(script, before)[0], before, today=TODAY)
    return [(each.rule, each.ignored_because) for each in found]


@pytest.mark.parametrize(
    "script",
    [
        "-- migsafe: ignore[drop-table] unused\nDROP TABLE orders;",
        "/* migsafe: ignore[drop-table] unused */ DROP TABLE orders;",
        "DROP TABLE orders; -- migsafe: ignore[drop-table] unused",
        "DROP TABLE -- migsafe: ignore[drop-table] unused\n  orders;",
        "SELECT 'é';\n-- migsafe: ignore[drop-table] unused\n-- since May\nDROP TABLE orders;",
        "-- migsafe: ignore-file[drop-table] unused\n\nSELECT 1; DROP TABLE orders;",
    ],
)
def test_a_comment_in_sql_accepts_the_finding_of_its_statement(script: str) -> None:
    assert in_sql(script) == [("drop-table", "unused")]


@pytest.mark.parametrize(
    ("script", "rules"),
    [
        ("DROP TABLE orders; -- migsafe: ignore[drop-table] unused\nDROP TABLE users;", ["drop-table", "drop-table"]),
        (
            "SELECT 1;\n-- migsafe: ignore-file[drop-table] unused\nDROP TABLE orders;",
            ["drop-table", "ignore-malformed"],
        ),
        ("-- migsafe: ignore[drop-table] unused\n\nDROP TABLE orders;", ["drop-table", "ignore-malformed"]),
        ("DROP TABLE orders;\n-- migsafe: ignore[drop-table] unused", ["drop-table", "ignore-malformed"]),
        ("-- migsafe: ignore[drop-table] unused\nSELECT 1;\nDROP TABLE orders;", ["drop-table", "ignore-unused"]),
        ("DROP TABLE orders /* ' */; SELECT '-- migsafe: ignore[drop-table] x';", ["drop-table"]),
    ],
)
def test_a_comment_in_sql_reaches_no_other_statement(script: str, rules: list[str]) -> None:
    found = in_sql(script)
    assert [rule for rule, _ in found] == rules
    assert found[-1][1] is None


def test_settings_accept_by_path_rule_and_day(project: Project) -> None:
    project.revision("b2", "a1", INDEX)

    def because(path: str, rule: str = NAIVE, until: datetime.date | None = None) -> str | None:
        entry = PathIgnore(path, (rule,), "old", until)
        settings = LintSettings(ignore=(entry,), directory=str(project.folder))
        [finding] = [each for each in linted(settings=settings) if each.rule == NAIVE]
        if until is not None and finding.ignored_because is None:
            assert f"Its ignore in the settings ({path}) expired on {until}." in finding.message
        return finding.ignored_because

    assert because("migrations/versions/b*") == "old"
    assert because("migrations/") == "old"
    assert because("*/b2.py", until=TODAY) == "old (until 2026-11-21)"
    assert because("*/b2.py", until=TODAY - datetime.timedelta(1)) is None
    assert because("b2.py") is None
    assert because("*", "drop-table") is None


def test_settings_must_name_a_rule_and_give_a_reason(tmp_path: Path) -> None:
    toml = tmp_path / "migsafe.toml"
    toml.write_text('[[lint.ignore]]\npath = "a/*"\nrules = ["drop-table"]\nreason = "old"\nuntil = 2027-01-31\n')
    assert load(tmp_path).lint.ignore == (PathIgnore("a/*", ("drop-table",), "old", datetime.date(2027, 1, 31)),)
    for text, says in [
        ('path = "a/*"\nrules = ["drop-table"]\nreason = " "', "lint.ignore of a/* has no reason"),
        ('path = "a/*"\nrules = ["drop-table"]', "lint.ignore[0]: Object missing required field `reason`"),
        ('path = "a/*"\nrule = ["drop-table"]\nreason = "x"', "unknown key lint.ignore.rule"),
        ('path = "a/*"\nrules = ["drop-table"]\nreason = "x"\nuntil = "soon"', "lint.ignore[0].until: Invalid RFC3339"),
    ]:
        toml.write_text(f"[[lint.ignore]]\n{text}\n")
        with pytest.raises(UsageError) as raised:
            load(tmp_path)
        assert says in raised.value.message
    unknown = LintSettings(ignore=(PathIgnore("a", ("drop-tabel",), "old"),))
    with pytest.raises(UsageError, match=r"lint\.ignore: there is no rule drop-tabel"):
        lint(plan_of("", catalog_of(""))[0], catalog_of(""), unknown)


def test_a_table_born_in_the_revision_needs_no_ignore(found: Found) -> None:
    body = CREATE.replace("orders", "fresh") + f'\nop.create_index("ix", "fresh", ["note"])  # {SMALL}'
    assert found(body) == {"ignore-unused": None}
