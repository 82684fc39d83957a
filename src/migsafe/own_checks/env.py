"""Are environment variables set? Values are never shown."""

import os

from migsafe.errors import UsageError
from migsafe.model.own_checks import OwnCheck
from migsafe.own_checks.asking import Ask
from migsafe.own_checks.found import Found, judged


def prepare(check: OwnCheck) -> Ask:
    names = (check.env,) if isinstance(check.env, str) else check.env or ()
    if not names or not all(names):
        raise UsageError(f"check {check.name}: env names no variable", 'Write env = "APP_ENV", or a list of them.')
    return lambda _asking: _look(names)


def _look(names: tuple[str, ...]) -> Found:
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        said = f"Not set, or empty: {', '.join(missing)}."
        return Found("failed", said, f"export {' '.join(missing)} in the shell or job that runs migsafe.")
    return judged(True, f"Set: {', '.join(names)}.")
