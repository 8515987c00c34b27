"""Streamer and viewer against a relay that does what it is told: what they send, and what they make of what comes."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import time
import tracemalloc
from collections.abc import Awaitable
from typing import Any, Callable

import numpy as np
import pytest

from relay_fake import JPEG, Relay, jpeg, picture
from sightwire import (
    AtCapacity,
    Closed,
    Ended,
    NameTaken,
    NotAllowed,
    Picture,
    SightwireError,
    State,
    Streamer,
    StreamState,
    Unreachable,
    Viewer,
)
from sightwire.relay import link, session, streamer, streams, viewer
from support import until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits as in life would make the tests long."""
    monkeypatch.setattr(session, "RETRY_S", 0.05)
    monkeypatch.setattr(link, "GREETING_S", 1.0)


def run(work: Callable[[Relay], Awaitable[None]]) -> None:
    """Does it with a relay of its own."""

    async def whole() -> None:
        async with Relay() as relay:
            await asyncio.wait_for(work(relay), 30)

    asyncio.run(whole())


def state_of(view: Viewer, stream: str) -> StreamState | None:
    return view.states[stream].state if stream in view.states else None


async def next_of(view: Viewer, seconds: float = 5.0) -> Picture:
    return await asyncio.wait_for(view.__anext__(), seconds)


# The streamer.


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
        assert len(relay.newest.frames) == 1

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
            slowest = 0.0
            for number in range(100):
                begun = time.monotonic()
                await s.send(jpeg(number, 1 << 20))
                slowest = max(slowest, time.monotonic() - begun)
            grown = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            assert grown < 4 << 20, grown
            assert slowest < 2.0
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
        s = Streamer(relay.url, "P-1", wait=20.0)
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


def test_nobody_there_and_nobody_who_greets_are_told_with_the_address() -> None:
    async def work(relay: Relay) -> None:
        with pytest.raises(Unreachable, match="http://127.0.0.1:9 "):
            async with Streamer("ws://127.0.0.1:9", "P-1"):
                pass
        relay.greet = False
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
            await asyncio.wait_for(s.ready(), 1)
            await s.send(jpeg(7))
            await until(lambda: len(relay.sockets) == 2 and bool(relay.newest.frames), "the frame")
            assert relay.newest.frames[0][20:] == jpeg(7)
            assert s.state is State.READY

    run(work)


def test_a_frame_that_has_waited_too_long_for_a_connection_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamer, "STALE_S", 0.1)
    monkeypatch.setattr(session, "RETRY_S", 0.8)

    async def work(relay: Relay) -> None:
        async with Streamer(relay.url, "P-1") as s:
            await relay.close(1001)
            await until(lambda: s.state is State.UNREACHABLE, "the end")
            assert not await s.send(jpeg(1)), "nobody takes it now"
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
            await until(lambda: s.stats.connections >= 2, "the second connection", 5)
            assert any("the connection is dead" in why for why in whys), whys
            for socket in relay.sockets:
                socket.reads.set()

    run(work)


# The viewer.


def test_a_viewer_gets_pictures_with_what_is_known_of_them() -> None:
    async def work(relay: Relay) -> None:
        async with Viewer(relay.url, ["Zürich", "a,b"]) as v:
            assert relay.newest.query == "streams=Z%C3%BCrich,a%2Cb"
            await relay.newest.ws.send_bytes(picture("Zürich", 41, jpeg(1), 1234.5))
            got = await next_of(v)
            assert got == Picture("Zürich", 41, 1234.5, jpeg(1))
            assert got.detections == ()
            assert v.states["Zürich"].state is StreamState.LIVE
            assert v.states["a,b"].state is StreamState.WAITING
        assert [one async for one in v] == [], "the iterator ends when the viewer is closed"

    run(work)


def test_a_picture_is_an_image_and_what_is_none_is_an_error() -> None:
    import cv2

    body = cv2.imencode(".jpg", np.full((8, 10, 3), (255, 0, 0), np.uint8))[1].tobytes()
    image = Picture("P-1", 1, 0.0, body).image()
    assert image.shape == (8, 10, 3)
    assert image[4, 4, 0] > 200 > 50 > image[4, 4, 2]
    with pytest.raises(SightwireError, match="picture 7 of 'P-1' is no JPEG"):
        Picture("P-1", 7, 0.0, JPEG).image()


