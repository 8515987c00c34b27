"""`POST /api/v1/read` with the real model: what it answers, and what it refuses."""

from __future__ import annotations

import io
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from harness import Server, wait_until
from reading import Answer, call, form, get, needs_model, page, pages, png_header, read, start

# Of a picture that is still being read while something else happens, on any machine.
LINES = 60
# EXIF's tag, and its value of a picture that is to be turned to the left.
ORIENTATION, QUARTER_LEFT = 0x0112, 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    needs_model()
    settings = {"reader_max_image_mb": "2", "reader_max_pages": "3", "reader_max_pixels": "40000000"}
    running = start(tmp_path_factory.mktemp("spool"), **settings)
    yield running
    assert running.stop() == 0


def large() -> bytes:
    picture = np.full((40 + 42 * LINES, 2600, 3), 255, np.uint8)
    for line in range(LINES):
        cv2.putText(picture, f"line {line} " * 8, (20, 40 + 42 * line), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 2)
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])[1])


def test_a_picture_is_read_as_a_body_and_as_a_form(server: Server) -> None:
    answer = read(server, page("Hello 42"))
    assert answer.status == 200, answer.body
    said = answer.json()
    assert (said["file"], said["format"], said["model"], said["text"]) == (None, "png", "ppocr-v4", "Hello 42")
    assert said["pages"] == [{"page": 1, "width": 400, "height": 80, "skew": 0.0, "left_out": 0}]
    (region,) = said["regions"]
    assert region["confidence"] > 0.9
    assert region["page"] == 1
    polygon = np.array(region["polygon"])
    assert polygon.shape == (4, 2)
    assert cv2.contourArea(polygon.astype(np.float32), oriented=True) > 0, "clockwise on a screen"
    assert said["mean_confidence"] == region["confidence"]
    assert set(said["ms"]) == {"wait", "decode", "prepare", "detect", "recognise", "total"}
    assert set(said["precision"]) == {"detection", "recognition"}

    sent = form([("in/Hello 42.png", page("Hello 42"))], {"characters": "1", "other": "ignored"})
    told = call(server, "POST", "/api/v1/read", *sent).json()
    assert told["file"] == "in/Hello 42.png"
    characters = told["regions"][0].pop("characters")
    assert len(characters) == len("Hello 42")
    assert told["regions"] == said["regions"], "bit for bit"


def test_all_pages_are_read_and_options_act(server: Server) -> None:
    said = read(server, pages("First one", "Second 2")).json()
    assert (said["format"], said["text"]) == ("tiff", "First one\fSecond 2")
    assert [region["page"] for region in said["regions"]] == [1, 2]
    assert read(server, page("Hello 42"), "?min_confidence=1&threshold=0.4").json()["regions"] == []
    first, once_more = (read(server, page("Hello 42"), "?deskew=1&contrast=1&denoise=1").json() for _ in range(2))
    assert first["text"].split() == ["Hello", "42"]
    assert first["regions"] == once_more["regions"]


def test_low_lines_and_all_but_the_largest_are_left_out(server: Server) -> None:
    picture = np.full((300, 700, 3), 255, np.uint8)
    for text, y, scale in [("small print here", 40, 0.6), ("A heading", 140, 2.0), ("Some words", 240, 1.0)]:
        cv2.putText(picture, text, (20, y), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 2)
    content = bytes(cv2.imencode(".png", picture)[1])

    def lines(query: str) -> tuple[list[str], int]:
        said = read(server, content, query).json()
        return [region["text"] for region in said["regions"]], said["pages"][0]["left_out"]

    assert lines("") == (["small print here", "A heading", "Some words"], 0)
    assert lines("?max_candidates=2") == (["A heading", "Some words"], 1)
    assert lines("?max_candidates=1") == (["A heading"], 2)
    assert lines("?min_detection_size=26") == (["A heading", "Some words"], 1)
    assert lines("?min_detection_size=1000") == ([], 3)


