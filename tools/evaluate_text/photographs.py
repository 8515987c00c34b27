"""Photographs of pages on tables, with the corners of the page and its lines; and pictures without a page.

`python photographs.py --out DIR` writes into DIR/photographs the photographs, into DIR/flat the same pages as a scanner
has them, with as many pixels as they have in their photograph, and a truth.json as pages.py does into each; that of the
photographs says in `corners` where the page's corners are, clockwise from its upper left, or that there is none.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

import fonts
import layouts
import pages
import tables
from chance import Chance
from sheet import Line, Page, Sheet, moved, noisy, turned

SEED = 11
EACH = 12
PAPER = (250, 250, 248)
# Pictures are drawn larger by this and made smaller, so that edges are as soft as a lens makes them.
FINER = 1.6


@dataclass
class Photograph:
    """A page, flat and on a table."""

    seen: Page
    # `None` where there is no page.
    corners: np.ndarray | None
    flat: Page | None = None


@dataclass(frozen=True)
class Setting:
    """How a photograph is taken; angles in degrees."""

    kind: str
    sheet: Callable[[Chance, str], Page]
    tilt: tuple[float, float] = (0, 45)
    roll: float = 45
    table: Callable[[Chance, tables.Shape], np.ndarray] | None = None
    objects: tuple[int, int] = (3, 7)
    # What lies across the page's edge.
    across: tuple[int, int] = (0, 0)
    shadow: float = 0.0
    # The upper left corner is beyond the picture's edge, by so much of the diagonal.
    cut: float = 0.0
    quarter: bool = False


def document(chance: Chance, name: str, ratio: float, size: int = 1700) -> Page:
    """A sheet of those proportions with a heading and text, or a table."""
    width, height = (round(size * ratio), size) if ratio < 1 else (size, round(size / ratio))
    sheet = Sheet(width, height, PAPER)
    em, face = chance.randint(24, 30), chance.choice(["serif", "sans", "open-sans"])
    margin = chance.randint(80, 140)
    inner = width - 2 * margin
    y = pages.filled(
        sheet, chance.writer.english, f"{face}-bold", em * 2, x=margin, y=margin, width=inner, bottom=height, lines=1
    )
    if chance.random() < 0.3:
        sheet.block(margin, y + em, inner, height // 8, layouts.GREY)
        y += em * 2 + height // 8
    bottom = round(height * chance.uniform(0.55, 1)) - margin
    pages.filled(sheet, chance.writer.english, face, em, x=margin, y=y + em, width=inner, bottom=bottom)
    return sheet.page(name, "document")


def a4(chance: Chance, name: str) -> Page:
    return document(chance, name, chance.choice([210 / 297, 8.5 / 11]))


def landscape(chance: Chance, name: str) -> Page:
    return document(chance, name, chance.choice([297 / 210, 11 / 8.5, 1.6]), 1800)


def receipt(chance: Chance, name: str) -> Page:
    page = layouts.receipt(chance, name)
    page.image = np.minimum(page.image, np.array(PAPER[::-1], np.uint8))
    return page


def card(chance: Chance, name: str) -> Page:
    """A card as one has it in a wallet: coloured, with a portrait and a few lines."""
    width, height = 1170, 738
    tone = tuple(chance.randint(150, 240) for _ in range(3))
    sheet = Sheet(width, height, tone)  # type: ignore[arg-type]
    if chance.random() < 0.6:
        sheet.block(0, 0, width, 110, tuple(chance.randint(20, 130) for _ in range(3)))  # type: ignore[arg-type]
    sheet.block(60, 170, 300, 400, tuple(chance.randint(60, 140) for _ in range(3)))  # type: ignore[arg-type]
    sheet.block(140, 240, 140, 190, (196, 156, 130))
    for row in range(6):
        text = chance.writer.code() if row % 2 else " ".join(chance.writer.word().upper() for _ in range(2))
        sheet.put(420, 170 + row * 76, text, "sans-bold" if row == 0 else "open-sans", 36)
    return sheet.page(name, "card")


def camera(chance: Chance, setting: Setting, page: tuple[int, int], frame: tuple[int, int]) -> np.ndarray:
    """Where points of the table go that are in pixels of the page: a pinhole camera that looks at the page.

    The page is nearly as large as the frame allows.
    """
    width, height = frame
    focal = max(frame) * chance.uniform(0.7, 1.1)
    tilt, toward = np.radians(chance.uniform(*setting.tilt)), chance.uniform(0, 2 * np.pi)
    axis = np.array([np.cos(toward), np.sin(toward), 0.0])
    lean = cv2.Rodrigues(axis * tilt)[0]
    quarter = chance.choice([0, 90, 180, 270]) if setting.quarter else 0
    roll = np.radians(chance.uniform(-setting.roll, setting.roll) + quarter)
    turn = cv2.Rodrigues(np.array([0.0, 0.0, roll]))[0]
    rotation = turn @ lean
    corners = np.array([(0, 0), (page[0], 0), page, (0, page[1])], np.float32)
    distance, spare = focal * 2 * max(page) / max(frame), chance.uniform(0.04, 0.2)
    wanted = np.array([chance.uniform(0.2, 0.8), chance.uniform(0.2, 0.8)])
    cut = setting.cut * chance.uniform(0.3, 1) * max(frame)
    cut_corner, cut_side = chance.randint(0, 3), chance.randint(0, 1)
    while True:
        view = np.column_stack([rotation[:, 0], rotation[:, 1], [0, 0, distance]])
        look = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]) @ view
        moves = np.array([-page[0] / 2, -page[1] / 2])
        for _ in range(12):
            # The page is moved on its table until it is where it should be: the camera looks as it did.
            matrix = look @ np.array([[1, 0, moves[0]], [0, 1, moves[1]], [0, 0, 1]])
            seen = moved(corners, matrix)
            extent = np.ptp(seen, axis=0)
            place = seen.min(axis=0)
            goal = 0.01 * np.array(frame) + wanted * np.maximum(0.98 * np.array(frame) - extent, 0)
            if cut:
                # One corner beyond one side.
                lost = seen[cut_corner][cut_side]
                beyond = lost > frame[cut_side] / 2
                goal[cut_side] = place[cut_side] + (frame[cut_side] + cut if beyond else -cut) - lost
            both = moved(np.array([place, goal]), np.linalg.inv(look))
            moves = moves + (both[1] - both[0])
        depths = (matrix @ np.column_stack([corners, np.ones(4)]).T)[2]
        if depths.min() > 0.2 * distance and (extent / np.array(frame)).max() < 1 - spare:
            within = ((seen > 0.01 * max(frame)) & (seen < np.array(frame) - 0.01 * max(frame))).all(axis=1)
            if within.sum() >= (3 if cut else 4):
                return matrix
            cut_corner, cut_side = chance.randint(0, 3), chance.randint(0, 1)
        distance *= 1.04


def spread_objects(
    chance: Chance, setting: Setting, shape: tables.Shape, page: np.ndarray
) -> tuple[tables.Layer, tables.Layer]:
    """What lies beside and below the page, and what lies across its edge; `page` has its corners on the table."""
    below, above = tables.Layer.empty(shape), tables.Layer.empty(shape)
    middle, size = page.mean(axis=0), float(np.linalg.norm(page[0] - page[2]))
    for _ in range(chance.randint(*setting.objects)):
        put = chance.choice(tables.OBJECTS)
        toward, far = chance.uniform(0, 2 * np.pi), size * chance.uniform(0.42, 0.8)
        put(chance, below, middle + far * np.array([np.cos(toward), np.sin(toward)]), size * 0.6)
    for _ in range(chance.randint(*setting.across)):
        put, side = chance.choice(tables.SMALL), chance.randint(0, 3)
        start, end = page[side], page[(side + 1) % 4]
        place = start + (end - start) * chance.uniform(0.15, 0.85)
        outward = place - middle
        reach = {tables.cup: 0.12, tables.paper: 0.3, tables.thumb: 0.01}.get(put, 0.12)
        put(chance, above, place + outward / np.linalg.norm(outward) * reach * size * 0.7, size * 0.6)
    return below, above


def lit(chance: Chance, picture: np.ndarray, shadow: float, seen: np.ndarray) -> np.ndarray:
    """Light from one side, and the shadow of somebody over the page's edge."""
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    toward = chance.uniform(0, 2 * np.pi)
    along = (columns / width - 0.5) * np.cos(toward) + (rows / height - 0.5) * np.sin(toward)
    light = 1 + along * chance.uniform(0, 0.45)
    if shadow:
        side = chance.randint(0, 3)
        place = (seen[side] + seen[(side + 1) % 4]) / 2
        cast = np.zeros((height, width), np.float32)
        shape = tables.rectangle(place, width * chance.uniform(0.2, 0.5), width * 1.2, chance.uniform(0, 180))
        cv2.fillPoly(cast, [shape.round().astype(np.int32)], 1.0)
        light *= 1 - shadow * cv2.GaussianBlur(cast, (0, 0), chance.uniform(2, 0.02 * width))
    tint = np.array([chance.uniform(0.86, 1.02), chance.uniform(0.95, 1.0), 1.0], np.float32)
    return picture * light[..., None].astype(np.float32) * tint * chance.uniform(0.75, 0.98)


