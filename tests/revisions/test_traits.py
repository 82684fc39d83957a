"""What a revision file says of itself, and what env.py would do with it."""

from pathlib import Path
from types import ModuleType

import pytest

from fix_lint import Project, project
from migsafe.revisions.config import open_environment
from migsafe.revisions.read import read
from migsafe.revisions.traits import application_imports, way_back

__all__ = ["project"]

DOWNGRADES = [
    ("def downgrade():\n    pass", "empty"),
    ('def downgrade():\n    """Nothing to undo."""\n    return', "empty"),
    ("def downgrade():\n    raise NotImplementedError('no way back')", "raises"),
    ("def downgrade():\n    text = 'no'\n    raise RuntimeError(text)", "raises"),
    ("def downgrade():\n    if flag:\n        raise RuntimeError\n    op.drop_table('a')", "there"),
    ("def downgrade():\n    op.drop_table('a')", "there"),
    ("from functools import partial\ndowngrade = partial(print, 1)", "there"),
    ("", "missing"),
]


@pytest.mark.parametrize(("source", "kind"), DOWNGRADES)
def test_a_downgrade_is_told_from_its_code_without_running_it(source: str, kind: str) -> None:
    module = ModuleType("revision")
    exec(source, vars(module))
    assert way_back(module) == kind


def test_imports_of_the_application_are_told_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("own_models_of_test", "migrations/helper_of_test", "site/installed_of_test"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("")
        monkeypatch.syspath_prepend(str((tmp_path / name).parent))
        __import__(Path(name).name)
    (tmp_path / "site" / "installed_of_test-1.0.dist-info").mkdir()
    revision = tmp_path / "migrations" / "versions" / "a1.py"
    revision.parent.mkdir()
    revision.write_text(
        "import os\nimport sqlalchemy as sa\nfrom alembic import op\nfrom own_models_of_test import x\n"
        "from helper_of_test import y\n\ndef upgrade():\n    import own_models_of_test.deep\n"
        "    import installed_of_test\n"
    )
    assert application_imports(str(revision)) == ("own_models_of_test", "own_models_of_test.deep")
    assert application_imports(str(tmp_path / "not there.py")) == ()


def test_env_py_says_whether_all_revisions_share_a_transaction(project: Project) -> None:
    assert read(open_environment(), "head", start=()).one_transaction is True
    env_py = project.folder / "migrations" / "env.py"
    env_py.write_text(env_py.read_text().replace('"postgresql",', '"postgresql", transaction_per_migration=True,'))
    assert read(open_environment(), "head", start=()).one_transaction is False


def test_a_downgrade_that_fails_when_it_is_rendered_raises(project: Project) -> None:
    project.revision("b2", "a1", "pass", 'op.drop_constraint(None, "orders")')
    [step] = read(open_environment(), "b2", start=("a1",)).back
    assert "drops a constraint without naming it" in (step.unreadable or "")