def test_a_slow_reader_gets_the_newest_and_streams_take_turns() -> None:
    async def work(relay: Relay) -> None:
        async with Viewer(relay.url) as v:
            for number in range(1, 51):
                for stream in ("P-1", "P-2"):
                    await relay.newest.ws.send_bytes(picture(stream, number, jpeg(number)))
            await until(lambda: v.stats.pictures == 100, "all of them")
            got = [await next_of(v) for _ in range(2)]
            assert [(one.stream, one.sequence) for one in got] == [("P-1", 50), ("P-2", 50)]
            assert v.stats.skipped == 98
            assert v.stats.missed == 0
            # A fast stream does not push a slow one aside.
            await relay.newest.ws.send_bytes(picture("P-2", 51, jpeg(51)))
            for number in range(51, 60):
                await relay.newest.ws.send_bytes(picture("P-1", number, jpeg(number)))
            await until(lambda: v.stats.pictures == 110, "all of them")
            assert [(await next_of(v)).stream for _ in range(2)] == ["P-2", "P-1"]

    run(work)


def test_gaps_are_counted_as_missed() -> None:
    async def work(relay: Relay) -> None:
        async with Viewer(relay.url) as v:
            for number in (10, 11, 15, 16):
                await relay.newest.ws.send_bytes(picture("P-1", number, jpeg(number)))
            await until(lambda: v.stats.pictures == 4, "all of them")
            assert v.stats.missed == v.states["P-1"].missed == 3
            assert 40 < v.states["P-1"].lost_percent < 45

    run(work)


def test_a_reader_that_never_reads_keeps_next_to_nothing() -> None:
    async def work(relay: Relay) -> None:
        async with Viewer(relay.url, overlays=True) as v:
            gc.collect()
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            for number in range(500):
                name = f"P-{number % 3}"
                await relay.newest.ws.send_bytes(picture(name, number, jpeg(number, 100_000)))
                await relay.newest.say(type="overlay_data", patient_id=name, frame_num=number, data={"metrics": None})
            await until(lambda: v.stats.pictures == 500, "all of them")
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            assert grown < 2_000_000, grown

    run(work)


def test_names_without_end_make_nothing_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_STREAMS", 10)

    async def work(relay: Relay) -> None:
        async with Viewer(relay.url, overlays=True) as v:
            for number in range(100):
                name = f"P-{number}"
                await relay.newest.ws.send_bytes(picture(name, 1, JPEG))
                await relay.newest.say(type="overlay_data", patient_id=name, frame_num=1, data={"metrics": None})
                await relay.newest.say(type="stream_ended", patient_id=name)
            await until(lambda: state_of(v, "P-99") is StreamState.ENDED, "the last")
            assert len(v.states) == 10
        assert len([one async for one in v]) <= 10

    run(work)


def test_what_nobody_expects_is_ignored() -> None:
    async def work(relay: Relay) -> None:
        async with Viewer(relay.url) as v:
            ws = relay.newest.ws
            for message in (b"", b"\x01", b"\x07" + bytes(40), picture("x", 1, b"")):
                await ws.send_bytes(message)
            for text in ("", "[", "7", '{"type":7}', '{"type":"live_frame"}', "[" * 100_000):
                await ws.send_str(text)
            for kind in ("live_frame", "overlay_data", "stream_ended", "stream_state", "pong", "new"):
                for name in (None, 7, "never seen"):
                    await relay.newest.say(type=kind, patient_id=name, data={"frame": 7}, state=[], timestamp="x")
            await relay.newest.ws.send_bytes(picture("P-1", 1, JPEG))
            assert (await next_of(v)).stream == "P-1"
            assert v.state is State.READY
            assert v.stats.pictures == 1

    run(work)