def test_a_page_whose_corners_are_given_is_read_as_if_it_were_flat(server: Server) -> None:
    flat = np.full((400, 600, 3), 255, np.uint8)
    for text, y in [("The first line", 120), ("and the second", 260)]:
        cv2.putText(flat, text, (60, y), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (0, 0, 0), 3)
    corners = np.array([[150, 60], [640, 130], [600, 560], [60, 420]], np.float32)
    sheet = np.array([[0, 0], [600, 0], [600, 400], [0, 400]], np.float32)
    there = cv2.getPerspectiveTransform(sheet, corners)
    photograph = cv2.warpPerspective(flat, there, (700, 600), borderMode=cv2.BORDER_TRANSPARENT)
    # What is around the page is text, too, and not read.
    cv2.putText(photograph, "Around it", (20, 590), cv2.FONT_HERSHEY_SIMPLEX, 1, (200, 200, 200), 2)
    content = bytes(cv2.imencode(".png", photograph)[1])
    query = "?corners=" + ",".join(str(part) for part in corners.flatten().tolist())
    said = read(server, content, query).json()
    assert said["text"] == "The first line\nand the second"
    assert said["pages"][0]["corners"] == said["options"]["corners"] == corners.tolist()
    # Polygons are in pixels of the photograph.
    drawn = cv2.perspectiveTransform(np.array([[[60, 75], [60, 120]]], np.float32), there)[0]
    beginning = np.array(said["regions"][0]["polygon"])[[0, 3]]
    assert np.abs(beginning - drawn).max() < 25, (beginning, drawn)
    for wrong, words in {
        "0,0,5000,0,5000,5000,0,5000": "700x600 pixels",
        "0,0,700,0,700,9,0,9": "700x600 pixels",
        "0,0,0,100,100,100,100,0": "clockwise",
    }.items():
        refused = read(server, content, f"?corners={wrong}")
        assert refused.status == 422 and words in refused.detail, refused.body


def test_what_stands_side_by_side_is_one_row_of_the_text(server: Server) -> None:
    picture = np.full((200, 700, 3), 255, np.uint8)
    for text, x, y in [("Green", 20, 40), ("2.50", 560, 42), ("Black", 20, 90), ("3.75", 560, 88), ("Total", 20, 180)]:
        cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 2)
    bill = bytes(cv2.imencode(".png", picture)[1])
    said = read(server, bill).json()
    assert said["text"] == "Green\t2.50\nBlack\t3.75\nTotal"
    assert [(one["text"], one["block"], one["row"]) for one in said["regions"]] == [
        ("Green", 1, 1), ("2.50", 1, 1), ("Black", 1, 2), ("3.75", 1, 2), ("Total", 2, 3),
    ]  # fmt: skip
    assert read(server, bill, "?layout=blocks").json()["text"] == "Green\t2.50\nBlack\t3.75\n\nTotal"
    lines = read(server, bill, "?format=text&layout=lines")
    assert lines.body.decode() == "Green\n2.50\nBlack\n3.75\nTotal"
    wrong = read(server, bill, "?layout=columns")
    assert wrong.status == 422
    assert wrong.json()["detail"].startswith("layout must be one of lines, rows, blocks"), wrong.json()


