"""`sightwire-webcam`: a camera or a video to predictions on the terminal."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from . import __version__, terminal
from .errors import AtCapacity, SightwireError, SourceError, Unreachable
from .link import normalized
from .model import State, Stats
from .output import FORMATS, Printer
from .recognizer import DEFAULT_URL, Recognizer
from .sources import open_source
from .streaming import ended, play_and_close
from .terminal import say
from .window import Window

EXAMPLES = """\
examples:
  sightwire-webcam --source sample:wave     without a camera: a clip that the server draws
  sightwire-webcam --format json | jq .     camera 0, every prediction as one JSON object

Predictions go to stdout, one a line, everything else to stderr. text and csv print a line when the label changes, json
prints every prediction: its time (seconds since 1970), label, score, seen (number of the newest frame of the window),
delay_ms (from that frame to the prediction) and scores (of all labels). Ctrl-C ends it.

exit codes:
  0  the source has ended, or you have ended it (Ctrl-C, q in the window, the reader of the output has gone)
  1  something else failed
  2  a mistake in the command line
  3  the camera, video, folder or sample cannot be read
  4  no server answers
  5  the server is at capacity
  6  the server does not admit this client, for example because it has no model
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="sightwire-webcam",
        description="Recognise what a camera or a video shows, with a Sightwire server.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"sightwire-webcam {__version__}")
    made.add_argument("--url", default=DEFAULT_URL, help="address of the server (default: %(default)s)")
    made.add_argument(
        "--wait",
        type=terminal.seconds,
        default=0.0,
        metavar="S",
        help="keep trying for so many seconds if the server is down or full (default: give up at once); a connection "
        "that was there and is lost is always made anew",
    )
    frames = made.add_argument_group("frames")
    frames.add_argument(
        "--source",
        default="0",
        metavar="SOURCE",
        help="camera number (0), video file, stream (rtsp://…), folder of JPEG or PNG files, or sample:NAME "
        "(default: %(default)s)",
    )
    frames.add_argument(
        "--fps",
        type=terminal.rate,
        metavar="F",
        help="frames a second of a camera or a folder (default: 25); a video is played at its own rate without it",
    )
    frames.add_argument(
        "--width",
        type=terminal.width,
        default=640,
        metavar="PX",
        help="make wider pictures so wide; 0 sends them as they are (default: %(default)s)",
    )
    again = frames.add_mutually_exclusive_group()
    again.add_argument("--once", action="store_true", help="play a recording once (default)")
    again.add_argument("--loop", action="store_true", help="play it again and again")
    frames.add_argument(
        "--show",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="show the pictures in a window, with the label; q closes it",
    )
    out = made.add_argument_group("output")
    out.add_argument("--format", choices=FORMATS, default="text", help="of stdout (default: %(default)s)")
    out.add_argument("--labels-only", action="store_true", help="text: no scores")
    out.add_argument(
        "--threshold",
        type=_share,
        metavar="X",
        help="score below which the label is none, 0 to 1 (default: the server's own)",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    made = parser()
    args = made.parse_args(arguments)
    if args.labels_only and args.format != "text":
        made.error("--labels-only goes with --format text; json and csv name their fields")
    try:
        args.url = normalized(args.url)
    except ValueError as error:
        made.error(str(error))
    return terminal.run(_run(args), _hint)


async def _run(args: argparse.Namespace) -> None:
    printer = Printer(args.format, labels_only=args.labels_only)
    window = Window() if args.show else None
    recognizer = Recognizer(args.url, wait=args.wait, on_state=_say_state)
    source = None
    try:
        async with recognizer:
            source = await open_source(
                terminal.source(args.source), url=args.url, fps=args.fps, width=args.width, loop=args.loop
            )
            rate = "as it comes" if source.fps is None else f"at {source.fps:g} frames/s"
            say(f"playing {source.name} {rate}; Ctrl-C ends it")
            playing = asyncio.ensure_future(play_and_close(recognizer, source, window.show if window else None))
            try:
                async for prediction in recognizer:
                    if args.threshold is not None:
                        prediction = prediction.at(args.threshold)
                    printer.show(prediction)
                    if window is not None:
                        window.label(prediction)
                await playing
            finally:
                await ended(playing)
    finally:
        if source is not None:
            await source.close()
            say(_summary(recognizer.stats, printer))
        if window is not None:
            window.close()


def _say_state(state: State, why: str) -> None:
    if state not in (State.CONNECTING, State.CLOSED):
        say(why)


def _summary(stats: Stats, printer: Printer) -> str:
    words = f"{stats.sent} frames sent, {stats.dropped} dropped; {stats.predictions} predictions"
    median = printer.median_delay()
    return words if median is None else f"{words}, median delay {median * 1e3:.1f} ms"


def _hint(error: SightwireError) -> str:
    if isinstance(error, AtCapacity):
        return "hint: --wait 60 waits for a place; the limit is recognizer.max_clients (MAX_CLIENTS) of the server"
    if isinstance(error, Unreachable):
        return "hint: start one with `sightwire serve`, name another with --url, or wait for it with --wait 60"
    if isinstance(error, SourceError):
        return "hint: --source FILE plays a video, and --source sample:wave needs no camera at all"
    return ""


def _share(text: str) -> float:
    return terminal.number(text, 0.0, 1.0, "a score, 0 to 1")


if __name__ == "__main__":
    sys.exit(main())
