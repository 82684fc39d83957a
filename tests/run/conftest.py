"""Short pauses between attempts: what is tested is that they are made, not how long."""

import pytest


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migsafe.run.backoff.FLOOR", 0.01)
    monkeypatch.setattr("migsafe.run.backoff.FIRST", 0.05)
    monkeypatch.setattr("migsafe.run.backoff.MOST", 0.2)
