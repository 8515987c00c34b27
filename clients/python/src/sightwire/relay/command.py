"""`sightwire-relay`: sends a camera or a video as a live stream, and watches live streams, on the terminal."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import __version__, terminal
from ..errors import AtCapacity, NameTaken, SightwireError, SourceError, Unreachable
from ..model import State
from ..recognizer import DEFAULT_URL
from ..sources import Source, open_source
from ..streaming import play
from ..terminal import say
from .show import FORMATS, Board, Keeper
from .streamer import MODES, Streamer
from .viewer import Viewer
from .wire import EVERY, checked, relay_url

REPORT_S = 10.0
"""How often `send` tells what has gone out."""

EXAMPLES = """\
examples:
  sightwire-relay send sample:left --stream P-1 --loop   without a camera: a clip that the server draws
  sightwire-relay send 0 --stream door --mode enhanced   camera 0, more of its frames analysed
  sightwire-relay view                                   all streams: state, frames a second, delay, loss
  sightwire-relay view door --save pictures              keeps the newest picture as pictures/door.jpg

exit codes:
  0  the source has ended, or you have ended it (Ctrl-C, the reader of the output has gone)
  1  something else failed
  2  a mistake in the command line
  3  the camera, video, folder or sample cannot be read
  4  no server answers
  5  the server is at capacity
  6  the server does not admit this client: the name is taken or not allowed, or an administrator has ended it
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="sightwire-relay",
        description="Send and watch live streams through a Sightwire server.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"sightwire-relay {__version__}")
    usual = argparse.ArgumentParser(add_help=False)
    usual.add_argument("--url", default=DEFAULT_URL, help="address of the server (default: %(default)s)")
    usual.add_argument(
        "--wait",
        type=terminal.seconds,
        default=0.0,
        metavar="S",
        help="keep trying for so many seconds if the server is down or full (default: give up at once); a connection "
        "that was there and is lost is always made anew",
    )
    which = made.add_subparsers(dest="command", required=True, metavar="send|view")
    _send_options(which.add_parser("send", parents=[usual], allow_abbrev=False, help="send a live stream"))
    _view_options(which.add_parser("view", parents=[usual], allow_abbrev=False, help="watch live streams"))
    return made


def _send_options(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "source",
        metavar="SOURCE",
        help="camera number (0), video file, stream (rtsp://…), folder of JPEG or PNG files, or sample:NAME",
    )
    made.add_argument("--stream", type=_name, required=True, metavar="NAME", help="the name under which it is seen")
    made.add_argument("--mode", choices=MODES, default="normal", help="how much of it is analysed (default: normal)")
    made.add_argument(
        "--fps",
        type=terminal.rate,
        metavar="F",
        help="frames a second of a camera or a folder (default: 25); a video is played at its own rate without it",
    )
    made.add_argument(
        "--width",
        type=terminal.width,
        default=1280,
        metavar="PX",
        help="make wider pictures so wide; 0 sends them as they are (default: %(default)s)",
    )
    made.add_argument(
        "--quality", type=_quality, default=85, metavar="Q", help="of the JPEGs, 1 to 100 (default: %(default)s)"
    )
    again = made.add_mutually_exclusive_group()
    again.add_argument("--once", action="store_true", help="play a recording once (default)")
    again.add_argument("--loop", action="store_true", help="play it again and again")


def _view_options(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "streams", type=_wanted, nargs="*", metavar="NAME", help="streams, or a camera's id (default: all streams)"
    )
    made.add_argument("--overlays", action="store_true", help="also what analyses find")
    made.add_argument("--save", type=Path, metavar="DIR", help="keep each stream's newest picture as DIR/NAME.jpg")
    made.add_argument("--format", choices=FORMATS, default="text", help="of stdout (default: %(default)s)")
    made.add_argument(
        "--every", type=_interval, default=1.0, metavar="S", help="seconds between two lines of a stream (default: 1)"
    )
    made.add_argument("--seconds", type=terminal.seconds, metavar="S", help="end after so long (default: never)")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    made = parser()
    args = made.parse_args(arguments)
    try:
        args.url = relay_url(args.url)
    except ValueError as error:
        made.error(str(error))
    return terminal.run(_send(args) if args.command == "send" else _view(args), _hint)


