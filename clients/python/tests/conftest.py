"""One server for all tests that need no settings of their own, and other waits for those that ask for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness import Server
from sightwire import Streamer
from sightwire.relay import streamer, viewer
from sightwire.session import Backoff
from support import jpegs


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names a parameter of megabytes by its length: reports have the names of all tests."""
    return f"{argname} of {len(val)}" if isinstance(val, (str, bytes)) and len(val) > 200 else None


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def wave(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder of pictures as a source: the server gives a sample up that a busy machine does not take at once."""
    folder = tmp_path_factory.mktemp("wave")
    for number, file in enumerate(jpegs("wave")):
        (folder / f"{number:02}.jpg").write_bytes(file)
    return str(folder)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of the relay's clients as in life would make the tests long; and leaving has to wait for a busy machine."""
    for client in (streamer, viewer):
        monkeypatch.setattr(client, "BACKOFF", Backoff(first=0.05, first_full=0.05, longest=30.0))
    monkeypatch.setattr(Streamer.flush, "__defaults__", (20.0,))
