"""Where frames come from: a camera, a video, a folder of pictures, a generated sample, or the program itself."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import math
import os
import queue
import sys
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Callable, Union

import aiohttp

from .errors import SightwireError, SourceError
from .link import normalized, unreachable
from .pictures import Frame, opencv, shrink

SourceLike = Union[int, str, "os.PathLike[str]", Iterable[Frame], AsyncIterable[Frame]]
"""What `recognize` takes as its source."""

USUAL_FPS = 25.0
"""Frames a second where nothing says otherwise; what the models were made for."""
SAMPLE_PREFIX = "sample:"
PICTURES = (".jpg", ".jpeg", ".png")
SAMPLE_TIMEOUT_S = 30.0
RELEASE_S = 1.0
"""How long a camera may take to be let go; a stream that hangs is left to its thread."""


class Source:
    """Frames of one origin, in order."""

    def __init__(self, name: str, fps: float | None) -> None:
        self.name = name
        """For people."""
        self.fps = fps
        """Frames a second at which it has to be played; None for what comes at a rate of its own, such as a camera."""

    @property
    def is_live(self) -> bool:
        """Whether it goes on while nobody looks, so that what is not sent is lost."""
        return self.fps is None

    def frames(self) -> AsyncIterator[Frame]:
        """The frames, from the beginning."""
        raise NotImplementedError

    async def close(self) -> None:
        """Lets go of what it holds."""


async def open_source(
    source: SourceLike, *, url: str, fps: float | None = None, width: int = 640, loop: bool = False
) -> Source:
    """Opens a source, or raises `SourceError` with what is wrong and what to do.

    See `sightwire.recognize` for the parameters.
    """
    if fps is not None and not 0.0 < fps <= 1000.0:
        raise ValueError(f"fps={fps}: it must be above 0 and at most 1000")
    if isinstance(source, (str, os.PathLike)):
        text = os.fspath(source)
        if text.startswith(SAMPLE_PREFIX):
            return await _sample(text[len(SAMPLE_PREFIX) :], url, fps, loop)
        if text.isdecimal():
            source = int(text)
        elif Path(text).is_dir():
            return _Listed(text, _pictures(Path(text)), fps or USUAL_FPS, loop)
        else:
            return await Capture.open(text, fps, width, loop)
    if isinstance(source, int):
        return await Capture.open(source, fps, width, loop)
    if loop:
        raise ValueError("loop=True: frames that the program makes cannot be played again")
    if isinstance(source, AsyncIterable):
        return _Produced(source, fps)
    return _Listed("frames", source, fps or USUAL_FPS, False)


class _Listed(Source):
    """Frames that are there, or are made when asked for; file names are read when it is their turn."""

    def __init__(self, name: str, items: Iterable[Any], fps: float, loop: bool) -> None:
        super().__init__(name, fps)
        self._items = items
        self._loop = loop

    async def frames(self) -> AsyncIterator[Frame]:
        while True:
            for item in self._items:
                yield _read(item) if isinstance(item, Path) else item
            if not self._loop:
                return


class _Produced(Source):
    """Frames that come when they come."""

    def __init__(self, items: AsyncIterable[Frame], fps: float | None) -> None:
        super().__init__("frames", fps)
        self._items = items

    async def frames(self) -> AsyncIterator[Frame]:
        async for item in self._items:
            yield item


def _pictures(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not files:
        raise SourceError(f"there is no picture ({', '.join(PICTURES)}) in the folder {folder}")
    return files


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


async def _sample(name: str, url: str, fps: float | None, loop: bool) -> Source:
    """A clip that the server draws: no camera needed."""
    address = f"{normalized(url)}/api/v1/samples"
    try:
        timeout = aiohttp.ClientTimeout(total=SAMPLE_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            if not name:
                async with http.get(address) as answer:
                    known = (await answer.json())["gestures"]
                have = ", ".join(known)
                raise SourceError(f"a sample needs a name, as in {SAMPLE_PREFIX}{known[-1]}; there are {have}")
            async with http.get(f"{address}/{name}") as answer:
                told = await answer.json(content_type=None) if "json" in answer.content_type else {}
                if answer.status != 200:
                    detail = told.get("detail") or "the server there draws no samples"
                    raise SourceError(f"the sample {name!r} cannot be had from {url}: {detail}")
        frames = [base64.b64decode(frame.split(",", 1)[-1]) for frame in told["frames"]]
        return _Listed(f"{SAMPLE_PREFIX}{name}", frames, fps or float(told["fps"]), loop)
    except (aiohttp.ClientConnectionError, asyncio.TimeoutError, OSError) as error:
        raise unreachable(url, str(error) or type(error).__name__) from error
    except (aiohttp.ClientError, KeyError, ValueError) as error:
        raise SourceError(f"the sample {name!r} cannot be had from {url}: {error or type(error).__name__}") from error


class Capture(Source):
    """A camera, a video file or a network stream, read by a thread of its own through OpenCV."""

    def __init__(self, source: int | str, fps: float | None, width: int, loop: bool) -> None:
        super().__init__(f"camera {source}" if isinstance(source, int) else source, None)
        self._source = source
        self._wanted_fps = fps
        self._width = width
        self._again = loop
        self._orders: queue.Queue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = queue.Queue()
        self._event_loop = asyncio.get_running_loop()
        # A daemon: a stream that hangs in a library must not keep the program from ending.
        self._thread = threading.Thread(target=self._work, name="sightwire-capture", daemon=True)
        self._capture: Any = None
        self._first: Any = None

    @classmethod
    async def open(cls, source: int | str, fps: float | None, width: int, loop: bool) -> Capture:
        """Opens it and reads the first frame, since only that shows that it can be read."""
        try:
            opencv()
        except SightwireError as error:
            raise SourceError(str(error)) from error
        capture = cls(source, fps, width, loop)
        capture._thread.start()
        try:
            await capture._do(capture._open)
        except BaseException:
            await capture.close()
            raise
        return capture

    async def frames(self) -> AsyncIterator[Frame]:
        due = self._event_loop.time()
        while True:
            image = await self._do(self._next)
            if image is None and self._again and self.fps is not None:
                await self._do(self._open)
                image = await self._do(self._next)
            if image is None:
                if self.fps is None:
                    raise SourceError(f"{self.name} gives no more pictures: unplugged, or taken by another program?")
                return
            if self.fps is None and self._wanted_fps is not None:
                # Cameras have a few rates of their own, and take the nearest.
                now, period = self._event_loop.time(), 1.0 / self._wanted_fps
                if now < due - period / 4:
                    continue
                due = max(due, now - period) + period
            yield image

    async def close(self) -> None:
        self._orders.put(None)
        # Not joined in the loop: the thread may hang in a driver.
        deadline = self._event_loop.time() + RELEASE_S
        while self._thread.is_alive() and self._event_loop.time() < deadline:
            await asyncio.sleep(0.005)

    async def _do(self, work: Callable[[], Any]) -> Any:
        done: asyncio.Future[Any] = self._event_loop.create_future()
        self._orders.put((work, done))
        return await done

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            work, done = order
            result, error = None, None
            try:
                result = work()
            except Exception as raised:  # it belongs to whoever waits
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop has gone, and nobody waits
                self._event_loop.call_soon_threadsafe(_settle, done, result, error)
        if self._capture is not None:
            self._capture.release()

    def _open(self) -> None:
        cv2 = opencv()
        if self._capture is not None:
            self._capture.release()
        _check_there(self._source)
        self._capture = cv2.VideoCapture(self._source)
        if isinstance(self._source, int):
            self._capture.set(cv2.CAP_PROP_FPS, self._wanted_fps or USUAL_FPS)
            if self._width > 0:
                self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._width)
        there, self._first = self._capture.read() if self._capture.isOpened() else (False, None)
        if not there:
            raise SourceError(_why_unreadable(self._source))
        # A recording knows how many frames it has; cameras and live streams do not.
        if self._capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:
            own = self._capture.get(cv2.CAP_PROP_FPS)
            self.fps = self._wanted_fps or (own if math.isfinite(own) and 0.0 < own <= 240.0 else USUAL_FPS)

    def _next(self) -> Any:
        image, self._first = self._first, None
        if image is None:
            there, image = self._capture.read()
            if not there:
                return None
        return shrink(image, self._width)


def _settle(done: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)


def _check_there(source: int | str) -> None:
    """Says what OpenCV would not: which camera, which file."""
    device = f"/dev/video{source}" if isinstance(source, int) else source
    if isinstance(source, int) and not sys.platform.startswith("linux"):
        return
    if isinstance(source, str) and "://" in source:
        return
    if not os.path.exists(device):
        if isinstance(source, int):
            others = sorted(str(path) for path in Path("/dev").glob("video*"))
            have = f"there are {', '.join(others)}" if others else "no camera is connected"
            raise SourceError(f"there is no camera {source} ({device}); {have}")
        raise SourceError(f"there is no file {source}")
    if not os.access(device, os.R_OK):
        cure = "; join the group that may: sudo usermod -aG video $USER, and log in anew" if "/dev/" in device else ""
        raise SourceError(f"no permission to read {device}{cure}")


def _why_unreadable(source: int | str) -> str:
    if isinstance(source, int):
        return f"camera {source} gives no picture: is another program using it?"
    if "://" in source:
        return f"no picture comes from {source}: does a player show it?"
    if source.startswith("/dev/"):
        return f"{source} gives no picture: is another program using it?"
    return f"cannot read {source} as a video: OpenCV finds no frame in it"