async def _send(args: argparse.Namespace) -> None:
    source: Source | None = None
    streamer = Streamer(args.url, args.stream, args.mode, wait=args.wait, quality=args.quality, on_state=_say_state)
    asked = terminal.source(args.source)

    async def opened() -> Source:
        return await open_source(asked, url=args.url, fps=args.fps, width=args.width, loop=args.loop)

    try:
        # Nobody is to see a stream begin that has no source. Samples come from the server, which may be late.
        if not str(asked).startswith("sample:"):
            source = await opened()
        async with streamer:
            if source is None:
                source = await opened()
            rate = "as it comes" if source.fps is None else f"at {source.fps:g} frames/s"
            say(f"playing {source.name} {rate} as {args.stream}; Ctrl-C ends it")
            reporting = asyncio.ensure_future(_report(streamer))
            try:
                await play(streamer, source)
            finally:
                reporting.cancel()
    finally:
        if source is not None:
            await source.close()
            stats = streamer.stats
            say(f"{stats.sent} frames sent, {stats.dropped} dropped; {stats.bytes_sent / 1e6:.1f} MB")


async def _report(streamer: Streamer) -> None:
    before = streamer.stats
    while True:
        await asyncio.sleep(REPORT_S)
        now = streamer.stats
        sent = now.sent - before.sent
        rate = (now.bytes_sent - before.bytes_sent) / REPORT_S / 1e6
        seen = "" if now.viewers is None else f", {now.viewers} viewer{'' if now.viewers == 1 else 's'}"
        say(f"{sent / REPORT_S:.1f} frames/s, {rate:.2f} MB/s{seen}, {now.dropped} dropped")
        before = now


async def _view(args: argparse.Namespace) -> None:
    keeper = Keeper(args.save) if args.save is not None else None
    board = Board(args.format)
    async with Viewer(
        args.url,
        args.streams or None,
        args.overlays,
        wait=args.wait,
        on_state=_say_state,
        on_stream=lambda stream: say(board.change(stream)),
    ) as viewer:
        telling = asyncio.ensure_future(_tell(viewer, board, args.every, args.seconds))
        looking = asyncio.ensure_future(_look(viewer, board, keeper))
        try:
            done, _ = await asyncio.wait({telling, looking}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (telling, looking):
                task.cancel()


async def _look(viewer: Viewer, board: Board, keeper: Keeper | None) -> None:
    async for picture in viewer:
        if picture.overlay is not None:
            board.found(picture.overlay)
        if keeper is not None:
            await keeper.keep(picture)


async def _tell(viewer: Viewer, board: Board, every: float, seconds: float | None) -> None:
    loop = asyncio.get_running_loop()
    until = None if seconds is None else loop.time() + seconds
    while until is None or loop.time() < until:
        await asyncio.sleep(every if until is None else max(0.0, min(every, until - loop.time())))
        board.show(viewer.states.values())


def _say_state(state: State, why: str) -> None:
    if state not in (State.CONNECTING, State.CLOSED):
        say(why)


def _hint(error: SightwireError) -> str:
    if isinstance(error, AtCapacity):
        return "hint: --wait 60 waits for a place; the limits are relay.max_streams and relay.max_viewers of the server"
    if isinstance(error, NameTaken):
        return "hint: --stream OTHER sends it under another name"
    if isinstance(error, Unreachable):
        return "hint: start one with `sightwire serve`, name another with --url, or wait for it with --wait 60"
    if isinstance(error, SourceError):
        return "hint: a video file or a folder does, and sample:wave needs no camera at all"
    return ""


def _name(text: str) -> str:
    try:
        return checked(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _wanted(text: str) -> str:
    return text if text == EVERY else _name(text)


def _quality(text: str) -> int:
    return int(terminal.number(text, 1, 100, "a quality, 1 to 100"))


def _interval(text: str) -> float:
    return terminal.number(text, 0.1, 3600.0, "a number of seconds, 0.1 to 3600")


if __name__ == "__main__":
    sys.exit(main())
