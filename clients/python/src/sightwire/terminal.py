"""What the commands share: exit codes, a clean end, and the kinds of their options."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Callable

from .errors import AtCapacity, Refused, SightwireError, SourceError, Unreachable

DONE, FAILED, USAGE, NO_SOURCE, NO_SERVER, AT_CAPACITY, REFUSED = range(7)


def say(text: str) -> None:
    """A line on stderr, which may be closed."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def run(work: Coroutine[Any, Any, None], hint: Callable[[SightwireError], str]) -> int:
    """Does a command's work until it ends or is interrupted; returns the exit code.

    An error is told in words, with the hint that there is for it (empty for none).
    """
    # What OpenCV and FFmpeg would print about a missing camera is said in words.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        asyncio.run(_until_interrupted(work))
    except KeyboardInterrupt:
        return DONE
    except BrokenPipeError:
        # The reader has gone. What Python still holds for it must not raise once more at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except SightwireError as error:
        say(f"error: {error}")
        words = hint(error)
        if words:
            say(words)
        return exit_code(error)
    return DONE


async def _until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    running = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers, and there KeyboardInterrupt does it.
        with contextlib.suppress(NotImplementedError, ValueError):
            loop.add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running


def exit_code(error: SightwireError) -> int:
    """The exit code for an error."""
    if isinstance(error, AtCapacity):
        return AT_CAPACITY
    for kind, code in ((Refused, REFUSED), (Unreachable, NO_SERVER), (SourceError, NO_SOURCE)):
        if isinstance(error, kind):
            return code
    return FAILED


def number(text: str, low: float, high: float, what: str) -> float:
    """An option's value, or the error that says what it should be."""
    with contextlib.suppress(ValueError):
        value = float(text)
        if low <= value <= high:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is not {what}")


def rate(text: str) -> float:
    """Frames a second."""
    return number(text, 0.1, 240.0, "a number of frames a second, 0.1 to 240")


def seconds(text: str) -> float:
    """A time."""
    return number(text, 0.0, 1e6, "a number of seconds")


def width(text: str) -> int:
    """A width in pixels."""
    return int(number(text, 0, 10_000, "a number of pixels, 0 to 10000"))


def source(text: str) -> int | str:
    """A camera's number, or whatever else names a source."""
    return int(text) if text.isdecimal() else text
