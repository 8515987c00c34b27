"""`sightwire read` with the real model: formats, order, exit codes, and files that people should not have but do.

Needs the model: in the store (`sightwire models pull ppocr-v4`).
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import signal
import struct
import subprocess
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from harness import BIN, HOME, environment

XHTML = "{http://www.w3.org/1999/xhtml}"
# One size, so that the networks are made ready for one: that takes longer than reading does.
SIZE = (320, 96)
TIMEOUT_S = 300
# Of a page in hOCR.
PARTS = ["ocr_carea", "ocr_par", "ocr_line", "ocrx_word"]


@pytest.fixture(scope="module", autouse=True)
def model() -> None:
    if not (HOME / "models/ppocr-v4").is_dir():
        pytest.skip("the model ppocr-v4 is not here: `sightwire models pull ppocr-v4`")


def drawn(text: str, size: tuple[int, int] = SIZE) -> Image.Image:
    picture = Image.new("RGB", size, "white")
    ImageDraw.Draw(picture).text((20, 24), text, fill="black", font=ImageFont.load_default(36))
    return picture


def read(*args: object, stdin: bytes | None = None, **env: str) -> subprocess.CompletedProcess[bytes]:
    command = [BIN, "read", *map(str, args)]
    # Never the terminal's or the test runner's own.
    source = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run(command, env=environment(env), capture_output=True, timeout=TIMEOUT_S, **source)


def box(part: ET.Element) -> list[int]:
    """The `bbox` of a part of hOCR."""
    return [int(side) for side in part.attrib["title"].split(";")[0].removeprefix("bbox ").split()]


def objects(ended: subprocess.CompletedProcess[bytes]) -> list[dict]:
    return [json.loads(line) for line in ended.stdout.decode().splitlines()]


def test_rows_are_kept_together_in_text_and_only_there(tmp_path: Path) -> None:
    bill = Image.new("RGB", (700, 200), "white")
    for text, x, y in [("Green", 20, 10), ("2.50", 560, 12), ("Total", 20, 140)]:
        ImageDraw.Draw(bill).text((x, y), text, fill="black", font=ImageFont.load_default(36))
    bill.save(tmp_path / "bill.png")
    for layout, text in {
        None: "Green\t2.50\nTotal\n",
        "rows": "Green\t2.50\nTotal\n",
        "lines": "Green\n2.50\nTotal\n",
        "blocks": "Green\t2.50\n\nTotal\n",
    }.items():
        ended = read(tmp_path / "bill.png", *(["--layout", layout] if layout else []))
        assert (ended.returncode, ended.stdout.decode()) == (0, text), ended.stderr
    ended = read(tmp_path / "bill.png", "--layout", "rows", "--format", "csv")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"--layout goes with --format text or json, not with csv" in ended.stderr


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures that say 10 to 15, at two depths and of two kinds."""
    root = tmp_path_factory.mktemp("words")
    (root / "sub").mkdir()
    for number in range(10, 16):
        folder = root / "sub" if number > 12 else root
        drawn(f"Room {number}").save(folder / f"{number}.{'png' if number % 2 else 'jpg'}")
    (root / "notes.txt").write_text("no picture")
    (root / ".hidden.png").write_bytes(b"")
    return root


def test_text_is_for_people_and_pipes(words: Path) -> None:
    one = read(words / "10.jpg")
    assert (one.returncode, one.stdout) == (0, b"Room 10\n"), one.stderr
    assert b"1 of 1 picture: 1 line in" in one.stderr
    piped = read("-", stdin=(words / "11.png").read_bytes())
    assert (piped.returncode, piped.stdout) == (0, b"Room 11\n"), piped.stderr