def taken(chance: Chance, name: str, setting: Setting) -> Photograph:
    """A page on a table."""
    page = setting.sheet(chance, name)
    height, width = page.image.shape[:2]
    frame = (2000, 1500) if chance.random() < 0.4 else (1500, 2000)
    matrix = camera(chance, setting, (width, height), frame)
    sides = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    seen = moved(sides, matrix)
    table, canvas = on_table(chance, setting, matrix, frame, sides)
    finer = np.diag([FINER, FINER, 1])
    large = (round(frame[0] * FINER), round(frame[1] * FINER))
    back = np.linalg.inv(canvas)

    def seen_by(picture: np.ndarray, place: np.ndarray, how: int = cv2.INTER_LINEAR) -> np.ndarray:
        picture = picture.clip(0, 255).astype(np.uint8)
        return cv2.warpPerspective(picture, finer @ matrix @ place, large, flags=how, borderMode=cv2.BORDER_REPLICATE)

    picture = seen_by(table[0].over(table[1]), back)
    mask = np.zeros((large[1], large[0]), np.uint8)
    outline = [(moved(sides, finer @ matrix) * 256).round().astype(np.int32)]
    cv2.fillPoly(mask, outline, 255, cv2.LINE_AA, 8)
    shade = cv2.GaussianBlur(np.roll(mask, (4, 4), (0, 1)), (0, 0), 6)
    picture = blended(picture, np.zeros_like(picture), shade, chance.uniform(0, 0.5))
    picture = blended(picture, seen_by(page.image, np.eye(3), cv2.INTER_CUBIC), mask)
    if table[2].cover.any():
        picture = blended(picture, seen_by(table[2].colour, back), seen_by(table[2].cover * 255, back))
    picture = cv2.resize(picture, frame, interpolation=cv2.INTER_AREA).astype(np.float32)
    picture = np.clip(lit(chance, picture, setting.shadow, seen), 0, 255).astype(np.uint8)
    lines = [Line(line.text, moved(line.polygon, matrix)) for line in page.lines]
    result = Page(name, setting.kind, picture, lines, chance.randint(75, 92), page.ordered)
    result = noisy(result, chance.uniform(1, 5), chance.uniform(0.3, 0.9), chance.grain)
    return Photograph(result, seen, flat(page, seen, setting.kind))