def test_text_from_a_server_without_binary_messages_is_understood() -> None:
    async def work(relay: Relay) -> None:
        relay.speaks = False
        relay.active = ["P-1"]
        frame = "data:image/jpeg;base64," + base64.b64encode(JPEG).decode()
        async with Viewer(relay.url) as v:
            assert state_of(v, "P-1") is StreamState.WAITING
            await relay.newest.say(type="live_frame", patient_id="P-1", data={"frame": frame})
            got = await next_of(v)
            assert (got.stream, got.sequence, got.jpeg) == ("P-1", 1, JPEG)
            assert abs(got.captured - time.time()) < 5
            await relay.newest.say(type="live_frame", patient_id="P-1", data={"frame": frame})
            assert (await next_of(v)).sequence == 2
            await relay.newest.say(type="stream_ended", patient_id="P-1", timestamp=1.0)
            await until(lambda: state_of(v, "P-1") is StreamState.ENDED, "the end")

    run(work)


def test_states_are_told_as_they_change() -> None:
    async def work(relay: Relay) -> None:
        seen: list[tuple[str, StreamState]] = []
        async with Viewer(relay.url, on_stream=lambda one: seen.append((one.stream, one.state))) as v:
            state = {"type": "stream_state", "patient_id": "P-1", "kind": "relay", "analysis_mode": "normal"}
            for name, reason in (("running", None), ("running", None), ("stalled", "no picture for 3 s")):
                await relay.newest.say(**state, state=name, reason=reason, since_s=3.0)
            # The picture that a late viewer gets of a stalled stream does not make it live.
            await relay.newest.ws.send_bytes(picture("P-1", 5, JPEG))
            await next_of(v)
            view = v.states["P-1"]
            assert (view.state, view.reason) == (StreamState.STALLED, "no picture for 3 s")
            assert view.since >= 3.0
            await relay.newest.say(type="stream_ended", patient_id="P-1", reason="the sender has left")
            await until(lambda: state_of(v, "P-1") is StreamState.ENDED, "the end")
            assert v.states["P-1"].reason == "the sender has left"
        assert seen == [("P-1", one) for one in (StreamState.LIVE, StreamState.STALLED, StreamState.ENDED)]

    run(work)


def test_the_last_picture_of_a_stream_is_given_for_a_second_and_not_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "STALE_S", 0.2)

    async def work(relay: Relay) -> None:
        async with Viewer(relay.url) as v:
            await relay.newest.ws.send_bytes(picture("P-1", 1, JPEG))
            await relay.newest.say(type="stream_ended", patient_id="P-1")
            assert (await next_of(v)).sequence == 1
            await relay.newest.ws.send_bytes(picture("P-2", 1, JPEG))
            await relay.newest.say(type="stream_ended", patient_id="P-2")
            await until(lambda: state_of(v, "P-2") is StreamState.ENDED, "the end")
            await asyncio.sleep(0.3)
            await relay.newest.ws.send_bytes(picture("P-3", 1, JPEG))
            assert (await next_of(v)).stream == "P-3", "the old one was let go"
            # One that is there is given however long ago it came: it is the newest.
            await relay.newest.ws.send_bytes(picture("P-3", 2, JPEG))
            await until(lambda: v.stats.pictures == 4, "its arrival")
            await asyncio.sleep(0.3)
            assert (await next_of(v)).sequence == 2

    run(work)


def test_detections_come_with_pictures_and_by_themselves() -> None:
    async def work(relay: Relay) -> None:
        async with Viewer(relay.url, overlays=True) as v:
            assert relay.newest.query == "overlays=1"
            found = {"label": "car", "confidence": 0.9, "box": [1, 2, 3, 4], "track": 5}
            data = {"landmarks": [], "metrics": {"width": 640, "height": 480, "detections": [found]}}
            await relay.newest.ws.send_bytes(picture("P-1", 7, JPEG))
            assert (await next_of(v)).overlay is None
            await relay.newest.say(type="overlay_data", patient_id="P-1", frame_num=7, data=data)
            overlay = await asyncio.wait_for(v.overlays().__anext__(), 5)
            assert (overlay.frame, overlay.detections[0].label, overlay.detections[0].track) == (7, "car", 5)
            await relay.newest.ws.send_bytes(picture("P-1", 8, JPEG))
            assert (await next_of(v)).detections == overlay.detections
            await relay.newest.say(type="stream_ended", patient_id="P-1")
            await relay.newest.ws.send_bytes(picture("P-1", 1, JPEG))
            assert (await next_of(v)).overlay is None, "nothing of the stream before it"
        async with Viewer(relay.url) as v:
            with pytest.raises(ValueError, match="overlays=True"):
                await v.overlays().__anext__()

    run(work)


