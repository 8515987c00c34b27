"""Coming, being refused, losing the connection, coming back, leaving."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import socketio
from aiohttp import web

import sightwire
from harness import FPS, HOME, ROOT, Server
from sightwire import AtCapacity, Closed, NoModel, Prediction, Recognizer, State, Unreachable, link
from support import Line, gone, jpegs, until


class Watched(Recognizer):
    """Keeps what it was told."""

    def __init__(self, url: str, **options: Any) -> None:
        self.told: list[tuple[State, str]] = []
        super().__init__(url, on_state=lambda state, why: self.told.append((state, why)), **options)

    @property
    def states(self) -> list[State]:
        return [state for state, _ in self.told]


async def send_for_ever(r: Recognizer) -> None:
    frames = jpegs("left")
    while True:
        for frame in frames:
            await r.send(frame)
            await asyncio.sleep(1 / FPS)


def test_it_comes_back_by_itself_after_a_restart() -> None:
    async def session() -> None:
        loop = asyncio.get_running_loop()
        first = await loop.run_in_executor(None, Server)
        address = first.address
        async with Watched(first.url) as r:
            sending = asyncio.ensure_future(send_for_ever(r))
            assert (await r.__anext__()).label == "none"
            assert await loop.run_in_executor(None, first.stop) == 0
            await until(lambda: r.state is State.UNREACHABLE, "the end noticed")
            second = await loop.run_in_executor(None, Server, address)
            try:
                await until(lambda: r.stats.connections == 2, "the second connection")
                seen = r.stats.predictions
                await until(lambda: r.stats.predictions > seen, "a prediction of the second server")
            finally:
                sending.cancel()
                await r.close()
                assert await loop.run_in_executor(None, second.stop) == 0
            assert r.states[0] is State.CONNECTING and r.states[1] is State.READY
            assert r.states[-2:] == [State.READY, State.CLOSED]
            why = next(why for state, why in r.told if state is State.UNREACHABLE)
            assert "trying again in" in why
            assert r.stats.dropped > 0, "what came in between was dropped, and counted"

    asyncio.run(session())


def test_a_lost_connection_is_not_tried_anew_for_ever_if_so_wished(server: Server) -> None:
    async def session() -> None:
        async with Line(server) as line, Recognizer(line.url, reconnect=0.0) as r:
            line.cut()
            with pytest.raises(Unreachable, match="lost"):
                async for _ in r:
                    pass
            with pytest.raises(Unreachable):
                await r.send(jpegs("left", 1)[0])

    asyncio.run(session())


def test_a_full_server_is_an_error_with_its_own_words_and_nobody_else_notices() -> None:
    async def session(server: Server) -> None:
        async with Recognizer(server.url) as inside:
            with pytest.raises(AtCapacity, match="^Server at capacity, please try again later$"):
                async with Recognizer(server.url):
                    pass
            await inside.send(jpegs("left", 1)[0])
            assert (await inside.__anext__()).label == "hello"

    full = Server(MAX_CLIENTS="1", USE_DUMMY_MODEL="1")
    try:
        asyncio.run(session(full))
    finally:
        assert full.stop() == 0


def test_who_waits_gets_the_place_that_becomes_free() -> None:
    async def session(server: Server) -> None:
        inside = Recognizer(server.url)
        await inside.__aenter__()
        waiting = Watched(server.url, wait=60.0)
        entering = asyncio.ensure_future(waiting.__aenter__())
        await until(lambda: waiting.state is State.AT_CAPACITY, "the refusal noticed")
        assert not entering.done()
        await inside.close()
        await asyncio.wait_for(entering, 30)
        assert waiting.state is State.READY
        await waiting.close()

    full = Server(MAX_CLIENTS="1", USE_DUMMY_MODEL="1")
    try:
        asyncio.run(session(full))
    finally:
        assert full.stop() == 0


def test_a_server_without_a_model_is_an_error_of_its_own(tmp_path: Path) -> None:
    async def session(server: Server) -> None:
        with pytest.raises(NoModel, match="/readyz"):
            async with Recognizer(server.url):
                pass

    empty = Server(SIGHTWIRE_HOME=str(tmp_path))
    try:
        asyncio.run(session(empty))
    finally:
        assert empty.stop() == 0


def test_no_server_is_an_error_that_names_the_address() -> None:
    async def session() -> None:
        with pytest.raises(Unreachable, match="http://127.0.0.1:9 "):
            async with Recognizer("127.0.0.1:9"):
                pass

    asyncio.run(session())


@pytest.mark.parametrize("url", ["", "http://", "ftp://x", "http://x:99999"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of a server"):
        Recognizer(url)


def test_the_facts_follow_when_the_server_changes_its_model(tmp_path: Path) -> None:
    # The built-in networks under another name, with other labels.
    (tmp_path / "models").mkdir()
    (tmp_path / "runtime").symlink_to(HOME / "runtime")
    manifest = (ROOT / "models/gestures.toml").read_text()
    other = manifest.replace('name = "gestures"', 'name = "other"').replace('"left", "right"', '"links", "rechts"')
    (tmp_path / "models/other.toml").write_text(other)

    async def session(server: Server) -> list[tuple[str, Prediction]]:
        told: list[tuple[str, Prediction]] = []
        request = urllib.request.Request(f"{server.url}/api/v1/models/other/activate", method="POST")

        def activate() -> None:
            # A server that has just been started may be going over to the fastest way of its model: 409 meanwhile.
            for attempt in range(300):
                try:
                    urllib.request.urlopen(request).close()
                    return
                except urllib.error.HTTPError as error:
                    if error.code != 409 or attempt == 299:
                        raise
                time.sleep(0.1)

        async with Recognizer(server.url) as r:

            async def listen() -> None:
                async for prediction in r:
                    told.append((r.model.name if r.model else "", prediction))

            listening = asyncio.ensure_future(listen())
            sending = asyncio.ensure_future(send_for_ever(r))
            await until(lambda: any(p.label == "left" for _, p in told), "the first model's label")
            await asyncio.get_running_loop().run_in_executor(None, activate)
            await until(lambda: told[-1][1].label == "links", "the second model's label")
            sending.cancel()
            listening.cancel()
            assert r.stats.connections == 1
        return told

    server = Server(SIGHTWIRE_HOME=str(tmp_path))
    try:
        told = asyncio.run(session(server))
    finally:
        assert server.stop() == 0
    for model, prediction in told:
        if prediction.scores:
            assert ("links" in prediction.scores) == (model == "other"), "labels and scores belong together"
    assert {model for model, _ in told} == {"gestures", "other"}


def test_closing_frees_the_place_at_once(server: Server) -> None:
    async def session() -> None:
        async with Recognizer(server.url) as r:
            await r.send(jpegs("left", 1)[0])
        await gone(server)
        with pytest.raises(Closed):
            await r.send(jpegs("left", 1)[0])

    asyncio.run(session())


def test_leaving_the_loop_over_predictions_frees_the_place(server: Server) -> None:
    async def session() -> None:
        predictions = sightwire.recognize("sample:left", server.url, loop=True)
        async for _ in predictions:
            break
        await predictions.aclose()  # type: ignore[attr-defined]
        await gone(server)

    asyncio.run(session())


def test_predictions_that_are_here_can_be_read_after_closing(server: Server) -> None:
    async def session() -> list[Prediction]:
        async with Recognizer(server.url) as r:
            for frame in jpegs("left", 3):
                await r.send(frame)
            await r.flush(20)
        return [prediction async for prediction in r]

    assert len(asyncio.run(session())) == 3


def test_it_is_entered_once_and_not_used_before(server: Server) -> None:
    async def session() -> None:
        r = Recognizer(server.url)
        with pytest.raises(Closed, match="not entered"):
            await r.send(jpegs("left", 1)[0])
        async with r:
            pass
        with pytest.raises(Closed, match="entered once"):
            async with r:
                pass

    asyncio.run(session())


@pytest.mark.parametrize("prefix", ["", "sign"])
def test_servers_of_the_prototype_are_understood(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They know base64 only, and neither ids nor the model's facts; perhaps behind a path of a proxy."""
    connect = link.Link._connect

    async def patient(self: link.Link, transport: str, auth: dict[str, bool] | None) -> None:
        # The first try is the one that they do not answer.
        monkeypatch.setattr(link, "GREETING_S", 20.0 if auth is None else 0.3)
        await connect(self, transport, auth)

    monkeypatch.setattr(link.Link, "_connect", patient)
    sent: list[dict[str, Any]] = []

    async def old_server() -> tuple[web.AppRunner, str]:
        sio = socketio.AsyncServer(async_mode="aiohttp")
        app = web.Application()
        sio.attach(app, f"{prefix}/socket.io".strip("/"))

        @sio.event  # type: ignore[untyped-decorator]
        async def connect(sid: str, _environ: dict[str, Any]) -> None:
            await sio.emit("status", {"message": "ready"}, to=sid)

        @sio.event  # type: ignore[untyped-decorator]
        async def frame(sid: str, data: dict[str, Any]) -> None:
            sent.append(data)
            await sio.emit("prediction", {"label": "hello", "score": 0.92}, to=sid)

        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/{prefix}"

    async def session() -> None:
        runner, url = await old_server()
        async with Recognizer(url) as r:
            for frame in jpegs("left", 6):
                await r.send(frame)
                got = await asyncio.wait_for(r.__anext__(), 20)
                assert (got.label, got.score, got.seen, got.delay) == ("hello", 0.92, None, None)
            assert r.model is None
            assert await r.flush(20)
            assert r.stats.answered == 6
        assert all(isinstance(data["image"], str) for data in sent)
        await runner.cleanup()

    asyncio.run(session())
