"""Which timeouts a statement runs under: ours, or the ones that env.py and the revisions set themselves."""

import re

from migsafe.model.effects import Effects

# A SELECT as far as its effects go; the other way to write SET.
_SET_CONFIG = re.compile(r"set_config\s*\(\s*'(\w+_timeout)'")


def set_by(effects: Effects, sql: str) -> set[str]:
    """The timeouts that a statement sets, by name."""
    named = {setting.name for setting in effects.settings if setting.name.endswith("_timeout")}
    return named | set(_SET_CONFIG.findall(sql))


def for_concurrently(own: set[str]) -> dict[str, str]:
    """What to set for a CONCURRENTLY statement in a revision that sets `own` itself.

    Whoever set what: lock_timeout also governs the waits for old snapshots, and a build that it or statement_timeout
    cancels leaves an invalid index (measured on 14 to 18).
    """
    kept = {"statement_timeout"} & own
    return {name: "0" for name in ("lock_timeout", "statement_timeout") if name not in kept}