def blended(picture: np.ndarray, other: np.ndarray, cover: np.ndarray, most: float = 1.0) -> np.ndarray:
    """Another picture over this one, where `cover` (0 to 255) has it."""
    where = cv2.boundingRect(cover)
    part = (slice(where[1], where[1] + where[3]), slice(where[0], where[0] + where[2]))
    share = cover[part].astype(np.float32)[..., None] * (most / 255)
    mixed = picture[part] * (1 - share) + other[part] * share
    picture[part] = (mixed + 0.5).astype(np.uint8)
    return picture


def on_table(
    chance: Chance, setting: Setting, matrix: np.ndarray, frame: tuple[int, int], sides: np.ndarray
) -> tuple[tuple[tables.Layer, np.ndarray, tables.Layer], np.ndarray]:
    """What lies on the table, the table, what lies across the page; and where points of it are in these pictures."""
    width, height = frame
    ends = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    ends = np.clip(moved(ends, np.linalg.inv(matrix)), -8 * sides.max(), 8 * sides.max())
    low, high = ends.min(axis=0), ends.max(axis=0)
    scale = 2200 / (high - low).max()
    canvas = np.array([[scale, 0, -low[0] * scale], [0, scale, -low[1] * scale], [0, 0, 1]])
    shape = (int((high[1] - low[1]) * scale) + 1, int((high[0] - low[0]) * scale) + 1)
    make = setting.table or chance.choice(tables.TABLES)
    ground = np.clip(make(chance, shape), 0, 255).astype(np.float32)
    below, above = spread_objects(chance, setting, shape, moved(sides, canvas))
    return (below, ground, above), canvas


def flat(page: Page, seen: np.ndarray, kind: str) -> Page:
    """The page with as many pixels as it has in the photograph."""
    height, width = page.image.shape[:2]
    scale = min(1.0, float(np.sqrt(cv2.contourArea(seen.astype(np.float32)) / (width * height))))
    size = (round(width * scale), round(height * scale))
    image = cv2.resize(page.image, size, interpolation=cv2.INTER_AREA)
    lines = [Line(line.text, line.polygon * scale) for line in page.lines]
    return Page(page.name, kind, image, lines, 92, page.ordered)


