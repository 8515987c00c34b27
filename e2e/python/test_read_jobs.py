"""`/api/v1/jobs` with the real model: batches, what becomes of them, and what they leave behind."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from harness import Server, wait_until
from reading import (
    Events,
    File,
    begin,
    bomb,
    call,
    ended,
    form,
    get,
    needs_model,
    on_disk,
    page,
    pages,
    read,
    rows,
    start,
    zipped,
)

# More than the usual limit allows is refused; so many are taken.
MANY = 10_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    needs_model()
    running = start(folder, reader_max_image_mb="8", reader_max_job_mb="64")
    yield running
    assert running.stop() == 0
    names = {path.name for path in on_disk(folder)}
    assert names <= {"job.json", "files.jsonl", "results.jsonl"}, "of what has ended, results alone"


def endless() -> list[File]:
    """A batch that no machine reads while a test looks elsewhere."""
    return [(f"{n}.tif", pages(*["Many words"] * 20)) for n in range(60)]


def test_results_are_the_same_alone_in_a_batch_and_in_a_zip(server: Server) -> None:
    files = {
        "a.png": page("Hello 42"),
        "b.jpg": page("Total 17.50", end=".jpg"),
        "c.tif": pages("First one", "Second 2"),
        "wide.png": page("Words and more words", 700, 90),
    }
    alone = {name: read(server, content).json() for name, content in files.items()}
    sent = [*files.items(), ("more.zip", zipped({f"in/{name}": content for name, content in files.items()}))]
    job = begin(server, sent)
    summary = ended(server, job)
    assert (summary["state"], summary["files"], summary["done"]) == ("done", 8, 8)
    names = [row["name"] for row in rows(server, job)]
    assert names == [*files, *(f"in/{name}" for name in files)]
    for index, name in enumerate(names):
        told = get(server, f"{job}/files/{index}").json()
        assert told["file"] == name
        single = alone[name.removeprefix("in/")]
        for key in ("regions", "pages", "text", "format", "model", "provider", "precision"):
            assert told[key] == single[key], f"{key} of {name}"
    assert summary["regions"] == sum(len(one["regions"]) for one in alone.values()) * 2
    assert summary["left_s"] == 0


def test_each_file_that_fails_says_why_and_the_others_do_not_mind(server: Server) -> None:
    inside = {
        "ok.png": page("Hello 42"),
        "../up.png": page("Hello 42"),
        "/etc/root.png": page("Hello 42"),
        "folder/": b"",
        "__MACOSX/._ok.png": b"x",
        "in.zip": zipped({"ok.png": b""}),
        "note.txt": b"no picture",
    }
    sent = [
        ("empty.png", b""),
        ("cut.png", page("Cut off")[:600]),
        ("large.png", bytes(9 << 20)),
        ("bomb.zip", bomb("zeros.png", 10)),
        ("good.zip", zipped(inside)),
        ("broken.zip", b"PK\x03\x04 no zip"),
    ]
    job = begin(server, sent, options={"keep": "5", "min_confidence": "0.1"})
    summary = ended(server, job)
    told = {row["name"]: (row["state"], row["error"] or "") for row in rows(server, job)}
    expected = {
        "empty.png": ("failed", "empty"),
        "cut.png": ("failed", "PNG"),
        "large.png": ("failed", "8 MiB"),
        "zeros.png": ("failed", "larger"),
        "ok.png": ("done", ""),
        "../up.png": ("failed", "leads out"),
        "/etc/root.png": ("failed", "leads out"),
        "in.zip": ("failed", "zip within a zip"),
        "note.txt": ("failed", "picture"),
        "broken.zip": ("failed", "not a zip"),
    }
    assert told.keys() == expected.keys()
    for name, (state, words) in expected.items():
        assert told[name][0] == state, (name, told[name])
        assert words in told[name][1], (name, told[name])
    assert (summary["done"], summary["failed"], summary["options"]["min_confidence"]) == (1, 9, 0.1)
    refused = get(server, f"{job}/files/0")
    assert (refused.status, "empty" in refused.detail) == (422, True)


def test_a_name_that_no_header_may_have_costs_no_file_of_the_batch(server: Server) -> None:
    picture, boundary = page("Hello 42"), "XX"
    # As browsers send a tab, 0x01 and 0x7f, and other clients line ends and Latin-1.
    names = [b"plain.png", b"one\x01.png", b"del\x7f.png", b"tab\t.png", b"lf\n.png", b"crlf\r\n.png", b"latin\xe9.png"]
    body = b"".join(
        b'--XX\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n'
        b"Content-Type: image/png\r\n\r\n" + picture + b"\r\n"
        for name in names
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = call(server, "POST", "/api/v1/jobs", body + b"--XX--\r\n", headers)
    assert answer.status == 201, answer.body
    job = answer.headers["location"]
    assert ended(server, job)["done"] == len(names)
    shown = [row["name"] for row in rows(server, job)]
    assert shown == ["plain.png", *(f"{name}\ufffd.png" for name in ("one", "del", "tab", "lf", "crlf", "latin"))]


def test_two_tabs_are_told_of_every_file_and_one_that_leaves_changes_nothing(server: Server) -> None:
    job = begin(server, [(f"{n}.png", page("Hello 42")) for n in range(12)])
    tabs = [Events(server, job), Events(server, job)]
    left = Events(server, job)
    assert left.next()[0] == "job"
    left.close()
    heard: list[list] = [[], []]
    listening = [threading.Thread(target=lambda i=i: heard[i].extend(tabs[i].all())) for i in range(2)]
    for one in listening:
        one.start()
    for one in listening:
        one.join()
    for events in heard:
        assert events[0][0] == "job"
        files = [(number, data) for name, number, data in events if name == "file"]
        assert [number for number, _ in files] == [str(n + 1) for n in range(12)]
        assert sorted(data["index"] for _, data in files) == list(range(12))
        assert all(data["state"] == "done" for _, data in files)
        assert (events[-1][0], events[-1][2]["state"]) == ("end", "done")
    resumed = Events(server, job, last_id="10").all()
    assert [(name, number) for name, number, _ in resumed] == [("job", ""), ("file", "11"), ("file", "12"), ("end", "")]


def test_a_batch_that_is_cancelled_stops_and_one_that_is_removed_is_gone(server: Server, folder: Path) -> None:
    busy = endless()
    job = begin(server, busy)
    events = Events(server, job)
    assert call(server, "DELETE", job).status == 204
    summary = ended(server, job)
    assert summary["state"] == "cancelled"
    assert summary["cancelled"] + summary["done"] == len(busy)
    assert summary["cancelled"] > 0
    last = events.all()[-1]
    assert (last[0], last[2]["state"]) == ("end", "cancelled")
    index = next(row["index"] for row in rows(server, job) if row["state"] == "cancelled")
    assert get(server, f"{job}/files/{index}").status == 409
    wait_until(
        lambda: get(server, "/api/v1/status").json()["reader"]["reading"] == 0, 20, "no thread works on it any more"
    )
    assert call(server, "DELETE", job).status == 204
    for path in (job, f"{job}/files", f"{job}/events", f"{job}/files/0", f"{job}/export"):
        assert get(server, path).status == 404
    assert all(call(server, "DELETE", f"/api/v1/jobs/{one['id']}").status == 204 for one in jobs(server))
    wait_until(lambda: on_disk(folder) == [], 20, "nothing of any batch is on disk")


def jobs(server: Server) -> list[dict]:
    return get(server, "/api/v1/jobs").json()["jobs"]


def test_no_more_pictures_are_kept_than_the_configuration_allows(server: Server) -> None:
    answer = call(server, "POST", "/api/v1/jobs?keep=20", *form([("a.png", page("Hello 42", 400, 200))]))
    assert answer.status == 201, answer.body
    assert answer.json()["keep"] == 10, "reader.keep_pictures"
    assert any("reader.keep_pictures" in note for note in answer.json()["notes"])
    ended(server, answer.headers["location"])


def test_no_copy_is_larger_than_the_configuration_allows(server: Server) -> None:
    job = begin(server, [("wide.png", page("Hello 42", 2600, 200))])
    ended(server, job)
    for query in ("", "?side=4096"):
        answer = get(server, f"{job}/files/0/picture{query}")
        assert (answer.status, answer.headers["x-sightwire-width"]) == (200, "2600")
        shown = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR)
        assert shown.shape[1] == 2048, "reader.display_size"


def test_the_last_pictures_can_be_looked_at_and_read_again(server: Server) -> None:
    job = begin(server, [(f"{n}.png", page("Hello 42", 400 + n, 200)) for n in range(7)], "?keep=5")
    ended(server, job)
    table = rows(server, job)
    kept = [row["index"] for row in table if row["picture"]]
    gone = next(row["index"] for row in table if not row["picture"])
    assert len(kept) == 5
    index = kept[-1]

    def look(query: str) -> np.ndarray:
        answer = get(server, f"{job}/files/{index}/picture{query}")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
        size = (answer.headers["x-sightwire-width"], answer.headers["x-sightwire-height"])
        assert size == (str(400 + index), "200")
        return cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR)

    assert max(look("?side=100").shape) == 100
    assert look("").shape == (200, 400 + index, 3), "never larger"
    look("?side=300&deskew=1&contrast=1&denoise=1")
    assert look("?corners=100,50,300,50,300,150,100,150").shape[:2] == (100, 200), "the page alone"
    for far in ["0,0,5000,0,5000,5000,0,5000", "0,0,400,0,400,9,0,9"]:
        refused = get(server, f"{job}/files/{index}/picture?corners={far}")
        assert refused.status == 422 and "200 pixels" in refused.detail, refused.body
    for query in ("?side=63", "?side=4097", "?page=2", "?contrast=perhaps"):
        assert get(server, f"{job}/files/{index}/picture{query}").status == 422
    assert get(server, f"{job}/files/{index}?format=annotated").headers["content-type"] == "image/png"
    again = f"{job}/files/{index}/read"
    answer = call(server, "POST", again + "?min_confidence=1&characters=1")
    assert (answer.status, answer.json()["regions"]) == (200, [])
    assert get(server, f"{job}/files/{index}").json()["regions"] == []
    assert get(server, job).json()["regions"] == 6, "it is counted once"
    assert call(server, "POST", again).json()["text"] == "Hello 42"
    assert call(server, "POST", again + "?unclip=x").status == 422
    for method, path in (("GET", "picture"), ("POST", "read")):
        assert call(server, method, f"{job}/files/{gone}/{path}").status == 410
    assert get(server, f"{job}/files/{gone}?format=annotated").status == 410
    for wrong in ("7", "-1", "x"):
        assert get(server, f"{job}/files/{wrong}").status == 404


def test_all_results_can_be_had_as_one_file(server: Server) -> None:
    names = ["a.png", "a.png", "=cmd.png"]
    job = begin(server, [*((name, page("Hello 42")) for name in names), ("none.png", b"")])
    ended(server, job)

    def export(query: str) -> bytes:
        answer = get(server, f"{job}/export{query}")
        assert answer.status == 200
        assert answer.headers["content-disposition"].startswith("attachment")
        return answer.body

    lines = [json.loads(line) for line in export("").splitlines()]
    assert [line["file"] for line in lines] == [*names, "none.png"]
    assert "empty" in lines[3]["error"]
    assert "characters" in json.loads(export("?characters=1").splitlines()[0])["regions"][0]
    (region,) = json.loads(export("?words=1").splitlines()[0])["regions"]
    said = call(server, "POST", "/api/v1/read?words=1", page("Hello 42")).json()["regions"]
    assert [region] == said and [word["text"] for word in region["words"]] == ["Hello", "42"], "bit for bit"
    assert json.loads(export("?min_confidence=1").splitlines()[0])["regions"] == []
    table = list(csv.reader(io.StringIO(export("?format=csv").decode())))
    assert (len(table), table[0][0], table[1][0]) == (4, "file", "a.png")
    assert export("?format=text").decode().count("Hello 42") == 3
    with zipfile.ZipFile(io.BytesIO(export("?format=hocr"))) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 3
        assert archive.read(archive.namelist()[0]).decode().count("ocrx_word") == 2 + 1, "and in its head"
    for needs_pictures in ("annotated", "pdf"):
        refused = get(server, f"{job}/export?format={needs_pictures}")
        assert refused.status == 422 and "hocr, submission-csv or submission-json" in refused.json()["detail"]
    submission = get(server, f"{job}/export?format=submission-csv&confidence=1&prefix=run%22%2F3")
    name = r'attachment; filename="run3_\d{8}T\d{6}Z\.csv"'
    assert re.fullmatch(name, submission.headers["content-disposition"])
    table = list(csv.reader(io.StringIO(submission.body.decode())))
    assert table[0] == ["filename", "polygons", "confidence"]
    assert [row[0] for row in table[1:]] == ["a.png", "a.png", "'=cmd.png", "none.png"]
    polygon = [part for corner in region["polygon"] for part in corner]
    assert [float(part) for part in table[1][1].split(" ")] == polygon
    assert (table[1][2], table[4][1:]) == (str(region["confidence"]), ["", ""])
    as_json = get(server, f"{job}/export?format=submission-json")
    assert as_json.headers["content-type"] == "application/vnd.sightwire.submission+json"
    images = as_json.json()["images"]
    assert (images["a.png"]["words"]["0001"]["points"], images["none.png"]) == (region["polygon"], {"words": {}})
    pdf = get(server, f"{job}/files/0?format=pdf")
    assert (pdf.status, pdf.body[:5], pdf.headers["content-type"]) == (200, b"%PDF-", "application/pdf")


def test_ten_thousand_files_are_taken_and_one_more_is_not(server: Server) -> None:
    def memory() -> int:
        return get(server, "/api/v1/status").json()["process"]["memory_bytes"]

    before = memory()
    job = begin(server, [("many.zip", zipped({f"{n}.png": b"none" for n in range(MANY)}))])
    events = Events(server, job).all()
    assert sum(name == "file" for name, _, _ in events) == MANY
    assert events[-1][2]["failed"] == MANY
    assert rows(server, job, f"?offset={MANY - 1}&limit=1")[0]["index"] == MANY - 1
    assert len(rows(server, job)) == 500
    assert get(server, f"{job}/files?limit=100000").status == 422
    assert memory() - before < 64 << 20
    too_many = zipped({f"{n}.png": b"" for n in range(MANY + 1)})
    refused = call(server, "POST", "/api/v1/jobs", *form([("many.zip", too_many)]))
    assert (refused.status, "10000" in refused.detail) == (413, True)


@pytest.mark.parametrize(
    ("files", "query", "status", "words"),
    [
        ([], "", 422, "file"),
        ([("", b"")], "", 422, "file"),
        ([("empty.zip", zipped({}))], "", 422, "file"),
        ([("large.bin", bytes(65 << 20))], "", 413, "64 MiB"),
        ([("a.png", b"x")], "?keep=21", 422, "keep"),
        ([("a.png", b"x")], "?unclip=x", 422, "unclip"),
        ([("a.png", b"x")], "?model=gestures", 422, "clip-classification"),
    ],
    ids=["no form", "no choice", "empty zip", "bytes", "keep", "option", "model"],
)
def test_a_batch_that_cannot_be_is_refused(
    server: Server, folder: Path, files: list, query: str, status: int, words: str
) -> None:
    before, known = len(jobs(server)), len(on_disk(folder))
    answer = call(server, "POST", "/api/v1/jobs" + query, *form(files))
    assert answer.status == status, answer.body
    assert words in answer.detail
    assert len(jobs(server)) == before
    wait_until(lambda: len(on_disk(folder)) <= known, 20, "nothing of it stays")


def test_a_client_that_leaves_in_mid_upload_leaves_nothing_behind(server: Server, folder: Path) -> None:
    before, known = len(jobs(server)), len(on_disk(folder))
    body, headers = form([("one.png", bytes(3 << 20)), ("two.png", bytes(3 << 20))])
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: {server.address}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + body[: 4 << 20])
        wait_until(lambda: len(on_disk(folder)) > known, 20, "it arrives")
    wait_until(lambda: len(on_disk(folder)) == known, 20, "nothing of it stays")
    assert len(jobs(server)) == before


def test_a_single_picture_goes_before_a_batch_and_jobs_are_limited(tmp_path: Path) -> None:
    needs_model()
    server = start(tmp_path, reader_threads="1", reader_max_jobs="1", reader_job_ttl_s="0.5")
    try:
        job = begin(server, endless())
        refused = call(server, "POST", "/api/v1/jobs", *form([("a.png", page("Hello 42"))]))
        assert (refused.status, "retry-after" in refused.headers) == (429, True)
        assert read(server, page("Hello 42")).json()["text"] == "Hello 42"
        assert get(server, job).json()["state"] == "running"
        assert call(server, "DELETE", job).status == 204
        other = begin(server, [("a.png", page("Hello 42"))])
        assert get(server, job).status == 404, "the one that has ended gave its place"
        wait_until(lambda: get(server, other).status == 404, 30, "its time is over")
        wait_until(lambda: on_disk(tmp_path) == [], 20, "nothing is left")
    finally:
        assert server.stop() == 0
