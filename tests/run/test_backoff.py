"""Pauses grow, are never too short, never too long, and no two waiters have the same."""

import itertools
import random

from migsafe.run.backoff import pauses


def test_pauses_lie_between_a_floor_and_a_bound_that_doubles() -> None:
    bounds = [0.05, 0.1, 0.2, 0.2, 0.2]
    for seed in range(200):
        for pause, bound in zip(pauses(random.Random(seed)), bounds, strict=False):
            assert 0.01 <= pause <= 0.01 + bound


def test_pauses_use_the_whole_range() -> None:
    third = [next(itertools.islice(pauses(random.Random(seed)), 2, None)) for seed in range(200)]
    assert min(third) < 0.05
    assert max(third) > 0.15
