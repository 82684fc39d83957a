"""What a run tells a program while it goes on: docs/guide.md, "Events"."""

from typing import Protocol

import msgspec

from migsafe.model.run import Blocker
from migsafe.run.current import Told
from migsafe.run.entry import OnBlocked


class Emit(Protocol):
    """Gets every event, with facts that are JSON. Never called by two threads at once; must not raise."""

    def __call__(self, event: str, /, **facts: object) -> None: ...


def silent(event: str, /, **facts: object) -> None:
    """Nobody listens."""


def telling(told: Told, emit: Emit) -> Told:
    """`told`, and an event `progress` for each."""

    def tell(text: str, fraction: float | None) -> None:
        emit("progress", text=text, fraction=fraction)
        told(text, fraction)

    return tell


def blocking(on_blocked: OnBlocked, emit: Emit) -> OnBlocked:
    """`on_blocked`, an event `blocker` for each of those in the way, and an event `wait`."""

    def blocked(blockers: tuple[Blocker, ...], pause: float) -> None:
        for blocker in blockers:
            emit("blocker", **msgspec.to_builtins(blocker))
        emit("wait", seconds=round(pause, 2), outside=pause == 0)
        on_blocked(blockers, pause)

    return blocked
