"""`migsafe demo`: the whole straight line on a live database, with nothing but this package."""

from pathlib import Path

import click


@click.command(name="demo", short_help="Watch a live database being migrated, refused, restored: on a scratch server.")
@click.option("--rows", type=click.IntRange(min=1000), default=200_000, show_default=True, help="Rows to begin with.")
@click.option(
    "--keep",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Keep the project, its runs and backups in this new folder.",
)
def command(rows: int, keep: Path | None) -> None:
    """Take a chat application's live database through four revisions that a team really shipped.

    On a scratch server of its own, with an application reading and writing throughout: a column added, embeddings
    indexed, a blocking revision refused and mended, embeddings lost on purpose and restored from the backup. Ends
    with how long the application had to wait at most, or with exit code 3 when anything is not as it says.
    """
    from migsafe.cli import output
    from migsafe.demo.story import play

    play(output.console(), rows, keep)