def test_results_come_in_order_from_folders_patterns_and_files(words: Path) -> None:
    ended = read(words / "sub" / "13.png", words, f"{words}/**/1[05].*", "--format", "json", "--jobs", "5")
    assert ended.returncode == 0, ended.stderr
    found = objects(ended)
    paths = [
        "sub/13.png",
        "10.jpg",
        "11.png",
        "12.jpg",
        "sub/13.png",
        "sub/14.jpg",
        "sub/15.png",
        "10.jpg",
        "sub/15.png",
    ]
    assert [one["file"] for one in found] == [str(words / path) for path in paths]
    for one in found:
        (region,) = one["regions"]
        assert region["text"] == f"Room {Path(one['file']).stem}" == one["text"]
        (left, top), _, (right, bottom), _ = region["polygon"]
        assert 10 < left < 30 < 120 < right < 220 and 15 < top < 45 < bottom < 80
        assert 0.8 < region["confidence"] <= 1 and round(region["confidence"], 4) == region["confidence"]
        assert one["pages"] == [{"page": 1, "width": SIZE[0], "height": SIZE[1], "skew": 0.0, "left_out": 0}]
        assert one["format"] == ("png" if one["file"].endswith("png") else "jpeg")
        assert one["model"] == "ppocr-v4" and one["provider"] and one["ms"]["total"] > 0


def test_every_format_is_what_its_readers_expect(words: Path, tmp_path: Path) -> None:
    twice = [words / "10.jpg", words / "11.png"]
    rows = list(csv.DictReader(io.StringIO(read(*twice, "--format", "csv").stdout.decode(), newline="")))
    assert [(row["file"], row["page"], row["line"], row["text"]) for row in rows] == [
        (str(words / "10.jpg"), "1", "1", "Room 10"),
        (str(words / "11.png"), "1", "1", "Room 11"),
    ]
    assert all(0 <= float(row[f"{axis}{corner}"]) <= 320 for row in rows for axis in "xy" for corner in range(1, 5))

    hocr = read(twice[0], "--format", "hocr").stdout
    page = ET.fromstring(hocr).find(f".//{XHTML}div[@class='ocr_page']")
    assert page is not None and "bbox 0 0 320 96; ppageno 0" in page.attrib["title"]
    parts = {name: [part for part in page.iter() if part.get("class") == name] for name in PARTS}
    assert {name: len(found) for name, found in parts.items()} == dict(zip(PARTS, [1, 1, 1, 2]))
    assert [word.text for word in parts["ocrx_word"]] == ["Room", "10"]
    assert all("x_wconf" in word.attrib["title"] for word in parts["ocrx_word"])
    line, *words_of_line = (box(part) for part in parts["ocr_line"] + parts["ocrx_word"])
    for name, (left, _, right, _) in zip(["Room", "10"], words_of_line):
        ink = ImageFont.load_default(36).getbbox(name)
        begin = 20 if name == "Room" else 20 + ImageFont.load_default(36).getlength("Room ")
        assert abs(left - begin - ink[0]) < 6 and abs(right - begin - ink[2]) < 6, (name, left, right)
    assert words_of_line[0][0] == line[0] and words_of_line[1][2] == line[2]

    annotated = read(twice[0], "--format", "annotated").stdout
    before, after = np.array(Image.open(twice[0])), np.array(Image.open(io.BytesIO(annotated)).convert("RGB"))
    assert before.shape == after.shape and (before != after).any()

    text = read(*twice).stdout.decode()
    assert text == f"==> {twice[0]} <==\nRoom 10\n\n==> {twice[1]} <==\nRoom 11\n"
    assert "Room 10" in json.loads(read(twice[0], "--format", "json", "--characters").stdout)["text"]
    (plain,) = objects(read(twice[0], "--format", "json"))[0]["regions"]
    (region,) = objects(read(twice[0], "--format", "json", "--words"))[0]["regions"]
    told = region.pop("words")
    assert region == plain
    assert [word["text"] for word in told] == ["Room", "10"]
    assert told[0]["polygon"][0] == region["polygon"][0] and told[1]["polygon"][2] == region["polygon"][2]
    assert all(0.8 < word["confidence"] <= 1 for word in told)
    refused = read(twice[0], "--format", "csv", "--words")
    assert refused.returncode == 2 and b"--words goes with --format json only" in refused.stderr


