"""`migsafe init`: a configuration in which every key stands with its default and why one would change it."""

import json
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import click
import msgspec

from migsafe.errors import UsageError
from migsafe.formats import words
from migsafe.settings import LintSettings, Settings

# Why, by key; the default of each is read from Settings. What is not set by default has an example.
_WHY = {
    "min_postgres": "The oldest server that preflight accepts: what production has, so that nobody tests on less.",
    "lock_timeout": "How long one lock may be waited for. Whoever comes after us queues behind us meanwhile.",
    "max_wait": "The longest that a reader or writer of the application may wait for us; then we stop ourselves.",
    "queue_behind": "A transaction that is open for longer is waited for outside the queue, where nobody is behind us.",
    "terminate_idle_in_transaction": "Sessions in our way that have been idle in a transaction for longer are ended.",
    "deadline": "When to give up on getting the locks (exit code 75, nothing changed).",
    "timeout": "The time for everything: then it stops, whatever is going on; what is durable stays.",
    "concurrently_deadline": "How long a CONCURRENTLY statement may wait for others; unset: as long as it has worked, "
    "and at least `deadline`.",
    "backup": "dump, evidence or none. By itself migsafe dumps up to backup_up_to, and asks for evidence beyond it.",
    "backup_up_to": "The largest database that is dumped before a run.",
    "backup_jobs": "Tables that pg_dump reads at the same time.",
    "backup_max_age": "How old the evidence of another backup may be.",
    "backup_evidence": "A file that proves another backup, such as the output of `pgbackrest info --output=json`.",
    "backup_command": "A command that prints such output, run each time: without a shell, beside this file.",
    "backup_required": "Whether an upgrade without any backup is refused.",
    "backup_files": "Configuration files to copy beside a dump, relative to this one; what holds a secret is left out.",
    "drill_max_age": "How old the last drill of a backup may be (`migsafe restore --drill`), or restore_tested.",
    "undo": "Where rows are saved before a statement destroys them, for `migsafe restore`: files, tables or off.",
    "undo_up_to": "The most that is saved; a run that would destroy more is refused.",
    "undo_keep": "How long saved rows are kept; then `migsafe gc` removes them.",
    "restore_tested": "The day on which somebody last restored from these backups, and looked.",
    "min_free": "Free disk space that has to remain after the run.",
    "declared_free": "Free disk space of the server, where it cannot be measured; you vouch for it.",
    "disk_command": "A command that prints the free bytes of the server's data directory.",
    "prometheus_url": "A Prometheus server that knows the free bytes of the server's disk.",
    "prometheus_query": "What it is asked: one number.",
    "node_exporter_url": "Or the metrics of a node_exporter on the server itself.",
    "mountpoint": "The file system that counts there: the one that holds the data directory.",
    "allow_server_program": "Whether the server may be made to run df (COPY FROM PROGRAM), as a role that may.",
    "max_transaction_age": "A transaction that is open for longer holds up a run.",
    "data_timeout": "How long one look for rows that would make a statement fail may take.",
    "show_data": "Whether preflight may print the keys of such rows.",
    "replica_url": "A standby that is asked for such rows instead of the database itself.",
    "max_replica_lag": "A replica, or a replication slot, that is further behind than this is warned of.",
    "app_role": "The application's role, or a list: it must see new tables, and keep what it may do with old ones.",
    "model_drift": "Whether the models (target_metadata) are compared with the database before a run and after it.",
    "provider": "Whose server it is, where migsafe does not recognise it; `none` for one of your own.",
    "required_env": "Environment variables that have to be set, for env.py or the revisions.",
    "require": "Checks that have to see: where one of these is unknown, the upgrade is refused.",
    "check": "Questions of your own, asked before or after: docs/guide.md, Checks of your own.",
    "extensions": "The least version of an extension, by name.",
    "guard": "What migsafe.guard() in env.py does with a finding under plain `alembic upgrade`: refuse, warn or off.",
    "scratch_url": "A server on which migsafe may create and drop databases, instead of the embedded one.",
    "config_from": "A callable that returns the alembic.config.Config of a program that builds it in code.",
    "runs": "Where reports, scripts and backups of runs are kept, relative to this file.",
    "lint.enable": "Rules that are off by themselves, or `style` for all of those.",
    "lint.disable": "Rules that are not asked.",
    "lint.severity": "error, warning or info, by rule.",
    "lint.fail_on": "The least severity that makes `migsafe lint` end with 1: error, warning, info or never.",
    "lint.ignore": "Findings to accept by path (a glob) and rule, each with its reason, if you like `until` a day.",
    "lint.baseline": "Findings that were there before migsafe: `migsafe lint --write-baseline` writes the file.",
    "lint.small_rows": "A table of at most so many rows, and of at most small_bytes, is worked through in no time.",
    "lint.small_bytes": "Both must be known to hold; then an error about the time it takes is information only.",
    "lint.stats": "The sizes that production has, where lint asks no database: what `migsafe stats` writes.",
}
_EXAMPLES = {
    "timeout": '"2h"',
    "concurrently_deadline": '"6h"',
    "backup": '"dump"',
    "terminate_idle_in_transaction": '"5min"',
    "backup_evidence": '"/var/lib/pgbackrest/info.json"',
    "backup_command": '"pgbackrest info --output=json"',
    "backup_files": '["alembic.ini", ".env.example"]',
    "restore_tested": "2026-11-01",
    "declared_free": '"500GB"',
    "disk_command": '"ssh db1 df -B1 --output=avail /var/lib/postgresql | tail -n 1"',
    "prometheus_url": '"http://prometheus:9090"',
    "prometheus_query": '\'node_filesystem_avail_bytes{instance="db1:9100",mountpoint="/var/lib/postgresql"}\'',
    "node_exporter_url": '"http://db1:9100/metrics"',
    "mountpoint": '"/var/lib/postgresql"',
    "replica_url": '"postgresql://standby/shop"',
    "app_role": '"shop_app"',
    "provider": '"rds"',
    "required_env": '["APP_ENV"]',
    "require": '["backup"]',
    "check": '[{ name = "workers-drained", sql = "SELECT count(*) FROM jobs", expect = "0" }]',
    "extensions": '{ vector = "0.7" }',
    "scratch_url": '"postgresql://localhost/postgres"',
    "config_from": '"shop.database:alembic_config"',
    "lint.enable": '["style"]',
    "lint.disable": '["rename-breaks-running-code"]',
    "lint.severity": '{ drop-column = "warning" }',
    "lint.ignore": '[{ path = "migrations/2019*", rules = ["drop-column"], reason = "deployed in 2019" }]',
    "lint.baseline": '"migsafe-baseline.json"',
    "lint.stats": '"migsafe-stats.json"',
}
_HEADER = (
    "# migsafe. What is commented out is the default.",
    '# Durations are written like "500ms", "30s", "10min" or "24h", sizes like "500MB" or "10GB".',
)
_DERIVED = ("directory", "source")


