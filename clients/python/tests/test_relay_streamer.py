"""The streamer against a relay that does what it is told: what it sends, how it is refused, and how it comes back."""

from __future__ import annotations

import asyncio
import base64
import gc
import statistics
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest

from relay_fake import JPEG, Relay, jpeg, run
from sightwire import (
    AtCapacity,
    Closed,
    Ended,
    NameTaken,
    NotAllowed,
    SightwireError,
    State,
    Streamer,
    Unreachable,
    Viewer,
)
from sightwire.relay import link, streamer
from support import next_of, until

pytestmark = pytest.mark.usefixtures("quick")


def test_a_streamer_says_its_mode_and_sends_files_as_they_are() -> None:
    async def work(relay: Relay) -> None:
        async with Streamer(relay.url, "Zürich 1/2", "enhanced") as s:
            assert s.state is State.READY
            assert await s.send(JPEG)
            assert await s.flush()
            await until(lambda: bool(relay.newest.frames), "the frame")
        assert relay.newest.path == "/ws/stream/Z%C3%BCrich%201%2F2"
        assert relay.newest.texts[0] == {"analysis_mode": "enhanced"}
        assert relay.newest.frames == [b"\x01" + bytes(19) + JPEG]
        assert (s.stats.offered, s.stats.sent, s.stats.dropped, s.stats.bytes_sent) == (1, 1, 0, len(JPEG))

    run(work)


def test_leaving_sends_the_last_frame_and_a_goodbye() -> None:
    async def work(relay: Relay) -> None:
        async with Streamer(relay.url, "P-1") as s:
            await s.send(JPEG)
        await until(lambda: relay.newest.ws.close_code is not None, "the goodbye")
        assert relay.newest.ws.close_code == 1000
        assert len(relay.newest.frames) == 1
        with pytest.raises(Closed):
            await s.send(JPEG)

    run(work)


def test_leaving_waits_for_the_last_frame_to_go_out() -> None:
    async def work(relay: Relay) -> None:
        async with Streamer(relay.url, "P-1") as s:
            for number in range(3):
                await s.send(jpeg(number, 3 << 20))
        assert s.stats.sent + s.stats.dropped == 3
        await until(lambda: len(relay.newest.frames) == s.stats.sent, "the frames")
        assert relay.newest.frames[-1][20:30] == jpeg(2, 3 << 20)[:10]

    run(work)


def test_arrays_and_png_files_become_jpeg_files() -> None:
    import cv2

    grey = np.full((4, 6), 128, np.uint8)
    colour = np.full((8, 10, 3), (255, 0, 0), np.uint8)
    png = cv2.imencode(".png", colour)[1].tobytes()

    async def work(relay: Relay) -> None:
        async with Streamer(relay.url, "P-1") as s:
            for frame in (grey, colour, png):
                await s.send(frame)
                await s.flush()
        await until(lambda: len(relay.newest.frames) == 3, "the frames")
        images = [cv2.imdecode(np.frombuffer(one[20:], np.uint8), cv2.IMREAD_COLOR) for one in relay.newest.frames]
        assert [image.shape for image in images if image is not None] == [(4, 6, 3), (8, 10, 3), (8, 10, 3)]
        assert all(one[20:23] == b"\xff\xd8\xff" for one in relay.newest.frames)

    run(work)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b"", ValueError),
        (b"GIF89a", ValueError),
        (np.zeros((4, 4, 3), np.float32), ValueError),
        (jpeg(0, streamer.MAX_FRAME_BYTES), ValueError),
        ("text", TypeError),
    ],
)
def test_what_is_no_picture_is_refused_here_and_not_by_the_server(frame: Any, kind: type[Exception]) -> None:
    async def work(relay: Relay) -> None:
        async with Streamer(relay.url, "P-1") as s:
            with pytest.raises(kind):
                await s.send(frame)
            assert await s.send(JPEG), "and it goes on"
        await until(lambda: len(relay.newest.frames) == 1, "the frame")

    run(work)


def test_mistakes_are_told_before_anything_is_connected() -> None:
    with pytest.raises(ValueError, match="stream's name"):
        Streamer("http://127.0.0.1:9", "")
    with pytest.raises(ValueError, match="normal, enhanced"):
        Streamer("http://127.0.0.1:9", "P-1", "fast")
    with pytest.raises(ValueError, match="not the address"):
        Streamer("ftp://127.0.0.1", "P-1")
    with pytest.raises(TypeError, match="list of names"):
        Viewer("http://127.0.0.1:9", "P-1")
    with pytest.raises(ValueError, match="name a stream"):
        Viewer("http://127.0.0.1:9", [])


