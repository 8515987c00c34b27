"""A live stream of pictures that the program draws: a ball that flies to and fro, and the time."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time

import cv2
import numpy as np

from sightwire import DEFAULT_URL, SightwireError, Streamer

FPS = 25
WIDTH, HEIGHT = 640, 360


def draw(now: float) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The picture at a time in seconds."""
    image = np.full((HEIGHT, WIDTH, 3), (60, 50, 40), np.uint8)
    x = round(WIDTH / 2 + (WIDTH / 2 - 40) * np.sin(now))
    cv2.circle(image, (x, HEIGHT // 2), 30, (80, 180, 250), cv2.FILLED, cv2.LINE_AA)
    cv2.putText(image, time.strftime("%H:%M:%S"), (16, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2)
    return image


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--url", default=DEFAULT_URL)
    options.add_argument("--stream", default="drawn")
    args = options.parse_args()
    try:
        async with Streamer(args.url, args.stream, on_state=lambda _, why: print(why)) as streamer:
            due = time.monotonic()
            while True:
                await streamer.send(draw(due))
                due += 1 / FPS
                await asyncio.sleep(due - time.monotonic())
    except SightwireError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
