"""python-socketio's clients as their users wrote them, for js/cluster-proxy.test.mjs.

`behind_proxy.py URL` has each kind of them, over each transport, send frames to that address, all at the same time,
and prints what came back."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import socketio

TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]]
FRAMES = 20
FPS = 25
WAIT_S = 20
# A PNG of one pixel.
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Told:
    """What a client is told."""

    def __init__(self, sio: socketio.Client | socketio.AsyncClient) -> None:
        self.ready = self.answered = self.disconnected = 0
        sio.on("status", self._ready)
        sio.on("prediction", self._answered)
        sio.on("disconnect", self._disconnected)

    def _ready(self, _payload: dict) -> None:
        self.ready += 1

    def _answered(self, _payload: dict) -> None:
        self.answered += 1

    def _disconnected(self, *_reason: object) -> None:
        self.disconnected += 1

    def counts(self) -> list[int]:
        return [self.ready, self.answered, self.disconnected]


def blocking(url: str, transports: list[str]) -> list[int]:
    sio = socketio.Client(reconnection=False)
    told = Told(sio)
    sio.connect(url, transports=transports, wait_timeout=WAIT_S)
    for _ in range(FRAMES):
        sio.emit("frame", {"image": IMAGE})
        time.sleep(1 / FPS)
    deadline = time.monotonic() + WAIT_S
    while told.answered < FRAMES and time.monotonic() < deadline:
        time.sleep(0.01)
    counts = told.counts()
    sio.disconnect()
    return counts


async def on_a_loop(url: str, transports: list[str]) -> list[int]:
    sio = socketio.AsyncClient(reconnection=False)
    told = Told(sio)
    await sio.connect(url, transports=transports, wait_timeout=WAIT_S)
    for _ in range(FRAMES):
        await sio.emit("frame", {"image": IMAGE})
        await asyncio.sleep(1 / FPS)
    deadline = time.monotonic() + WAIT_S
    while told.answered < FRAMES and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    counts = told.counts()
    await sio.disconnect()
    return counts


async def all_of(url: str) -> dict[str, list[int]]:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor() as threads:
        running = {}
        for transports in TRANSPORTS:
            name = "+".join(transports)
            running[f"blocking, {name}"] = loop.run_in_executor(threads, blocking, url, transports)
            running[f"on a loop, {name}"] = asyncio.ensure_future(on_a_loop(url, transports))
        return {name: await counts for name, counts in running.items()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(all_of(sys.argv[1]))))
