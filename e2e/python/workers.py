"""A Redis, a folder of jobs and workers that read them, and pictures to be read."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from harness import BIN, environment
from redis_server import Redis

FULL = os.environ.get("SIGHTWIRE_FULL") == "1"
SIZE = (160, 48)
TIMEOUT_S = 300
# They compute, and other tests beside them have clocks.
NICE = ["nice", "-n", "10"]
NAMES = ["ward", "bed", "pulse", "rest", "walk", "sleep", "pain", "drink", "warm", "calm"]


def draw(folder: Path, count: int, poison: int = 0) -> Path:
    """So many pictures of a word and a number, and so many files that are none."""
    folder.mkdir(parents=True)
    font = ImageFont.load_default(26)
    for number in range(count):
        picture = Image.new("RGB", SIZE, "white")
        text = f"{NAMES[number % len(NAMES)]} {number}"
        ImageDraw.Draw(picture).text((8, 8), text, fill="black", font=font)
        (folder / f"{number // 100:03}").mkdir(exist_ok=True)
        picture.save(folder / f"{number // 100:03}" / f"{number:05}.png", compress_level=1)
    for number in range(poison):
        place = folder / f"{random.Random(number).randrange(max(1, count // 100)):03}"
        # What looks like a picture and breaks off, is empty, or is something else.
        content = [b"\x89PNG\r\n\x1a\n\x00\x00", b"", b"no picture", bytes(range(256)) * 40][number % 4]
        (place / f"poison-{number:02}.png").write_bytes(content)
    return folder


class Cluster:
    """A Redis, a folder of jobs, and workers."""

    def __init__(self, folder: Path, scans: Path) -> None:
        self.folder, self.scans = folder, scans
        self.redis = Redis(folder)
        self.jobs = folder / "jobs"
        self.workers: list[subprocess.Popen[bytes]] = []

    def env(self, **more: str) -> dict[str, str]:
        return environment(
            {
                "SIGHTWIRE_CLUSTER_REDIS_URL": self.redis.url,
                "SIGHTWIRE_CLUSTER_FOLDERS": json.dumps([str(self.scans)]),
                "SIGHTWIRE_CLUSTER_JOBS_FOLDER": str(self.jobs),
                "SIGHTWIRE_ENGINE_THREADS": "1",
            }
            | more
        )

    def work(self, *before: str, **more: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"worker-{len(self.workers)}.log").open("wb")
        command = [*before, *NICE, str(BIN), "worker"]
        worker = subprocess.Popen(command, env=self.env(**more), stdout=log, stderr=log)
        log.close()
        self.workers.append(worker)
        return worker

    def log(self, number: int) -> str:
        return (self.folder / f"worker-{number}.log").read_text()

    def says(self, number: int, words: str) -> None:
        until(lambda: words in self.log(number), f"worker {number} to say {words!r}")

    def begin(self, *args: object) -> subprocess.Popen[bytes]:
        command = [*NICE, str(BIN), "read", "--cluster", str(self.scans), *map(str, args)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.env(), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)

    def read(self, *args: object) -> tuple[bytes, str, int]:
        return ended(self.begin(*args))

    def alone(self, *args: object) -> bytes:
        """What one process makes of it."""
        command = [*NICE, str(BIN), "read", str(self.scans), *map(str, args)]
        env = environment({"SIGHTWIRE_ENGINE_THREADS": "1"})
        run = subprocess.run(command, env=env, capture_output=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
        assert run.returncode in (0, 1), run.stderr.decode()
        return run.stdout

    def chunks_read(self) -> int:
        return len(list(self.jobs.glob("*/chunks/*.jsonl")))

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.redis.kill()


def ended(run: subprocess.Popen[bytes]) -> tuple[bytes, str, int]:
    try:
        out, err = run.communicate(timeout=TIMEOUT_S * (10 if FULL else 1))
    finally:
        run.kill()
    return out, err.decode(), run.returncode


def until(is_so, what: str, within: float = 60) -> None:
    end = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < end, f"waited {within} s for {what}"
        time.sleep(0.02)