def test_delays_are_told_by_the_servers_clock() -> None:
    async def work(relay: Relay) -> None:
        relay.clock_ahead = 3600.0
        async with Viewer(relay.url) as v:
            await until(lambda: v.clock_offset is not None, "its clock")
            assert v.clock_offset == pytest.approx(3600.0, abs=0.5)
            await relay.newest.ws.send_bytes(picture("P-1", 1, JPEG, time.time() + 3600.0 - 0.4))
            await next_of(v)
            assert v.states["P-1"].delay == pytest.approx(0.4, abs=0.3)

    run(work)


def test_a_question_for_the_clock_that_gets_lost_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "UNANSWERED_S", 0.1)
    monkeypatch.setattr(viewer, "PROBE_S", 0.1)

    async def work(relay: Relay) -> None:
        relay.answers = False
        async with Viewer(relay.url) as v:
            await until(lambda: bool(relay.newest.texts), "the question")
            relay.answers = True
            await until(lambda: v.clock_offset is not None, "its clock", 3)

    run(work)


def test_a_viewer_comes_back_and_knows_what_has_gone_meanwhile() -> None:
    async def work(relay: Relay) -> None:
        seen: list[tuple[str, str]] = []
        relay.active = ["P-1", "P-2"]
        async with Viewer(relay.url, on_stream=lambda one: seen.append((one.stream, one.state.value))) as v:
            for stream in relay.active:
                await relay.newest.ws.send_bytes(picture(stream, 500, JPEG))
                await next_of(v)
            relay.active = ["P-2"]
            await relay.close(1001)
            await until(lambda: v.stats.connections == 2, "the second connection")
            assert ("P-1", "waiting") in seen and ("P-2", "waiting") in seen
            assert state_of(v, "P-1") is StreamState.ENDED
            assert state_of(v, "P-2") is StreamState.WAITING
            await relay.newest.ws.send_bytes(picture("P-2", 900, JPEG))
            assert (await next_of(v)).sequence == 900
            assert state_of(v, "P-2") is StreamState.LIVE
            assert v.stats.missed == 0, "what a dead connection did not bring is no loss of this one"

    run(work)


@pytest.mark.parametrize(("code", "kind"), [(4410, Ended), (1008, NotAllowed)])
def test_a_viewer_that_is_sent_off_does_not_come_back(code: int, kind: type[SightwireError]) -> None:
    async def work(relay: Relay) -> None:
        async with Viewer(relay.url) as v:
            await relay.close(code, "sent off")
            with pytest.raises(kind, match="^sent off$"):
                await next_of(v)
            await asyncio.sleep(0.2)
        assert len(relay.sockets) == 1

    run(work)


def test_the_servers_pings_are_answered_by_a_viewer_too() -> None:
    async def work(relay: Relay) -> None:
        async with Viewer(relay.url):
            await relay.newest.ws.send_str(json.dumps({"type": "ping", "timestamp": 1.0}))
            await until(lambda: {"type": "pong"} in relay.newest.texts, "the answer")

    run(work)


def test_clients_are_entered_once_and_not_used_before() -> None:
    async def work(relay: Relay) -> None:
        s, v = Streamer(relay.url, "P-1"), Viewer(relay.url)
        with pytest.raises(Closed, match="not entered"):
            await s.send(JPEG)
        with pytest.raises(Closed, match="not entered"):
            await next_of(v)
        async with s, v:
            pass
        for client in (s, v):
            with pytest.raises(Closed, match="entered once"):
                await client.__aenter__()

    run(work)


def test_closing_leaves_no_task_behind() -> None:
    async def work(relay: Relay) -> None:
        before = len(asyncio.all_tasks())
        async with Streamer(relay.url, "P-1") as s, Viewer(relay.url) as v:
            await s.send(JPEG)
            await relay.sockets[1].ws.send_bytes(picture("P-1", 1, JPEG))
            await next_of(v)
        await until(lambda: len(asyncio.all_tasks()) <= before, "all tasks ended", 2)

    run(work)
