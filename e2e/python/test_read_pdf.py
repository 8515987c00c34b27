"""Searchable PDFs as a reader of PDFs sees them: `pdftotext` finds each word where it was drawn.

Needs the model (`sightwire models pull ppocr-v4`) and poppler-utils.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from harness import BIN, HOME, ROOT, environment

sys.path.insert(0, str(ROOT / "tools/evaluate_text"))

SIZE_PX = 34
PITCH_PX = 60
TIMEOUT_S = 300
Box = tuple[float, float, float, float]

TEXT = """The invoice of 14 March is still open
please transfer 1250 euros within ten days
Wide words like hammer and thin ones like little
A line with a gap at its end follows soon
Reference RF18 5390 0754 7034, customer 4711
Thank you for buying twelve yellow umbrellas"""


@dataclass(frozen=True)
class Word:
    """What stands on a page and where: left, top, right, bottom in pixels of the picture."""

    text: str
    box: Box


@pytest.fixture(scope="module", autouse=True)
def needed() -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not here: `apt-get install poppler-utils`")
    if not (HOME / "models/ppocr-v4").is_dir():
        pytest.skip("the model ppocr-v4 is not here: `sightwire models pull ppocr-v4`")


def drawn(text: str, gap: int = 12) -> tuple[Image.Image, list[Word]]:
    """A page whose words are drawn one by one."""
    lines = text.splitlines()
    picture = Image.new("RGB", (1100, 80 + PITCH_PX * len(lines)), "white")
    draw, font, words = ImageDraw.Draw(picture), ImageFont.load_default(SIZE_PX), []
    for index, line in enumerate(lines):
        x, y = 60.0, 40 + PITCH_PX * index
        for word in line.split():
            draw.text((x, y), word, fill="black", font=font)
            left, _, right, _ = draw.textbbox((x, y), word, font=font)
            # As high as the face's letters are.
            _, top, _, bottom = draw.textbbox((x, y), "Ap", font=font)
            words.append(Word(word, (left, top, right, bottom)))
            x += font.getlength(word) + gap
    return picture, words


def read(*args: object, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    command = [BIN, "read", "--format", "pdf", *map(str, args)]
    ended = subprocess.run(
        command, env=environment({}), stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S
    )
    assert not check or ended.returncode == 0, ended.stderr
    return ended


def found(pdf: bytes, sizes: list[tuple[int, int]]) -> list[list[Word]]:
    """The words of each page by `pdftotext`, in pixels of the pictures."""
    ended = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"], input=pdf, capture_output=True, check=True, timeout=TIMEOUT_S
    )
    assert ended.stderr == b""
    tree = ET.fromstring(ended.stdout.replace(b"\f", b""))
    pages = tree.findall(".//{*}page")
    assert len(pages) == len(sizes)
    answer = []
    for page, (width, height) in zip(pages, sizes):
        across, down = width / float(page.attrib["width"]), height / float(page.attrib["height"])
        answer.append([
            Word(word.text or "", (
                float(word.attrib["xMin"]) * across, float(word.attrib["yMin"]) * down,
                float(word.attrib["xMax"]) * across, float(word.attrib["yMax"]) * down,
            ))
            for word in page.findall("{*}word")
        ])  # fmt: skip
    return answer


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(width, 0) * max(height, 0)
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (area - both)


def assert_same_places(words: list[Word], truth: list[Word]) -> None:
    """All words, each with its centre within a quarter of a line's height of where it was drawn."""
    assert [word.text for word in words] == [word.text for word in truth]
    for word, true in zip(words, truth):
        height = true.box[3] - true.box[1]
        for axis in (0, 1):
            off = (word.box[axis] + word.box[axis + 2] - true.box[axis] - true.box[axis + 2]) / 2
            assert abs(off) <= 0.25 * height, (word, true)
    shares = [overlap(word.box, true.box) for word, true in zip(words, truth)]
    # Lines are higher than their letters by the room that is around them.
    assert np.mean(shares) > 0.5 and min(shares) > 0.35, shares


def test_each_word_is_where_it_was_drawn(tmp_path: Path) -> None:
    picture, truth = drawn(TEXT)
    picture.save(tmp_path / "letter.png", dpi=(150, 150))
    pdf = read(tmp_path / "letter.png").stdout
    assert_same_places(found(pdf, [picture.size])[0], truth)
    text = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    assert text.split() == TEXT.split()
    (width, height) = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)[0]
    assert abs(float(width) - picture.width * 72 / 150) < 0.1 and abs(float(height) - picture.height * 72 / 150) < 0.1


