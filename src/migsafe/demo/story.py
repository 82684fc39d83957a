"""The demo from the curtain to the figures: four releases, the last of them taken back, the application beside them."""

import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from migsafe.demo import database as chat
from migsafe.demo import narration, project, secret, traffic
from migsafe.demo.acts import embeddings, history, smaller_embeddings, source_tracking
from migsafe.demo.scene import Scene
from migsafe.demo.shell import Shell, migsafe
from migsafe.demo.surprise import expect, surprise
from migsafe.demo.way_back import restore
from migsafe.formats.lines import say
from migsafe.postgres.connection import Database
from migsafe.postgres.embedded import scratch_server

BASELINE = 2.0
# 0006, 0006 refused, 0005, 0004 refused, 0003, 0002: what `migsafe runs` must list, newest first.
RUNS = ["done", "refused", "done", "refused", "done", "done"]


def play(console: Console, rows: int, keep: Path | None = None) -> None:
    """Play the demo on a scratch server with `rows` rows; `keep` is a new folder for the project to stay in.

    Raises Surprise when anything is not as the demo says, ToolMissing without a server or pgvector.
    """
    began = time.monotonic()
    temporary = tempfile.TemporaryDirectory(prefix="migsafe-demo-") if keep is None else nullcontext(str(keep))
    with temporary as name, scratch_server() as server, server.database("chat") as empty:
        scene = _set(console, Path(name).resolve(), chat.own(empty), rows, server.version)
        with traffic.running(scene.database, scene.log):
            traffic.enter(scene.log, "no migration")
            time.sleep(BASELINE)
            source_tracking(scene)
            embeddings(scene)
            history(scene)
            taken = smaller_embeddings(scene)
        restore(scene, taken)
        _look_back(scene)
        _figures(scene)
        kept = f" The project with its runs, scripts and backups stays in {keep}." if keep else ""
        console.print()
        say(console, (f"The demo ends as it should, after {time.monotonic() - began:.0f} s.", "bold green"), kept)


def _set(console: Console, folder: Path, database: Database, rows: int, server_version: int) -> Scene:
    size = chat.sized(rows)
    narration.chapter(console, "A chat application and its live database")
    project.make(folder, database)
    project.release(folder, "0001_chat.py")
    project.alembic(folder, "upgrade", "0001")
    chat.fill(database, size)
    narration.tell(
        console,
        f"A scratch PostgreSQL {server_version} runs, with an `alembic init` project beside it: revision 0001, and",
        f"{rows:,} rows: {size.users:,} users, {size.messages:,} chat_messages, {size.sources:,} chat_sources.",
        "The application reads and writes all three from now on, and every transaction of it is timed.",
    )
    return Scene(Shell(folder, console, folder / "transcript.txt"), database, size, folder / "application.jsonl")


def _look_back(scene: Scene) -> None:
    narration.chapter(scene.shell.console, "What is kept")
    said = migsafe(scene.shell, "runs", "--format", "text", typed="migsafe runs")
    expect("runs in the list", sum("Z_" in line for line in said.splitlines()), len(RUNS))
    expect("their outcomes", [report.outcome for report in project.reports(scene.shell.folder)], RUNS)
    migsafe(scene.shell, "show", "last", typed="migsafe show last | tail -n 20", tail=20)


def _figures(scene: Scene) -> None:
    console, folder = scene.shell.console, scene.shell.folder
    narration.chapter(console, "The figures")
    stages = traffic.stages(scene.log)
    narration.waits(console, stages)
    errors = [error for stage in stages for error in stage.errors]
    if errors:
        surprise(f"the application saw {len(errors)} errors, the first: {errors[0]}")
    longest = max(stages, key=lambda stage: stage.longest)
    total = sum(stage.transactions for stage in stages)
    console.print()
    say(
        console,
        (f"The longest time the application had to wait: {longest.longest * 1000:,.0f} ms", "bold"),
        f", during {longest.name!r}; {total:,} transactions, 0 errors.",
    )
    password = scene.database.parameters["password"]
    files, size = secret.search(password, (folder / ".migsafe", scene.shell.transcript, scene.log))
    say(
        console,
        f"password found nowhere in all that the commands printed and wrote ({files} files, {size:,} bytes).",
    )
