"""python-socketio's asyncio client, several of them on one loop."""

from __future__ import annotations

import asyncio

import pytest
import socketio

from harness import FPS, Server, clip, verdict


class AsyncClient:
    def __init__(self) -> None:
        self.statuses: list[dict] = []
        self.predictions: list[dict] = []
        self.sio = socketio.AsyncClient(reconnection=False)
        self.sio.on("status", self.statuses.append)
        self.sio.on("prediction", self.predictions.append)

    async def play(self, frames: list[str]) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for i, frame in enumerate(frames):
            await asyncio.sleep(max(0.0, start + i / FPS - loop.time()))
            await self.sio.emit("frame", {"image": frame})

    async def answered(self, count: int) -> None:
        async def enough() -> None:
            while len(self.predictions) < count:
                await asyncio.sleep(0.01)

        await asyncio.wait_for(enough(), 20)

    async def recognises(self, gesture: str) -> None:
        """Plays on until the gesture is seen, or often enough: a result comes with a later reply, perhaps of the next
        clip."""
        for _ in range(4):
            if verdict(self.predictions) == gesture:
                return
            count = len(self.predictions) + FPS
            await self.play(clip(gesture))
            await self.answered(count)


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], None], ids=["websocket", "polling", "default"])
def test_a_reply_for_every_frame(server: Server, transports: list[str] | None) -> None:
    async def session() -> AsyncClient:
        client = AsyncClient()
        await client.sio.connect(server.url, transports=transports, wait_timeout=10)
        frames = clip("right")
        await client.play(frames)
        await client.answered(len(frames))
        await asyncio.sleep(0.2)
        assert client.statuses == [{"message": "ready"}]
        assert len(client.predictions) == len(frames)
        await client.recognises("right")
        await client.sio.disconnect()
        return client

    client = asyncio.run(session())
    assert verdict(client.predictions) == "right"


def test_clients_on_one_loop_get_their_own_answers(server: Server) -> None:
    gestures = ["left", "right", "up"]

    async def one(gesture: str) -> str:
        client = AsyncClient()
        await client.sio.connect(server.url, transports=["websocket"], wait_timeout=10)
        await client.play(clip(gesture))
        await client.answered(len(clip(gesture)))
        await client.recognises(gesture)
        await client.sio.disconnect()
        return verdict(client.predictions)

    async def together() -> list[str]:
        return await asyncio.gather(*(one(gesture) for gesture in gestures))

    assert asyncio.run(together()) == gestures