SETTINGS = [
    Setting("plain", a4, tilt=(0, 20), objects=(0, 2)),
    Setting("cluttered", a4),
    Setting("cluttered, landscape", landscape),
    Setting("steep", a4, tilt=(35, 45)),
    Setting("light table", a4, table=tables.light, tilt=(0, 35), objects=(0, 3)),
    Setting("covered edge", a4, across=(1, 3)),
    Setting("shadow", a4, shadow=0.5),
    Setting("corner cut off", a4, tilt=(0, 35), cut=0.06),
    Setting("receipt", receipt),
    Setting("card", card),
    Setting("quarter turns", a4, roll=15, quarter=True),
]


def screen(chance: Chance, name: str) -> Page:
    return pages.screen(chance, name, chance.choice([(1280, 720), (1600, 900), (1024, 768)]), chance.randint(12, 24))


def street(chance: Chance, name: str) -> Page:
    return pages.signs(chance, name, chance.choice([(1024, 768), (1280, 960), (800, 600)]), chance.randint(1, 5))


def scan(chance: Chance, name: str) -> Page:
    make = chance.choice([*layouts.COLUMNS, *layouts.ROWS, pages.clean, pages.angle, pages.perspective, pages.columns])
    page = make(chance, name)
    if chance.random() < 0.5:
        page.image = np.minimum(page.image, np.array([236, 243, 246], np.uint8))
        page = noisy(page, 3, 0.5, chance.grain)
    return page


def empty_table(chance: Chance, name: str) -> Page:
    """A table and things on it, none of them a page."""
    shape = (960, 1280)
    ground = np.clip(chance.choice(tables.TABLES)(chance, shape), 0, 255).astype(np.float32)
    layer = tables.Layer.empty(shape)
    for _ in range(chance.randint(3, 8)):
        put = chance.choice([tables.pen, tables.cup, tables.keyboard, tables.thumb])
        put(chance, layer, (chance.uniform(0, 1280), chance.uniform(0, 960)), 500)
    picture = lit(chance, layer.over(ground), 0.4, tables.rectangle((640, 480), 600, 400, 0))
    page = Page(name, "empty table", np.clip(picture, 0, 255).astype(np.uint8), [], 85)
    return noisy(page, chance.uniform(1, 4), 0.7, chance.grain)


def padded(chance: Chance, name: str) -> Photograph:
    """A scan on a larger canvas: its corners are the scan's, and to leave it as it is does no harm."""
    page = scan(chance, name)
    page.image = np.minimum(page.image, np.array([228, 234, 238], np.uint8))
    page.category = "padded scan"
    height, width = page.image.shape[:2]
    left, right, top, bottom = (round(max(height, width) * chance.uniform(0.02, 0.3)) for _ in range(4))
    level = chance.choice([0, 255])
    page.image = cv2.copyMakeBorder(page.image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(level,) * 3)
    shift = np.array([left, top], np.float32)
    page.lines = [Line(line.text, line.polygon + shift) for line in page.lines]
    return Photograph(page, tables.rectangle(shift + np.array([width, height]) / 2, width, height, 0))


def tilted_scan(chance: Chance, name: str) -> Page:
    """A scan that was fed in crookedly: its ground goes on."""
    page = turned(pages.clean(chance, name), chance.uniform(-12, 12), (255, 255, 255))
    return noisy(page, 2, 0.4, chance.grain)


WITHOUT = {"screen": screen, "street": street, "scan": scan, "crooked scan": tilted_scan, "empty table": empty_table}


def photographs(seed: int, each: int) -> Iterator[Photograph]:
    """So many of each kind, and twice as many without a page."""
    for setting in SETTINGS:
        for index in range(each):
            name = f"{setting.kind.replace(' ', '-').replace(',', '')}-{index:02}"
            yield taken(Chance(f"{seed} {setting.kind} {index}"), name, setting)
    for index in range(each):
        yield padded(Chance(f"{seed} padded {index}"), f"padded-{index:02}")
    for kind, make in WITHOUT.items():
        for index in range(2 * each):
            page = make(Chance(f"{seed} {kind} {index}"), f"{kind.replace(' ', '-')}-{index:02}")
            page.category = f"no page: {kind}"
            yield Photograph(page, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--each", type=int, default=EACH, help="photographs of each kind")
    args = parser.parse_args()
    if words := fonts.missing():
        parser.exit(2, f"{words}\n")
    cv2.setNumThreads(1)
    corners: dict[str, list | None] = {}
    flats: list[Page] = []

    def seen() -> Iterator[Page]:
        for photograph in photographs(args.seed, args.each):
            found = photograph.corners
            corners[photograph.seen.file] = None if found is None else found.round(2).tolist()
            if photograph.flat:
                flats.append(photograph.flat)
            yield photograph.seen

    pages.written(seen(), args.out / "photographs")
    pages.written(iter(flats), args.out / "flat")
    file = args.out / "photographs" / pages.TRUTH
    rows = [{**row, "corners": corners[row["file"]]} for row in json.loads(file.read_text())]
    file.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
