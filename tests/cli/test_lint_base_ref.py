"""`migsafe lint --base-ref`: what a branch adds, by git."""

import shutil
from pathlib import Path

import pytest

from fix_lint import Lint, Project

INDEX = 'op.create_index("ix", "orders", ["note"])'
ADD = 'op.add_column("orders", sa.Column("{}", sa.Text))'


def test_it_lints_what_the_branch_added_committed_or_not(repository: Project, lint: Lint) -> None:
    repository.revision("b2", "a1", INDEX)
    repository.commit()
    repository.revision("c3", "b2", ADD.format("more"))
    said = lint("--base-ref", "main")
    assert (said.code, said.revisions) == (1, {"b2", "c3"})
    assert ("create-index-not-concurrently", "b2.py:11") in said.places


def test_what_the_base_got_meanwhile_is_not_linted(repository: Project, lint: Lint) -> None:
    repository.revision("b2", "a1", INDEX)
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.revision("x9", "a1", ADD.format("theirs"))
    repository.commit()
    repository.git("checkout", "-q", "feature")
    assert lint("--base-ref", "main").revisions == {"b2"}
    repository.git("merge", "-q", "--no-edit", "main")
    assert lint("--base-ref", "main").revisions == {"b2"}


def test_a_changed_revision_is_linted_and_a_renamed_file_is_not(repository: Project, lint: Lint) -> None:
    repository.git("checkout", "-q", "main")
    repository.revision("b2", "a1", INDEX)
    repository.revision("c3", "b2", ADD.format("more"))
    repository.commit()
    repository.git("checkout", "-q", "-B", "feature")
    repository.git("mv", "migrations/versions/b2.py", "migrations/versions/2026_b2 ü.py")
    assert lint("--base-ref", "main").revisions == set()
    repository.revision("c3", "b2", ADD.format("most"))
    assert lint("--base-ref", "main").revisions == {"c3"}


def test_nothing_new_is_said(repository: Project, lint: Lint) -> None:
    said = lint("--base-ref", "main")
    assert (said.code, said.places) == (0, [])
    assert "note: no revision file differs from main" in said.err


def test_a_ref_that_is_not_there_says_how_to_fetch_it(repository: Project, lint: Lint) -> None:
    said = lint("--base-ref", "origin/main")
    assert said.code == 2
    assert "git knows no commit origin/main" in said.err
    assert "git fetch origin main" in said.err
    assert "fetch-depth: 0" in said.err
    assert lint("--base-ref", "--output=x").code == 2


def test_a_shallow_clone_is_compared_with_the_ref_as_it_is(
    repository: Project, lint: Lint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository.revision("b2", "a1", INDEX)
    repository.commit()
    repository.git("checkout", "-q", "main")
    (repository.folder / "README").write_text("more")
    repository.commit()
    clone = tmp_path / "clone"
    repository.git("clone", "-q", "--depth=1", "--branch=feature", f"file://{repository.folder}", str(clone))
    monkeypatch.chdir(clone)
    assert "git knows no commit origin/main" in lint("--base-ref", "origin/main").err
    repository.git("-C", str(clone), "fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    said = lint("--base-ref", "origin/main")
    assert said.revisions == {"b2"}
    assert "this clone is shallow" in said.err


def test_without_a_repository_or_git_it_says_so(
    project: Project, lint: Lint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    said = lint("--base-ref", "main")
    assert said.code == 2
    assert "is in no git repository" in said.err
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert "git is not installed" in lint("--base-ref", "main").err


def test_unrelated_histories_have_no_base(repository: Project, lint: Lint) -> None:
    repository.git("checkout", "-q", "--orphan", "other")
    (repository.folder / "README").write_text("another beginning")
    repository.commit()
    said = lint("--base-ref", "main")
    assert said.code == 2
    assert "HEAD and main have no common ancestor" in said.err


def test_downgrade_of_what_the_branch_added(repository: Project, lint: Lint) -> None:
    repository.revision("b2", "a1", ADD.format("more"), INDEX)
    said = lint("--base-ref", "main", "--downgrade")
    assert ("create-index-not-concurrently", "b2.py:15") in said.places