def test_answers_come_in_all_formats(server: Server) -> None:
    def as_format(name: str) -> Answer:
        answer = call(server, "POST", f"/api/v1/read?format={name}", *form([("a b.png", page("Hello 42"))]))
        assert answer.status == 200, answer.body
        return answer

    text, table, hocr = as_format("text"), as_format("csv"), as_format("hocr")
    assert (text.body.strip(), text.headers["content-type"]) == (b"Hello 42", "text/plain; charset=utf-8")
    assert table.headers["content-type"].startswith("text/csv")
    assert b"Hello 42" in table.body
    assert b"ocr_page" in hocr.body
    assert "a%20b%2Epng.csv" in table.headers["content-disposition"]
    pdf = as_format("pdf")
    assert (pdf.body[:5], pdf.headers["content-type"]) == (b"%PDF-", "application/pdf")
    assert "a%20b%2Epng.pdf" in pdf.headers["content-disposition"]
    several = call(server, "POST", "/api/v1/read?format=pdf", *form([("c.tif", pages("First one", "Second 2"))]))
    assert several.status == 200 and several.body.count(b"/MediaBox") == 2
    annotated = as_format("annotated")
    assert annotated.headers["content-type"] == "image/png"
    picture = cv2.imdecode(np.frombuffer(annotated.body, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (80, 400, 3)


def test_of_half_a_jpeg_what_there_is_is_read_with_a_note(server: Server) -> None:
    answer = read(server, page("Cut off", end=".jpg")[:2000])
    assert answer.status == 200, answer.body
    assert [note for note in answer.json()["notes"] if "ends early" in note]


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 422, "Nothing was sent"),
        (b"Dear all, here it is.", 415, "picture"),
        (b"%PDF-1.7 this is none", 422, "PDF"),
        (page("Cut off")[:600], 422, "PNG"),
        (png_header(30_000, 30_000), 413, "pixels"),
        (png_header(70_000, 10), 413, "70000"),
        (bytes(3 << 20), 413, "2 MiB"),
        (pages("1", "2", "3", "4"), 413, "pages"),
    ],
    ids=["nothing", "no picture", "no PDF", "half a PNG", "pixels", "side", "bytes", "pages"],
)
def test_what_cannot_be_read_is_refused_with_a_reason(server: Server, content: bytes, status: int, words: str) -> None:
    for answer in (
        read(server, content),
        call(server, "POST", "/api/v1/read", *form([("file.jpg", content)])),
    ):
        assert answer.status == status, answer.body
        assert words in answer.detail
        assert answer.detail[-1] in ".!?"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("threshold=2", "threshold"),
        ("box_threshold=x", "box_threshold"),
        ("unclip=nan", "unclip"),
        ("max_side=1", "max_side"),
        ("min_confidence=-1", "min_confidence"),
        ("max_candidates=0", "max_candidates"),
        ("min_detection_size=1001", "min_detection_size"),
        ("corners=1,2,3,4", "corners must be eight numbers"),
        ("deskew=perhaps", "deskew"),
        ("format=docx", "format"),
        ("format=annotated&page=2", "page"),
        ("model=ppocr-v5000", "ppocr-v5000"),
        ("model=gestures", "clip-classification"),
        ("model=../gestures", "../gestures"),
    ],
)
def test_a_wrong_option_is_named(server: Server, query: str, words: str) -> None:
    name, _, value = query.rpartition("&")[2].partition("=")
    as_form = form([("a.png", page("Hello 42"))], {"format": "annotated", name: value})
    for answer in (
        read(server, page("Hello 42"), "?" + query),
        call(server, "POST", "/api/v1/read", *as_form),
    ):
        assert answer.status == 422, answer.body
        assert words in answer.detail


def test_a_form_that_is_none_is_refused(server: Server) -> None:
    body, headers = form([("a.png", page("Hello 42"))])
    two = form([("a.png", page("Hello 42")), ("b.png", page("Hello 42"))])
    for sent in ((body[:-40], headers), (b"nothing", headers), form([]), two):
        answer = call(server, "POST", "/api/v1/read", *sent)
        assert answer.status == 422, answer.body


def test_pages_of_other_origins_get_nothing(server: Server) -> None:
    foreign = {"Origin": "https://evil.example"}
    for method, path in (("POST", "/api/v1/read"), ("GET", "/api/v1/jobs"), ("POST", "/api/v1/jobs")):
        answer = call(server, method, path, headers=foreign)
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers
    assert call(server, "GET", "/api/v1/jobs", headers={"Origin": server.url}).status == 200


