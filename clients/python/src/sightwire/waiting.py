"""Waiting with an end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """What the work returns; raises `asyncio.TimeoutError` when it takes longer.

    Whoever is cancelled here is cancelled: `asyncio.wait_for` of Python before 3.12 goes on as if nothing had happened
    when the work ends at that moment, and then nobody ends a loop that was to be ended.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
        # What it raises when nobody waits any more is nobody's.
        task.add_done_callback(lambda over: over.cancelled() or over.exception())
    if not done:
        raise asyncio.TimeoutError
    return task.result()
