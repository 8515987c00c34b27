"""Lettering that is hard to read: evenly spaced, in dots, on photographed receipts, in arcs, white on transparent."""

from __future__ import annotations

import cv2
import numpy as np

import fonts
import layouts
from chance import Chance
from sheet import Line, Page, Sheet, noisy, seen_askew, turned

# Pixels from one dot of a printer to the next.
DOT = 3


def typed(chance: Chance, name: str) -> Page:
    """Paragraphs of a typewriter: letters at even distances, wide ones, too."""
    size, face = chance.randint(16, 24), chance.choice(["mono", "mono", "serif", "sans"])
    pitch, columns, leading = size * chance.uniform(0.6, 0.75), chance.randint(48, 62), round(size * 1.7)
    sheet = Sheet(round((columns + 6) * pitch), 26 * leading)
    word = chance.writer.english()
    for row in range(1, 25):
        text = word
        while len(text) + 1 + len(word := chance.writer.english()) <= columns:
            text += f" {word}"
        if row % 8:
            sheet.spaced(round(3 * pitch), row * leading, text, face, size, pitch)
    return sheet.page(name, "typewriter")


def dotted(chance: Chance, name: str) -> Page:
    """A receipt from a printer that has a few dots for each letter."""
    page = layouts.even_receipt(chance, name, (chance.randint(10, 12), "mono"))
    page.category = "receipt, in dots"
    reach = np.arange(DOT) - (DOT - 1) / 2
    dot = np.clip(1.3 - np.hypot(*np.meshgrid(reach, reach)) / 1.7, 0, 1)
    ink = np.kron(page.image[:, :, 0] < 150, dot) * chance.uniform(120, 230)
    page.image = np.repeat((250 - ink).astype(np.uint8)[..., None], 3, axis=2)
    page.lines = [Line(line.text, line.polygon * DOT) for line in page.lines]
    return noisy(page, 3, chance.uniform(0.6, 1), chance.grain)


def photographed_receipt(chance: Chance, name: str) -> Page:
    """A receipt from aside, a little turned, unsharp, grainy, pale, as JPEG."""
    page = chance.choice([layouts.receipt, layouts.even_receipt])(chance, name)
    page.category = "receipt, photographed"
    page.image = (page.image * chance.uniform(0.4, 0.75) + chance.uniform(40, 60)).astype(np.uint8)
    paper = tuple(int(value) for value in page.image[0, 0, ::-1])
    page = seen_askew(turned(page, chance.uniform(-6, 6), paper), chance.grain.uniform(-0.06, 0.06, (4, 2)), paper)
    page.quality = chance.randint(35, 70)
    return noisy(page, chance.uniform(5, 18), chance.uniform(0.6, 1.2), chance.grain)


def arcs(chance: Chance, name: str) -> Page:
    """A few words on each of some arcs, as on badges and labels: arched or hanging, 30 to 150 degrees of a circle."""
    tiles, top = [], 0
    sheet = Sheet(1, 1)
    for _ in range(4):
        size, face = chance.randint(26, 44), chance.choice(["sans-bold", "open-sans-bold", "serif-bold", "sans"])
        text = " ".join(chance.writer.word().upper() for _ in range(chance.randint(2, 4)))
        length, high = round(fonts.face(face, size).getlength(text)), round(size * 1.4)
        angle, hanging = np.radians(chance.uniform(30, 150)), chance.random() < 0.4
        straight = Sheet(length, high)
        straight.put(0, 0, text, face, size)
        tile, polygon = bowed(straight.page(name, "").image, straight.lines[0].polygon, angle, hanging)
        sheet.lines.append(Line(text, polygon + (40, top + 40)))
        tiles.append(tile)
        top += tile.shape[0] + 40
    image = np.full((top + 40, max(tile.shape[1] for tile in tiles) + 80, 3), 255, np.uint8)
    top = 40
    for tile in tiles:
        image[top : top + tile.shape[0], 40 : 40 + tile.shape[1]] = tile
        top += tile.shape[0] + 40
    return Page(name, "in arcs", image, sheet.lines)


def bowed(image: np.ndarray, outline: np.ndarray, angle: float, hanging: bool) -> tuple[np.ndarray, np.ndarray]:
    """A line along an arc of so many radians, and the smallest rectangle around where the outline comes to be."""
    high, length = image.shape[:2]
    radius = length / angle
    (left, low), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
    along = np.linspace(left, right, 60)
    edge = np.concatenate([np.stack([along, np.full(60, y)], axis=1) for y in (low, bottom)])
    turn, out = (edge[:, 0] / length - 0.5) * angle, radius + (edge[:, 1] if hanging else high - edge[:, 1])
    down = out * np.cos(turn)
    points = np.stack([out * np.sin(turn), down if hanging else -down], axis=1)
    begin = np.floor(points.min(axis=0)) - 6
    width, height = (np.ceil(points.max(axis=0)) + 6 - begin).astype(int)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x + begin[0], (y + begin[1]) * (1 if hanging else -1)
    from_middle = np.hypot(x, y) - radius
    columns = (np.arctan2(x, y) / angle + 0.5) * length
    rows = from_middle if hanging else high - from_middle
    tile = cv2.remap(
        image, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_CUBIC, borderValue=(255, 255, 255)
    )
    corners = cv2.boxPoints(cv2.minAreaRect((points - begin).astype(np.float32)))
    return tile, upright(corners)


def upright(corners: np.ndarray) -> np.ndarray:
    """A rectangle's corners, from the one that is nearest to the upper left."""
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0).astype(np.float32)


def on_nothing(page: Page) -> Page:
    """Its ink in white on transparent ground."""
    page.category = "white on transparent"
    page.image = np.dstack([np.full_like(page.image, 255), 255 - page.image[:, :, 0]])
    return page


KINDS = [typed, dotted, photographed_receipt, arcs]
