"""Files that `migsafe lint --fix` writes: all of them, or none."""

import time
from pathlib import Path

import pytest

from migsafe.cli.fixing import refuse_wrong_use
from migsafe.errors import UsageError
from migsafe.fixes import FileFix, Fixes, diff, write


def fixes(folder: Path) -> Fixes:
    """A new file, and one that changes."""
    old = folder / "old.py"
    old.write_bytes(b"one\r\n")
    old.chmod(0o640)
    return Fixes((FileFix(folder / "new.py", None, b"new\n"), FileFix(old, b"one\r\n", b"two")))


def test_both_are_written_with_the_permissions_of_the_old_one(tmp_path: Path) -> None:
    write(fixes(tmp_path), time.time())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"new.py": b"new\n", "old.py": b"two"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


@pytest.mark.parametrize(
    ("content", "later", "mode", "said"),
    [
        (b"other", 60.0, 0o640, "changed while it was being linted"),
        (b"one\r\n", -60.0, 0o640, "changed while it was being linted"),
        (b"one\r\n", 60.0, 0o440, "is read-only"),
    ],
)
def test_what_is_not_as_it_was_read_stops_everything(
    tmp_path: Path, content: bytes, later: float, mode: int, said: str
) -> None:
    wanted = fixes(tmp_path)
    (tmp_path / "old.py").write_bytes(content)
    (tmp_path / "old.py").chmod(mode)
    with pytest.raises(UsageError, match=said):
        write(wanted, time.time() + later)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"old.py": content}


def test_a_new_file_takes_no_other_ones_place(tmp_path: Path) -> None:
    wanted = fixes(tmp_path)
    (tmp_path / "new.py").write_text("somebody's")
    with pytest.raises(UsageError, match="is there already"):
        write(wanted, time.time())
    assert (tmp_path / "old.py").read_bytes() == b"one\r\n"


def test_a_folder_that_takes_no_file_is_one_message(tmp_path: Path) -> None:
    wanted = Fixes((FileFix(tmp_path / "gone" / "new.py", None, b"new"), *fixes(tmp_path).files[1:]))
    with pytest.raises(UsageError, match="No such file or directory"):
        write(wanted, time.time())
    assert (tmp_path / "old.py").read_bytes() == b"one\r\n"


def test_a_diff_says_where_a_line_break_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert diff(fixes(tmp_path)).endswith("+two\n\\ No newline at end of file\n")


@pytest.mark.parametrize("wrong", [{"diff": True, "downgrade": False}, {"diff": False, "downgrade": True}])
def test_what_does_not_go_together_is_refused(wrong: dict[str, bool]) -> None:
    with pytest.raises(UsageError):
        refuse_wrong_use(fix=True, **wrong)
