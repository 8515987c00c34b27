"""Streamer and viewer against the real server."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
import pytest

from harness import Server
from sightwire import (
    AtCapacity,
    Ended,
    NameTaken,
    NotAllowed,
    Picture,
    State,
    Streamer,
    StreamState,
    Viewer,
)
from sightwire.relay import streams
from support import Line, jpegs, until

SETTINGS = {
    # A busy machine may send nothing for a while.
    "relay.stalled_after_s": "15",
    "cameras.allow": "127.0.0.0/8",
    "cameras.file": "cameras.json",
    "detector.model": "motion",
    # Tests send as fast as they can.
    "relay.max_fps": "1000",
}


def with_settings(**more: str) -> list[str]:
    return [word for key, value in {**SETTINGS, **more}.items() for word in ("--set", f"{key}={value}")]


@pytest.fixture(scope="module")
def relay() -> Iterator[Server]:
    running = Server(args=with_settings(), USE_DUMMY_MODEL="1")
    yield running
    assert running.stop() == 0


async def get(server: Server, path: str) -> dict[str, Any]:
    return await asyncio.get_running_loop().run_in_executor(None, server.get, path)


async def viewers(server: Server, stream: str) -> list[int]:
    """Who sees a stream with binary messages."""
    listed = (await get(server, f"/api/v1/streams/{quote(stream, safe='')}"))["viewer_list"]
    return [one["id"] for one in listed if one["kind"] == "relay_binary"]


async def delete(server: Server, path: str) -> None:
    request = urllib.request.Request(server.url + path, method="DELETE")
    with await asyncio.get_running_loop().run_in_executor(None, urllib.request.urlopen, request) as answer:
        assert answer.status == 204


async def next_of(view: Viewer, seconds: float = 20.0) -> Picture:
    return await asyncio.wait_for(view.__anext__(), seconds)


async def send_for_ever(streamer: Streamer, fps: float = 25.0) -> None:
    frames = jpegs("left")
    while True:
        for frame in frames:
            await streamer.send(frame)
            await asyncio.sleep(1 / fps)


def state_of(view: Viewer, stream: str) -> StreamState | None:
    return view.states[stream].state if stream in view.states else None


@pytest.mark.parametrize("name", ["P-1", "Zürich 1/2, left?", "ä" * 64])
def test_pictures_come_through_as_they_were_sent(relay: Server, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WINDOW_S", 60.0)

    async def session() -> None:
        async with Viewer(relay.url, [name]) as v, Streamer(relay.url, name) as s:
            await until(lambda: v.clock_offset is not None, "the server's clock")
            sequences = []
            for frame in jpegs("left", 10):
                before = time.time()
                await s.send(frame)
                got = await next_of(v)
                assert (got.stream, got.jpeg) == (name, frame)
                assert before - 0.1 <= got.captured <= time.time() + 0.1
                sequences.append(got.sequence)
            assert sequences == list(range(sequences[0], sequences[0] + 10))
            view = v.states[name]
            assert (view.state, view.kind, view.mode, view.missed) == (StreamState.LIVE, "relay", "normal", 0)
            assert view.delay is not None and view.delay < 10.0
            await until(lambda: s.viewers == 1, "the number of viewers")
            await until(lambda: s.stats.received == 10, "the number of frames")
        assert v.stats.missed == 0

    asyncio.run(session())


def test_a_stream_that_leaves_has_ended_and_may_begin_again(relay: Server) -> None:
    async def session() -> None:
        async with Viewer(relay.url, ["P-again"]) as v:
            for _ in range(3):
                async with Streamer(relay.url, "P-again", "enhanced") as s:
                    await s.send(jpegs("left", 1)[0])
                    assert (await next_of(v)).stream == "P-again"
                    assert v.states["P-again"].mode == "enhanced"
                    streams = await get(relay, "/streams/active")
                    assert streams["stream_details"]["P-again"] == {"analysis_mode": "enhanced"}
                await until(lambda: state_of(v, "P-again") is StreamState.ENDED, "the end")
            assert "P-again" not in (await get(relay, "/streams/active"))["active_streams"]

    asyncio.run(session())


def test_a_late_viewer_gets_the_newest_picture_at_once(relay: Server) -> None:
    async def session() -> None:
        async with Streamer(relay.url, "P-late") as s:
            frame = jpegs("left", 1)[0]
            await s.send(frame)
            await until(lambda: s.stats.received == 1, "its arrival")
            async with Viewer(relay.url, ["P-late"]) as v:
                assert (await next_of(v)).jpeg == frame

    asyncio.run(session())


def test_a_name_that_is_taken_is_an_error_and_the_stream_goes_on(relay: Server) -> None:
    async def session() -> None:
        async with Streamer(relay.url, "P-taken") as s:
            sending = asyncio.ensure_future(send_for_ever(s))
            with pytest.raises(NameTaken, match="already has an active stream"):
                async with Streamer(relay.url, "P-taken"):
                    pass
            assert s.state is State.READY
            assert s.stats.connections == 1
            sending.cancel()

    asyncio.run(session())


def test_a_sender_whose_network_is_gone_gets_its_name_back(relay: Server) -> None:
    async def session() -> None:
        async with Line(relay) as line:
            old = Streamer(line.url, "P-net")
            await old.__aenter__()
            line.hold()
            begun = time.monotonic()
            async with Streamer(relay.url, "P-net") as s:
                assert time.monotonic() - begun < 15
                assert await s.send(jpegs("left", 1)[0])
            line.cut()
            await old.close()

    asyncio.run(session())


def test_both_come_back_by_themselves_after_a_restart() -> None:
    async def session() -> None:
        loop = asyncio.get_running_loop()
        first = await loop.run_in_executor(None, lambda: Server(args=with_settings(), USE_DUMMY_MODEL="1"))
        async with Streamer(first.url, "P-1") as s, Viewer(first.url) as v:
            sending = asyncio.ensure_future(send_for_ever(s))
            await next_of(v)
            assert await loop.run_in_executor(None, first.stop) == 0
            await until(lambda: State.READY not in (s.state, v.state), "the end noticed")
            second = await loop.run_in_executor(
                None, lambda: Server(first.address, args=with_settings(), USE_DUMMY_MODEL="1")
            )
            try:
                await until(lambda: min(s.stats.connections, v.stats.connections) >= 2, "the second connections", 60)
                seen = v.stats.pictures
                await until(lambda: v.stats.pictures > seen + 5, "pictures of the second server")
                await until(lambda: state_of(v, "P-1") is StreamState.LIVE, "the stream")
            finally:
                sending.cancel()
                await s.close()
                await v.close()
                assert await loop.run_in_executor(None, second.stop) == 0

    asyncio.run(session())


def test_full_servers_say_so() -> None:
    async def session(server: Server) -> None:
        async with Streamer(server.url, "P-1"), Viewer(server.url):
            with pytest.raises(AtCapacity, match=r"\w+"):
                async with Streamer(server.url, "P-2"):
                    pass
            with pytest.raises(AtCapacity, match=r"\w+"):
                async with Viewer(server.url):
                    pass

    full = Server(
        args=with_settings(**{"relay.max_streams": "1", "relay.max_viewers": "1"}),
        USE_DUMMY_MODEL="1",
    )
    try:
        asyncio.run(session(full))
    finally:
        assert full.stop() == 0


def test_an_administrator_ends_streams_and_viewers_for_good(relay: Server) -> None:
    async def session() -> None:
        async with Streamer(relay.url, "P/end") as s, Viewer(relay.url) as other:
            sending = asyncio.ensure_future(send_for_ever(s))
            known = await viewers(relay, "P/end")
            async with Viewer(relay.url, ["P/end"]) as v:
                await next_of(v)
                (mine,) = [one for one in await viewers(relay, "P/end") if one not in known]
                await delete(relay, f"/api/v1/viewers/{mine}")
                with pytest.raises(Ended):
                    while True:
                        await next_of(v)
            await delete(relay, f"/api/v1/streams/{quote('P/end', safe='')}")
            await until(lambda: s.state is State.CLOSED, "the end")
            with pytest.raises(Ended):
                await sending
            await until(lambda: state_of(other, "P/end") is StreamState.ENDED, "the end for others")
            assert other.state is State.READY

    asyncio.run(session())


def test_a_pause_is_a_stall_then_the_end_and_the_next_frame_a_new_beginning() -> None:
    async def session(server: Server) -> None:
        frame = jpegs("left", 1)[0]
        states: list[StreamState] = []
        whys: list[str] = []
        viewer = Viewer(server.url, ["P-pause"], on_stream=lambda one: states.append(one.state))
        async with viewer as v, Streamer(server.url, "P-pause", on_state=lambda _, why: whys.append(why)) as s:
            await s.send(frame)
            await next_of(v)
            await until(lambda: any("the server warns" in why for why in whys), "the warning")
            await until(lambda: s.state is State.QUIET, "the end")
            await until(lambda: states[-1] is StreamState.ENDED, "the end for viewers")
            states.clear()
            await s.send(frame)
            assert (await next_of(v)).jpeg == frame
            assert StreamState.LIVE in states

    hasty = Server(
        args=with_settings(**{"relay.warn_after_s": "1", "relay.end_after_s": "2", "relay.hidden_end_after_s": "2"}),
        USE_DUMMY_MODEL="1",
    )
    try:
        asyncio.run(session(hasty))
    finally:
        assert hasty.stop() == 0


def test_a_camera_has_its_name_to_itself(relay: Server) -> None:
    async def session() -> None:
        body = json.dumps({"id": "door", "url": "http://127.0.0.1:9/stream"}).encode()
        request = urllib.request.Request(
            f"{relay.url}/api/v1/cameras", body, {"Content-Type": "application/json"}, method="POST"
        )
        with await asyncio.get_running_loop().run_in_executor(None, urllib.request.urlopen, request):
            pass
        with pytest.raises(NotAllowed):
            async with Streamer(relay.url, "door"):
                pass

    asyncio.run(session())


def test_what_moves_is_detected(relay: Server) -> None:
    async def session() -> None:
        async with Viewer(relay.url, ["P-moves"], overlays=True) as v, Streamer(relay.url, "P-moves", "enhanced") as s:

            async def move() -> None:
                for step in itertools.count():
                    image = np.full((240, 320, 3), 40, np.uint8)
                    left = 20 + step * 4 % 220
                    cv2.rectangle(image, (left, 90), (left + 60, 150), (250, 250, 250), -1)
                    await s.send(image)
                    await asyncio.sleep(0.04)

            moving = asyncio.ensure_future(move())
            overlay = await asyncio.wait_for((one async for one in v.overlays() if one.detections).__anext__(), 60)
            assert (overlay.stream, overlay.width, overlay.height) == ("P-moves", 320, 240)
            left, top, right, bottom = overlay.detections[0].box
            assert 0 <= left < right <= 320 and 60 <= top < bottom <= 180
            picture = await asyncio.wait_for((one async for one in v if one.detections).__anext__(), 60)
            assert picture.image().shape == (240, 320, 3)
            moving.cancel()

    asyncio.run(session())


def test_a_reader_that_takes_its_time_sees_what_is_now(relay: Server) -> None:
    async def session() -> None:
        async with Streamer(relay.url, "P-slow") as s, Viewer(relay.url, ["P-slow"]) as v:
            sending = asyncio.ensure_future(send_for_ever(s, 50.0))
            await until(lambda: v.clock_offset is not None, "the server's clock")
            ages = []
            for _ in range(6):
                picture = await next_of(v)
                assert v.clock_offset is not None
                ages.append(time.time() + v.clock_offset - picture.captured)
                await asyncio.sleep(0.5)
            # One may have come before a busy machine took a rest.
            assert min(ages[-3:]) < 1.0, ages
            assert v.stats.skipped > 0
            sending.cancel()

    asyncio.run(session())
