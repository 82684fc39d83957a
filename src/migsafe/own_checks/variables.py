"""`${NAME}` in an address: what must not stand in the repository comes from the environment."""

import os
import re

from migsafe.own_checks.found import Found

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def unset(*texts: str) -> Found | None:
    """Why texts cannot be filled in: the variables that they name and that are not set, or are empty."""
    named = dict.fromkeys(name for text in texts for name in _VARIABLE.findall(text))
    missing = [name for name in named if not os.environ.get(name)]
    if not missing:
        return None
    return Found(
        "unseen", f"Not asked: {', '.join(missing)} is not set.", f"export {' '.join(missing)}, then run again."
    )


def filled(text: str) -> str:
    """`text` with the values of the variables that it names."""
    return _VARIABLE.sub(lambda match: os.environ.get(match[1], ""), text)
