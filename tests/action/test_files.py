"""action.yml, .pre-commit-hooks.yaml and docs/ci.md say the same as the scripts that they are about."""

import re
from pathlib import Path

from migsafe.formats.findings import FORMATS

ROOT = Path(__file__).parents[2]
ACTION = (ROOT / "action.yml").read_text()
SCRIPT = (ROOT / "action" / "lint.sh").read_text()
PAGE = (ROOT / "docs" / "ci.md").read_text()


def test_the_action_gives_its_script_what_the_script_reads() -> None:
    given = set(re.findall(r"^ {8}(MIGSAFE_\w+):", ACTION, re.MULTILINE)) - {"MIGSAFE_VERSION"}
    assert given == set(re.findall(r"\$\{(MIGSAFE_\w+)", SCRIPT))


def test_no_input_is_pasted_into_a_script_where_it_could_be_a_command() -> None:
    commands = re.findall(r"^ +run: (.*)$", ACTION, re.MULTILINE)
    assert len(commands) == 2
    assert not any("${{" in command for command in commands)


def test_every_input_of_the_action_and_every_format_is_in_the_page() -> None:
    inputs = re.findall(r"^  ([a-z-]+):$", ACTION.split("outputs:")[0].split("inputs:")[1], re.MULTILINE)
    assert len(inputs) == 7
    assert all(f"| `{name}` |" in PAGE for name in (*inputs, *FORMATS))


def test_the_hook_is_given_revision_files() -> None:
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text()
    match = re.search(r"^  files: (.*)$", hooks, re.MULTILINE)
    assert match is not None
    files = re.compile(match[1])
    assert files.search("backend/migrations/versions/0001_a.py")
    assert files.search("versions/0001_a.py")
    assert not files.search("migrations/env.py")
    assert "- id: migsafe-lint\n" in hooks
    assert "id: migsafe-lint\n" in PAGE
