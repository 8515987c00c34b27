"""Batches of `/api/v1/jobs` outlive the server: stopped, killed, with a disk that is full."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness import Server, wait_until
from reading import (
    Events,
    File,
    begin,
    call,
    ended,
    form,
    get,
    needs_model,
    on_disk,
    page,
    pages,
    rows,
    start,
    zipped,
)

KILLS = 10
SEED = 11
PICTURES = 44
# With those of the zip, and the others; three fail.
FILES = PICTURES + 12
# Files on a disk of so many bytes.
SMALL_DISK = 2 << 20


def kill(server: Server) -> None:
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.stop()


def batch() -> list[File]:
    """Files of all kinds, and some that fail."""
    inside = {f"in/{n}.png": page(f"Inside {n}") for n in range(8)}
    return [
        *((f"{n}.png", page(f"Number {n} of many")) for n in range(PICTURES)),
        ("broken.png", page("Broken")[:200]),
        ("more.zip", zipped({**inside, "../out.png": page("Outside")})),
        ("pages.tif", pages("First one", "Second 2")),
        ("empty.png", b""),
    ]


def without_times(server: Server, job: str) -> list[dict[str, Any]]:
    """The rows of all files, but for what is never the same twice."""
    return [{**row, "ms": None, "picture": None} for row in rows(server, job)]


def exports(server: Server, job: str) -> dict[str, Any]:
    """All results in all formats; JSON without times."""
    texts = {f: get(server, f"{job}/export?format={f}").body for f in ("text", "csv", "submission-csv")}
    lines = [json.loads(line) for line in get(server, f"{job}/export?words=1&characters=1").body.splitlines()]
    for line in lines:
        line.pop("ms", None)
    return {**texts, "json": lines}


def test_a_batch_goes_on_after_kill_9_at_any_moment(tmp_path: Path) -> None:
    needs_model()
    server = start(tmp_path / "alone")
    job = begin(server, batch())
    summary = ended(server, job)
    expected = (without_times(server, job), exports(server, job))
    assert (summary["files"], summary["done"], summary["failed"]) == (FILES, FILES - 3, 3)
    assert server.stop() == 0

    chance, folder = random.Random(SEED), tmp_path / "killed"
    server = start(folder)
    # All are there, or none is.
    job = begin(server, batch())
    told: list[int] = []
    for _ in range(KILLS):
        # Sometimes before the model is loaded, mostly in the middle of reading.
        until, goal = time.monotonic() + 20, chance.randint(0, 4)
        before = get(server, job).json()
        assert before["files"] == FILES
        while (now := get(server, job).json())["state"] == "running" and time.monotonic() < until:
            if now["done"] >= before["done"] + goal:
                break
            time.sleep(0.01)
        time.sleep(chance.random() * 0.1)
        told.append(get(server, job).json()["done"])
        kill(server)
        server = start(folder)
        assert get(server, job).json()["done"] >= told[-1], "what was told is kept"
    summary = ended(server, job)
    assert (summary["files"], summary["done"], summary["failed"]) == (FILES, FILES - 3, 3)
    assert told == sorted(told) and 0 < told[KILLS // 2] < FILES - 3, f"it was killed while it read: {told}"
    assert (without_times(server, job), exports(server, job)) == expected
    (results,) = folder.glob("*/results.jsonl")
    found = Counter(json.loads(line)["i"] for line in results.read_text().splitlines())
    # What leads out of its zip was never to be read.
    assert sorted(found) == [n for n in range(FILES) if n != PICTURES + 9], "each file"
    assert set(found.values()) == {1}, "exactly once"
    assert list(folder.glob("*/parts/*")) == []
    # It has ended, and stays so.
    kill(server)
    server = start(folder)
    assert get(server, job).json() == summary
    assert (without_times(server, job), exports(server, job)) == expected
    assert server.stop() == 0


def test_who_listens_goes_on_with_the_next_server(tmp_path: Path) -> None:
    needs_model()
    server = start(tmp_path, reader_threads="1")
    job = begin(server, [(f"{n}.png", page(f"Number {n}")) for n in range(12)])
    events, heard = Events(server, job), []
    while len(heard) < 3:
        name, number, data = events.next() or ("", "", None)
        heard += [(int(number), data["index"])] if name == "file" else []
    events.close()
    assert server.stop() == 0
    assert get_modes(tmp_path) == {"0o700", "0o600"}, "for nobody else's eyes"
    server = start(tmp_path, reader_threads="1")
    rest = Events(server, job, last_id=events.last_id).all()
    heard += [(int(number), data["index"]) for name, number, data in rest if name == "file"]
    assert [number for number, _ in heard] == list(range(1, 13))
    assert sorted(index for _, index in heard) == list(range(12)), "each file once"
    assert rest[-1][2]["state"] == "done"
    assert [one["id"] for one in get(server, "/api/v1/jobs").json()["jobs"]] == [job.rsplit("/", 1)[1]]
    assert call(server, "POST", f"{job}/files/11/read").status == 200, "its picture was read by this server"
    assert server.stop() == 0
    server = start(tmp_path)
    assert call(server, "POST", f"{job}/files/11/read").status == 410, "pictures stay in memory alone"
    assert get(server, f"{job}/files/0").json()["text"] == "Number 0"
    assert call(server, "DELETE", job).status == 204
    # Its files may still be on their way out.
    kill(server)
    server = start(tmp_path)
    assert get(server, "/api/v1/jobs").json()["jobs"] == [], "what was removed does not come back"
    assert server.stop() == 0
    assert on_disk(tmp_path) == []


def get_modes(folder: Path) -> set[str]:
    return {oct(path.stat().st_mode & 0o777) for path in folder.rglob("*")}


def test_a_batch_that_was_cancelled_stays_so_and_one_that_was_not_all_there_goes(tmp_path: Path) -> None:
    needs_model()
    server = start(tmp_path, reader_threads="1")
    job = begin(server, [(f"{n}.tif", pages(*["Many words"] * 20)) for n in range(9)])
    assert call(server, "DELETE", job).status == 204
    body, headers = form([("one.png", bytes(3 << 20)), ("two.png", bytes(3 << 20))])
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: {server.address}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + body[: 4 << 20])
        wait_until(lambda: len(list(tmp_path.glob("*/parts/*"))) > 0, 20, "it arrives")
        kill(server)
    strange = tmp_path / "0123456789abcdef/job.json"
    strange.parent.mkdir()
    strange.write_text('{"format": 9}')
    server = start(tmp_path)
    summary = ended(server, job)
    assert (summary["state"], summary["done"] + summary["cancelled"]) == ("cancelled", 9)
    assert len(get(server, "/api/v1/jobs").json()["jobs"]) == 1
    wait_until(lambda: list(tmp_path.glob("*/parts/*")) == [], 20, "what was sent is gone")
    assert str(strange) in server.log.read_text() and strange.read_text() == '{"format": 9}'
    assert server.stop() == 0


def test_a_batch_is_not_gone_on_with_by_another_model(tmp_path: Path) -> None:
    needs_model()
    server = start(tmp_path, reader_threads="1")
    job = begin(server, [(f"{n}.tif", pages(*["Many words"] * 4)) for n in range(6)])
    wait_until(lambda: get(server, job).json()["done"] > 0, 30, "it is read")
    assert server.stop() == 0
    (file,) = tmp_path.glob("*/job.json")
    described = json.loads(file.read_text())
    file.write_text(json.dumps({**described, "model_digest": "0" * 64}))
    server = start(tmp_path)
    wait_until(lambda: "notes" in get(server, job).json(), 30, "it says why it waits")
    waiting = get(server, job).json()
    assert "not of the version that the batch began with" in waiting["notes"][0]
    assert (waiting["state"], waiting["failed"], waiting["reading"]) == ("running", 0, 0)
    assert "a batch waits for its model" in server.log.read_text()
    other = begin(server, [("a.png", page("Hello 42"))])
    assert ended(server, other)["done"] == 1, "others do not mind"
    assert server.stop() == 0
    file.write_text(json.dumps(described))
    server = start(tmp_path)
    assert ended(server, job)["done"] == 6
    assert server.stop() == 0


def test_two_servers_do_not_share_a_folder_of_batches(tmp_path: Path) -> None:
    needs_model()
    first = start(tmp_path)
    job = begin(first, [("a.png", page("Hello 42"))])
    ended(first, job)
    second = start(tmp_path)
    refused = call(second, "POST", "/api/v1/jobs", *form([("a.png", page("Hello 42"))]))
    assert (refused.status, "retry-after" in refused.headers) == (503, True)
    assert str(tmp_path) in refused.detail and "reader.folder" in refused.detail
    assert "another server has the folder of batches" in second.log.read_text()
    assert get(second, job).status == 404
    assert first.stop() == 0
    wait_until(lambda: get(second, job).status == 200, 20, "it goes on with the other one's batches")
    ended(second, begin(second, [("b.png", page("Hello 42"))]))
    assert second.stop() == 0


@contextmanager
def small_disk(at: Path) -> Iterator[None]:
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(at)]
    try:
        made = subprocess.run(mount, capture_output=True)
    except OSError:
        pytest.skip("there is no program `mount`")
    if made.returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def test_a_full_disk_refuses_batches_and_halts_one_and_nothing_is_lost(tmp_path: Path) -> None:
    needs_model()
    disk = tmp_path / "disk"
    with small_disk(disk):
        server = start(disk / "jobs", reader_threads="1")
        refused = call(server, "POST", "/api/v1/jobs", *form([("a.png", bytes(SMALL_DISK + 1))]))
        assert (refused.status, "No space left" in refused.detail) == (507, True)
        files = [(f"{n}.tif", pages(*[f"Number {n}"] * 4)) for n in range(12)]
        job = begin(server, files)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as out, pytest.raises(OSError):
            while True:
                out.write(bytes(1 << 12))
        os.sync()
        # What is left of the results' last block takes some files more.
        wait_until(lambda: get(server, job).json().get("notes", []) != [], 120, "it says why it halts")
        halted = get(server, job).json()
        assert "No space left" in halted["notes"][0] and "reader.folder" in halted["notes"][0]
        assert (halted["state"], halted["failed"]) == ("running", 0)
        assert "see that reader.folder has room" in server.log.read_text()
        assert get(server, f"{job}/export").status == 200
        kill(server)
        server = start(disk / "jobs", reader_threads="1")
        assert get(server, job).json()["done"] >= halted["done"]
        filler.unlink()
        summary = ended(server, job)
        assert (summary["state"], summary["done"], summary["failed"]) == ("done", 12, 0)
        assert [row["pages"] for row in rows(server, job)] == [4] * 12
        assert server.stop() == 0
