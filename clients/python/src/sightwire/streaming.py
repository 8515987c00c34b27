"""From a source to predictions in one call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Callable, Protocol

from .model import Prediction
from .pictures import Frame
from .recognizer import DEFAULT_URL, Recognizer
from .sources import Source, SourceLike, open_source

LAG_S = 0.5
"""A player that is so late does not try to catch up."""


async def recognize(
    source: SourceLike,
    url: str = DEFAULT_URL,
    *,
    fps: float | None = None,
    width: int = 640,
    loop: bool = False,
    **options: Any,
) -> AsyncIterator[Prediction]:
    """The predictions for a camera, a video, a folder of pictures or frames of your own.

    ::

        async for prediction in sightwire.recognize("sample:wave"):
            print(prediction.label, prediction.score)

    Parameters
    ----------
    source
        A camera's number (0), a video file, the address of a stream (`rtsp://…`), a folder of JPEG and PNG files, which
        are sent as they are in the order of their names, `sample:wave` for a clip that the server draws, or frames: any
        iterable or asynchronous iterable of what `Recognizer.send` takes.
    url
        Address of the server.
    fps
        Frames a second: what a camera is asked for, and how fast the others are played. Without it a camera gives 25,
        a video has its own rate, an asynchronous iterable sets the pace itself, and the rest is played at 25.
    width
        Pictures of cameras and videos that are wider are made so wide, in pixels; 0 sends them as they are.
    loop
        Plays a video, a folder or a sample again and again.
    options
        Of the `Recognizer`.

    Ends when the source does, with the last prediction. While there is no connection a camera goes on unseen, and
    everything else waits.
    """
    # The server first: a camera's lamp need not light up for one that is not there.
    async with Recognizer(url, **options) as recognizer:
        opened = await open_source(source, url=url, fps=fps, width=width, loop=loop)
        playing = asyncio.ensure_future(play_and_close(recognizer, opened))
        try:
            async for prediction in recognizer:
                yield prediction
            await playing
        finally:
            await ended(playing)
            await opened.close()


class Sink(Protocol):
    """What frames are played to: a `Recognizer`, or a `Streamer`."""

    async def ready(self) -> None:
        """Waits until there is a connection."""

    async def send(self, frame: Frame) -> Any:
        """Offers a frame."""

    async def flush(self) -> Any:
        """Waits until the newest frame has done what it was sent for."""

    async def close(self) -> None:
        """Leaves."""


async def play(sink: Sink, source: Source, on_frame: Callable[[Frame], None] | None = None) -> None:
    """Sends a source's frames at its pace, and waits for the last prediction, or for the last frame to go out.

    `on_frame` is called with each frame as it goes out.
    """
    due = time.monotonic()
    async for frame in source.frames():
        if source.fps is not None:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await sink.ready()
            due = max(due + 1.0 / source.fps, time.monotonic() - LAG_S)
        await sink.send(frame)
        if on_frame is not None:
            on_frame(frame)
    await sink.flush()


async def play_and_close(sink: Sink, source: Source, on_frame: Callable[[Frame], None] | None = None) -> None:
    """The same, and then closes the sink, so that a recogniser's iterator ends."""
    try:
        await play(sink, source, on_frame)
    finally:
        await sink.close()


async def ended(task: asyncio.Future[Any]) -> None:
    """Cancels a task and waits for its end; what it raised is told by whoever awaits it."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
