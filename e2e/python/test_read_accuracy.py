"""`sightwire read` with the real model on pages whose words are known: tools/evaluate_text makes and scores them.

Needs the model in the store (`sightwire models pull ppocr-v4`) and the faces that pages are set in. The bounds are wide
enough for another machine's last bits and tight enough for a step left out; figures are in docs/benchmarks.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import BIN, HOME, ROOT, environment

sys.path.insert(0, str(ROOT / "tools/evaluate_text"))

fonts = pytest.importorskip("fonts", reason="Pillow is missing: cargo xtask setup")
documents = pytest.importorskip("documents")
layouts = pytest.importorskip("layouts")
pages = pytest.importorskip("pages")

from score import Found, Score, distance, matched, overlap, score_page  # noqa: E402
from sheet import Page, Sheet, quarter_turned, turned  # noqa: E402

MODEL = "ppocr-v4"
SEED = "e2e"
DEADLINE_S = 180


def register() -> Page:
    """120 short lines."""
    chance = pages.Chance(f"{SEED} register")
    sheet = Sheet(460, 120 * 20 + 80)
    pages.filled(
        sheet, chance.writer.english, "sans", 14, x=40, y=40, width=380, bottom=9999, leading=20 / 14, lines=120
    )
    return sheet.page("register", "120 lines")


def turned_by_15(chance: pages.Chance, name: str) -> Page:
    """A clean page."""
    page = turned(pages.clean(chance, name), 15, (255, 255, 255))
    page.category = "angle"
    return page


def codes(chance: pages.Chance, name: str) -> Page:
    """Not in a face with spaces as wide as letters: there words may be found apart."""
    return pages.codes(chance, name, ["open-sans"])


def columns(chance: pages.Chance, name: str) -> Page:
    """Without a heading, which may stand so near to its columns that it is read with one of them."""
    return pages.columns(chance, name, heading=False)


def made() -> Iterator[Page]:
    """A page of most categories, two clean ones."""
    kinds = [pages.clean, pages.clean, turned_by_15, pages.upside_down, columns, pages.chinese, codes]
    for index, kind in enumerate([*kinds, pages.low_contrast, pages.jpeg30]):
        yield kind(pages.Chance(f"{SEED} {kind.__name__} {index}"), f"{kind.__name__}-{index}")
    yield register()


# Printed in columns or in rows.
PRINTED = [*layouts.COLUMNS, *layouts.ROWS, *documents.ALL]
# Gutters that are hardly wider than spaces, and panels: docs/limits.md.
LIMITS = (layouts.narrow_gutter, documents.comic)


def printed() -> Iterator[Page]:
    """A page of each kind that is printed in columns or in rows."""
    for kind in PRINTED:
        if kind not in LIMITS:
            yield kind(pages.Chance(f"{SEED} {kind.__name__}"), kind.__name__)


def standing() -> Iterator[Page]:
    """Pages that are read upright, on their side and on their head."""
    for kind in (pages.clean, pages.small, columns, pages.chinese, layouts.receipt):
        yield kind(pages.Chance(f"{SEED} {kind.__name__} laid"), kind.__name__)


def in_all_directions() -> Iterator[Page]:
    """Each of them, turned clockwise by so many degrees; and two that stay as they are."""
    for page in standing():
        for quarters in range(4):
            yield replace(quarter_turned(replace(page), quarters), name=f"{page.name}-{90 * quarters}")
    both_ways, columns_of_letters = Sheet(600, 400), Sheet(760, 900)
    for row, words in enumerate(("SOS", "NOON", "8008", "96")):
        both_ways.put(60, 40 + 80 * row, words, "sans", 40)
    writer = pages.Chance(f"{SEED} columns of letters").writer
    letters = "".join(writer.chinese() for _ in range(100)).replace("，", "").replace("。", "")
    for index, letter in enumerate(letters[:90]):
        columns_of_letters.put(660 - 70 * (index // 18), 40 + 46 * (index % 18), letter, "han", 40)
    yield both_ways.page("both ways", "both ways")
    yield columns_of_letters.page("columns of letters", "columns of letters")


class Pages(dict[str, tuple[Page, list[Found], list[float]]]):
    """By name: a page, what was found on it in its order, and how sure that is."""

    def __init__(self) -> None:
        super().__init__()
        # By how many degrees each was turned clockwise to stand.
        self.turned: dict[str, int] = {}

    def of(self, category: str) -> Score:
        """Its pages' score."""
        return Score(
            [
                score_page([Found(line.polygon, line.text) for line in page.lines], found)
                for page, found, _ in self.values()
                if page.category == category
            ]
        )


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """All pages."""
    return read_all(made(), tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def read_printed(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """Those that are printed in columns or rows."""
    return read_all(printed(), tmp_path_factory.mktemp("printed"))


@pytest.fixture(scope="module")
def read_laid(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """Those that lie in all directions."""
    return read_all(in_all_directions(), tmp_path_factory.mktemp("laid"))


def read_all(made: Iterator[Page], folder: Path) -> Pages:
    """Read by one call of the command."""
    if not list(HOME.glob(f"models/{MODEL}/*rec*.onnx")):
        pytest.skip(f"the model {MODEL} is not here: `sightwire models pull {MODEL}`")
    if words := fonts.missing():
        pytest.skip(words)
    known = {page.file: page for page in made}
    for page in known.values():
        (folder / page.file).write_bytes(page.encoded())
    command = [BIN, "read", "--format", "json", *(folder / file for file in known)]
    ended = subprocess.run(
        command, env=environment({"HOME": str(folder)}), capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert ended.returncode == 0, ended.stderr
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert sorted(Path(row["file"]).name for row in rows) == sorted(known)
    answer = Pages()
    for row in rows:
        page = known[Path(row["file"]).name]
        found = [Found(np.array(region["polygon"], np.float32), region["text"]) for region in row["regions"]]
        answer.turned[page.name] = row["pages"][0].get("turned", 0)
        answer[page.name] = (page, found, [region["confidence"] for region in row["regions"]])
    return answer


ALL = ["clean", "angle", "upside down", "columns", "Chinese", "codes", "low contrast", "JPEG 30", "120 lines"]


@pytest.mark.parametrize("category", ALL)
@pytest.mark.full
def test_no_line_is_lost_and_none_is_invented(read: Pages, category: str) -> None:
    score = read.of(category)
    assert len(score.lines) >= 5
    lost = [line.text for line in score.lines if line.read is None]
    extra = [text for page in score.pages for text in page.extra]
    assert not lost and not extra


@pytest.mark.parametrize(
    ("category", "percent"),
    [
        ("clean", 1.0),
        ("angle", 1.5),
        ("upside down", 1.5),
        ("Chinese", 1.5),
        ("codes", 4.0),
        ("low contrast", 2.0),
        ("JPEG 30", 2.0),
        ("120 lines", 1.5),
    ],
)
@pytest.mark.full
def test_letters_are_right(read: Pages, category: str, percent: float) -> None:
    score = read.of(category)
    wrong = [(line.text, line.read) for line in score.lines if line.edits_unspaced]
    assert 100 * score.cer(spaces=False) <= percent, wrong


@pytest.mark.parametrize(
    ("category", "least"), [("clean", 0.7), ("angle", 0.6), ("upside down", 0.7), ("Chinese", 0.7)]
)
@pytest.mark.full
def test_polygons_lie_where_the_text_is_and_begin_at_its_top_left(read: Pages, category: str, least: float) -> None:
    for page, found, _ in read.values():
        if page.category != category:
            continue
        pairs = matched([line.polygon for line in page.lines], [line.polygon for line in found])
        assert np.mean([iou for _, iou in pairs.values()]) > least
        for index, (other, _) in pairs.items():
            polygon = page.lines[index].polygon
            height = np.linalg.norm(polygon[3] - polygon[0])
            assert np.abs(found[other].polygon - polygon).max() < 1.2 * height, page.lines[index].text


@pytest.mark.parametrize("category", ["clean", "angle", "columns", "Chinese", "120 lines"])
@pytest.mark.full
def test_lines_come_in_reading_order(read: Pages, category: str) -> None:
    for page, found, _ in read.values():
        if page.category == category:
            pairs = matched([line.polygon for line in page.lines], [line.polygon for line in found])
            order = [pairs[index][0] for index in sorted(pairs)]
            assert order == sorted(order)


@pytest.mark.parametrize("kind", [kind.__name__ for kind in PRINTED])
@pytest.mark.full
def test_a_printed_page_is_a_text_in_its_order(read_printed: Pages, kind: str) -> None:
    if kind not in read_printed:
        pytest.skip("docs/accuracy.md says how many of these are read")
    page, found, _ = read_printed[kind]
    score = score_page([Found(line.polygon, line.text) for line in page.lines], found)
    # Lines in another order than the page's cost as many letters as they have.
    assert score.edits is not None and 100 * score.edits / score.characters <= 3, [line.text for line in found]


@pytest.mark.parametrize("kind", ["clean", "small", "columns", "chinese", "receipt"])
@pytest.mark.full
def test_a_page_on_its_side_or_head_is_read_as_if_it_stood(read_laid: Pages, kind: str) -> None:
    page, upright, _ = read_laid[f"{kind}-0"]
    assert read_laid.turned[f"{kind}-0"] == 0
    score = score_page([Found(line.polygon, line.text) for line in page.lines], upright)
    assert score.edits is not None and 100 * score.edits / score.characters <= 3
    for degrees in (90, 180, 270):
        page, found, _ = read_laid[f"{kind}-{degrees}"]
        assert [line.text for line in found] == [line.text for line in upright], degrees
        assert read_laid.turned[page.name] == 360 - degrees
        pairs = matched([line.polygon for line in page.lines], [line.polygon for line in found])
        for index, (other, _) in pairs.items():
            polygon = page.lines[index].polygon
            height = np.linalg.norm(polygon[3] - polygon[0])
            assert np.abs(found[other].polygon - polygon).max() < 1.5 * height, "they begin at the text's top left"


@pytest.mark.parametrize("name", ["both ways", "columns of letters"])
@pytest.mark.full
def test_what_reads_both_ways_and_columns_of_chinese_stay_as_they_lie(read_laid: Pages, name: str) -> None:
    assert read_laid[name][1]
    assert read_laid.turned[name] == 0


@pytest.mark.full
def test_what_is_sure_is_right(read: Pages) -> None:
    for page, _, confidences in read.values():
        assert all(0.5 <= confidence <= 1 for confidence in confidences)
        assert np.mean(confidences) > 0.85, page.name


def test_the_scorer_counts_as_levenshtein_does() -> None:
    assert distance("kitten", "sitting") == 3
    assert distance("", "abc") == 3
    assert distance("abcdef", "abcdef") == 0
    assert distance("o0o0", "0o0o") == 2


def test_the_scorer_pairs_the_best_overlaps_one_to_one() -> None:
    def box(x: float, width: float) -> np.ndarray:
        return np.array([(x, 0), (x + width, 0), (x + width, 10), (x, 10)], np.float32)

    assert overlap(box(0, 10), box(5, 10)) == pytest.approx(1 / 3, abs=1e-6)
    assert matched([box(0, 100)], [box(0, 60), box(0, 90)]) == {0: (1, pytest.approx(0.9))}
    half = score_page([Found(box(0, 100), "one two")], [Found(box(0, 40), "one"), Found(box(60, 40), "two")])
    assert (half.lines[0].read, half.lines[0].edits, half.extra) == (None, 7, ["one", "two"])
