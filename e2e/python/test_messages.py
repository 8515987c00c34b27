"""The AsyncAPI document says what clients are told: real messages of each channel are compared with it."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import socketio

from harness import Camera, Server, clip
from schemas import checked_in, strict, within

jsonschema_rs = pytest.importorskip("jsonschema_rs", reason="it needs Python 3.11")

PATIENCE_S = 60.0
SETTINGS = {
    "cameras.allow": "127.0.0.0/8",
    "cameras.file": "cameras.json",
    "detector.model": "motion",
    "relay.max_viewers": "2",
    # A sender that has to wait for its core is not silent yet.
    "relay.warn_after_s": "5",
    "relay.end_after_s": "10",
    "relay.hidden_end_after_s": "10",
    "relay.ping_interval_s": "1",
}
HEADER = struct.Struct(">BBHQQ")


class Book:
    """What the document says of each channel, and which of its messages came."""

    def __init__(self) -> None:
        self.document = strict(checked_in("asyncapi"), set())
        self.heard: dict[str, set[str]] = {}
        self.validators: dict[str, Any] = {}

    def messages(self, action: str, channel: str) -> dict[str, dict[str, Any]]:
        operation = self.document["operations"].get(f"{action}.{channel}", {"messages": []})
        names = [message["$ref"].rsplit("/", 1)[-1] for message in operation["messages"]]
        return {name: self.document["components"]["messages"][name] for name in names}

    def fitting(self, action: str, channel: str, payload: Any, event: str | None = None) -> set[str]:
        """Which messages it may be; there has to be one."""
        fits, why = set(), {}
        for name, message in self.messages(action, channel).items():
            if message["contentType"] != "application/json" or (event and event not in message["name"].split(", ")):
                continue
            if name not in self.validators:
                self.validators[name] = jsonschema_rs.validator_for(within(self.document, message["payload"]))
            errors = self.validators[name].iter_errors(payload)
            why[name] = [f"{error.instance_path}: {error.message[:200]}" for error in errors]
            if not why[name]:
                fits.add(name)
        assert fits, (channel, str(payload)[:500], why)
        return fits

    def takes(self, channel: str, payload: Any, event: str | None = None) -> Any:
        self.fitting("receive", channel, payload, event)
        return payload

    def hears(self, channel: str, message: str | bytes | dict[str, Any], event: str | None = None) -> None:
        if isinstance(message, bytes):
            kind, length, zero, _, _ = HEADER.unpack_from(message)
            assert (kind, zero) == (1, 0) and message[HEADER.size + length :].startswith(b"\xff\xd8"), message[:40]
            fits = {"BinaryFrame"} & set(self.messages("send", channel))
        elif channel == "boardRaw" and isinstance(message, str) and not message.startswith("{"):
            assert base64.b64decode(message, validate=True).startswith(b"\xff\xd8")
            fits = {"RawFrame"} & set(self.messages("send", channel))
        else:
            fits = self.fitting("send", channel, json.loads(message) if isinstance(message, str) else message, event)
        assert fits, (channel, message[:40])
        self.heard.setdefault(channel, set()).update(fits)

    def lacks(self, channel: str) -> set[str]:
        return set(self.messages("send", channel)) - self.heard.get(channel, set())


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        camera, config = Camera(), Path(folder) / "sightwire.toml"
        config.write_text(f"[[camera]]\nid = 'front-door'\nurl = '{camera.url}/stream'\ndefault = true\n")
        flags = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
        running = Server(args=["--config", str(config), *flags])
        yield running
        assert running.stop() == 0
        assert camera.stop() == 0


@pytest.fixture
def book() -> Book:
    return Book()


async def listen(book: Book, channel: str, socket: aiohttp.ClientWebSocketResponse, until: set[str]) -> None:
    """Compares messages until all of these came, or the server ends it."""
    async for message in socket:
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
        book.hears(channel, message.data)
        if until <= book.heard[channel]:
            return


def run(work: Any) -> None:
    asyncio.run(asyncio.wait_for(work, PATIENCE_S))


async def watch(server: Server, book: Book, channel: str, path: str, until: set[str], **options: Any) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(server.url + path, **options) as socket:
        await listen(book, channel, socket, until)


def test_signs(server: Server, book: Book) -> None:
    async def client(auth: dict[str, Any] | None, until: set[str]) -> None:
        said = socketio.AsyncClient(reconnection=False)
        done = asyncio.Event()

        async def hears(event: str, payload: dict[str, Any]) -> None:
            book.hears("signs", payload, event)
            if until <= book.heard["signs"]:
                done.set()

        said.on("*", hears)
        await said.connect(server.url, auth=auth and book.takes("signs", auth, "connect"))
        for index, image in enumerate(clip("wave") * 2):
            frame = {"image": image, "id": index} if auth else {"image": image}
            await said.emit("frame", book.takes("signs", frame, "frame"))
            await asyncio.sleep(0.04)
        await asyncio.wait_for(done.wait(), PATIENCE_S)
        await said.disconnect()

    async def work() -> None:
        await client(None, {"SignMessage", "Prediction"})
        await client({"extras": True}, {"SignModel", "DetailedPrediction", "SignResult"})

    run(work())
    assert book.lacks("signs") == set()


def test_relay(server: Server, book: Book) -> None:
    picture = base64.b64decode(clip("wave")[0])
    frames = [
        book.takes("sender", {"type": "frame", "frame": "data:image/jpeg;base64," + base64.b64encode(picture).decode()})
    ]
    binary = HEADER.pack(1, 0, 0, 0, 0) + picture

    async def send(session: aiohttp.ClientSession, name: str, protocols: list[str], until: set[str]) -> None:
        async with session.ws_connect(f"{server.url}/ws/stream/{name}", protocols=protocols) as socket:
            await socket.send_json(book.takes("sender", {"analysis_mode": "enhanced"}))
            for _ in range(20):
                await (socket.send_bytes(binary) if protocols else socket.send_json(frames[0]))
                await asyncio.sleep(0.05)
            await socket.send_json(book.takes("sender", {"type": "ping"}))
            # Then it says nothing, is warned, and ended.
            await listen(book, "sender", socket, until)

    async def view(session: aiohttp.ClientSession, protocols: list[str], until: set[str]) -> None:
        path = f"{server.url}/ws/view?streams=*,front-door&overlays=1"
        async with session.ws_connect(path, protocols=protocols, autoping=True) as socket:
            await socket.send_json(book.takes("viewer", {"type": "ping"}))
            await listen(book, "viewer", socket, until)

    async def work() -> None:
        async with aiohttp.ClientSession() as session:
            both = {"ViewerConnected", "StreamEnded", "Ping", "Pong"}
            viewers = [
                view(session, [], both | {"LiveFrame", "OverlayData"}),
                view(session, ["sightwire.v1"], both | {"BinaryFrame", "StreamStateMessage"}),
            ]
            watching = [asyncio.ensure_future(viewer) for viewer in viewers]
            await asyncio.sleep(0.5)
            # They are all that there is room for.
            await view(session, [], {"RelayError"})
            await asyncio.gather(
                send(session, "P-1", [], {"Connected", "Pong", "Warning", "RelayError"}),
                send(session, "P-2", ["sightwire.v1"], {"Connected", "StreamStats", "Warning", "RelayError"}),
            )
            await asyncio.gather(*watching)

    run(work())
    assert (book.lacks("sender"), book.lacks("viewer")) == (set(), set())


def test_live(server: Server, book: Book) -> None:
    async def work() -> None:
        # Somebody watches meanwhile, so that there are streams and viewers to be told of.
        watching = asyncio.ensure_future(watch(server, book, "boardDetect", "/ws/stream/detect?fps=20", {"nothing"}))
        await asyncio.sleep(1.5)
        for _ in range(2):
            await watch(server, book, "live", "/api/v1/live", {"LiveFull", "LivePatch"})
        watching.cancel()

    run(work())
    assert book.lacks("live") == set()


def test_detections(server: Server, book: Book) -> None:
    async def work() -> None:
        path = "/api/v1/streams/front-door/detections?fps=20&conf=0"
        async with aiohttp.ClientSession() as session, session.ws_connect(server.url + path) as socket:
            events = set()
            while events != {"state", "detections"}:
                text = (await socket.receive()).data
                book.hears("detections", text)
                events.add(json.loads(text)["event"])

    run(work())


def test_boards(server: Server, book: Book) -> None:
    async def work() -> None:
        for channel, path in [
            ("boardDetect", "/ws/stream/detect"),
            ("boardViewer", "/ws/viewer/detection"),
            ("boardRaw", "/ws/stream/raw"),
        ]:
            until = set(book.messages("send", channel)) - {"BoardProblem"}
            await watch(server, book, channel, f"{path}?fps=30", until)
            await watch(server, book, channel, f"{path}?fps=30&camera=nowhere", {"BoardProblem"})

    run(work())
    for channel in ["boardDetect", "boardViewer", "boardRaw"]:
        assert book.lacks(channel) == set(), channel