def test_a_client_that_leaves_is_not_read_for(server: Server) -> None:
    def reader() -> dict[str, Any]:
        return get(server, "/api/v1/status").json()["reader"]

    def is_idle() -> bool:
        now = reader()
        return (now["reading"], now["waiting"]) == (0, 0)

    content = large()
    host, port = server.address.split(":")
    for _ in range(6):
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /api/v1/read HTTP/1.1\r\nHost: {server.address}\r\nContent-Length: {len(content)}\r\n\r\n"
            before = reader()["pictures"]
            connection.sendall(head.encode() + content)
            # It may have been read by the time that somebody looks.
            wait_until(lambda: not is_idle() or reader()["pictures"] > before, 20, "it has begun")  # noqa: B023
    wait_until(is_idle, 30, "nobody is read for any more")
    assert read(server, page("Hello 42")).json()["text"] == "Hello 42"


def test_status_and_metrics_tell_of_it(server: Server) -> None:
    read(server, page("Hello 42"))
    reader = get(server, "/api/v1/status").json()["reader"]
    assert (reader["state"], reader["model"], reader["error"]) == ("ready", "ppocr-v4", None)
    assert reader["pictures"] > 0
    assert reader["sessions"] > 0
    assert reader["limits"]["max_image_mb"] == 2
    metrics = get(server, "/metrics").body.decode()
    for name in ("pictures_total", "lines_total", 'failures_total{reason="picture"}', "sessions", "jobs_running"):
        assert f"sightwire_reader_{name} " in metrics, name
    assert "sightwire_reader_work_seconds_bucket" in metrics
    models = get(server, "/api/v1/models").json()["models"]
    assert any(model["name"] == "ppocr-v4" and model["task"] == "text-reading" for model in models)


def test_the_deadline_is_kept_and_nothing_accumulates(tmp_path: Path) -> None:
    needs_model()
    server = start(tmp_path, reader_deadline_s="0.1", reader_threads="1")
    try:
        wait_until(lambda: read(server, page("Hello 42")).status != 503, 60, "the model is loaded")
        content = large()
        for _ in range(3):
            answer = read(server, content)
            assert answer.status == 504, answer.body
            assert "0.1 s" in answer.detail
        wait_until(lambda: get(server, "/api/v1/status").json()["reader"]["reading"] == 0, 30, "the work is given up")
        late = re.search(r'reader_failures_total{reason="late"} (\d+)', get(server, "/metrics").body.decode())
        assert late is not None
        assert int(late[1]) >= 3
    finally:
        assert server.stop() == 0


def test_pictures_share_one_memory_for_their_pixels_and_one_that_never_fits_is_refused(tmp_path: Path) -> None:
    needs_model()
    server = start(tmp_path, images_decode_memory_mb="32", reader_threads="4", reader_queue="20")
    # 6 megapixels in a few kilobytes: two at once do not fit.
    content = bytes(cv2.imencode(".png", np.full((2000, 3000), 255, np.uint8))[1])
    try:
        assert read(server, page("Hello 42")).status == 200
        answers: list[Answer] = []
        most_bytes, most_reading, tries = 0, 0, 0
        # On a busy machine all may have been read by the time that somebody looks.
        while (most_bytes < 18_000_000 or most_reading == 0) and tries < 5:
            crowd = [threading.Thread(target=lambda: answers.append(read(server, content))) for _ in range(4)]
            for one in crowd:
                one.start()
            while any(one.is_alive() for one in crowd):
                status = get(server, "/api/v1/status").json()
                most_bytes = max(most_bytes, status["connections"]["decoding_bytes"])
                most_reading = max(most_reading, status["reader"]["reading"])
                time.sleep(0.02)
            tries += 1
        assert [answer.status for answer in answers] == [200] * 4 * tries
        assert most_reading == 1
        assert 18_000_000 <= most_bytes <= 32 << 20
        # Its first page is kept to be shown, and the second one needs as much.
        _, scan = cv2.imencodemulti(".tiff", [np.full((1400, 2000), 255, np.uint8)] * 2)
        assert read(server, bytes(scan), "?format=annotated&page=1").status == 200
        huge = read(server, png_header(5000, 5000))
        assert huge.status == 413
        assert "images.decode_memory_mb" in huge.detail
        wait_until(lambda: "sightwire_decoding_bytes 0" in get(server, "/metrics").body.decode(), 10, "all is free")
    finally:
        assert server.stop() == 0


