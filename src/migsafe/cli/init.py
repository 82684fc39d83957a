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
    "deadline": "When to give up on getting the locks (exit code 75, nothing changed).",
    "backup": "dump, evidence or none. By itself migsafe dumps up to backup_up_to, and asks for evidence beyond it.",
    "backup_up_to": "The largest database that is dumped before a run.",
    "backup_jobs": "Tables that pg_dump reads at the same time.",
    "backup_max_age": "How old the evidence of another backup may be.",
    "backup_evidence": "A file that proves another backup, such as the output of `pgbackrest info --output=json`.",
    "min_free": "Free disk space that has to remain after the run.",
    "declared_free": "Free disk space of the server, where it cannot be measured; you vouch for it.",
    "disk_command": "A command that prints the free bytes of the server's data directory.",
    "max_transaction_age": "A transaction that is open for longer holds up a run.",
    "required_env": "Environment variables that have to be set, for env.py or the revisions.",
    "extensions": "The least version of an extension, by name.",
    "guard": "What migsafe.guard() in env.py does with a finding under plain `alembic upgrade`: refuse, warn or off.",
    "scratch_url": "A server on which migsafe may create and drop databases, instead of the embedded one.",
    "config_from": "A callable that returns the alembic.config.Config of a program that builds it in code.",
    "runs": "Where reports, scripts and backups of runs are kept, relative to this file.",
    "lint.enable": "Rules that are off by themselves, or `style` for all of those.",
    "lint.disable": "Rules that are not asked.",
    "lint.severity": "error, warning or info, by rule.",
    "lint.fail_on": "The least severity that makes `migsafe lint` end with 1.",
}
_EXAMPLES = {
    "backup": '"dump"',
    "backup_evidence": '"/var/lib/pgbackrest/info.json"',
    "declared_free": '"500GB"',
    "disk_command": '"ssh db1 df -B1 --output=avail /var/lib/postgresql | tail -n 1"',
    "required_env": '["APP_ENV"]',
    "extensions": '{ vector = "0.7" }',
    "scratch_url": '"postgresql://localhost/postgres"',
    "config_from": '"shop.database:alembic_config"',
    "lint.enable": '["style"]',
    "lint.disable": '["rename-breaks-running-code"]',
    "lint.severity": '{ drop-column = "warning" }',
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
