"""One server has signs and text worked on by another (`engine.remote_for`), and does it itself while that is away."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import socketio

from harness import Server, clip, wait_until
from reading import needs_model, page, read

PATIENCE_S = 60.0
TEXT = "Hello 42"


class Worker(Server):
    """A server that works for others."""

    def __init__(self, listen: str = "127.0.0.1:0") -> None:
        super().__init__(args=["--set", f"engine.listen={listen}"])
        wait_until(lambda: self._models() is not None, PATIENCE_S, "it says where models are")
        found = self._models()
        assert found
        self.models = found[1]

    def _models(self) -> re.Match[str] | None:
        return re.search(r"models are served at grpc://([\w.:]+)", self.log.read_text())


def box(models: str, tasks: str) -> Server:
    return Server(args=["--set", f"engine.remote=grpc://{models}", "--set", f"engine.remote_for={tasks}"])


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    running = Worker()
    yield running
    assert running.stop() == 0


def runs(server: Server, network: str, outcome: str = "answered") -> int:
    """So often another server was asked for it."""
    name = f'sightwire_remote_network_runs_total{{network="{network}",outcome="{outcome}"}}'
    with urllib.request.urlopen(server.url + "/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines if line.startswith(name))


def pictures_read(server: Server) -> int:
    """By this server itself."""
    return int(server.get("/api/v1/status")["reader"]["pictures"])


def warnings(server: Server) -> str:
    return "\n".join(server.get("/api/v1/status")["engine"]["warnings"])


def said(server: Server, picture: bytes) -> dict[str, Any]:
    """What a picture says, without how long that took."""
    answer = read(server, picture)
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.json()
    del told["ms"]
    return told


def test_text_is_read_by_the_other_server_as_it_is_here(worker: Worker) -> None:
    needs_model()
    pictures = [page(TEXT), page("two words", 400, 80), page("", 60, 40)]
    server = box(worker.models, "text")
    try:
        # The first finds out whether somebody is there, and is read here meanwhile.
        wait_until(
            lambda: said(server, pictures[0]) is not None and runs(server, "read") > 0, PATIENCE_S, "it is asked"
        )
        before, there = runs(server, "read"), pictures_read(worker)
        told = [said(server, picture) for picture in pictures]
        assert runs(server, "read") == before + len(pictures)
        assert pictures_read(worker) == there + len(pictures), "it read them, and did not only answer"
        assert told == [said(worker, picture) for picture in pictures]
        assert (runs(server, "read", "failed"), warnings(server)) == (0, "")
        # What is no picture is refused here, in the words of this server.
        broken = read(server, pictures[0][: len(pictures[0]) // 2])
        assert broken.status == 422, broken.body
        assert runs(server, "read", "failed") == 0, "which is no fault of the other one"
    finally:
        assert server.stop() == 0


def test_text_is_read_here_while_the_other_server_is_away() -> None:
    needs_model()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    worker, picture = Worker(listen), page(TEXT)
    server = box(listen, "text")
    try:
        expected = said(worker, picture)
        wait_until(lambda: said(server, picture) == expected and runs(server, "read") > 0, PATIENCE_S, "it is asked")
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait()

        def is_away() -> bool:
            assert said(server, picture)["text"] == TEXT
            return "read is run here, and not by engine.remote: " in warnings(server)

        wait_until(is_away, PATIENCE_S, "the status says that it is away")
        worker = Worker(listen)
        answered = runs(server, "read")

        def is_back() -> bool:
            assert said(server, picture)["text"] == TEXT
            return runs(server, "read") > answered and warnings(server) == ""

        wait_until(is_back, PATIENCE_S, "it is asked again")
    finally:
        worker.stop()
        assert server.stop() == 0


async def recognised(server: Server, gesture: str, clips: int = 12) -> bool:
    """Plays the clip until it is named, at most so often: a machine that is busy looks at few of its frames."""
    client, heard = socketio.AsyncClient(reconnection=False), list[dict[str, Any]]()
    client.on("prediction", heard.append)
    await client.connect(server.url, wait_timeout=20)
    for _ in range(clips):
        for index, image in enumerate(clip(gesture)):
            await client.emit("frame", {"image": image, "id": index})
            await asyncio.sleep(0.04)
        if gesture in {answer["label"] for answer in heard}:
            break
    await client.disconnect()
    return gesture in {answer["label"] for answer in heard}


def test_signs_are_recognised_by_networks_that_the_other_server_runs(worker: Worker) -> None:
    server = box(worker.models, "signs")
    try:

        def is_asked() -> bool:
            asyncio.run(recognised(server, "still", 1))
            return runs(server, "gestures.backbone") > 0

        wait_until(is_asked, PATIENCE_S, "it is asked")
        for gesture in ["left", "wave"]:
            assert asyncio.run(recognised(server, gesture)), gesture
        # Those that were not answered in time were run here, on a busy machine.
        asked = [runs(server, f"gestures.{role}") for role in ("backbone", "head")]
        assert min(asked) > 0, asked
    finally:
        assert server.stop() == 0
