"""Objects are found by servers of others (MLServer, Triton) while they answer, and here while they do not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

from harness import Camera, Server, wait_until  # noqa: E402

START_S = 60.0


def free_ports(count: int) -> int:
    """The first of some free ports in a row."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first: int = probe.getsockname()[1]
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            continue
        return first


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def process(command: list[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        running = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, **options)
    try:
        yield running
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


@contextmanager
def mlserver(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """MLServer with gRPC on the second of these ports."""
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": port + 1,
        "metrics_port": port + 2,
        "parallel_workers": 0,
        "metrics_endpoint": None,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    if not (folder / "detect").exists():
        (folder / "detect").symlink_to(HERE / "mlserver/detect")
    program = str(Path(sys.executable).parent / "mlserver")
    env = {**os.environ, "PYTHONPATH": str(HERE / "mlserver/detect"), "PYTHONDONTWRITEBYTECODE": "1"}
    with process([program, "start", str(folder)], folder / "log", env=env) as running:
        wait_until(lambda: listens(port + 1), START_S, "MLServer listens")
        yield running


@contextmanager
def pytriton(folder: Path, port: int, takes: str) -> Iterator[subprocess.Popen[bytes]]:
    """Triton with gRPC on the second of these ports."""
    command = [sys.executable, str(HERE / "pytriton/serve.py"), str(port), takes]
    with process(command, folder / "log", cwd=folder) as running:
        wait_until(lambda: listens(port + 1), START_S, "Triton listens")
        yield running


@contextmanager
def watching(port: int, **more: str) -> Iterator[Server]:
    """A server whose detector is at that port, and somebody who watches what it finds."""
    settings = {
        "cameras.allow": "127.0.0.0/8",
        "detector.model": "motion",
        "engine.remote": f"grpc://127.0.0.1:{port}",
        **more,
    }
    flags = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    server, camera = Server(args=flags, USE_DUMMY_MODEL="1"), Camera()
    done = threading.Event()
    url = f"{server.url}/stream/detect?camera_url={quote(camera.url, safe='')}&fps=5"

    def watch() -> None:
        with urllib.request.urlopen(url, timeout=20) as stream:
            while not done.is_set() and stream.read(4096):
                pass

    viewer = threading.Thread(target=watch)
    viewer.start()
    try:
        yield server
    finally:
        done.set()
        viewer.join(20)
        assert camera.stop() == 0
        assert server.stop() == 0


def detector(server: Server) -> dict[str, Any]:
    status: dict[str, Any] = server.get("/api/v1/status")["detector"]
    return status


def works_elsewhere(server: Server, runs: int) -> None:
    def found() -> bool:
        status = detector(server)
        return status["provider"] == "remote" and status["runs"] >= runs

    try:
        wait_until(found, 40, "another server finds objects")
    except AssertionError as error:
        raise AssertionError(f"{detector(server)}\n{server.log.read_text()}") from error


def test_mlserver_finds_objects_and_while_it_is_away_they_are_found_here(tmp_path: Path) -> None:
    port = free_ports(3)
    with mlserver(tmp_path, port) as running, watching(port + 1) as server:
        works_elsewhere(server, 5)
        status = detector(server)
        assert (status["model"], status["state"], status["note"]) == ("detect", "ready", None)
        os.killpg(running.pid, signal.SIGKILL)
        wait_until(lambda: detector(server)["model"] == "motion", 20, "motion looks")
        assert detector(server)["note"].startswith(f"detector away: grpc://127.0.0.1:{port + 1} (")
        with mlserver(tmp_path, port):
            works_elsewhere(server, status["runs"] + 5)
        log = server.log.read_text()
        assert log.count(" is away: ") <= 2 and log.count(" answers") == 2, log


def test_a_server_that_hangs_is_away_until_it_goes_on(tmp_path: Path) -> None:
    port = free_ports(3)
    with mlserver(tmp_path, port) as running, watching(port + 1) as server:
        works_elsewhere(server, 5)
        os.killpg(running.pid, signal.SIGSTOP)
        wait_until(lambda: "detector away" in str(detector(server)["note"]), 20, "it is away")
        os.killpg(running.pid, signal.SIGCONT)
        works_elsewhere(server, 10)


def test_triton_finds_objects_in_pixels(tmp_path: Path) -> None:
    port = free_ports(3)
    with pytriton(tmp_path, port, "pixels"), watching(port + 1) as server:
        works_elsewhere(server, 5)
        assert detector(server)["labels"][3] == "bicycle"


def test_triton_finds_objects_in_jpegs_as_they_came(tmp_path: Path) -> None:
    port = free_ports(3)
    with pytriton(tmp_path, port, "jpeg"), watching(port + 1) as server:
        works_elsewhere(server, 5)
        assert detector(server)["labels"][3] == "bicycle"