def test_a_server_that_knows_no_binary_messages_gets_text() -> None:
    async def work(relay: Relay) -> None:
        relay.speaks = False
        async with Streamer(relay.url, "P-1") as s:
            await s.send(JPEG)
        await until(lambda: len(relay.newest.texts) == 2, "the frame")
        frame = relay.newest.texts[1]
        assert frame["type"] == "frame"
        assert base64.b64decode(frame["frame"].removeprefix("data:image/jpeg;base64,")) == JPEG

    run(work)


def test_pings_are_answered_and_the_servers_words_are_kept() -> None:
    async def work(relay: Relay) -> None:
        told: list[str] = []
        async with Streamer(relay.url, "P-1", on_state=lambda _, why: told.append(why)) as s:
            await relay.newest.say(type="ping")
            await relay.newest.say(type="warning", message="no message for 10 s")
            await relay.newest.say(type="stream_stats", viewers=3, received=12, bad=1, dropped=2)
            await relay.newest.say(type="something new", of=[1])
            await relay.newest.ws.send_str("no JSON")
            await until(lambda: s.viewers == 3, "the figures")
            await until(lambda: {"type": "pong"} in relay.newest.texts, "the answer")
            assert s.warning == "no message for 10 s"
            assert told[-1] == "the server warns: no message for 10 s"
            assert (s.stats.received, s.stats.bad, s.stats.excess) == (12, 1, 2)
            assert s.state is State.READY

    run(work)


def test_a_network_that_takes_nothing_makes_nothing_wait_and_nothing_grow() -> None:
    async def work(relay: Relay) -> None:
        relay.reads = False
        async with Streamer(relay.url, "P-1") as s:
            body = jpeg(0, 1 << 20)
            # Fills what the kernel takes.
            for _ in range(40):
                await s.send(body)
                await asyncio.sleep(0.01)
            gc.collect()
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            took = []
            for number in range(100):
                begun = time.monotonic()
                await s.send(jpeg(number, 1 << 20))
                took.append(time.monotonic() - begun)
            grown = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            assert grown < 4 << 20, grown
            # A busy machine may take a rest in one of them.
            assert statistics.median(took) < 1.0
            assert s.stats.offered == 140
            assert s.stats.sent < 40
            assert s.stats.dropped >= 99
            relay.newest.reads.set()
            await until(lambda: s.stats.sent + s.stats.dropped == 140, "the rest goes out")
            await until(lambda: len(relay.newest.frames) == s.stats.sent, "the rest comes in")
            assert relay.newest.frames[-1][20:] == jpeg(99, 1 << 20), "the newest"

    run(work)


# What a server says when it takes no stream.


@pytest.mark.parametrize(
    ("code", "kind"), [(4090, NameTaken), (1013, AtCapacity), (1008, NotAllowed), (4410, Ended), (4999, Unreachable)]
)
def test_a_refusal_is_an_error_of_its_own_with_the_servers_words(code: int, kind: type[SightwireError]) -> None:
    async def work(relay: Relay) -> None:
        relay.refuse = (code, "these very words")
        with pytest.raises(kind, match="^these very words$"):
            async with Streamer(relay.url, "P-1"):
                pass
        with pytest.raises(kind, match="^these very words$"):
            async with Viewer(relay.url):
                pass
        assert len(relay.sockets) == 2, "one try each"

    run(work)


def test_a_name_that_is_taken_is_no_reason_to_wait() -> None:
    async def work(relay: Relay) -> None:
        relay.refuse = (4090, "taken")
        with pytest.raises(NameTaken):
            async with Streamer(relay.url, "P-1", wait=20.0):
                pass
        assert len(relay.sockets) == 1

    run(work)


def test_who_waits_gets_the_place_that_becomes_free() -> None:
    async def work(relay: Relay) -> None:
        relay.refuse = (1013, "full")
        s = Streamer(relay.url, "P-1", wait=60.0)
        entering = asyncio.ensure_future(s.__aenter__())
        await until(lambda: s.state is State.AT_CAPACITY, "the refusal")
        relay.refuse = None
        await entering
        assert s.state is State.READY
        await s.close()

    run(work)


def test_a_server_that_answers_with_http_is_understood() -> None:
    async def work(relay: Relay) -> None:
        with pytest.raises(AtCapacity, match="HTTP 503"):
            async with Viewer(f"{relay.url}/full"):
                pass
        with pytest.raises(Unreachable, match=r"has no relay \(HTTP 404\)"):
            async with Viewer(f"{relay.url}/elsewhere"):
                pass

    run(work)