def test_the_small_profile_reads_20_megapixels_within_its_memory(tmp_path: Path) -> None:
    needs_model()
    lines = [f"the {word} row of a large page" for word in ("first", "second", "third", "fourth", "fifth")]
    picture = Image.new("RGB", (5472, 3648), "white")
    for number, line in enumerate(lines):
        at = (200, 200 + 400 * number)
        ImageDraw.Draw(picture).text(at, line, fill="black", font=ImageFont.load_default(90))
    turned = Image.Exif()
    turned[ORIENTATION] = QUARTER_LEFT
    sideways = picture.transpose(Image.Transpose.ROTATE_270)
    kinds: dict[str, bytes] = {}
    for name, (image, format_, options) in {
        "plain": (picture, "JPEG", {}),
        "progressive": (picture, "JPEG", {"progressive": True}),
        "turned": (sideways, "JPEG", {"exif": turned}),
        "grey": (picture.convert("L"), "PNG", {"compress_level": 1}),
    }.items():
        file = io.BytesIO()
        image.save(file, format=format_, **options)
        kinds[name] = file.getvalue()
    server = start(tmp_path, reader_profile="small", reader_deadline_s="300")
    try:
        for name, content in kinds.items():
            answer = read(server, content)
            assert answer.status == 200, (name, answer.body)
            assert answer.json()["text"].splitlines() == lines, name
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert peak is not None
        assert int(peak[1]) < 400 << 10, "KiB"
        # What would not fit is refused, with what to leave out.
        refused = read(server, kinds["plain"], "?deskew=1")
        assert refused.status == 413
        assert "deskew" in refused.detail
        assert "reader.memory_mb" in refused.detail
    finally:
        assert server.stop() == 0


def test_one_too_many_is_told_to_come_back(tmp_path: Path) -> None:
    needs_model()
    server = start(tmp_path, reader_queue="0", reader_threads="1")
    try:
        assert read(server, page("Hello 42")).status == 200
        content, answers = pages(*["Hello 42"] * 20), []
        crowd = [threading.Thread(target=lambda: answers.append(read(server, content))) for _ in range(5)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        assert {answer.status for answer in answers} == {200, 429}
        assert all("retry-after" in answer.headers for answer in answers if answer.status == 429)
        assert read(server, page("Hello 42")).status == 200
    finally:
        assert server.stop() == 0


def test_a_model_that_cannot_be_had_says_why_and_when_to_come_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True)
    manifest = (Path(__file__).parents[2] / "models/ppocr-v4.toml").read_text()
    head, *files = manifest.replace('"ppocr-v4"', '"lost"').split("[[files]]")
    nowhere = '[files.source.https]\nurl = "https://127.0.0.1:9/lost.onnx"\n'
    files = [text.split("[files.source")[0] + nowhere for text in files]
    (home / "models/lost.toml").write_text("[[files]]".join([head, *files]))
    server = Server("127.0.0.1:0", ["--set=recognizer.dummy=true", "--set=reader.model=lost"], SIGHTWIRE_HOME=str(home))
    try:
        wait_until(lambda: "fetched" not in read(server, page("Hello 42")).detail, 60, "it is known")
        for answer in (
            read(server, page("Hello 42")),
            call(server, "POST", "/api/v1/jobs", *form([("a.png", page("Hello 42"))])),
        ):
            assert answer.status == 503, answer.body
            assert int(answer.headers["retry-after"]) > 0
            assert "SIGHTWIRE_MODEL_MIRROR" in answer.detail
        reader = get(server, "/api/v1/status").json()["reader"]
        assert (reader["state"], reader["model"]) == ("failed", "lost")
        assert reader["error"]
    finally:
        assert server.stop() == 0
