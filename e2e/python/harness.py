"""The real server as a child process, and frames from its own clip generator."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Callable
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
BUILDS = [ROOT / f"target/{profile}/sightwire" for profile in ("debug", "demo", "release")]
# The one that is named, or the newest of the builds.
BIN = Path(
    os.environ.get("SIGHTWIRE_BIN") or max(BUILDS, key=lambda build: build.stat().st_mtime if build.exists() else 0.0)
)
HOME = Path(os.environ.get("SIGHTWIRE_HOME", ROOT / ".sightwire/home"))
FPS = 25
# The same clips as in js/clips.mjs.
SEED = 2
START_S = 60.0
STOP_S = 20.0


def environment(extra: dict[str, str]) -> dict[str, str]:
    """A bare environment: nothing of the developer's own settings leaks into a test."""
    return {"PATH": os.environ["PATH"], "SIGHTWIRE_HOME": str(HOME), **extra}


class Program:
    """A command of the binary that listens until it is stopped."""

    program = BIN

    def __init__(self, args: Sequence[str], env: dict[str, str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sightwire-e2e-"))
        self.log = self.folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [self.program, *args],
                cwd=self.folder,
                # Tests share a store, and one server has its batches.
                env=environment({"HOME": str(self.folder), "SIGHTWIRE_READER_FOLDER": f"{self.folder}/jobs", **env}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._listens, START_S, f"`sightwire {args[0]}` listens")

    def _listens(self) -> bool:
        text = self.log.read_text()
        if self.process.poll() is not None:
            raise AssertionError(f"it did not start:\n{text}")
        found = re.search(r"listening on (https?://[\w.:\[\]]+)\n", text)
        if found:
            self.url = found[1]
        return found is not None

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")

    def get(self, path: str) -> dict[str, Any]:
        """What it answers in JSON."""
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:
            body: dict[str, Any] = json.load(answer)
            return body

    def stop(self) -> int:
        """Asks it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.process.returncode


class Server(Program):
    """`sightwire serve` on a free port, or on the one given."""

    def __init__(self, listen: str = "127.0.0.1:0", args: Sequence[str] = (), **env: str) -> None:
        # The clips are of this model's motions, and a hand in a clip of a second has no time to rest before it moves.
        usual = {"SIGHTWIRE_RECOGNIZER_ARMING": "false"}
        if "MODEL_PATH" not in env:
            usual["SIGHTWIRE_RECOGNIZER_MODEL"] = "gestures"
        settings = {**usual, **env}
        super().__init__(["serve", "--listen", listen, *args], settings)


class Camera(Program):
    """`sightwire camera`: a simulated one."""

    def __init__(self, *args: str) -> None:
        usual = ["--size", "320x240", "--fps", "20", "--quality", "60", "--max-clients", "20"]
        super().__init__(["camera", "--listen", "127.0.0.1:0", *usual, *args], {})

    def fails(self, faults: str = "") -> None:
        """From now on this goes wrong; nothing does when it is left out."""
        with urllib.request.urlopen(f"{self.url}/control?var=fault&val={quote(faults)}", timeout=20):
            pass


@cache
def clip(gesture: str, frames: int = FPS, seed: int = SEED) -> list[str]:
    """One generated clip as the prototype's client sends it: JPEG files in base64."""
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [BIN, "sample", gesture, "--out", out, "--frames", str(frames), "--seed", str(seed)],
            env=environment({"HOME": out}),
            check=True,
            capture_output=True,
        )
        files = sorted(Path(out).glob("*.jp*g"))
        return [base64.b64encode(file.read_bytes()).decode() for file in files]


def wait_until(check: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def verdict(predictions: list[dict]) -> str:
    """The label that gathered the highest sum of scores."""
    sums: dict[str, float] = {}
    for answer in predictions:
        if answer["label"] != "none":
            sums[answer["label"]] = sums.get(answer["label"], 0.0) + answer["score"]
    return max(sums, key=lambda label: sums[label], default="none")
