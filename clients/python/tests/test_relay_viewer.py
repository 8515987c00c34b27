"""The viewer against a relay that does what it is told: what it makes of what comes. And what both clients do alike."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import time
import tracemalloc

import numpy as np
import pytest

from relay_fake import JPEG, Relay, jpeg, picture, run
from sightwire import (
    Closed,
    Ended,
    NotAllowed,
    Picture,
    SightwireError,
    State,
    Streamer,
    StreamState,
    Viewer,
)
from sightwire.relay import streams, viewer
from support import next_of, until

pytestmark = pytest.mark.usefixtures("quick")


def state_of(view: Viewer, stream: str) -> StreamState | None:
    return view.states[stream].state if stream in view.states else None


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


def test_gaps_are_counted_as_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WINDOW_S", 60.0)

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
            assert abs(got.captured - time.time()) < 20
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
    monkeypatch.setattr(viewer, "STALE_S", 60.0)

    async def work(relay: Relay) -> None:
        async with Viewer(relay.url) as v:
            await relay.newest.ws.send_bytes(picture("P-1", 1, JPEG))
            await relay.newest.say(type="stream_ended", patient_id="P-1")
            assert (await next_of(v)).sequence == 1
            monkeypatch.setattr(viewer, "STALE_S", 0.2)
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
            overlay = await asyncio.wait_for(v.overlays().__anext__(), 20)
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


def test_delays_are_told_by_the_servers_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WINDOW_S", 60.0)

    async def work(relay: Relay) -> None:
        relay.clock_ahead = 3600.0
        async with Viewer(relay.url) as v:
            # The quickest answer counts, and there are several.
            await until(lambda: v.clock_offset == pytest.approx(3600.0, abs=0.2), "its clock")
            await relay.newest.ws.send_bytes(picture("P-1", 1, JPEG, time.time() + 3600.0 - 0.4))
            await next_of(v)
            delay = v.states["P-1"].delay
            assert delay is not None and 0.1 < delay < 20

    run(work)


def test_a_question_for_the_clock_that_gets_lost_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "UNANSWERED_S", 0.1)
    monkeypatch.setattr(viewer, "PROBE_S", 0.1)

    async def work(relay: Relay) -> None:
        relay.answers = False
        async with Viewer(relay.url) as v:
            await until(lambda: bool(relay.newest.texts), "the question")
            relay.answers = True
            await until(lambda: v.clock_offset is not None, "its clock")

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
        await until(lambda: len(asyncio.all_tasks()) <= before, "all tasks ended")

    run(work)
