"""Are the environment variables there that the team said its revisions read?"""

import os
from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.preflight.answer import answer, check
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="configuration",
    why="A revision that reads os.environ half-way fails half-way, or quietly takes a default.",
    remedy="Export them in the shell or the job that runs migsafe, then run the same command again.",
)


def run(*, settings: Settings, **_: object) -> Iterator[CheckResult]:
    """Values are looked at for being empty only, and are never shown."""
    if not settings.required_env:
        return
    missing = [name for name in settings.required_env if not os.environ.get(name)]
    evidence = {name: "missing" if name in missing else "set" for name in settings.required_env}
    if missing:
        yield answer(CHECK, "blocked", f"Not set: {', '.join(missing)}.", evidence=evidence)
    else:
        yield answer(CHECK, "passed", f"Set: {', '.join(settings.required_env)}.", evidence=evidence)
