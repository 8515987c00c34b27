"""The relay as pages of the prototype know it (handshakes, messages, codes), and as the hub's other readers see it."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Awaitable, Iterator
from urllib.parse import quote

import aiohttp
import cv2
import numpy as np
import pytest

from harness import Camera, Server
from old_relay import (
    PREFIX,
    V1,
    Raw,
    Streamer,
    Viewer,
    data_url,
    fetch,
    picture,
    request,
    run,
    start,
    until,
    until_gone,
)

TAKEN = "This patient already has an active stream. Please stop the other stream before starting a new one."


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def quick() -> Iterator[Server]:
    """A server whose times are short."""
    running = start(**{"relay.warn_after_s": "1", "relay.end_after_s": "2", "relay.ping_interval_s": "1"})
    yield running
    assert running.stop() == 0


# Handshakes.


@pytest.mark.parametrize(
    ("hello", "mode"),
    [
        ({"analysis_mode": "normal"}, "normal"),
        ({"analysis_mode": "enhanced"}, "enhanced"),
        ({"analysis_mode": "enhanced", "device": {"name": "ward 3"}}, "enhanced"),
        ({"analysis_mode": "turbo"}, "normal"),
        ({"analysis_mode": 7}, "normal"),
        ({"analysis_mode": None}, "normal"),
        ({}, "normal"),
        # The oldest clients.
        ({"monitoring_conditions": []}, "normal"),
        ({"monitoring_conditions": ["cardiac"]}, "enhanced"),
        ({"monitoring_conditions": ["cardiac", {"of": [1]}]}, "enhanced"),
        ({"monitoring_conditions": "cardiac"}, "normal"),
    ],
    ids=json.dumps,
)
def test_each_handshake_gets_its_answer(server: Server, hello: dict, mode: str) -> None:
    async def work() -> None:
        async with Streamer(server.url, "P-hello", hello) as streamer:
            answer = await streamer.hears("connected")
            assert answer == {"type": "connected", "patient_id": "P-hello", "analysis_mode": mode, "warning": None}
            assert streamer.heard[0] == answer, "and nothing before it"

    run(work)


def test_a_viewer_is_greeted_with_what_is_there(server: Server) -> None:
    async def work() -> None:
        async with Viewer(server.url) as early:
            greeting = await early.hears("viewer_connected")
            assert early.heard[0] == greeting
            assert set(greeting) == {"type", "active_streams", "timestamp"}
            assert greeting["active_streams"] == []
            assert isinstance(greeting["timestamp"], float)
            assert abs(greeting["timestamp"] - time.time()) < 2
            async with Streamer(server.url, "P-there") as streamer:
                await streamer.hears("connected")
                await streamer.frame(picture())
                async with Viewer(server.url) as late:
                    assert (await late.hears("viewer_connected"))["active_streams"] == ["P-there"]

    run(work)


def test_active_streams_are_listed(server: Server) -> None:
    async def work() -> None:
        assert await fetch(server, "/streams/active") == {"active_streams": [], "stream_details": {}, "count": 0}
        async with (
            Streamer(server.url, "P-1") as one,
            Streamer(server.url, "P-2", {"analysis_mode": "enhanced"}) as two,
        ):
            await one.hears("connected")
            await two.hears("connected")
            listed = await fetch(server, "/streams/active")
            assert sorted(listed.pop("active_streams")) == ["P-1", "P-2"]
            assert listed == {
                "stream_details": {"P-1": {"analysis_mode": "normal"}, "P-2": {"analysis_mode": "enhanced"}},
                "count": 2,
            }

    run(work)


# Pictures.


def test_pictures_arrive_as_they_were_sent_in_messages_of_that_shape(server: Server) -> None:
    async def work() -> None:
        async with Viewer(server.url) as viewer, Streamer(server.url, "P-1") as streamer:
            for number in range(20):
                await streamer.frame(picture(number))
                await viewer.sees("P-1", picture(number))
            for message in viewer.of("live_frame"):
                assert set(message) == {"type", "patient_id", "data"}
                assert message["patient_id"] == "P-1"
                assert list(message["data"]) == ["frame"]
            assert len(viewer.of("live_frame")) == 20, "each once"
            assert {one["type"] for one in viewer.heard} <= {"viewer_connected", "live_frame"}

    run(work)


def test_a_message_may_be_written_in_any_way_that_json_has(server: Server) -> None:
    frame = data_url(picture(1))
    ways = [
        json.dumps({"frame": frame, "type": "frame"}),
        json.dumps({"type": "frame", "frame": frame}, indent=4),
        json.dumps({"type": "frame", "at": {"frame": "no"}, "n": [1, "frame", {}], "frame": frame, "z": None}),
        '{"type":"frame","frame":"' + frame.replace("/", "\\/") + '"}',
        '{"type":"frame","frame":"' + frame.replace("d", "\\u0064", 1) + '"}',
        '{"typ\\u0065":"fr\\u0061me","frame":"' + frame + '"}',
        '\r\n\t {"type" : "frame" ,\n"frame" : "' + frame + '" } ',
        json.dumps({"type": "frame", "note": 'a "frame": \\ "data:image', "frame": frame}),
    ]

    async def work() -> None:
        async with Viewer(server.url) as viewer, Streamer(server.url, "P-ways") as streamer:
            await streamer.hears("connected")
            for number, way in enumerate(ways):
                await streamer.frame(picture(100 + number))
                await viewer.sees("P-ways", picture(100 + number))
                await streamer.say(way)
                await viewer.sees("P-ways", picture(1))

    run(work)


def test_a_name_may_be_almost_anything(server: Server) -> None:
    names = ["Zürich 1/2", 'quo"te\\', "日本", "a,b", "100%", "ä" * 64, "...", "<b>&amp;"]

    async def work() -> None:
        for name in names:
            async with Viewer(server.url) as viewer, Streamer(server.url, name) as streamer:
                assert (await streamer.hears("connected"))["patient_id"] == name
                await streamer.frame(picture(2))
                await viewer.sees(name, picture(2))
                assert (await fetch(server, "/streams/active"))["active_streams"] == [name]
                async with Viewer(server.url, f"?streams={quote(name, safe='')}") as chosen:
                    await chosen.sees(name, picture(2))
            await until_gone(server)

    run(work)


@pytest.mark.parametrize("path", ["a" * 129, "%C3%A4" * 65, "a%0Ab", "%00", "a%7Fb", "%FF%FE", "*", "%2E", "%2E%2E"])
def test_a_name_that_is_none_is_refused_with_1008_or_400(server: Server, path: str) -> None:
    with Raw(server.url, f"/ws/stream/{path}") as raw:
        if raw.status == 101:
            raw.say({"analysis_mode": "normal"})
            assert raw.hears("error")["message"]
            assert raw.close_code() == 1008
        else:
            assert raw.status == 400


def test_two_streams_reach_everyone_and_a_choice_only_who_chose(server: Server) -> None:
    async def work() -> None:
        async with (
            Viewer(server.url) as everything,
            Viewer(server.url, "?streams=P-2") as second,
            Viewer(server.url, "?streams=P-1,P-3") as others,
            Streamer(server.url, "P-1") as one,
            Streamer(server.url, "P-2") as two,
        ):
            for number in range(10):
                await one.frame(picture(number))
                await two.frame(picture(50 + number))
                await everything.sees("P-1", picture(number))
                await everything.sees("P-2", picture(50 + number))
                await second.sees("P-2", picture(50 + number))
                await others.sees("P-1", picture(number))
            assert not second.of("live_frame", "P-1")
            assert not others.of("live_frame", "P-2")
            await one.ws.close()
            await everything.hears("stream_ended", "P-1")
            await others.hears("stream_ended", "P-1")
            await two.frame(picture(99))
            await everything.sees("P-2", picture(99))
            assert not second.of("stream_ended")

    run(work)


def test_a_viewer_that_joins_late_gets_the_newest_picture_at_once(server: Server) -> None:
    async def work() -> None:
        async with Viewer(server.url) as witness, Streamer(server.url, "P-late") as streamer:
            for number in range(3):
                await streamer.frame(picture(number))
                await witness.sees("P-late", picture(number))
            begun = time.monotonic()
            async with Viewer(server.url) as late:
                await late.sees("P-late", picture(2), 1)
                assert time.monotonic() - begun < 3.0
                assert len(late.of("live_frame")) == 1

    run(work)


# Ends and beginnings.


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
            message = await viewer.hears("stream_ended", seconds=1)
            assert set(message) == {"type", "patient_id", "timestamp"}
            assert message["patient_id"] == "P-end"
            assert abs(message["timestamp"] - time.time()) < 2
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


def test_starting_and_stopping_in_any_order_leaves_what_is_there(server: Server) -> None:
    async def work() -> None:
        async with Viewer(server.url) as viewer:
            a, b = Streamer(server.url, "A"), Streamer(server.url, "B")
            await a.__aenter__()
            await a.frame(picture(1))
            await viewer.sees("A", picture(1))
            await b.__aenter__()
            await b.frame(picture(2))
            await viewer.sees("B", picture(2))
            await a.__aexit__()
            await viewer.hears("stream_ended", "A")
            await b.frame(picture(3))
            await viewer.sees("B", picture(3))
            assert (await fetch(server, "/streams/active"))["active_streams"] == ["B"]
            await b.__aexit__()
            await viewer.hears("stream_ended", "B")

    run(work)


def test_a_server_that_stops_says_1001(server: Server) -> None:
    async def work() -> None:
        stopping = await asyncio.get_running_loop().run_in_executor(None, start)
        async with Streamer(stopping.url, "P-1") as streamer, Viewer(stopping.url) as viewer:
            await streamer.frame(picture())
            await viewer.sees("P-1", picture())
            begun = time.monotonic()
            code = await asyncio.get_running_loop().run_in_executor(None, stopping.stop)
            assert code == 0
            assert time.monotonic() - begun < 5
            assert (await streamer.is_closed(), await viewer.is_closed()) == (1001, 1001)

    run(work)


# A second streamer of the same name.


def test_a_second_streamer_is_refused_while_the_first_answers(server: Server) -> None:
    async def work() -> None:
        async with Viewer(server.url) as viewer, Streamer(server.url, "P-two") as first:
            await first.hears("connected")
            await first.frame(picture(1))
            for number in range(3):
                async with Streamer(server.url, "P-two") as second:
                    assert await second.is_closed() == 4090
                    assert second.heard == [{"type": "error", "message": TAKEN}]
                await first.frame(picture(10 + number))
                await viewer.sees("P-two", picture(10 + number))
            assert not viewer.of("stream_ended")
            assert first.code is None

    run(work)


def test_a_streamer_that_does_not_answer_in_two_seconds_loses_the_name(server: Server) -> None:
    async def work() -> None:
        async with Viewer(server.url) as viewer:
            with Raw(server.url, "/ws/stream/P-lost") as lost:
                lost.say({"analysis_mode": "enhanced"})
                lost.hears("connected")
                lost.say({"type": "frame", "frame": data_url(picture(1))})
                await viewer.sees("P-lost", picture(1))
                begun = time.monotonic()
                async with Streamer(server.url, "P-lost") as streamer:
                    await streamer.hears("connected", seconds=4)
                    assert 1.5 < time.monotonic() - begun < 3.5
                    await streamer.frame(picture(2))
                    await viewer.sees("P-lost", picture(2))
                    listed = await fetch(server, "/streams/active")
                    assert listed["stream_details"] == {"P-lost": {"analysis_mode": "normal"}}
                    # What the lost one still sends is not shown, and its end is not the stream's.
                    ended = len(viewer.of("stream_ended"))
                    lost.socket.close()
                    await asyncio.sleep(0.3)
                    await streamer.frame(picture(3))
                    await viewer.sees("P-lost", picture(3))
                    assert len(viewer.of("stream_ended")) == ended

    run(work)


def test_of_many_that_want_a_lost_name_one_gets_it(server: Server) -> None:
    async def work() -> None:
        with Raw(server.url, "/ws/stream/P-crowd") as lost:
            lost.say({"analysis_mode": "normal"})
            lost.hears("connected")
            crowd = [Streamer(server.url, "P-crowd") for _ in range(5)]
            for one in crowd:
                await one.__aenter__()
            await until(lambda: all(one.heard for one in crowd), 10, "an answer for each")
            kinds = sorted(one.heard[0]["type"] for one in crowd)
            assert kinds == ["connected"] + ["error"] * 4
            assert (await fetch(server, "/streams/active"))["count"] == 1
            for one in crowd:
                await one.__aexit__()

    run(work)


# Bad frames.

BAD = ["", "hello", "http://x/y.jpg", "data:text/plain,x", 7, None, [], {}, True, ["data:image/jpeg;base64,"]]


@pytest.mark.parametrize("bad", BAD, ids=json.dumps)
def test_ten_bad_frames_in_a_row_end_the_stream_and_nine_do_not(server: Server, bad: object) -> None:
    async def work() -> None:
        async with Viewer(server.url) as viewer, Streamer(server.url, "P-bad") as streamer:
            await streamer.hears("connected")
            for number in range(3):
                for _ in range(9):
                    await streamer.frame(bad)
                await streamer.frame(picture(number))
                await viewer.sees("P-bad", picture(number))
            for _ in range(10):
                await streamer.frame(bad)
            assert await streamer.is_closed() == 4400
            assert (await streamer.hears("error"))["message"]
            await viewer.hears("stream_ended", "P-bad")
            assert len(viewer.of("live_frame")) == 3, "nothing of it was shown"

    run(work)


def test_a_frame_without_a_frame_is_a_bad_one(server: Server) -> None:
    async def work() -> None:
        async with Streamer(server.url, "P-none") as streamer:
            for _ in range(10):
                await streamer.say({"type": "frame"})
            assert await streamer.is_closed() == 4400

    run(work)


def test_messages_that_nobody_knows_do_no_harm(server: Server) -> None:
    async def work() -> None:
        async with Viewer(server.url) as viewer, Streamer(server.url, "P-odd") as streamer:
            await streamer.hears("connected")
            for end in (streamer, viewer):
                for odd in ({"type": "dance"}, {}, {"type": 7}, {"type": "pong"}, {"type": "connected"}):
                    for _ in range(5):
                        await end.say(odd)
            await streamer.frame(picture(4))
            await viewer.sees("P-odd", picture(4))

    run(work)


# Time.


def test_a_silent_streamer_is_warned_and_then_ended(quick: Server) -> None:
    async def work() -> None:
        async with Viewer(quick.url) as viewer, Streamer(quick.url, "P-silent") as streamer:
            await streamer.hears("connected")
            await streamer.frame(picture())
            begun = time.monotonic()
            warning = await streamer.hears("warning", seconds=3)
            assert 0.5 < time.monotonic() - begun < 2
            assert warning["message"]
            assert await streamer.is_closed(4) == 4408
            assert 1.5 < time.monotonic() - begun < 3.5
            assert (await streamer.hears("error"))["message"]
            await viewer.hears("stream_ended", "P-silent")

    run(work)


def test_frames_keep_a_stream_and_pings_alone_do_not(quick: Server) -> None:
    async def work() -> None:
        async with Streamer(quick.url, "P-frames") as frames, Streamer(quick.url, "P-pings") as pings:
            await pings.hears("connected")
            begun = time.monotonic()
            while pings.code is None and time.monotonic() - begun < 5:
                await frames.frame(picture())
                if pings.code is None:
                    await pings.say({"type": "ping"})
                await asyncio.sleep(0.3)
            assert pings.code == 4408
            assert not pings.of("warning"), "it did say something"
            await asyncio.sleep(0.1)
            assert frames.code is None
            assert not frames.of("warning")

    run(work)


def test_a_streamer_that_never_says_hello_is_not_kept(quick: Server) -> None:
    with Raw(quick.url, "/ws/stream/P-mute") as raw:
        begun = time.monotonic()
        raw.close_code()
        assert time.monotonic() - begun < 5


def test_viewers_are_pinged_and_each_side_may_ask(quick: Server) -> None:
    async def work() -> None:
        async with Viewer(quick.url) as viewer, Streamer(quick.url, "P-ping") as streamer:

            async def send() -> None:
                while True:
                    await streamer.frame(picture())
                    await asyncio.sleep(0.2)

            sending = asyncio.ensure_future(send())
            for number in range(3):
                ping = await viewer.hears("ping", count=number + 1, seconds=3)
                assert set(ping) == {"type", "timestamp"}
                assert abs(ping["timestamp"] - time.time()) < 2
                await viewer.say({"type": "pong"})
            for end in (viewer, streamer):
                await end.say({"type": "ping"})
                pong = await end.hears("pong", seconds=1)
                assert set(pong) == {"type", "timestamp"}
                assert abs(pong["timestamp"] - time.time()) < 2
            sending.cancel()
            assert viewer.code is None

    run(work)


@pytest.mark.parametrize("options", [{}, {"protocols": [V1]}], ids=["text", "v1"])
def test_a_ping_that_comes_with_the_greeting_is_answered_at_once(server: Server, options: dict) -> None:
    async def work() -> None:
        for _ in range(30):
            async with Viewer(server.url, **options) as viewer:
                await viewer.hears("viewer_connected")
                for number in range(3):
                    await viewer.say({"type": "ping"})
                    await viewer.hears("pong", count=number + 1, seconds=1)

    run(work)


def test_a_line_in_the_log_tells_of_each_stream_every_ten_seconds(server: Server) -> None:
    async def work() -> None:
        async with Streamer(server.url, "P-log") as streamer, Viewer(server.url):
            begun = time.monotonic()
            while time.monotonic() - begun < 11:
                await streamer.frame(picture())
                await asyncio.sleep(0.1)
        lines = [line for line in server.log.read_text().splitlines() if "P-log" in line and "a second" in line]
        assert len(lines) == 1, lines
        assert "viewers=1" in lines[0]

    run(work)


# Limits and guards.


def test_full_servers_say_so_and_close_with_1013() -> None:
    full = start(**{"relay.max_streams": "1", "relay.max_viewers": "1"})

    async def work() -> None:
        async with Streamer(full.url, "P-1") as streamer, Viewer(full.url) as viewer:
            await streamer.hears("connected")
            await viewer.hears("viewer_connected")
            for refused in (Streamer(full.url, "P-2"), Viewer(full.url)):
                async with refused:
                    assert await refused.is_closed() == 1013
                    assert [one["type"] for one in refused.heard] == ["error"]
                    assert refused.heard[0]["message"]
            await streamer.frame(picture())
            await viewer.sees("P-1", picture())
        # A place that has become free is free.
        async with Streamer(full.url, "P-2") as streamer, Viewer(full.url) as viewer:
            await streamer.hears("connected")
            await viewer.hears("viewer_connected")

    try:
        run(work)
    finally:
        assert full.stop() == 0


@pytest.mark.parametrize("path", ["/ws/view", "/ws/stream/P-origin"])
def test_pages_from_elsewhere_are_refused(server: Server, path: str) -> None:
    async def work() -> None:
        async with aiohttp.ClientSession() as http:
            for origin in ("http://evil.example", "null", "http://127.0.0.1.evil.example"):
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await http.ws_connect(server.url + path, origin=origin)
                assert refused.value.status == 403
            for origin in (server.url, "http://localhost:5173", "http://127.0.0.1:3000"):
                ws = await http.ws_connect(server.url + path, origin=origin)
                await ws.close()

    run(work)


def test_pictures_are_not_deflated(server: Server) -> None:
    with Raw(server.url, "/ws/view", headers="Sec-WebSocket-Extensions: permessage-deflate\r\n") as raw:
        assert raw.status == 101
        assert b"permessage-deflate" not in raw.head.lower()


def test_whoever_manages_may_end_a_stream_and_a_viewer(server: Server) -> None:
    async def work() -> None:
        def delete(path: str) -> Awaitable[int]:
            return asyncio.get_running_loop().run_in_executor(None, request, server, path, "DELETE")

        async with Streamer(server.url, "P/1") as streamer, Viewer(server.url) as viewer, Viewer(server.url) as other:
            await streamer.frame(picture())
            await viewer.sees("P/1", picture())
            await other.sees("P/1", picture())
            path = f"/api/v1/streams/{quote('P/1', safe='')}"
            listed = (await fetch(server, path))["viewer_list"]
            assert len(listed) == 2
            assert {one["kind"] for one in listed} == {"relay"}
            assert await delete(f"/api/v1/viewers/{listed[0]['id']}") == 204
            await until(lambda: 4410 in (viewer.code, other.code), 5, "one is sent off")
            assert None in (viewer.code, other.code), "and only one"
            assert await delete(path) == 204
            assert await streamer.is_closed() == 4410
            left = other if other.code is None else viewer
            await left.hears("stream_ended", "P/1")
            assert await delete(path) == 404
            assert await delete("/api/v1/viewers/999999") == 404

    run(work)


# The same streams elsewhere.


def test_opencv_reads_a_stream_as_mjpeg(server: Server) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()

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

        async with Streamer(server.url, "P-1") as streamer:
            await streamer.hears("connected")
            reading = loop.run_in_executor(None, read)
            number = 0
            while not reading.done():
                await streamer.frame(picture(number % 200))
                number += 1
                await asyncio.sleep(0.04)
            assert await reading >= 20, "each is another"

    run(work)


def test_a_stream_has_a_snapshot_and_stands_beside_the_cameras(server: Server) -> None:
    def snapshot() -> bytes:
        with urllib.request.urlopen(f"{server.url}/api/v1/streams/P-1/snapshot.jpg", timeout=10) as answer:
            assert answer.headers["Content-Type"] == "image/jpeg"
            return answer.read()

    async def work() -> None:
        async with Streamer(server.url, "P-1", {"analysis_mode": "enhanced"}) as streamer, Viewer(server.url) as viewer:
            await streamer.frame(picture(7))
            await viewer.sees("P-1", picture(7))
            assert await asyncio.get_running_loop().run_in_executor(None, snapshot) == picture(7)
            listed = (await fetch(server, "/api/v1/streams"))["streams"]
            (one,) = [stream for stream in listed if stream["id"] == "P-1"]
            assert (one["kind"], one["url"], one["mode"], one["protocol"]) == ("relay", None, "enhanced", "text")
            assert one["state"] == "running"
            assert (one["bad"], one["dropped"]) == (0, 0)
            assert one["peer"].startswith("127.0.0.1:")

    run(work)


def test_a_camera_is_seen_by_its_id_and_its_name_is_its_own(server: Server) -> None:
    camera = Camera()

    async def work() -> None:
        loop = asyncio.get_running_loop()
        made = await loop.run_in_executor(
            None, request, server, "/api/v1/cameras", "POST", {"id": "door", "url": camera.url}
        )
        assert made == 201
        async with Viewer(server.url, "?streams=door") as viewer, Viewer(server.url) as everything:
            await viewer.hears("live_frame", "door", 5, seconds=15)
            assert all(one["data"]["frame"].startswith(PREFIX) for one in viewer.of("live_frame"))
            async with Streamer(server.url, "door") as streamer:
                assert await streamer.is_closed() == 1008
                assert [one["type"] for one in streamer.heard] == ["error"]
            assert not everything.of("live_frame"), "all streams of the relay are no cameras"

    try:
        run(work)
    finally:
        request(server, "/api/v1/cameras/door", "DELETE")
        assert camera.stop() == 0


def test_overlays_come_to_who_asked_in_their_old_shape(server: Server) -> None:
    def moving(step: int) -> bytes:
        image = np.full((240, 320, 3), 40, np.uint8)
        left = 20 + step * 4 % 220
        cv2.rectangle(image, (left, 90), (left + 60, 150), (250, 250, 250), -1)
        return cv2.imencode(".jpg", image)[1].tobytes()

    async def work() -> None:
        async with (
            Viewer(server.url, "?overlays=1") as asked,
            Viewer(server.url) as other,
            Streamer(server.url, "P-moves", {"analysis_mode": "enhanced"}) as streamer,
        ):
            await streamer.hears("connected")
            found: list[dict] = []
            for step in range(400):
                await streamer.frame(moving(step))
                await asyncio.sleep(0.03)
                found = [one for one in asked.of("overlay_data") if one["data"]["metrics"]["detections"]]
                if found:
                    break
            assert found, "something moves"
            overlay = found[0]
            assert set(overlay) == {"type", "patient_id", "frame_num", "data"}
            assert isinstance(overlay["frame_num"], int)
            assert set(overlay["data"]) == {"landmarks", "connections", "head_pose_axes", "metrics"}
            assert (overlay["data"]["landmarks"], overlay["data"]["connections"]) == ([], [])
            metrics = overlay["data"]["metrics"]
            assert (metrics["model"], metrics["width"], metrics["height"]) == ("motion", 320, 240)
            assert set(metrics["detections"][0]) >= {"label", "confidence", "box", "track"}
            assert not other.of("overlay_data")

    run(work)
