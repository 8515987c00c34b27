"""Frames in, predictions out, against the real server."""

from __future__ import annotations

import asyncio

import cv2
import numpy as np
import pytest

import sightwire
from harness import FPS, Server
from sightwire import Prediction, Recognizer
from sightwire.pictures import encode
from support import Line, jpegs, recognised, repeated, status

GESTURES = ["still", "left", "right", "up", "down", "push", "pull", "wave"]


async def play(recognizer: Recognizer, frames: list[bytes]) -> list[Prediction]:
    """Sends a clip at 25 frames a second and gathers what comes back."""
    got: list[Prediction] = []

    async def gather() -> None:
        async for prediction in recognizer:
            got.append(prediction)

    gathering = asyncio.ensure_future(gather())
    for frame in frames:
        await recognizer.send(frame)
        await asyncio.sleep(1 / FPS)
    await recognizer.flush(20)
    gathering.cancel()
    return got


@pytest.mark.parametrize("gesture", GESTURES)
def test_the_gesture_in_a_sample_is_recognised(server: Server, gesture: str) -> None:
    assert asyncio.run(recognised(f"sample:{gesture}", server.url, gesture)) == gesture


def test_arrays_are_recognised_as_files_are(server: Server) -> None:
    files = jpegs("left")
    arrays = [cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR) for file in files]
    for frames in (files, arrays):
        assert asyncio.run(recognised(frames, server.url, "left")) == "left"  # type: ignore[arg-type]


def test_arrays_are_blue_green_red_and_grey_stays_grey() -> None:
    blue = np.zeros((32, 48, 3), np.uint8)
    blue[:, :, 0] = 200
    for image in (blue, blue[:, :, 0]):
        sent = cv2.imdecode(np.frombuffer(encode(image, 95), np.uint8), cv2.IMREAD_COLOR)
        expected = blue if image.ndim == 3 else np.full((32, 48, 3), 200, np.uint8)
        assert sent is not None and sent.shape == (32, 48, 3)
        assert np.abs(sent.astype(int) - expected).max() <= 4


def test_each_prediction_says_what_it_has_seen_and_how_sure_it_is(server: Server) -> None:
    async def session() -> tuple[list[Prediction], sightwire.Model | None, sightwire.Stats]:
        # Enough that none has to give way to a newer one.
        async with Recognizer(server.url, in_flight=FPS) as r:
            got = await play(r, jpegs("wave"))
            return got, r.model, r.stats

    # A busy machine may see too little of one.
    got, model, stats = repeated(lambda: asyncio.run(session()), lambda told: any(p.seen for p in told[0]))
    assert model is not None
    assert (model.name, model.window, model.threshold, model.width, model.height) == ("gestures", 10, 0.5, 224, 224)
    assert list(model.labels) == GESTURES
    made = [prediction for prediction in got if prediction.seen is not None]
    before = got[: len(got) - len(made)]
    assert before and all((p.label, p.score, p.seen, dict(p.scores)) == ("none", 0.0, None, {}) for p in before)
    assert [p.id for p in before] == list(range(len(before)))
    # One for each window, of which the first ends with the tenth frame; on a busy machine some are left out.
    seen = [p.seen for p in made if p.seen is not None]
    assert seen and seen == sorted(set(seen)) and set(seen) <= set(range(9, 25))
    for prediction in made:
        assert list(prediction.scores) == GESTURES
        assert sum(prediction.scores.values()) == pytest.approx(1.0, abs=1e-3)
        assert prediction.score == pytest.approx(max(prediction.scores.values()), abs=1e-4)
        assert prediction.top(1)[0][1] == pytest.approx(prediction.score, abs=1e-4)
        assert prediction.label in (prediction.top(1)[0][0], "none")
        assert prediction.delay is not None and 0.0 < prediction.delay < 20.0
    assert (stats.offered, stats.sent, stats.answered, stats.dropped, stats.missed) == (25, 25, 25, 0, 0)
    assert (stats.predictions, stats.connections) == (len(made), 1)


def test_a_reply_that_was_overtaken_by_the_first_result_is_not_told_after_it() -> None:
    recognizer = Recognizer("http://127.0.0.1:9")
    recognizer._news = asyncio.Event()  # as on entering

    def told() -> list[str]:
        return [prediction.label for prediction in recognizer._unread]

    not_yet = {"label": "none", "score": 0.0, "id": 9, "seen": None}
    recognizer._on_event("prediction", {**not_yet, "id": 8})
    recognizer._on_event("result", {"label": "wave", "score": 0.9, "seen": 9})
    recognizer._on_event("prediction", not_yet)
    assert told() == ["none", "wave"]