def test_a_submission_has_every_file_in_one(words: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    drawn("Gate 42").save(folder / "a.png")
    (folder / "b.jpg").write_bytes(b"no picture")
    Image.new("RGB", SIZE, "white").save(folder / "c.png")
    (line,) = objects(read(folder / "a.png", "--format", "json"))[0]["regions"]

    ended = read(folder, "--format", "submission-csv", "--confidence")
    assert ended.returncode == 1 and b"1 of 3 pictures could not be read" in ended.stderr
    table = list(csv.DictReader(io.StringIO(ended.stdout.decode(), newline="")))
    assert [row["filename"] for row in table] == ["a.png", "b.jpg", "c.png"], "as they are called in the folder"
    polygon = [float(part) for part in table[0]["polygons"].split(" ")]
    assert polygon == [part for corner in line["polygon"] for part in corner]
    assert float(table[0]["confidence"]) == line["confidence"]
    assert [(row["polygons"], row["confidence"]) for row in table[1:]] == [("", ""), ("", "")]

    ended = read(folder, "--format", "submission-json")
    images = json.loads(ended.stdout)["images"]
    assert images == {
        "a.png": {"words": {"0001": {"points": line["polygon"]}}},
        "b.jpg": {"words": {}},
        "c.png": {"words": {}},
    }
    alone = read(folder / "b.jpg", "--format", "submission-json")
    assert (alone.returncode, json.loads(alone.stdout)) == (1, {"images": {"b.jpg": {"words": {}}}})


def test_a_folder_is_resumed_where_it_was_left(words: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert read(words, "--out", out).returncode == 0
    (out / "11.txt").unlink()
    (out / "10.txt").write_text("as it was")
    older = (words / "12.jpg").stat().st_mtime - 60
    os.utime(out / "12.txt", (older, older))
    ended = read(words, "--out", out, "--resume")
    assert ended.returncode == 0, ended.stderr
    assert b"2 of 2 pictures: 2 lines" in ended.stderr
    assert b"6 files were left out: 4 read before, 1 .txt, 1 hidden" in ended.stderr
    told = {name: (out / name).read_text() for name in ("10.txt", "11.txt", "12.txt")}
    assert told == {"10.txt": "as it was", "11.txt": "Room 11\n", "12.txt": "Room 12\n"}
    again = read(words, "--out", out, "--resume")
    assert again.returncode == 0 and b"6 read before" in again.stderr


def test_a_folder_of_results_mirrors_the_pictures_and_never_harms_them(words: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in ["a.png", "a.jpg", "sub/a.png"]:
        drawn("Left 7").save(folder / name)
    before = {name: (folder / name).read_bytes() for name in files(folder)}
    out = folder / "out"
    for _ in range(2):
        ended = read(folder, "--out", out)
        assert (ended.returncode, ended.stdout) == (0, b""), ended.stderr
        assert b"3 of 3 pictures" in ended.stderr
        assert files(out) == ["a.png.txt", "a.txt", "sub/a.txt"]
        assert (out / "sub/a.txt").read_text() == "Left 7\n"
    refused = read(folder / "a.png", "--format", "annotated", "--out", folder)
    assert refused.returncode == 1 and b"a.png, which is itself read: choose another --out" in refused.stderr
    assert before == {name: (folder / name).read_bytes() for name in before}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(width: int, height: int, rows: int) -> bytes:
    """A PNG whose header promises more than its few bytes could ever hold in memory."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(bytes((width // 8 + 1) * rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_bad_files_are_named_and_the_others_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    good = drawn("Gate 42")
    says_so = {
        "plain.png": lambda file: good.save(file),
        "cmyk.jpg": lambda file: good.convert("CMYK").save(file, quality=95),
        "depth16.png": lambda file: Image.fromarray(np.array(good.convert("L")).astype(np.uint16) * 257).save(file),
        "depth1.png": lambda file: good.convert("1", dither=Image.Dither.NONE).save(file),
        "depth1.tif": lambda file: good.convert("1", dither=Image.Dither.NONE).save(file, compression="group4"),
        "palette.png": lambda file: good.convert("P", palette=Image.Palette.ADAPTIVE).save(file),
        "palette.gif": lambda file: good.convert("P", palette=Image.Palette.ADAPTIVE).save(file),
        "windows.bmp": lambda file: good.save(file),
        "lossy.webp": lambda file: good.save(file, quality=90),
        # The content counts, not the name.
        "really-a-png.jpg": lambda file: good.save(file, format="PNG"),
        "turned.jpg": lambda file: good.rotate(90, expand=True).save(file, exif=orientation(6)),
        "pages.tif": lambda file: good.save(file, save_all=True, append_images=[drawn("Gate 43")]),
    }
    for name, make in says_so.items():
        make(folder / name)
    says_nothing = {"one-pixel.png": (1, 1), "wide.png": (30_000, 100)}
    for name, size in says_nothing.items():
        Image.new("L", size, 255).save(folder / name)
    jpeg, gif = ((folder / name).read_bytes() for name in ["cmyk.jpg", "palette.gif"])
    # What there is of them is read, with a note.
    cut_off = {"endless.jpg": jpeg[:-2], "cut-off.jpg": jpeg[: len(jpeg) * 3 // 4]}
    for name, content in cut_off.items():
        (folder / name).write_bytes(content)
    wrong = {
        "empty.jpg": (b"", "empty"),
        "cut-off.png": ((folder / "plain.png").read_bytes()[:600], "cut off or damaged"),
        "header-only.tif": (b"II*\0\x08\0\0\0", "cut off or damaged"),
        "text.png": (b"Dear all, the picture is attached.", "no picture of a kind"),
        "page.jpg": (b"<!doctype html><title>404</title>", "HTML"),
        "bomb.png": (png_bomb(60_000, 60_000, 10), "pixels in all"),
        "bomb.gif": (gif[:6] + b"\xff\xff\xff\xff" + gif[10:], "pixels"),
        "line-bomb.png": (png_bomb(4_000_000, 1, 1), "pixels a side"),
    }
    for name, (content, _) in wrong.items():
        (folder / name).write_bytes(content)
    # A folder that is called like a picture, and a link to nothing.
    (folder / "folder.png").mkdir()
    (folder / "nowhere.png").symlink_to("gone.png")

    failures = tmp_path / "failures.jsonl"
    ended = read(folder, "--format", "json", "--failures", failures)
    log = ended.stderr.decode()
    assert ended.returncode == 1, log
    found = {Path(one["file"]).name: one for one in objects(ended)}
    assert set(found) == {*says_so, *says_nothing, *cut_off}, log
    for name in cut_off:
        assert [note for note in found[name]["notes"] if "ends early" in note], name
    assert found["endless.jpg"]["text"].replace(" ", "") == "Gate42"
    assert not [name for name in says_so for note in found[name].get("notes", []) if "ends early" in note]
    for name in says_so:
        assert found[name]["regions"][0]["text"].replace(" ", "") == "Gate42", name
    for name in says_nothing:
        assert found[name]["regions"] == [], name
    assert [region["page"] for region in found["pages.tif"]["regions"]] == [1, 2]
    assert found["pages.tif"]["text"] == "Gate 42\fGate 43"
    assert (found["turned.jpg"]["pages"][0]["width"], found["turned.jpg"]["pages"][0]["height"]) == SIZE
    reasons = [json.loads(line) for line in failures.read_text().splitlines()]
    reasons = {Path(one["file"]).name: one["error"] for one in reasons}
    assert set(reasons) == {*wrong, "nowhere.png"}
    for name, (_, reason) in wrong.items():
        assert reason in reasons[name], (name, reasons[name])
    named = [line for line in log.splitlines() if line.startswith("failed: ")]
    assert len(named) == len(reasons) <= 10
    assert all(any(f"/{name}: " in line for line in named) for name in reasons)
    assert f"error: {len(reasons)} of {len(reasons) + len(found)} pictures could not be read" in log


def orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def test_ten_thousand_files_are_no_trouble(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"{number:05}.png").touch()
    drawn("Still here").save(folder / "05000-good.png")
    ended = read(folder, "--format", "json")
    log = ended.stderr.decode()
    assert ended.returncode == 1
    assert [one["text"] for one in objects(ended)] == ["Still here"], log
    assert "1 of 10001 pictures" in log and log.count("failed: ") == 10
    assert "… and 9990 more; --failures FILE lists all of them" in log


def test_what_cannot_be_meant_so_is_a_mistake(words: Path, tmp_path: Path) -> None:
    for args, reason in [
        ([words, "--format", "pdf"], "pdf"),
        ([words, "--format", "hocr"], "--out"),
        ([words, "--threshold", "2"], "0 to 1"),
        ([words, "--max-candidates", "0"], "1..=10000"),
        ([words, "--min-detection-size", "1001"], "0 to 1000"),
        ([words, "--corners", "1,2,3"], "eight numbers"),
        ([words, "--corners", "0,0,0,90,90,90,90,0"], "clockwise"),
        ([words, "--format", "submission-csv", "--out", tmp_path / "out"], "leave out --out"),
        ([words, "--confidence"], "--confidence goes with the submission formats"),
        ([words, "--resume"], "--resume goes with --out"),
        ([words, "--model", "ppocr-v5000"], "ppocr-v5000"),
        ([words, "--model", "gestures"], "gestures"),
        (["-", "-"], "stdin"),
        ([f"{words}/["], "pattern"),
        ([words, "--out", words / "notes.txt"], "notes.txt"),
        ([], "required"),
    ]:
        ended = read(*args)
        assert ended.returncode == 2, (args, ended.stderr)
        assert reason in ended.stderr.decode(), (args, ended.stderr)
        assert ended.stdout == b""
    gone = read(tmp_path / "gone.jpg", tmp_path)
    assert gone.returncode == 1
    assert b"gone.jpg: there is no such file" in gone.stderr and b"there is no picture in it" in gone.stderr


def test_a_page_that_takes_too_long_is_given_up(words: Path) -> None:
    ended = read(words / "10.jpg", "--deadline", "0.01")
    assert ended.returncode == 1 and b"10.jpg: it takes more than 0.01 s of work (--deadline)" in ended.stderr


def test_ctrl_c_ends_with_what_was_done(words: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(3000):
        (many / f"{number:04}.jpg").symlink_to(words / "10.jpg")
    command = [BIN, "read", str(many), "--format", "json"]
    pipe = subprocess.PIPE
    # Unbuffered: communicate() does not see what a buffered readline() has read ahead.
    with subprocess.Popen(
        command, env=environment({}), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, bufsize=0
    ) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        rest, log = running.communicate(timeout=TIMEOUT_S)
    found = [json.loads(line)["file"] for line in (first + rest).splitlines()]
    assert running.returncode == 1 and b"stopped before the end; what was read is written" in log
    assert len(found) < 3000
    assert found == [str(many / f"{number:04}.jpg") for number in range(len(found))], log[-3000:]


def test_whoever_has_seen_enough_may_go(words: Path) -> None:
    args = " ".join([str(words)] * 20)
    command = f"set -o pipefail; '{BIN}' read {args} --format json | head -n 1"
    ended = subprocess.run(
        ["bash", "-c", command], env=environment({}), capture_output=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL
    )
    assert ended.returncode == 0 and b"panicked" not in ended.stderr, ended.stderr
    assert len(ended.stdout.splitlines()) == 1


def test_coordinates_are_the_same_whichever_way_a_picture_is_read(words: Path, tmp_path: Path) -> None:
    command = [BIN, "check-coordinates", str(words), "--set", f"reader.folder={tmp_path}"]
    # As a server does that runs meanwhile.
    with open(tmp_path / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = subprocess.run(
            command, env=environment({"HOME": str(tmp_path)}), capture_output=True, text=True, timeout=TIMEOUT_S
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    ways = ended.stdout.splitlines()[1:]
    assert [way[:19].strip() for way in ways] == ["in a batch", "over HTTP", "as a job over HTTP"]
    assert all("0.000 px  0 texts differ" in way for way in ways)


def test_little_address_space_is_said_so_and_nothing_is_read_wrongly(words: Path) -> None:
    script = 'ulimit -v 2000000 && exec "$0" "$@"'
    ended = subprocess.run(
        ["sh", "-c", script, BIN, "read", str(words / "10.jpg")],
        env=environment({}), stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode != 0
    assert ended.stdout == b""
    assert b"`ulimit -v` allows 1953 MiB of address space" in ended.stderr, ended.stderr
    assert b"allow at least 4096 MiB" in ended.stderr