@pytest.mark.parametrize("degrees", [90, 180])
def test_lines_in_any_direction_have_their_words(tmp_path: Path, degrees: int) -> None:
    upright, truth = drawn(TEXT)
    width, height = upright.size
    picture = upright.transpose(Image.Transpose.ROTATE_90 if degrees == 90 else Image.Transpose.ROTATE_180)
    picture.save(tmp_path / "turned.png")
    (words,) = found(read(tmp_path / "turned.png").stdout, [picture.size])

    def middle(box: Box) -> np.ndarray:
        return np.array([box[0] + box[2], box[1] + box[3]]) / 2

    def turned(box: Box) -> np.ndarray:
        x, y = middle(box)
        return np.array([y, width - x] if degrees == 90 else [width - x, height - y])

    wanted = {word.text: turned(word.box) for word in truth}
    near = [
        word.text
        for word in words
        if word.text in wanted and np.abs(middle(word.box) - wanted[word.text]).max() < 0.3 * SIZE_PX
    ]
    assert set(near) == set(wanted)


def test_a_photograph_stays_as_it_is_and_is_put_upright(tmp_path: Path) -> None:
    upright, truth = drawn(TEXT)
    noise = np.random.default_rng(1).normal(0, 6, (upright.height, upright.width, 3))
    photo = Image.fromarray(np.clip(np.asarray(upright) * 0.85 + 20 + noise, 0, 255).astype(np.uint8))
    exif = Image.Exif()
    # As a phone that is held sideways: what was on top is at the left, and is to be turned to the right.
    exif[0x0112] = 6
    photo.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "phone.jpg", quality=88, exif=exif)
    sent = (tmp_path / "phone.jpg").read_bytes()
    pdf = read(tmp_path / "phone.jpg").stdout
    assert sent in pdf, "bit for bit"
    assert_same_places(found(pdf, [upright.size])[0], truth)
    shown = subprocess.run(
        ["pdftoppm", "-r", "200", "-png", "-", str(tmp_path / "shown")], input=pdf, check=True, timeout=TIMEOUT_S
    )
    assert shown.returncode == 0
    page = np.asarray(Image.open(next(tmp_path.glob("shown*.png"))).convert("L").resize(upright.size), float)
    assert np.abs(page - np.asarray(photo.convert("L"), float)).mean() < 8, "upright"


def test_pages_of_a_scan_are_pages_of_one_file_and_take_little_room(tmp_path: Path) -> None:
    pages = [drawn(TEXT), drawn("The second page has\ntwo lines only")]
    scans = [
        picture.convert("1", dither=Image.Dither.NONE).resize((2 * picture.width, 2 * picture.height))
        for picture, _ in pages
    ]
    scans[0].save(tmp_path / "scan.tif", save_all=True, append_images=scans[1:], compression="group4", dpi=(300, 300))
    ended = read(tmp_path / "scan.tif", "--out", tmp_path / "out")
    assert ended.stdout == b""
    pdf = (tmp_path / "out/scan.pdf").read_bytes()
    for words, (_, truth) in zip(found(pdf, [picture.size for picture, _ in pages]), pages):
        assert_same_places(words, truth)
    assert len(pdf) < 3 * (tmp_path / "scan.tif").stat().st_size + 10_000
    images = subprocess.run(["pdfimages", "-list", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    rows = [row.split() for row in images.splitlines()[2:]]
    assert [(row[3], row[4], row[7]) for row in rows] == [(str(scan.width), str(scan.height), "1") for scan in scans]
    assert [row[12] for row in rows] == ["300", "300"]


def test_any_character_can_be_searched(tmp_path: Path) -> None:
    fonts = pytest.importorskip("fonts")
    if words := fonts.missing():
        pytest.skip(words)
    picture = Image.new("RGB", (900, 200), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((40, 30), "使用中文和English文字", fill="black", font=fonts.face("han", 40))
    draw.text((40, 110), "今天天气很好，我们去公园。", fill="black", font=fonts.face("han", 40))
    picture.save(tmp_path / "han.png")
    pdf = read(tmp_path / "han.png").stdout
    text = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    assert "".join(text.split()) == "使用中文和English文字今天天气很好，我们去公园。"


def test_several_pictures_want_a_folder(tmp_path: Path) -> None:
    picture, _ = drawn("One line")
    for name in ("a.png", "b.png"):
        picture.save(tmp_path / name)
    refused = read(tmp_path / "a.png", tmp_path / "b.png", check=False)
    assert refused.returncode == 2 and b"--out" in refused.stderr
    read(tmp_path / "a.png", tmp_path / "b.png", "--out", tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["a.pdf", "b.pdf"]
    assert io.BytesIO((tmp_path / "out/a.pdf").read_bytes()).read(5) == b"%PDF-"
