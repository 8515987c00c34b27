"""What is installed: its types, its contents, and what it does without OpenCV."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

from harness import Server, wait_until
from support import line_of, repeated

ROOT = Path(__file__).resolve().parents[1]


def python(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **env},
        capture_output=True,
        text=True,
        timeout=300,
    )


def background(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_type_holds() -> None:
    done = python("-m", "mypy", "--strict")
    assert done.returncode == 0, done.stdout


def test_it_works_without_opencv_and_numpy(server: Server) -> None:
    program = f"""
import sys
sys.modules["cv2"] = sys.modules["numpy"] = None  # as if they were not installed
import asyncio, sightwire
async def main():
    labels = [p.label async for p in sightwire.recognize("sample:wave", {server.url!r}, in_flight=25)]
    print(labels[-1])
    try:
        await sightwire.open_source(0, url="")
    except sightwire.SightwireError as error:
        print(error)
asyncio.run(main())
"""
    done = repeated(lambda: python("-c", program), lambda done: done.stdout.startswith("wave\n"))
    assert done.returncode == 0, done.stderr
    label, error = done.stdout.splitlines()
    assert label == "wave"
    assert "pip install opencv-python-headless" in error


def test_the_snippets_of_the_readme_work_as_they_stand(server: Server) -> None:
    text, _ = (ROOT / "README.md").read_text().split("## Live streams")
    snippets = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert snippets and len(snippets[0].splitlines()) == 5
    for snippet in snippets:
        assert "http://127.0.0.1:8000" in snippet
        program = snippet.replace("http://127.0.0.1:8000", server.url)
        done = repeated(partial(python, "-c", program), lambda done: "\nwave " in done.stdout)
        assert done.returncode == 0, f"{snippet}\n{done.stderr}"
        assert "\nwave " in done.stdout


def test_the_snippets_of_live_streams_work_as_they_stand_together(server: Server) -> None:
    _, text = (ROOT / "README.md").read_text().split("## Live streams")
    send, view = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(send.splitlines()) == len(view.splitlines()) == 5

    def viewers() -> set[int]:
        return {one["id"] for one in server.get("/api/v1/viewers")["viewers"]}

    before = viewers()
    viewing = background(["-c", view.replace("http://127.0.0.1:8000", server.url)])
    try:
        wait_until(lambda: bool(viewers() - before), 60, "it looks")
        program = send.replace("http://127.0.0.1:8000", server.url)
        done = repeated(lambda: python("-c", program), lambda done: done.returncode == 0)
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(r"P-1 \d+ \(\d+, \d+, 3\)\n", line_of(viewing, viewing.stdout, lambda _: True))
    finally:
        viewing.kill()
        viewing.communicate()


def test_the_examples_of_live_streams_work_together(server: Server) -> None:
    sending = background(["examples/relay_send.py", "--url", server.url, "--stream", "drawn"])
    try:
        done = python("examples/relay_watch.py", "--url", server.url, "--pictures", "4", "drawn")
        assert done.returncode == 0, done.stderr
        assert all(re.match(r"drawn picture \d+: ", line) for line in done.stdout.splitlines())
        assert len(done.stdout.splitlines()) == 4
        assert sending.poll() is None
    finally:
        sending.terminate()
        _, said = sending.communicate()
    assert "Traceback" not in said


def test_what_pip_installs_has_the_command_the_types_and_the_licences(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    build = f"import os; from flit_core.buildapi import build_wheel; os.chdir({str(source)!r}); "
    built = python("-c", f"{build} print(build_wheel({str(tmp_path)!r}))")
    assert built.returncode == 0, built.stderr
    wheel = tmp_path / built.stdout.strip()
    names = zipfile.ZipFile(wheel).namelist()
    assert "sightwire/py.typed" in names
    assert sum(bool(re.search(r"/licenses/LICENSE-(MIT|APACHE)$", name)) for name in names) == 2
    assert not [name for name in names if "test" in name]
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    installed = python(*pip)
    assert installed.returncode == 0, installed.stderr
    for name in ("sightwire-webcam", "sightwire-relay"):
        done = subprocess.run(
            [target / "bin" / name, "--version"],
            env={**os.environ, "PYTHONPATH": str(target)},
            capture_output=True,
            text=True,
        )
        assert done.stdout == f"{name} 0.1.0\n"
