"""The relay with the prototype's own client library. What the relay promises beyond that is tested in js/relay-*."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import cv2
import pytest

from harness import Server
from old_relay import Streamer, Viewer, fetch, picture, run, start

TAKEN = "This patient already has an active stream. Please stop the other stream before starting a new one."


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def quick() -> Iterator[Server]:
    """A server whose times are short. A viewer may be silent for three pings."""
    end = {"relay.end_after_s": "2", "relay.hidden_end_after_s": "2"}
    running = start(**end, **{"relay.warn_after_s": "1", "relay.ping_interval_s": "2"})
    yield running
    assert running.stop() == 0


def test_handshakes_get_their_answers_and_streams_are_listed(server: Server) -> None:
    hellos = {
        "P-new": ({"analysis_mode": "enhanced"}, "enhanced"),
        "P-older": ({"monitoring_conditions": ["cardiac"]}, "enhanced"),
        "P-bare": ({}, "normal"),
    }

    async def work() -> None:
        assert await fetch(server, "/streams/active") == {"active_streams": [], "stream_details": {}, "count": 0}
        streamers = [Streamer(server.url, name, hello) for name, (hello, _) in hellos.items()]
        for streamer, (name, (_, mode)) in zip(streamers, hellos.items()):
            await streamer.__aenter__()
            answer = await streamer.hears("connected")
            assert answer == {"type": "connected", "patient_id": name, "analysis_mode": mode, "warning": None}
            assert streamer.heard[0] == answer, "and nothing before it"
        listed = await fetch(server, "/streams/active")
        assert sorted(listed["active_streams"]) == sorted(hellos)
        assert listed["stream_details"] == {name: {"analysis_mode": mode} for name, (_, mode) in hellos.items()}
        async with Viewer(server.url) as viewer:
            greeting = await viewer.hears("viewer_connected")
            assert set(greeting) == {"type", "active_streams", "timestamp"}
            assert sorted(greeting["active_streams"]) == sorted(hellos)
            assert abs(greeting["timestamp"] - time.time()) < 20
        for streamer in streamers:
            await streamer.__aexit__()

    run(work)


def test_pictures_arrive_as_they_were_sent_in_messages_of_that_shape(server: Server) -> None:
    async def work() -> None:
        async with (
            Viewer(server.url) as everything,
            Viewer(server.url, "?streams=P-2") as chosen,
            Streamer(server.url, "P-1") as one,
            Streamer(server.url, "P-2") as two,
        ):
            for number in range(10):
                await one.frame(picture(number))
                await two.frame(picture(50 + number))
                await everything.sees("P-1", picture(number))
                await everything.sees("P-2", picture(50 + number))
                await chosen.sees("P-2", picture(50 + number))
            for message in everything.of("live_frame"):
                assert set(message) == {"type", "patient_id", "data"}
                assert list(message["data"]) == ["frame"]
            assert len(everything.of("live_frame")) == 20, "each once"
            assert {one["type"] for one in everything.heard} <= {"viewer_connected", "live_frame"}
            assert not chosen.of("live_frame", "P-1")

    run(work)


@pytest.mark.parametrize("how", ["goodbye", "hung up"])
def test_the_end_of_a_stream_is_told_at_once(server: Server, how: str) -> None:
    async def work() -> None:
        async with Viewer(server.url) as viewer, Streamer(server.url, "P-end") as streamer:
            await streamer.frame(picture())
            await viewer.sees("P-end", picture())
            if how == "goodbye":
                await streamer.ws.close()
            else:
                streamer.ws._response.connection.transport.abort()
            message = await viewer.hears("stream_ended")
            assert set(message) == {"type", "patient_id", "timestamp"}
            assert message["patient_id"] == "P-end"
            assert abs(message["timestamp"] - time.time()) < 20
            assert (await fetch(server, "/streams/active"))["count"] == 0

    run(work)


def test_a_stream_that_stops_and_starts_at_once_is_seen_again_each_time(server: Server) -> None:
    async def work() -> None:
        async with Viewer(server.url) as viewer:
            for number in range(10):
                async with Streamer(server.url, "P-again") as streamer:
                    await streamer.hears("connected")
                    await streamer.frame(picture(number))
                    await viewer.sees("P-again", picture(number))
                await viewer.hears("stream_ended", "P-again", number + 1)
            kinds = [one["type"] for one in viewer.heard if one["type"] in ("live_frame", "stream_ended")]
            assert kinds == ["live_frame", "stream_ended"] * 10, "in this order, and nothing late"

    run(work)


def test_a_second_streamer_is_refused_while_the_first_answers(server: Server) -> None:
    async def work() -> None:
        async with Viewer(server.url) as viewer, Streamer(server.url, "P-two") as first:
            await first.hears("connected")
            for number in range(3):
                async with Streamer(server.url, "P-two") as second:
                    assert await second.is_closed() == 4090
                    assert second.heard == [{"type": "error", "message": TAKEN}]
                await first.frame(picture(10 + number))
                await viewer.sees("P-two", picture(10 + number))
            assert not viewer.of("stream_ended")
            assert first.code is None

    run(work)


def test_each_side_may_ping(server: Server, quick: Server) -> None:
    async def work() -> None:
        async with Viewer(server.url) as viewer, Streamer(server.url, "P-pings") as streamer:
            await streamer.hears("connected")
            for end in (viewer, streamer):
                await end.say({"type": "ping"})
                pong = await end.hears("pong")
                assert set(pong) == {"type", "timestamp"}
        async with Viewer(quick.url) as viewer:
            ping = await viewer.hears("ping", count=2)
            assert set(ping) == {"type", "timestamp"}
            assert abs(ping["timestamp"] - time.time()) < 20

    run(work)


def test_who_is_silent_is_warned_and_then_ended(quick: Server) -> None:
    async def work() -> None:
        begun = time.monotonic()
        async with Viewer(quick.url) as viewer, Streamer(quick.url, "P-silent") as streamer:
            assert (await streamer.hears("warning"))["message"]
            assert time.monotonic() - begun > 0.9
            assert await streamer.is_closed() == 4408
            assert time.monotonic() - begun > 1.9
            assert (await streamer.hears("error"))["message"]
            await viewer.hears("stream_ended", "P-silent")

    run(work)


def test_ten_bad_frames_in_a_row_end_the_stream_and_nine_do_not(server: Server) -> None:
    async def work() -> None:
        async with Viewer(server.url) as viewer, Streamer(server.url, "P-bad") as streamer:
            await streamer.hears("connected")
            for _ in range(9):
                await streamer.frame("hello")
            await streamer.frame(picture())
            await viewer.sees("P-bad", picture())
            for _ in range(10):
                await streamer.frame(None)
            assert await streamer.is_closed() == 4400
            assert (await streamer.hears("error"))["message"]
            await viewer.hears("stream_ended", "P-bad")
            assert len(viewer.of("live_frame")) == 1, "nothing of it was shown"

    run(work)


def test_opencv_reads_a_stream_as_mjpeg(server: Server) -> None:
    def read() -> int:
        opened = cv2.VideoCapture(f"{server.url}/stream?camera=P-1")
        try:
            assert opened.isOpened()
            seen = set()
            for _ in range(30):
                good, image = opened.read()
                assert good
                assert image.shape == (120, 160, 3)
                seen.add(image.tobytes())
            return len(seen)
        finally:
            opened.release()

    async def work() -> None:
        async with Streamer(server.url, "P-1") as streamer:
            await streamer.hears("connected")
            reading = asyncio.get_running_loop().run_in_executor(None, read)
            number = 0
            while not reading.done():
                await streamer.frame(picture(number % 200))
                number += 1
                await asyncio.sleep(0.04)
            assert await reading >= 20, "each is another"

    run(work)


def test_a_server_that_stops_says_1001() -> None:
    # More than a server gets to stop: it is not to wait for those who are there.
    stopping = start(**{"server.drain_s": "60"})

    async def work() -> None:
        async with Streamer(stopping.url, "P-1") as streamer, Viewer(stopping.url) as viewer:
            await streamer.frame(picture())
            await viewer.sees("P-1", picture())
            assert await asyncio.get_running_loop().run_in_executor(None, stopping.stop) == 0
            assert (await streamer.is_closed(), await viewer.is_closed()) == (1001, 1001)

    try:
        run(work)
    finally:
        stopping.stop()
