"""What systemd, a log file and a changed configuration do to a running server."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from harness import BIN, Camera, Server, environment, wait_until

DUMMY = "--set=recognizer.dummy=true"


@contextmanager
def systemd() -> Iterator[tuple[str, list[str]]]:
    """The address of a socket as systemd gives it, and what is said there."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        path, said, open_ = f"{folder}/notify", [], [True]
        heard.bind(path)
        heard.settimeout(0.1)

        def listen() -> None:
            while open_:
                with suppress(TimeoutError):
                    said.extend(heard.recv(4096).decode().splitlines())

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield path, said
        finally:
            open_.clear()
            thread.join()


def test_systemd_hears_of_the_start_of_life_and_of_the_end() -> None:
    with systemd() as (path, said):
        server = Server(args=[DUMMY], NOTIFY_SOCKET=path, WATCHDOG_USEC="300000")
        wait_until(lambda: said.count("WATCHDOG=1") >= 3, 10, "it feeds the watchdog")
        assert server.stop() == 0
        wait_until(lambda: "STOPPING=1" in said, 5, "it says that it stops")
    assert said.index("READY=1") < said.index("WATCHDOG=1") < said.index("STOPPING=1")
    assert f"STATUS={server.address}" in said
    assert any(line.startswith("EXTEND_TIMEOUT_USEC=") for line in said)


def test_without_a_watchdog_none_is_fed() -> None:
    with systemd() as (path, said):
        server = Server(args=[DUMMY], NOTIFY_SOCKET=path)
        wait_until(lambda: "READY=1" in said, 10, "it is ready")
        time.sleep(0.3)
        server.stop()
    assert "WATCHDOG=1" not in said


CONFIG = """
[server]
max_connections = {connections}
[cameras]
allow = ["127.0.0.0/8"]
[[camera]]
id = "gate"
url = "{gate}"
[[camera]]
id = "{second}"
url = "{yard}"
"""


def test_on_sighup_cameras_come_and_go_and_whoever_watches_another_notices_nothing() -> None:
    gate, yard = Camera(), Camera()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sightwire.toml"

        def write(connections: object, second: str) -> None:
            text = CONFIG.format(connections=connections, second=second, gate=gate.url, yard=yard.url)
            file.write_text(text)

        write(100, "yard")
        own = f"--set=cameras.file={folder}/cameras.json"
        server = Server(args=[f"--config={file}", DUMMY, own])
        watch = urllib.request.urlopen(f"{server.url}/stream?camera=gate", timeout=10)
        assert watch.read(1000)
        closed = urllib.request.urlopen(f"{server.url}/stream?camera=yard", timeout=10)
        assert closed.read(1000)

        def ids() -> list[str]:
            return [camera["id"] for camera in server.get("/api/v1/cameras")["cameras"]]

        assert ids() == ["gate", "yard"]
        write(200, "court")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: ids() == ["gate", "court"], 10, "the other camera is there")
        closed.read()  # to its end: the camera has another name, and whoever may see that may be somebody else
        needs = 'needs_restart="server.max_connections"'
        wait_until(lambda: needs in server.log.read_text(), 10, "what needs a restart")
        write("many", "yard")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the one before stays as it is" in server.log.read_text(), 10, "the refusal")
        assert "at line 3, column 19: string values must be quoted" in server.log.read_text()
        assert ids() == ["gate", "court"], "all of it stays as it was"
        assert len(watch.read(200_000)) == 200_000, "the first viewer has not been dropped"
        connects = next(s for s in server.get("/api/v1/streams")["streams"] if s["id"] == "gate")
        assert connects["viewers"] == 1
        watch.close()
        assert server.stop() == 0
    gate.stop()
    yard.stop()


def test_a_log_file_has_what_stderr_has_and_the_audit_file_who_did_what() -> None:
    with tempfile.TemporaryDirectory() as folder:
        log, audit = Path(folder) / "sightwire.log", Path(folder) / "audit.log"
        files = [f"--set=log.file={log}", f"--set=log.audit_file={audit}", "--set=log.level=error"]
        files += ["--set=cameras.allow=127.0.0.0/8", f"--set=cameras.file={folder}/cameras.json"]
        server = Server(args=[DUMMY, *files])
        request = urllib.request.Request(
            f"{server.url}/api/v1/cameras",
            data=b'{"id":"new","url":"http://anna:geheim@127.0.0.1:9/"}',
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 201
        wait_until(lambda: audit.read_text() != "", 10, "the line")
        # Written by threads of their own.
        wait_until(lambda: "AUDIT" in server.log.read_text() and "AUDIT" in log.read_text(), 10, "the others")
        stderr = server.log.read_text()
        server.stop()
        [line] = audit.read_text().splitlines()
        assert 'AUDIT whoever is on this machine added the camera "new"' in line
        assert "geheim" not in line
        told = line.split(" ", 1)[1]
        assert told in log.read_text(), "though nothing else of that level is written"
        assert told in stderr


def test_a_log_file_that_cannot_be_opened_is_a_mistake_of_the_configuration() -> None:
    for command in (["serve", "--port=0"], ["check"]):
        args = [BIN, *command, DUMMY, "--set=log.file=/nowhere/sightwire.log"]
        ended = subprocess.run(args, env=environment({}), capture_output=True, text=True, timeout=30)
        assert ended.returncode == 2
        assert "log.file cannot be written: /nowhere/sightwire.log: No such file or directory" in ended.stderr


def test_a_request_that_is_on_its_way_is_answered_though_the_server_stops() -> None:
    server = Server(args=[DUMMY])
    host, port = server.address.split(":")
    body = b'{"message":"slow","page":"/","place":""}'
    head = (
        f"POST /api/v1/page-errors HTTP/1.1\r\nHost: {server.address}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as asked:
        asked.sendall(head.encode() + body[:10])
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(1.5)
        asked.sendall(body[10:])
        assert asked.recv(100).startswith(b"HTTP/1.1 204")
    assert server.stop() == 0


def test_the_schema_of_the_configuration_takes_what_the_server_takes_and_nothing_else() -> None:
    tomllib = pytest.importorskip("tomllib", reason="it needs Python 3.11")
    jsonschema_rs = pytest.importorskip("jsonschema_rs", reason="it needs Python 3.11")

    def printed(what: str) -> str:
        made = subprocess.run([BIN, "config", what], env=environment({}), capture_output=True, text=True, check=True)
        return made.stdout

    schema = jsonschema_rs.validator_for(json.loads(printed("schema")))
    # Each key at its default, without the examples of tables.
    file, _ = printed("init").split("\n# Clients that cannot send a key", 1)
    usual = tomllib.loads(re.sub(r"(?m)^# (?=[a-z0-9_]+ = )", "", file))
    assert usual["relay"]["max_fps"] == 60.0 and len(usual) == 17
    schema.validate(usual)
    for text in [
        '[log]\nlevel = "WARNING"',
        "[server]\nlisten = 8000",
        "[recogniser]\nmax_clients = 3",
        '[[camera]]\nid = "a"\nurl = "http://a"',
        '[[access.legacy]]\nrole = "viewer"',
    ]:
        schema.validate(tomllib.loads(text))
    for text in [
        "[relay]\nmax_fps = 0",
        '[relay]\noverlays = "some"',
        "[relay]\nmax_fsp = 3",
        "[rely]\nmax_fps = 3",
        "[[camera]]\nfsp = 3",
    ]:
        assert not schema.is_valid(tomllib.loads(text)), text
