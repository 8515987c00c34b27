"""A server, and a command, whose program for PDF, AVIF and HEIC is not there yet, or is replaced."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import BIN, Server, environment, wait_until
from reading import begin, drawn, get, needs_model, read, scan, start

DRAW = "sightwire-draw"
PATIENCE_S = 60
TIMEOUT_S = 300


@pytest.fixture(scope="module", autouse=True)
def model() -> None:
    needs_model()


def put(program: Path, folder: Path) -> Path:
    """A program of the build in a folder of its own."""
    folder.mkdir(exist_ok=True)
    target = folder / program.name
    try:
        os.link(program, target)
    except OSError:
        # On another disk.
        shutil.copy(program, target)
    return target


def png(text: str) -> bytes:
    file = io.BytesIO()
    drawn(text).save(file, format="PNG")
    return file.getvalue()


def test_what_cannot_be_drawn_yet_is_told_and_read_as_soon_as_it_can_be(tmp_path: Path) -> None:
    class Alone(Server):
        program = put(BIN, tmp_path / "bin")

    server = start(tmp_path / "jobs", Alone)
    place = tmp_path / "bin" / DRAW

    def status() -> dict:
        return server.get("/api/v1/status")["reader"]["drawing"]

    missing = f"the program sightwire-draw is missing: there is no {place} and no "
    assert not status()["available"] and status()["why"].startswith(missing)
    refused = read(server, scan("Hello 42"))
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert refused.detail.startswith(f"The PDF cannot be read yet: {missing}"), refused.detail
    assert "cargo build" in refused.detail
    assert read(server, png("Gate 42")).json()["text"] == "Gate 42", "all else is read"
    job = begin(server, [("letter.pdf", scan("Dear all")), ("note.png", png("Note 7"))])
    wait_until(lambda: get(server, job).json()["done"] == 1, PATIENCE_S, "the picture of the batch is read")
    summary = get(server, job).json()
    assert (summary["state"], summary["failed"], summary["waiting"]) == ("running", 0, 1)
    assert missing in summary["notes"][0], summary["notes"]

    put(BIN.parent / DRAW, tmp_path / "bin")
    wait_until(lambda: status() == {"available": True, "why": None}, PATIENCE_S, "a server that found it")
    assert read(server, scan("Hello 42")).json()["text"] == "Hello 42"
    wait_until(lambda: get(server, job).json()["state"] == "done", PATIENCE_S, "the batch is read")
    assert get(server, f"{job}/files/0").json()["text"] == "Dear all"
    assert "notes" not in get(server, job).json()
    found = "PDF, AVIF and HEIC can be read now"
    wait_until(lambda: found in server.log.read_text(), PATIENCE_S, "its log says so, too")
    said = server.log.read_text()
    assert said.count("PDF, AVIF and HEIC cannot be read yet: ") == 1, said
    assert said.count(found) == 1, said

    # An upgrade under a running server is the next server's.
    place.unlink()
    place.write_text("another program")
    assert read(server, scan("Hello 43")).json()["text"] == "Hello 43"
    assert status()["available"]
    assert server.stop() == 0


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    program = put(BIN, tmp_path / "bin")
    (tmp_path / "letter.pdf").write_bytes(scan("Dear all"))

    def run(*args: object) -> subprocess.CompletedProcess[str]:
        line = [program, *map(str, args)]
        settings = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
        return subprocess.run(line, env=environment({}), timeout=TIMEOUT_S, check=False, **settings)

    ended = run("read", tmp_path / "letter.pdf")
    assert ended.returncode == 1
    assert "the PDF cannot be read yet: the program sightwire-draw is missing: " in ended.stderr, ended.stderr
    checked = run("check")
    assert checked.returncode == 0
    assert "warning: PDF, AVIF and HEIC cannot be read: the program sightwire-draw is missing: " in checked.stderr
    put(BIN.parent / DRAW, tmp_path / "bin")
    ended = run("read", tmp_path / "letter.pdf")
    assert (ended.returncode, ended.stdout) == (0, "Dear all\n")
    assert f"drawing: PDF, AVIF and HEIC by {tmp_path / 'bin' / DRAW}\n" in run("check").stdout
