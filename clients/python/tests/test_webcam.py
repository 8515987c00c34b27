"""`sightwire-webcam` as a user runs it: a process of its own, its output, its exit codes."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_sources import video

from harness import Server, wait_until
from support import jpegs, line_of, repeated, status

SOURCES = Path(__file__).resolve().parents[1] / "src"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sightwire.webcam", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCES), "COLUMNS": "120"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), env=environment(), capture_output=True, text=True, timeout=120)


def play(server: Server, *arguments: str, last: Callable[[str], bool] = lambda _: True) -> list[str]:
    """The lines of a run whose last one is as it should be; a busy machine may see too little in a clip."""

    def is_whole(done: subprocess.CompletedProcess[str]) -> bool:
        lines = done.stdout.splitlines()
        return done.returncode == 0 and bool(lines) and last(lines[-1])

    done = repeated(lambda: run("--url", server.url, "--source", "sample:wave", *arguments), is_whole)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_text_is_one_line_for_each_change(server: Server) -> None:
    lines = play(server, last=lambda line: line.startswith("wave"))
    assert lines[0] == "none 0.00"
    assert re.fullmatch(r"wave 0\.\d\d", lines[-1])
    labels = [line.split()[0] for line in lines]
    assert all(a != b for a, b in zip(labels, labels[1:])), "changes only"


def test_labels_only_are_labels_only(server: Server) -> None:
    assert play(server, "--labels-only", last=lambda line: line == "wave")[-1] == "wave"


def test_json_is_every_prediction_with_all_that_is_known(server: Server) -> None:
    before = time.time()
    lines = play(server, "--format", "json", last=lambda line: json.loads(line)["label"] == "wave")
    told = [json.loads(line) for line in lines]
    made = [one for one in told if one["seen"] is not None]
    seen = [one["seen"] for one in made]
    assert seen and seen == sorted(set(seen)) and seen[0] >= 9
    assert len({one["label"] for one in told}) < len(told), "not only changes"
    for one in told:
        assert set(one) == {"time", "label", "score", "seen", "delay_ms", "scores"}
        assert before - 1 <= one["time"] <= time.time() + 1
    assert made[-1]["label"] == "wave"
    assert set(made[-1]["scores"]) == {"still", "left", "right", "up", "down", "push", "pull", "wave"}
    assert made[-1]["delay_ms"] > 0


def test_csv_has_a_head_and_a_row_for_each_change(server: Server) -> None:
    rows = list(csv.DictReader(play(server, "--format", "csv", last=lambda line: ",wave," in line)))
    assert list(rows[0]) == ["time", "label", "score", "seen", "delay_ms"]
    assert rows[-1]["label"] == "wave"
    assert float(rows[-1]["score"]) > 0.5 and int(rows[-1]["seen"]) >= 9


def test_a_threshold_makes_the_rest_none(server: Server) -> None:
    assert play(server, "--threshold", "1", "--labels-only") == ["none"]


def test_a_video_file_is_recognised(server: Server, tmp_path: Path) -> None:
    file = video(tmp_path / "clip.avi", jpegs("left"), 25.0)
    arguments = ("--url", server.url, "--source", file, "--labels-only")
    done = repeated(lambda: run(*arguments), lambda done: "left" in done.stdout)
    assert done.returncode == 0
    assert "left" in done.stdout.splitlines()
    assert f"playing {file} at 25 frames/s" in done.stderr
    assert re.search(r"\d+ frames sent, \d+ dropped; \d+ predictions, median delay \d+\.\d ms", done.stderr)


def test_help_teaches_with_examples_and_exit_codes() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert done.stdout.count("\n  sightwire-webcam --") >= 2
    assert "exit codes:" in done.stdout
    for option in ["--url", "--source", "--fps", "--width", "--show", "--no-show", "--format", "--once", "--loop"]:
        assert option in done.stdout
    assert run("--version").stdout.startswith("sightwire-webcam 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "xml"],
        ["--fps", "0"],
        ["--threshold", "2"],
        ["--width", "-1"],
        ["--once", "--loop"],
        ["--labels-only", "--format", "json"],
        ["--url", "ftp://x"],
        ["--sauce", "0"],
        ["left.mp4"],
    ],
    ids=" ".join,
)
def test_a_mistake_in_the_command_line_is_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: sightwire-webcam" in done.stderr


def test_a_source_that_cannot_be_read_is_3_and_named(server: Server) -> None:
    for source, message in [
        ("93", "there is no camera 93 (/dev/video93)"),
        ("absent.mp4", "there is no file absent.mp4"),
        ("sample:clap", "There is no such sample"),
    ]:
        done = run("--url", server.url, "--source", source)
        assert done.returncode == 3
        assert message in done.stderr
        assert "sample:wave needs no camera" in done.stderr
        assert "Traceback" not in done.stderr and "[ WARN" not in done.stderr


def test_no_server_is_4_and_named() -> None:
    done = run("--url", "127.0.0.1:9")
    assert done.returncode == 4
    assert "error: no Sightwire server answers at http://127.0.0.1:9" in done.stderr
    assert "hint: start one with `sightwire serve`" in done.stderr


def test_a_server_that_comes_later_is_waited_for_if_so_wished(wave: str) -> None:
    first = Server()
    address = first.address
    first.stop()
    waiting = subprocess.Popen(
        command("--url", address, "--wait", "120", "--source", wave, "--loop", "--labels-only"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    assert "trying again in" in waiting.stderr.readline()
    later = Server(listen=address)
    try:
        line_of(waiting, waiting.stdout, lambda line: line == "wave\n")
        waiting.terminate()
        _, err = waiting.communicate(timeout=30)
        assert waiting.returncode == 0, err
    finally:
        waiting.kill()
        assert later.stop() == 0


def test_a_full_server_is_5_and_a_server_without_a_model_6(tmp_path: Path) -> None:
    full = Server(MAX_CLIENTS="0", USE_DUMMY_MODEL="1")
    empty = Server(SIGHTWIRE_HOME=str(tmp_path))
    try:
        done = run("--url", full.url, "--source", "sample:wave")
        assert done.returncode == 5
        assert "Server at capacity, please try again later" in done.stderr
        assert "--wait 60" in done.stderr
        done = run("--url", empty.url, "--source", "sample:wave")
        assert done.returncode == 6
        assert "no model" in done.stderr
    finally:
        assert full.stop() == 0
        assert empty.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_frees_its_place(server: Server, wave: str, number: signal.Signals) -> None:
    looping = subprocess.Popen(
        command("--url", server.url, "--source", wave, "--loop", "--format", "json"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # A clip is 25 frames: it plays again and again.
    line_of(looping, looping.stdout, lambda line: (json.loads(line)["seen"] or 0) > 60)
    looping.send_signal(number)
    _, err = looping.communicate(timeout=30)
    assert looping.returncode == 0
    assert "Traceback" not in err
    assert "frames sent" in err.splitlines()[-1]
    wait_until(lambda: status(server)["recognizer"]["clients"] == 0, 30, "its place is free")


def test_a_line_is_there_at_once_for_whoever_reads_through_a_pipe(server: Server, wave: str) -> None:
    looping = subprocess.Popen(
        command("--url", server.url, "--source", wave, "--loop", "--labels-only"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    first = [line_of(looping, looping.stdout, lambda _: True) for _ in range(2)]
    assert looping.poll() is None, "it is still running"
    looping.terminate()
    looping.communicate(timeout=30)
    assert first[0] == "none\n"


def test_a_reader_that_leaves_ends_it_cleanly(server: Server, wave: str) -> None:
    line = " ".join(command("--url", server.url, "--source", wave, "--loop", "--format", "json"))
    done = subprocess.run(
        ["bash", "-c", f"{line} | head -n 1; exit ${{PIPESTATUS[0]}}"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["label"] == "none"
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays are told by the environment on Linux only")
def test_a_window_that_cannot_be_opened_is_told_in_words(server: Server) -> None:
    arguments = ("--url", server.url, "--source", "sample:wave", "--show")
    bare = {name: value for name, value in environment().items() if "DISPLAY" not in name and name[:3] != "QT_"}
    for displays, message in [
        ({}, "there is no display"),
        ({"DISPLAY": ":0"}, "this build of OpenCV can open no window"),
    ]:
        done = subprocess.run(command(*arguments), env={**bare, **displays}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert message in done.stderr
        assert "Traceback" not in done.stderr
