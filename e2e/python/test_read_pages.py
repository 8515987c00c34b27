"""Files that a process of its own draws: read as other pictures are, on the command line and over HTTP; confined."""

from __future__ import annotations

import http.client
import io
import json
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from harness import BIN, ROOT, Server, environment, wait_until
from reading import begin, drawn, ended, get, needs_model, read, scan, start

TIMEOUT_S = 300


@pytest.fixture(scope="module", autouse=True)
def model() -> None:
    needs_model()


def written(size: tuple[int, int], *contents: str) -> bytes:
    """A PDF as programs write it: text in one of the fonts that every reader has."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for content in contents:
        kids.append(f"{len(objects) + 1} 0 R")
        box = f"/MediaBox [0 0 {size[0]} {size[1]}] /Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} /Contents {len(objects) + 2} 0 R >>")
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    file, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(file))
        file += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{at:010} 00000 n \n" for at in places)
    return file + f"{table}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(file)}\n%%EOF".encode()


def text(words: str, size: int = 20) -> str:
    return f"BT /F1 {size} Tf 20 20 Td ({words}) Tj ET"


# A minute's work in two hundred bytes.
ENDLESS = written((4000, 4000), "/P gs " + "0 0 4000 4000 re 4000 4000 m 0 0 l B* " * 20_000)


def command(*args: object) -> subprocess.CompletedProcess[bytes]:
    line = [BIN, "read", *map(str, args)]
    return subprocess.run(
        line, env=environment({}), capture_output=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL, check=False
    )


def test_the_pages_of_a_pdf_are_read_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(scan("First one", "Second 2"))
    (tmp_path / "text.pdf").write_bytes(written((200, 60), text("Invoice 4711"), text("Thank you")))
    ended = command(tmp_path, "--format", "json")
    assert ended.returncode == 0, ended.stderr.decode()
    one, other = (json.loads(line) for line in ended.stdout.decode().splitlines())
    assert (one["format"], one["text"]) == ("pdf", "First one\fSecond 2")
    assert [(page["width"], page["height"]) for page in one["pages"]] == [(320, 96)] * 2, "at 200 dpi"
    assert "notes" not in one or one["notes"] == []
    assert other["notes"] == [
        "Pages 1 and 2 have text layers of their own; what stands here was read from their pictures."
    ]
    assert other["text"] == "Invoice 4711\fThank you"
    assert [(page["page"], page["width"]) for page in other["pages"]] == [(1, 556), (2, 556)]


def test_avif_and_heic_are_read_as_other_pictures_are(tmp_path: Path) -> None:
    shutil.copy(ROOT / "crates/draw/tests/data/text.heic", tmp_path / "photo.HEIC")
    drawn("Gate 42").save(tmp_path / "upright.avif")
    turned = Image.Exif()
    turned[0x0112] = 6
    drawn("Gate 42").rotate(90, expand=True).save(tmp_path / "turned.avif", exif=turned)
    ended = command(tmp_path, "--format", "json")
    assert ended.returncode == 0, ended.stderr.decode()
    found = [json.loads(line) for line in ended.stdout.decode().splitlines()]
    assert [(one["format"], one["text"]) for one in found] == [
        ("heic", "Gate 42"),
        ("avif", "Gate 42"),
        ("avif", "Gate 42"),
    ]
    assert {(one["pages"][0]["width"], one["pages"][0]["height"]) for one in found} == {(320, 96)}


def test_a_file_that_cannot_be_drawn_costs_itself_alone(tmp_path: Path) -> None:
    wrong = {
        "cut-off.pdf": (scan("Cut off")[:400], "the PDF is cut off or damaged: it has no pages"),
        "nothing.pdf": (b"%PDF-1.4", "the PDF is cut off or damaged"),
        "nothing.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "the HEIC is cut off or damaged"),
    }
    for name, (content, _) in wrong.items():
        (tmp_path / name).write_bytes(content)
    drawn("Gate 42").save(tmp_path / "good.png")
    failures = tmp_path / "failures.jsonl"
    ended = command(tmp_path, "--failures", failures)
    assert ended.returncode == 1, ended.stderr.decode()
    assert ended.stdout.decode() == "==> " + str(tmp_path / "good.png") + " <==\nGate 42\n"
    reasons = {Path(one["file"]).name: one["error"] for one in map(json.loads, failures.read_text().splitlines())}
    assert set(reasons) == set(wrong)
    for name, (_, reason) in wrong.items():
        assert reason in reasons[name], reasons


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    needs_model()
    running = start(tmp_path_factory.mktemp("spool"), reader_max_pages="3")
    yield running
    assert running.stop() == 0


def drawing(server: Server) -> list[str]:
    """The processes that draw for a server."""
    threads = Path(f"/proc/{server.process.pid}/task").iterdir()
    children = " ".join((thread / "children").read_text() for thread in threads).split()
    return [child for child in children if b"draw" in (Path("/proc") / child / "cmdline").read_bytes()]


def test_a_pdf_is_read_over_http_and_in_a_zip(server: Server) -> None:
    said = read(server, scan("First one", "Second 2")).json()
    assert (said["format"], said["text"]) == ("pdf", "First one\fSecond 2")
    marked = read(server, scan("Hello 42"), "?format=annotated")
    assert Image.open(io.BytesIO(marked.body)).size == (320, 96)
    many = read(server, scan("1", "2", "3", "4"))
    assert (many.status, many.detail) == (413, "The PDF has more than 3 pages: split it.")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("in/letter.pdf", scan("Dear all", "Yours"))
    job = begin(server, [("all.zip", file.getvalue())])
    assert ended(server, job)["done"] == 1
    assert get(server, f"{job}/files/0").json()["text"] == "Dear all\fYours"


def test_a_pdf_without_end_is_given_up_and_leaves_nothing_behind(tmp_path: Path) -> None:
    hurried = start(tmp_path, reader_deadline_s="4")
    asked = time.monotonic()
    answer = read(hurried, ENDLESS)
    # For all that is done with it there is one deadline.
    assert time.monotonic() - asked < 8
    assert answer.status in (422, 504), answer.body
    wait_until(lambda: not drawing(hurried), 5, "nobody draws any more")
    assert hurried.stop() == 0


def test_whoever_leaves_takes_the_drawing_along(server: Server) -> None:
    asking = http.client.HTTPConnection(server.address)
    asking.request("POST", "/api/v1/read", ENDLESS)
    wait_until(lambda: drawing(server), 20, "a process draws")
    asking.close()
    wait_until(lambda: not drawing(server), 10, "nobody draws any more")