def test_nobody_there_and_nobody_who_greets_are_told_with_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(relay: Relay) -> None:
        with pytest.raises(Unreachable, match="http://127.0.0.1:9 "):
            async with Streamer("ws://127.0.0.1:9", "P-1"):
                pass
        relay.greet = False
        monkeypatch.setattr(link, "GREETING_S", 1.0)
        with pytest.raises(Unreachable, match="does not greet as a relay does"):
            async with Streamer(relay.url, "P-1"):
                pass

    run(work)


# Coming back.


@pytest.mark.parametrize("code", [1000, 1001, 1009, 1013, 4090, 4400])
def test_a_streamer_that_was_in_comes_back(code: int) -> None:
    async def work(relay: Relay) -> None:
        states: list[State] = []
        async with Streamer(relay.url, "P-1", on_state=lambda state, _: states.append(state)) as s:
            await relay.close(code, "words")
            await until(lambda: s.stats.connections == 2 and s.state is State.READY, "the second connection")
            away = {1013: State.AT_CAPACITY, 4090: State.NAME_TAKEN}.get(code, State.UNREACHABLE)
            assert states == [State.CONNECTING, State.READY, away, State.CONNECTING, State.READY]
            await s.send(jpeg(2))
            await until(lambda: len(relay.newest.frames) == 1, "a frame over the second")

    run(work)


@pytest.mark.parametrize(("code", "kind"), [(1008, NotAllowed), (4410, Ended)])
def test_a_streamer_that_is_not_wanted_does_not_come_back(code: int, kind: type[SightwireError]) -> None:
    async def work(relay: Relay) -> None:
        async with Streamer(relay.url, "P-1") as s:
            await relay.close(code, "an administrator has ended it")
            await until(lambda: s.state is State.CLOSED, "the end")
            with pytest.raises(kind, match="administrator"):
                await s.send(JPEG)
            await asyncio.sleep(0.2)
        assert len(relay.sockets) == 1

    run(work)


def test_a_stream_that_was_ended_for_want_of_frames_goes_on_with_the_next() -> None:
    async def work(relay: Relay) -> None:
        async with Streamer(relay.url, "P-1") as s:
            await relay.close(4408, "no frame for 15 s")
            await until(lambda: s.state is State.QUIET, "the quiet")
            await asyncio.sleep(0.3)
            assert len(relay.sockets) == 1, "nothing to send, nothing to connect for"
            await asyncio.wait_for(s.ready(), 20)
            await s.send(jpeg(7))
            await until(lambda: len(relay.sockets) == 2 and bool(relay.newest.frames), "the frame")
            assert relay.newest.frames[0][20:] == jpeg(7)
            assert s.state is State.READY

    run(work)


def test_a_frame_that_has_waited_too_long_for_a_connection_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamer, "STALE_S", 0.1)

    async def work(relay: Relay) -> None:
        async with Streamer(relay.url, "P-1") as s:
            relay.refuse = (1013, "full")
            await relay.close(1001)
            await until(lambda: s.state is State.AT_CAPACITY, "the refusal")
            assert not await s.send(jpeg(1)), "nobody takes it now"
            await asyncio.sleep(0.2)
            relay.refuse = None
            await until(lambda: s.state is State.READY, "the second connection")
            await s.send(jpeg(2))
            await until(lambda: bool(relay.newest.frames), "a frame")
            assert [one[20:] for one in relay.newest.frames] == [jpeg(2)]
            assert s.stats.dropped == 1

    run(work)


def test_a_lost_connection_is_not_tried_anew_for_ever_if_so_wished() -> None:
    async def work(relay: Relay) -> None:
        async with Streamer(relay.url, "P-1", reconnect=0.0) as s, Viewer(relay.url, reconnect=0.0) as v:
            for socket in relay.sockets:
                await socket.ws.close(code=1001)
            with pytest.raises(Unreachable, match="stopping"):
                await next_of(v)
            await until(lambda: s.state is State.CLOSED, "the end")
            with pytest.raises(Unreachable, match="stopping"):
                await s.send(JPEG)

    run(work)


def test_a_server_that_falls_silent_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(relay: Relay) -> None:
        relay.reads = False  # and so no ping is answered
        whys: list[str] = []
        async with Streamer(relay.url, "P-1", silence=0.6, on_state=lambda _, why: whys.append(why)) as s:
            await until(lambda: s.stats.connections >= 2, "the second connection")
            assert any("the connection is dead" in why for why in whys), whys
            for socket in relay.sockets:
                socket.reads.set()

    run(work)
