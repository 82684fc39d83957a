"""The demo, on fewer rows; and that it would notice."""

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from migsafe.demo import secret, traffic
from migsafe.demo.surprise import Surprise

_MAIN = "from migsafe.cli import main; main()"


def _demo(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _MAIN, "demo", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=180)


@pytest.mark.pgvector
def test_the_demo_migrates_refuses_backs_up_verifies_and_restores(tmp_path: Path) -> None:
    done = _demo("--rows", "5000", "--keep", "kept", cwd=tmp_path)
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    for revision in ("0002", "0003", "0005", "0006"):
        assert f"$ migsafe upgrade {revision} --yes" in said
    assert "Refused by 2 findings. Nothing was changed." in said
    assert "create-index-not-concurrently  migrations/versions/0004_history_index_naive.py:16" in said
    assert "add-foreign-key-validated  migrations/versions/0004_history_index_naive.py:17" in said
    assert "Refused by 1 finding. Nothing was changed." in said
    assert re.search(r"^ *embeddings +50 +0 +50 +same$", said, re.MULTILINE)
    assert "DIFFERENT" not in said
    assert re.search(r"The longest time the application had to wait: \d+ ms.*, 0 errors\.", said)
    assert "password found nowhere" in said
    assert len(list((tmp_path / "kept/.migsafe/runs").iterdir())) == 6


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = _demo("--keep", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("spelling", ["a/b@'50%", "a%2Fb%40%2750%25", "a/b%40%2750%25"])
def test_a_password_is_found_however_it_is_spelled(tmp_path: Path, spelling: str) -> None:
    (tmp_path / "report.json").write_text(json.dumps({"url": f"postgresql://chat:{spelling}@/chat"}))
    with pytest.raises(Surprise, match=r"the password is in .*report\.json"):
        secret.search("a/b@'50%", [tmp_path])


def test_a_password_is_found_in_the_compressed_data_of_a_dump(tmp_path: Path) -> None:
    (tmp_path / "4242.dat.gz").write_bytes(gzip.compress(b"1\ta/b@'50%\n"))
    with pytest.raises(Surprise, match=r"4242\.dat\.gz"):
        secret.search("a/b@'50%", [tmp_path])


def test_files_without_the_password_are_counted(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("# Done\n")
    assert secret.search("a/b@'50%", [tmp_path]) == (1, 7)


def test_a_transaction_belongs_to_the_stage_in_which_it_began(tmp_path: Path) -> None:
    log = tmp_path / "application.jsonl"
    events = (
        {"at": 1.0, "stage": "first"},
        {"at": 1.5, "seconds": 0.01, "error": None},
        {"at": 2.0, "stage": "second"},
        {"at": 2.5, "seconds": 0.03, "error": "DeadlockDetected: gone"},
        # It was written when it had ended, after the next stage had begun.
        {"at": 1.9, "seconds": 0.5, "error": None},
    )
    log.write_text("".join(json.dumps(event) + "\n" for event in events))
    first, second = traffic.stages(log)
    assert (first.name, first.transactions, first.longest, first.errors) == ("first", 2, 0.5, ())
    assert (second.name, second.transactions, second.longest) == ("second", 1, 0.03)
    assert second.errors == ("DeadlockDetected: gone",)
