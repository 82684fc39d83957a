"""What `migsafe lint FROM:TO` costs beside `alembic upgrade FROM:TO --sql`, as whole processes.

`python benchmarks/lint_time.py FOLDER [FROM:TO]` works on the Alembic project in FOLDER (where its alembic.ini is; its
own modules have to be importable: PYTHONPATH). The range is base:head, or the last revision alone of a hundred.
The two commands run in turn; printed are the medians of processor and wall time, and the ratio pair by pair. Lint runs
without what it kept of earlier calls (.migsafe/cache) and with it. Without FOLDER nothing runs.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOW = "benchmarks/lint_time.py needs the folder of an Alembic project; nothing was run."
ROUNDS = 7
ALEMBIC = "import sys; from alembic.config import main; main(argv=sys.argv[1:])"
MIGSAFE = "from migsafe.cli import main; main()"
CACHE = Path(".migsafe", "cache")

Times = tuple[float, float]


def once(folder: Path, environment: dict[str, str], code: str, *arguments: str) -> Times:
    """Processor and wall seconds of one process. A failure that is not lint's own verdict ends the benchmark."""
    before, started = _used(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    took = _used() - before, time.perf_counter() - started
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return took


def _used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def compared(folder: Path, environment: dict[str, str], reach: str, *, cached: bool) -> None:
    lint, sql = [], []
    for round_ in range(ROUNDS + 1):
        if not cached:
            shutil.rmtree(folder / CACHE, ignore_errors=True)
        times = (
            once(folder, environment, MIGSAFE, "lint", reach),
            once(folder, environment, ALEMBIC, "upgrade", reach, "--sql"),
        )
        if round_:
            lint.append(times[0])
            sql.append(times[1])
    for which, name in enumerate(("processor", "wall")):
        ratio = statistics.median(a[which] / b[which] for a, b in zip(lint, sql, strict=True))
        mine, theirs = (statistics.median(each[which] for each in times) for times in (lint, sql))
        print(f"{reach:<30} {'kept' if cached else 'fresh':<6} {name:<10} {mine:6.2f} s  {theirs:6.2f} s  {ratio:5.2f}")


def reaches(folder: Path, environment: dict[str, str]) -> list[str]:
    code = (
        "from alembic.config import Config; from alembic.script import ScriptDirectory;"
        "s = ScriptDirectory.from_config(Config('alembic.ini')).walk_revisions();"
        "print(*((r.revision, r.down_revision) for r in s if isinstance(r.down_revision, str)), sep=chr(10))"
    )
    listed = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    head, down = (word.strip("'") for word in listed[0].strip("()").split(", "))
    return [f"{down}:{head}"] if len(listed) > 100 else ["base:head"]


def main() -> None:
    if len(sys.argv) < 2:
        print(HOW)
        return
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as bytecode:
        # Both are compared as installed: compiled once.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        print(f"{'range':<30} {'':<6} {'':<10} {'migsafe':>8}  {'alembic':>8}  ratio")
        for reach in sys.argv[2:] or reaches(folder, environment):
            for cached in (False, True):
                compared(folder, environment, reach, cached=cached)


if __name__ == "__main__":
    main()
