"""Cameras are not at hand here: video files, a live stream, folders and frames are."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from aiohttp import web

import sightwire
from harness import Server
from sightwire import Source, SourceError, Unreachable, open_source
from support import jpegs, recognised, until

URL = "http://127.0.0.1:9"
"""Where nothing listens: these sources need no server."""


def video(path: Path, frames: list[bytes], fps: float, size: tuple[int, int] = (640, 480)) -> str:
    """A Motion-JPEG file."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
    assert writer.isOpened()
    for frame in frames:
        image = cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        writer.write(cv2.resize(image, size))
    writer.release()
    return str(path)


async def drained(source: Source, most: int = 1000) -> list[sightwire.Frame]:
    frames = []
    async for frame in source.frames():
        frames.append(frame)
        if len(frames) == most:
            break
    await source.close()
    return frames


def test_the_gesture_in_a_video_file_is_recognised(server: Server, tmp_path: Path) -> None:
    file = video(tmp_path / "clip.avi", jpegs("wave"), 25.0)

    assert asyncio.run(recognised(Path(file), server.url, "wave")) == "wave"


def test_a_video_is_played_at_its_own_rate_and_at_another_if_told(server: Server, tmp_path: Path) -> None:
    file = video(tmp_path / "slow.avi", jpegs("left", 12), 10.0)

    async def rate(fps: float | None) -> float | None:
        source = await open_source(file, url=URL, fps=fps)
        await source.close()
        return source.fps

    async def seconds() -> float:
        start = time.monotonic()
        async for _ in sightwire.recognize(file, server.url):
            pass
        return time.monotonic() - start

    assert (asyncio.run(rate(None)), asyncio.run(rate(50.0))) == (10.0, 50.0)
    # Twelve frames are eleven waits.
    assert asyncio.run(seconds()) >= 1.1


def test_a_video_gives_all_its_frames_once_or_again_and_again(tmp_path: Path) -> None:
    file = video(tmp_path / "clip.avi", jpegs("left", 7), 25.0)

    async def counts() -> tuple[int, int]:
        once = await drained(await open_source(file, url=URL))
        again = await drained(await open_source(file, url=URL, loop=True), most=20)
        return len(once), len(again)

    assert asyncio.run(counts()) == (7, 20)


def test_wide_pictures_are_made_as_wide_as_said(tmp_path: Path) -> None:
    file = video(tmp_path / "wide.avi", jpegs("left", 2), 25.0, size=(1280, 720))

    async def shape(width: int) -> tuple[int, ...]:
        frames = await drained(await open_source(file, url=URL, width=width))
        assert isinstance(frames[0], np.ndarray)
        return frames[0].shape

    assert asyncio.run(shape(640)) == (360, 640, 3)
    assert asyncio.run(shape(0)) == asyncio.run(shape(2000)) == (720, 1280, 3)


def test_a_folder_of_pictures_is_sent_as_it_is_in_the_order_of_names(tmp_path: Path) -> None:
    files = jpegs("left", 4)
    for number, file in reversed(list(enumerate(files))):
        (tmp_path / f"{number:02}.JPG").write_bytes(file)
    (tmp_path / "notes.txt").write_text("not a picture")

    async def session() -> tuple[list[sightwire.Frame], int]:
        once = await drained(await open_source(tmp_path, url=URL))
        again = await drained(await open_source(str(tmp_path), url=URL, loop=True), most=9)
        return once, len(again)

    assert asyncio.run(session()) == (files, 9)


def test_frames_of_ones_own_are_recognised(server: Server) -> None:
    async def arriving() -> AsyncIterator[bytes]:
        for frame in jpegs("down"):
            yield frame
            await asyncio.sleep(0.04)

    assert asyncio.run(recognised(lambda: iter(jpegs("up")), server.url, "up")) == "up"
    assert asyncio.run(recognised(arriving, server.url, "down")) == "down"


def test_a_live_stream_comes_at_its_own_rate_and_is_let_go() -> None:
    """As cameras do: without an end, and not faster because somebody reads faster."""
    frames = jpegs("left", 5)
    opened = threading.Event()

    async def camera(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "multipart/x-mixed-replace; boundary=frame"})
        await answer.prepare(request)
        opened.set()
        while True:
            for frame in frames:
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(frame)}\r\n\r\n"
                await answer.write(head.encode() + frame + b"\r\n")
                await asyncio.sleep(0.04)

    async def session() -> None:
        app = web.Application()
        app.router.add_get("/stream", camera)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/stream"
        source = await open_source(url, url=URL, fps=5.0)
        assert opened.is_set()
        assert source.is_live
        start = time.monotonic()
        got = await drained(source, most=6)
        assert time.monotonic() - start >= 0.7, "at most five a second, as asked for"
        assert isinstance(got[0], np.ndarray) and got[0].shape == (480, 640, 3)
        await until(
            lambda: all(thread.name != "sightwire-capture" for thread in threading.enumerate()), "the end of its thread"
        )
        await runner.cleanup()

    asyncio.run(session())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="cameras are files on Linux only")
def test_a_missing_camera_is_named() -> None:
    with pytest.raises(SourceError, match=r"there is no camera 93 \(/dev/video93\)"):
        asyncio.run(open_source(93, url=URL))
    with pytest.raises(SourceError, match=r"there is no camera 93 \(/dev/video93\)"):
        asyncio.run(open_source("93", url=URL))


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    cases: list[tuple[sightwire.SourceLike, str]] = [
        (tmp_path / "absent.mp4", "there is no file .*absent.mp4"),
        (text, "cannot read .*notes.mp4 as a video"),
        (tmp_path, "there is no picture .* in the folder"),
        (f"{URL}/stream", "no picture comes from http"),
    ]
    for source, message in cases:
        with pytest.raises(SourceError, match=message):
            asyncio.run(open_source(source, url=URL))


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "locked.avi"
    file.write_bytes(b"x")
    monkeypatch.setattr(os, "access", lambda *_: False)  # chmod does not stop root
    with pytest.raises(SourceError, match="no permission to read .*locked.avi$"):
        asyncio.run(open_source(file, url=URL))
    monkeypatch.setattr(os.path, "exists", lambda _: True)
    with pytest.raises(SourceError, match="no permission to read /dev/video0; join the group"):
        asyncio.run(open_source(0, url=URL))


def test_an_unknown_sample_names_those_that_are_there(server: Server) -> None:
    with pytest.raises(SourceError, match="'clap' cannot be had .* there are still, left"):
        asyncio.run(open_source("sample:clap", url=server.url))
    with pytest.raises(SourceError, match="needs a name, as in sample:wave; there are still"):
        asyncio.run(open_source("sample:", url=server.url))
    with pytest.raises(Unreachable, match=URL):
        asyncio.run(open_source("sample:wave", url=URL))


def test_a_mistake_in_the_parameters_is_told_before_anything_opens() -> None:
    with pytest.raises(ValueError, match="fps=0"):
        asyncio.run(open_source(0, url=URL, fps=0))
    with pytest.raises(ValueError, match="cannot be played again"):
        asyncio.run(open_source([b""], url=URL, loop=True))


def test_an_error_of_the_source_reaches_the_loop_over_predictions(server: Server) -> None:
    def breaking() -> Iterator[bytes]:
        yield jpegs("left", 1)[0]
        raise OSError("the disk is gone")

    async def session() -> None:
        async for _ in sightwire.recognize(breaking(), server.url):
            pass

    with pytest.raises(OSError, match="the disk is gone"):
        asyncio.run(session())
