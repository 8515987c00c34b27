"""The relay prototype's clients as their users wrote them, for js/cluster-old-clients.test.mjs.

`relay_behind_proxy.py URL PREFIX` sends streams whose names begin so to that address and watches them there, all at
the same time, and prints what came of it. To which process each of them comes is the proxy's to say. Streams of others
may be there, too."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

from old_relay import Old, Streamer, Viewer, data_url, picture

STREAMS = 6
WATCHING_ALL = 3
FRAMES = 20
FPS = 15
# Of each stream, so that each process is asked.
SECOND_SENDERS = 3
HELLOS = [{"analysis_mode": "normal"}, {"analysis_mode": "enhanced"}, {"monitoring_conditions": ["cardiac"]}, {}]


class Watched:
    """What viewers were shown of the streams, each picture of which is another one."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.frames = {
            data_url(picture(100 * (1 + number) + frame)): (name, frame)
            for number, name in enumerate(names)
            for frame in range(FRAMES)
        }

    def of(self, viewer: Viewer) -> dict[str, Any]:
        """How many pictures of each stream; those that were shown as another's, and those that came late or twice."""
        shown: dict[str, list[int]] = {name: [] for name in self.names}
        foreign = 0
        for message in (one for name in self.names for one in viewer.of("live_frame", name)):
            name, frame = self.frames.get(message["data"]["frame"], ("", 0))
            if name == message["patient_id"]:
                shown[name].append(frame)
            else:
                foreign += 1
        late = sum(after <= before for frames in shown.values() for before, after in zip(frames, frames[1:]))
        ended = [one["patient_id"] for name in self.names for one in viewer.of("stream_ended", name)]
        return {
            "shown": {name: len(frames) for name, frames in shown.items()},
            "foreign": foreign,
            "late": late,
            "ended": sorted(ended),
            "kinds": sorted({one["type"] for one in viewer.heard}),
        }


async def pings(old: Old) -> None:
    await old.say({"type": "ping"})
    await old.hears("pong")


async def second(url: str, name: str) -> dict[str, Any]:
    """A sender of a name that is live: its end, and all that it was told."""
    async with Streamer(url, name) as late:
        return {"code": await late.is_closed(), "heard": late.heard}


async def ends(streamer: Streamer, rudely: bool) -> None:
    if rudely:
        connection = streamer.ws._response.connection
        assert connection is not None and connection.transport is not None
        connection.transport.abort()
    else:
        await streamer.ws.close()


async def main(url: str, prefix: str) -> dict[str, Any]:
    names = [f"{prefix} {number}/ü" for number in range(STREAMS)]
    watched = Watched(names)
    async with AsyncExitStack() as stack:

        async def enter(one: Old) -> Any:
            return await stack.enter_async_context(one)

        everything = [await enter(Viewer(url)) for _ in range(WATCHING_ALL)]
        for viewer in everything:
            await viewer.hears("viewer_connected")
        streamers = [await enter(Streamer(url, name, HELLOS[i % len(HELLOS)])) for i, name in enumerate(names)]
        answers = [await streamer.hears("connected") for streamer in streamers]
        chosen = [await enter(Viewer(url, f"?streams={quote(name, safe='')}")) for name in names]
        for viewer in chosen:
            await viewer.hears("viewer_connected")

        for frame in range(FRAMES):
            for number, streamer in enumerate(streamers):
                await streamer.frame(picture(100 * (1 + number) + frame))
            await asyncio.sleep(1 / FPS)
        for number, name in enumerate(names):
            newest = picture(100 * (1 + number) + FRAMES - 1)
            for viewer in [*everything, chosen[number]]:
                await viewer.sees(name, newest)
        for old in [*everything, *chosen, *streamers]:
            await pings(old)

        refused = [await second(url, name) for name in names for _ in range(SECOND_SENDERS)]
        still_open = sum(streamer.code is None for streamer in streamers)

        for number, streamer in enumerate(streamers):
            await ends(streamer, rudely=number % 2 == 1)
        for number, name in enumerate(names):
            for viewer in [*everything, chosen[number]]:
                await viewer.hears("stream_ended", name)
        seen = {"everything": everything, "chosen": chosen}
        reports = {kind: [watched.of(viewer) for viewer in viewers] for kind, viewers in seen.items()}
        # The names are free again, wherever their senders come to.
        again = [await enter(Streamer(url, name)) for name in names]
        for streamer in again:
            await streamer.hears("connected")
        for number, streamer in enumerate(again):
            await streamer.frame(picture(number))
            await everything[number % WATCHING_ALL].sees(names[number], picture(number))
            await chosen[number].sees(names[number], picture(number))

        return {
            "names": names,
            "answers": [[one["patient_id"], one["analysis_mode"], one["warning"]] for one in answers],
            **reports,
            "refused": refused,
            "still_open": still_open,
            "again": len(again),
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 45))))
