"""A real Redis for tests: it keeps nothing on disk, and can be killed and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

UNPACKED = Path(__file__).parents[2] / ".sightwire/redis/usr"
START_S = 10


def program(name: str) -> tuple[str, dict[str, str]]:
    """Where it is, and its environment: installed, or as `cargo xtask setup` unpacks it."""
    found = (name == "redis-server" and os.environ.get("SIGHTWIRE_REDIS_SERVER")) or shutil.which(name)
    if found:
        return found, dict(os.environ)
    libraries = ":".join(str(folder) for folder in (UNPACKED / "lib").iterdir())
    return str(UNPACKED / "bin" / name), os.environ | {"LD_LIBRARY_PATH": libraries}


class Redis:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        server, env = program("redis-server")
        quiet = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command = [server, "--port", str(self.port), *quiet]
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("redis-server does not start")

    def ask(self, *words: str) -> str:
        client, env = program("redis-cli")
        command = [client, "-h", "127.0.0.1", "-p", str(self.port), *words]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=10, check=True).stdout

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