@click.command(name="init", short_help="Write a commented configuration for migsafe.")
def command() -> None:
    """Write a commented `[tool.migsafe]` table at the end of pyproject.toml if there is one, else migsafe.toml.

    What is there is never touched. `migsafe init DIRECTORY` is Alembic's, and makes a new environment.
    """
    path = write(Path.cwd())
    print(f"Wrote {path.name}: every key with its default, commented out.")


def is_alembics(args: Sequence[str]) -> bool:
    """`init DIRECTORY [-t TEMPLATE] [--package]` makes an Alembic environment."""
    return any(argument not in ("-h", "--help") for argument in args)


def write(folder: Path) -> Path:
    """Write the configuration into `folder`; returns the file. Raises UsageError where there already is one."""
    own, shared = folder / "migsafe.toml", folder / "pyproject.toml"
    if own.exists():
        raise UsageError("migsafe.toml is there already", "Edit it; `migsafe init` never changes what is there.")
    if not shared.exists():
        own.write_text(configuration(), encoding="utf-8")
        return own
    before = shared.read_bytes().decode("utf-8")
    if "migsafe" in _toml(before).get("tool", {}):
        raise UsageError(
            "pyproject.toml has a [tool.migsafe] table already", "Edit it; `migsafe init` never changes what is there."
        )
    addition = ("" if before.endswith("\n") or not before else "\n") + "\n" + configuration("tool.migsafe")
    _toml(before + addition)
    with shared.open("a", encoding="utf-8", newline="\r\n" if "\r\n" in before else "\n") as file:
        file.write(addition)
    return shared


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"pyproject.toml: {error}", "Mend the file, then run `migsafe init` again.") from None


def configuration(table: str = "") -> str:
    """The text of a configuration below `table`. A line `#key = value` is a default, `# text` an explanation."""
    header = [*_HEADER, *([f"[{table}]"] if table else [])]
    lint = ["", f"[{table}.lint]" if table else "[lint]"]
    lines = [*header, *_keys(Settings, ""), *lint, *_keys(LintSettings, "lint.")]
    return "\n".join(lines) + "\n"


def _keys(shape: type[msgspec.Struct], prefix: str) -> Iterator[str]:
    hints = get_type_hints(shape, include_extras=True)
    defaults = shape()
    for key in shape.__struct_fields__:
        if key in _DERIVED or key == "lint":
            continue
        name, value = prefix + key, getattr(defaults, key)
        yield from ("", f"# {_WHY[name]}")
        if name in _EXAMPLES:
            yield f"# {'Not set; for' if value is None else 'For'} example: {key} = {_EXAMPLES[name]}"
        if value is not None:
            yield f"#{key} = {_value(value, hints[key])}"


def _value(value: Any, hint: Any) -> str:
    unit = getattr(hint, "__metadata__", ("",))[0]
    if unit == "seconds":
        return f'"{words.duration(value).replace(" ", "").replace(".0s", "s")}"'
    if unit == "bytes":
        return f'"{words.size(value).replace(" ", "").replace(".0", "")}"'
    return json.dumps(list(value) if isinstance(value, tuple) else value)
