"""The last release is taken back with the script that migsafe wrote, and everything is counted."""

import os
import time

from migsafe.demo import narration, traffic
from migsafe.demo.acts import Taken
from migsafe.demo.database import count, version
from migsafe.demo.scene import Scene
from migsafe.demo.shell import migsafe, run
from migsafe.demo.surprise import expect, surprise
from migsafe.formats.lines import say

AFTERWARDS = 1.5


def restore(scene: Scene, taken: Taken) -> None:
    """Run restore.sh and hold its result to what was counted before the release."""
    console, shell = scene.shell.console, scene.shell
    narration.chapter(console, "The way back")
    narration.tell(
        console,
        "The new model disappoints. `migsafe downgrade` would give the old column back, but empty: the embeddings are",
        "in the backup only. The application is stopped for this one step: a restore in place locks every table.",
    )
    everything = count(scene.database)
    script = os.path.relpath(taken.restore_sh, shell.folder)
    run(
        shell,
        f"PGHOST=… PGUSER=chat PGPASSWORD=… PGDATABASE=… sh {script} --yes",
        ("sh", script, "--yes"),
        environment=scene.database.environment(),
    )
    restored = count(scene.database, taken.until)
    narration.counts(console, taken.before, taken.after, restored)
    if restored != taken.before:
        surprise("what was restored is not what was there before the release")
    lost = everything.chat_messages - count(scene.database).chat_messages
    say(
        console,
        f"Counted: what was there when `migsafe upgrade 0006` was typed. The {lost:,} messages that the application",
        " wrote after the backup are not in it; `sh restore.sh --new-database NAME` restores beside them instead.",
        indent=2,
    )
    _old_application(scene)


def _old_application(scene: Scene) -> None:
    console = scene.shell.console
    narration.tell(console, "The application starts again, on the schema that it knows.")
    with traffic.running(scene.database, scene.log):
        traffic.enter(scene.log, "after the restore")
        time.sleep(AFTERWARDS)
        said = migsafe(scene.shell, "current")
    expect("`migsafe current`", "0005" in said, True)
    expect("the revision of the database", version(scene.database), "0005")