def test_a_threshold_of_ones_own_goes_both_ways() -> None:
    unsure = Prediction("none", 0.4, seen=1, scores={"left": 0.4, "right": 0.35, "up": 0.25})
    assert (unsure.at(0.3).label, unsure.at(0.5).label) == ("left", "none")
    assert unsure.top(2) == [("left", 0.4), ("right", 0.35)]
    sure = Prediction("left", 0.8, seen=1)
    assert (sure.at(0.7).label, sure.at(0.9).label) == ("left", "none")
    assert Prediction("none", 0.0).at(0.0).label == "none"


def test_what_was_not_meant_has_no_threshold() -> None:
    recognizer, predictions = Recognizer("http://127.0.0.1:9"), []
    recognizer._news = asyncio.Event()  # as on entering
    facts = {"name": "hands", "labels": ["left", "fist"], "window": 1, "threshold": 0.5, "width": 640, "height": 480}
    for arming in (False, True):
        recognizer._on_event("model", {**facts, "arming": arming})
        recognizer._on_event("result", {"label": "none", "score": 0.9, "scores": [0.9, 0.1], "seen": 9})
        recognizer._on_event("result", {"label": "fist", "score": 0.8, "scores": [0.2, 0.8], "seen": 9})
        predictions.append([recognizer._unread.popleft().at(0.6).label for _ in range(2)])
    assert predictions == [["left", "fist"], ["none", "fist"]]


def test_clients_on_one_loop_get_their_own_answers(server: Server) -> None:
    gestures = ["left", "right", "up"]

    clips = {gesture: jpegs(gesture) for gesture in gestures}

    async def together() -> list[str]:
        return list(await asyncio.gather(*(recognised(clips[name], server.url, name) for name in gestures)))

    assert asyncio.run(together()) == gestures


def test_where_websockets_are_blocked_it_polls(server: Server) -> None:
    async def session() -> str:
        async with Line(server) as line:
            line.no_websockets = True
            return await recognised(jpegs("right"), line.url, "right")

    assert asyncio.run(session()) == "right"


def test_a_server_that_tests_the_wiring_answers_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recognizer.flush, "__defaults__", (20.0,))

    async def session(server: Server) -> list[Prediction]:
        return [p async for p in sightwire.recognize(jpegs("left", 5), server.url)]

    wiring = Server(USE_DUMMY_MODEL="1")
    try:
        got = asyncio.run(session(wiring))
        assert [(p.label, p.score, p.id) for p in got] == [("hello", 0.9, n) for n in range(5)]
    finally:
        assert wiring.stop() == 0


def test_what_is_no_picture_is_refused_here_in_words(server: Server) -> None:
    async def session() -> None:
        async with Recognizer(server.url) as r:
            for frame, what in [
                (b"GIF89a....", "JPEG or PNG"),
                (b"\xff\xd8\xff" + bytes(11 << 20), "larger than a message"),
                (np.zeros((4, 4, 4), np.uint8), "(height, width, 3)"),
                (np.zeros((4, 4, 3), np.float32), "uint8"),
            ]:
                with pytest.raises(ValueError, match=what.replace("(", r"\(").replace(")", r"\)")):
                    await r.send(frame)  # type: ignore[arg-type]
            with pytest.raises(TypeError, match="bytes or an array"):
                await r.send("picture")  # type: ignore[arg-type]
            assert r.stats.offered == 0

    asyncio.run(session())


def test_pictures_that_the_server_does_not_take_cost_their_own_reply_only(server: Server) -> None:
    async def session() -> sightwire.Stats:
        async with Recognizer(server.url) as r:
            good, broken = jpegs("left", 1)[0], b"\xff\xd8\xff and nothing else"
            for frame in [good, broken, broken, broken, good]:
                await r.send(frame)
                await asyncio.sleep(0.05)
            await r.flush(20)
            return r.stats

    before = status(server)["recognizer"]["frames_total"]
    stats = asyncio.run(session())
    assert (stats.sent, stats.answered) == (5, 2)
    assert status(server)["recognizer"]["frames_total"] == before + 2
