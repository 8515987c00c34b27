"""`sightwire-relay` as a user runs it: a process of its own, its output, its exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness import Server
from support import jpegs, line_of, repeated

SOURCES = Path(__file__).resolve().parents[1] / "src"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sightwire.relay.command", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCES), "COLUMNS": "120"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), env=environment(), capture_output=True, text=True, timeout=120)


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str]) -> str:
    """Interrupts it, and returns what it said."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    return said


def test_help_teaches_with_examples_and_exit_codes() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert done.stdout.count("\n  sightwire-relay ") >= 4
    assert "exit codes:" in done.stdout
    send, view = run("send", "--help").stdout, run("view", "--help").stdout
    for option in ["--stream", "--mode", "--fps", "--width", "--quality", "--loop", "--url", "--wait"]:
        assert option in send
    for option in ["--overlays", "--save", "--format", "--every", "--seconds", "--url", "--wait"]:
        assert option in view
    assert run("--version").stdout.startswith("sightwire-relay 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["watch"],
        ["send", "0"],
        ["send", "0", "--stream", ""],
        ["send", "0", "--stream", "P-1", "--mode", "fast"],
        ["send", "0", "--stream", "P-1", "--quality", "0"],
        ["send", "0", "--stream", "P-1", "--once", "--loop"],
        ["view", "a" * 129],
        ["view", "--every", "0"],
        ["view", "--format", "csv"],
        ["view", "--url", "ftp://x"],
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_a_mistake_in_the_command_line_is_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: sightwire-relay" in done.stderr


def test_no_server_is_4_and_named() -> None:
    for arguments in (["send", "sample:left", "--stream", "P-1"], ["view"]):
        done = run(*arguments, "--url", "127.0.0.1:9")
        assert done.returncode == 4
        assert "error: no Sightwire server answers at http://127.0.0.1:9" in done.stderr
        assert "hint: start one with `sightwire serve`" in done.stderr


def test_a_source_that_cannot_be_read_is_3_and_named(server: Server) -> None:
    for source, message in [("93", "there is no camera 93"), ("absent.mp4", "no file absent.mp4")]:
        done = run("send", source, "--stream", "P-none", "--url", server.url)
        assert done.returncode == 3
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_a_clip_is_sent_at_its_rate_and_what_went_out_is_told(server: Server) -> None:
    def sent(done: subprocess.CompletedProcess[str]) -> int:
        told = re.search(r"(\d+) frames sent, \d+ dropped; \d+\.\d MB", done.stderr)
        return int(told[1]) if told else 0

    begun = time.monotonic()
    # On a busy machine some give way to newer ones.
    clip = ("send", "sample:left", "--stream", "P-clip", "--url", server.url)
    done = repeated(lambda: run(*clip), lambda done: done.returncode == 0 and sent(done) >= 23)
    assert done.returncode == 0, done.stderr
    assert "playing sample:left at 25 frames/s as P-clip" in done.stderr
    assert 23 <= sent(done) <= 25
    assert time.monotonic() - begun > sent(done) / 25 * 0.9


def test_a_folder_of_pictures_of_both_kinds_is_sent(server: Server, tmp_path: Path) -> None:
    import cv2
    import numpy as np

    (tmp_path / "1.jpg").write_bytes(jpegs("left", 1)[0])
    cv2.imwrite(str(tmp_path / "2.png"), np.zeros((32, 32, 3), np.uint8))
    done = run("send", str(tmp_path), "--stream", "P-folder", "--url", server.url)
    assert done.returncode == 0, done.stderr
    assert "2 frames sent, 0 dropped" in done.stderr


def test_streams_are_told_line_by_line_and_kept_as_files(server: Server, wave: str, tmp_path: Path) -> None:
    def lively(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
        told = [json.loads(line) for line in done.stdout.splitlines()]
        return [one for one in told if one["state"] == "live" and one["fps"] > 0 and one["delay_ms"] is not None]

    sending = start("send", wave, "--stream", "P/1", "--loop", "--url", server.url)
    try:
        line_of(sending, sending.stderr, lambda line: "playing" in line)
        view = ("view", "P/1", "--url", server.url, "--every", "0.5", "--seconds", "4")
        saved = (*view, "--save", str(tmp_path / "kept"), "--format", "json")
        done = repeated(lambda: run(*saved), lambda done: bool(lively(done)))
        assert done.returncode == 0, done.stderr
        last = lively(done)[-1]
        assert (last["stream"], last["kind"], last["mode"]) == ("P/1", "relay", "normal")
        # Of the last two seconds, in which a busy machine may have done nothing, or caught up.
        assert last["fps"] < 60
        assert 0 <= last["delay_ms"] < 10_000
        assert 0 <= last["lost_percent"] <= 100
        assert "P/1: live" in done.stderr
        files = list((tmp_path / "kept").iterdir())
        assert [file.name for file in files] == ["P%2F1.jpg"]
        assert files[0].read_bytes()[:3] == b"\xff\xd8\xff"
        line = r"^P/1: live, \d+\.\d frames/s, delay \d+\.\d ms, lost \d+\.\d % \(\d+ in all\)$"
        text = repeated(lambda: run(*view).stdout, lambda text: bool(re.search(line, text, re.MULTILINE)))
        assert re.search(line, text, re.MULTILINE), text
    finally:
        said = ended(sending)
    assert "frames sent" in said


def test_a_stream_that_ends_is_told_once(server: Server, wave: str) -> None:
    viewing = start("view", "P-once", "--url", server.url, "--every", "0.2")
    assert line_of(viewing, viewing.stdout, lambda _: True).startswith("P-once: waiting")
    sending = start("send", wave, "--stream", "P-once", "--loop", "--url", server.url)
    try:
        line_of(viewing, viewing.stdout, lambda line: line.startswith("P-once: live"))
    finally:
        ended(sending)
    line_of(viewing, viewing.stdout, lambda line: line.startswith("P-once: ended"))
    time.sleep(1)
    viewing.send_signal(signal.SIGTERM)
    code = viewing.wait(20)
    assert viewing.stdout is not None and viewing.stderr is not None
    said = viewing.stderr.read()
    assert code == 0, said
    assert "P-once: ended" not in viewing.stdout.read()
    states = [line.split(" ")[1] for line in said.splitlines() if line.startswith("P-once:")]
    # A sender on a busy machine may stall.
    assert (states[0], states[-1], states.count("ended")) == ("live", "ended", 1)


def test_a_name_that_is_taken_is_6_with_the_cure(server: Server, wave: str) -> None:
    sending = start("send", wave, "--stream", "P-taken", "--loop", "--url", server.url)
    try:
        line_of(sending, sending.stderr, lambda line: "playing" in line)
        # One that does not answer within two seconds gives its name away.
        again = ("send", wave, "--stream", "P-taken", "--url", server.url)
        done = repeated(lambda: run(*again), lambda done: done.returncode == 6)
        assert done.returncode == 6
        assert "already has an active stream" in done.stderr
        assert "hint: --stream OTHER" in done.stderr
    finally:
        ended(sending)


def test_a_full_server_is_5() -> None:
    full = Server(args=["--set", "relay.max_viewers=0", "--set", "relay.max_streams=0"], USE_DUMMY_MODEL="1")
    try:
        for arguments in (["view"], ["send", "sample:left", "--stream", "P-1"]):
            done = run(*arguments, "--url", full.url)
            assert done.returncode == 5
            assert "--wait 60" in done.stderr
    finally:
        assert full.stop() == 0


def test_a_reader_that_leaves_ends_it_cleanly(server: Server) -> None:
    line = " ".join(command("view", "P-x", "--url", server.url, "--every", "0.1"))
    done = subprocess.run(
        ["bash", "-c", f"{line} | head -n 1; exit ${{PIPESTATUS[0]}}"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("P-x: waiting")
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
