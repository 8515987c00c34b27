"""The parts of the relay's clients that need neither a server nor time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from relay_fake import JPEG, picture
from sightwire import StreamState
from sightwire.relay import wire
from sightwire.relay.link import BACKOFF
from sightwire.relay.newest import Newest
from sightwire.relay.show import file_name
from sightwire.relay.streams import MAX_STREAMS, Streams
from sightwire.relay.viewer import overlay_of
from sightwire.waiting import within


@pytest.mark.parametrize("name", ["P-1", "a", "ä" * 64, "no 7, left/right %2F?#", "日本"])
def test_names_up_to_128_bytes_are_taken(name: str) -> None:
    assert wire.checked(name) == name


@pytest.mark.parametrize("name", ["", "*", ".", "..", "a" * 129, "ä" * 65, "a\nb", "\x00", "\x7f", "\ud800"])
def test_names_that_no_server_takes_are_refused_here(name: str) -> None:
    with pytest.raises(ValueError, match="stream's name"):
        wire.checked(name)


def test_names_are_one_segment_of_a_path_whatever_is_in_them() -> None:
    url = "http://x"
    assert wire.streamer_address(url, "P-1") == "http://x/ws/stream/P-1"
    assert wire.streamer_address(url, "a/b?c#d%") == "http://x/ws/stream/a%2Fb%3Fc%23d%25"
    assert wire.streamer_address(url, "ä") == "http://x/ws/stream/%C3%A4"


def test_names_in_a_query_are_told_apart_from_their_commas() -> None:
    url = "http://x"
    assert wire.viewer_address(url, None, overlays=False) == "http://x/ws/view"
    assert wire.viewer_address(url, None, overlays=True) == "http://x/ws/view?overlays=1"
    assert wire.viewer_address(url, ["a", "b,c", "*"], overlays=True) == "http://x/ws/view?streams=a,b%2Cc,*&overlays=1"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("ws://x:1", "http://x:1"),
        ("WSS://x/sight/", "https://x/sight"),
        ("x:1", "http://x:1"),
        ("https://x", "https://x"),
    ],
)
def test_addresses_of_sockets_are_understood(given: str, used: str) -> None:
    assert wire.relay_url(given) == used


def test_a_picture_comes_out_of_its_message_as_it_went_in() -> None:
    assert wire.unpack(picture("Zürich", 2**63, JPEG, 1234.5)) == ("Zürich", 2**63, 1234.5, JPEG)
    name, sequence, captured, body = wire.unpack(wire.pack(JPEG)) or ("?", 0, 0.0, b"")
    assert (name, sequence, captured, body) == ("", 0, 0.0, JPEG)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        picture("P-1", 1, JPEG)[:19],
        picture("P-1", 1, JPEG)[:23],
        b"\x02" + picture("P-1", 1, JPEG)[1:],
        picture("P-1", 1, b""),
        picture("P-1", 1, JPEG).replace(b"P-1", b"\xff\xfe\xfd", 1),
    ],
)
def test_what_is_no_picture_is_none(message: bytes) -> None:
    assert wire.unpack(message) is None


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", "[" * 200_000, '{"a":' * 200_000])
def test_what_is_no_message_is_an_empty_one(text: str) -> None:
    assert wire.parsed(text) == {}


@pytest.mark.parametrize("data", [None, [], {}, {"frame": 7}, {"frame": "x"}, {"frame": "data:image/jpeg;base64,?"}])
def test_what_is_no_text_frame_is_none(data: object) -> None:
    assert wire.picture_of(data) is None


def test_a_text_frame_is_what_old_servers_take() -> None:
    frame = json.loads(wire.text_frame(JPEG))
    assert frame["type"] == "frame"
    assert frame["frame"].startswith("data:image/jpeg;base64,")
    assert wire.picture_of({"frame": frame["frame"]}) == JPEG


def test_the_newest_of_each_stream_is_kept_and_streams_take_turns() -> None:
    newest: Newest[str] = Newest()
    assert not newest.put("a", "a1")
    assert newest.put("a", "a2"), "overtaken"
    newest.put("b", "b1")
    newest.put("a", "a3")
    assert newest.take() == "a3"
    # A fast stream does not come before one that has waited.
    newest.put("a", "a4")
    newest.put("c", "c1")
    assert [newest.take() for _ in range(4)] == ["b1", "a4", "c1", None]


def test_who_is_cancelled_while_the_work_ends_is_cancelled() -> None:
    async def both() -> None:
        work = asyncio.get_running_loop().create_future()

        async def wait_for_it() -> None:
            await work

        waiting = asyncio.ensure_future(within(wait_for_it(), 5))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        work.set_result(None)
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(both())


def test_work_that_takes_too_long_is_ended() -> None:
    async def session() -> None:
        before = asyncio.all_tasks()
        with pytest.raises(asyncio.TimeoutError):
            await within(asyncio.sleep(60), 0.01)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        assert await within(asyncio.sleep(0, "done"), 5) == "done"

    asyncio.run(session())


def test_waits_grow_from_one_to_thirty_seconds_at_random() -> None:
    for full in (False, True):
        assert all(0.5 <= BACKOFF.after(0, full=full) <= 1.0 for _ in range(100))
        assert all(15.0 <= BACKOFF.after(50, full=full) <= 30.0 for _ in range(100))
        assert len({BACKOFF.after(3, full=full) for _ in range(10)}) > 5


def streams() -> Streams:
    return Streams(lambda _: None)


def test_losses_and_rates_are_of_the_last_two_seconds() -> None:
    stream = streams().known("P-1", 0.0)
    assert stream is not None
    for number in range(0, 50, 2):  # each second one is missing
        stream.arrived(100 + number, 0.01, number / 25)
    view = stream.view(2.0)
    assert view.missed == 24
    assert 11.0 < view.fps < 13.0
    assert 49.0 < view.lost_percent < 51.0
    assert view.delay == pytest.approx(0.01)
    later = stream.view(10.0)
    assert (later.fps, later.lost_percent, later.delay) == (0.0, 0.0, None)
    assert later.missed == 24


def test_a_stream_that_begins_again_counts_anew() -> None:
    stream = streams().known("P-1", 0.0)
    assert stream is not None
    stream.arrived(900, None, 0.0)
    stream.arrived(905, None, 0.1)
    stream.becomes(StreamState.ENDED, None, 0.2)
    stream.arrived(1, None, 0.3)
    assert (stream.pictures, stream.missed) == (1, 0)


def test_states_come_from_the_server_and_unknown_ones_are_left_alone() -> None:
    known = streams()
    told: dict[str, Any] = {"patient_id": "P-1", "kind": "relay", "state": "stalled", "reason": "no picture"}
    stream = known.told({**told, "since_s": 7.0, "analysis_mode": "enhanced"}, 10.0)
    assert stream is not None
    view = stream.view(11.0)
    assert (view.state, view.reason, view.kind, view.mode) == (StreamState.STALLED, "no picture", "relay", "enhanced")
    assert view.since == pytest.approx(8.0)
    assert known.told(told, 12.0) is None, "nothing has changed"
    assert known.told({**told, "state": "singing"}, 12.0) is None
    assert known.told({"state": "running"}, 12.0) is None


def test_streams_are_forgotten_before_they_are_too_many() -> None:
    forgotten: list[str] = []
    known = Streams(forgotten.append)
    for number in range(MAX_STREAMS + 100):
        stream = known.known(f"P-{number}", 0.0)
        assert stream is not None
        stream.becomes(StreamState.ENDED, None, 0.0)
    assert len(list(known)) == MAX_STREAMS
    assert forgotten == [f"P-{number}" for number in range(100)]
    for stream in known:
        stream.becomes(StreamState.LIVE, None, 0.0)
    assert known.known("one more", 0.0) is None, "those that are there are not put off"


def test_detections_are_taken_and_what_is_none_is_left_out() -> None:
    good = {"label": "car", "confidence": 0.9, "box": [1, 2, 3.5, 4], "track": 5}
    metrics = {
        "model": "motion",
        "width": 640,
        "height": 480,
        "delay_ms": 12.0,
        "detections": [good, {"label": "x"}, 7, {**good, "box": [1]}, {**good, "track": None}],
    }
    overlay = overlay_of({"patient_id": "P-1", "frame_num": 9, "data": {"landmarks": [], "metrics": metrics}})
    assert overlay is not None
    assert (overlay.stream, overlay.frame, overlay.width, overlay.height) == ("P-1", 9, 640, 480)
    assert (overlay.model, overlay.delay) == ("motion", 0.012)
    assert [(one.label, one.box, one.track) for one in overlay.detections] == [
        ("car", (1.0, 2.0, 3.5, 4.0), 5),
        ("car", (1.0, 2.0, 3.5, 4.0), None),
    ]
    assert overlay_of({"patient_id": "P-1", "data": {"metrics": None}}) is not None
    assert overlay_of({"patient_id": "P-1", "data": None}) is None


def test_files_are_named_for_their_streams_and_never_leave_their_folder() -> None:
    assert file_name("P-1") == "P-1.jpg"
    assert file_name("../a") == "..%2Fa.jpg"
    longest = {file_name("ä" * 64), file_name("ä" * 63 + "ö")}
    assert len(longest) == 2
    assert all(len(name) <= 255 for name in longest)
