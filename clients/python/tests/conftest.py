"""One server for all tests that need no settings of their own, and short waits for those that ask for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness import Server
from sightwire.relay import link, session


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    assert running.stop() == 0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of the relay's clients as in life would make the tests long."""
    monkeypatch.setattr(session, "RETRY_S", 0.05)
    monkeypatch.setattr(link, "GREETING_S", 1.0)
