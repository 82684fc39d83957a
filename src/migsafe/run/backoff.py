"""How long to wait before a revision is tried again."""

import random
from collections.abc import Iterator

FLOOR = 0.2
FIRST = 0.5
MOST = 30.0


def pauses(rng: random.Random | None = None, most: float | None = None) -> Iterator[float]:
    """Seconds before the second, third… attempt: a floor, and full jitter under a bound that doubles up to `most`.

    Jitter over the whole range, so that ten waiters do not come back together (knowledge: runtime-safety §2.4).
    """
    rng = rng or random.Random()  # noqa: S311 - spreads attempts, keeps no secret
    bound = FIRST
    while True:
        yield FLOOR + rng.uniform(0, bound)
        bound = min(MOST if most is None else most, bound * 2)
