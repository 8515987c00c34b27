"""Prints what moves in live streams. It takes its time over each picture, and still sees only what is now."""

from __future__ import annotations

import argparse
import asyncio
import contextlib

from sightwire import DEFAULT_URL, SightwireError, Viewer


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--url", default=DEFAULT_URL)
    options.add_argument("--pictures", type=int, default=0, help="end after so many; 0 for never")
    options.add_argument("streams", nargs="*", help="without any: all")
    args = options.parse_args()
    try:
        async with Viewer(args.url, args.streams or None, overlays=True) as viewer:
            count = 0
            async for picture in viewer:
                found = ", ".join(f"{one.label} at {one.box[0]:.0f},{one.box[1]:.0f}" for one in picture.detections)
                height, width = picture.image().shape[:2]
                print(f"{picture.stream} picture {picture.sequence}: {width}x{height}, {found or 'nothing moves'}")
                await asyncio.sleep(0.5)  # whatever is done with it
                count += 1
                if count == args.pictures:
                    break
    except SightwireError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
