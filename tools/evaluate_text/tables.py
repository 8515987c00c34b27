"""Tables that pages lie on, and what else lies there, as seen from straight above."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from chance import Chance

Shape = tuple[int, int]
Tone = tuple[float, float, float]


def patches(chance: Chance, shape: Shape, cell: Sequence[int], sigma: float) -> np.ndarray:
    """Soft noise whose patches are so many pixels high and wide."""
    height, width = shape
    small = (max(2, height // cell[0] + 2), max(2, width // cell[1] + 2))
    noise = chance.grain.normal(0, sigma, small).astype(np.float32)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def coloured(tone: Tone, levels: np.ndarray) -> np.ndarray:
    """One tone (blue, green, red), lighter and darker by levels."""
    return np.array(tone, np.float32) * (1 + levels[..., None] / 128)


def some_tone(chance: Chance, low: int, high: int, apart: int = 30) -> Tone:
    level = chance.uniform(low, high)
    blue, green, red = (min(255.0, max(0.0, level + chance.uniform(-apart, apart))) for _ in range(3))
    return blue, green, red


def wood(chance: Chance, shape: Shape) -> np.ndarray:
    """Boards with a grain along them, and dark seams between."""
    levels = patches(chance, shape, (3, 220), 9) + patches(chance, shape, (14, 500), 9)
    red = chance.uniform(90, 190)
    picture = coloured((red * 0.45, red * 0.7, red), levels)
    board = chance.randint(140, 420)
    for y in range(chance.randint(0, board), shape[0], board):
        picture[y : y + 3] *= 0.55
        picture[y : y + board] *= chance.uniform(0.9, 1.1)
    return picture


def cloth(chance: Chance, shape: Shape) -> np.ndarray:
    """A weave, and folds in it."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    pitch = chance.uniform(4, 9)
    weave = 9 * np.sin(rows * (2 * np.pi / pitch)) * np.sin(columns * (2 * np.pi / pitch))
    folds = patches(chance, shape, (260, 500), 14)
    return coloured(some_tone(chance, 50, 190, 45), weave + folds + patches(chance, shape, (3, 3), 4))


def checkered(chance: Chance, shape: Shape) -> np.ndarray:
    """Squares of two tones, or stripes."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    side = chance.randint(60, 170)
    stripes = chance.random() < 0.35
    odd = (columns // side) % 2 if stripes else (rows // side + columns // side) % 2
    first, second = some_tone(chance, 40, 120, 40), some_tone(chance, 120, 225, 30)
    picture = np.where(odd[..., None] == 0, np.array(first, np.float32), np.array(second, np.float32))
    return picture * (1 + patches(chance, shape, (3, 3), 5)[..., None] / 128)


def tiles(chance: Chance, shape: Shape) -> np.ndarray:
    """Tiles with joints between."""
    picture = coloured(some_tone(chance, 70, 190), patches(chance, shape, (40, 40), 8))
    side, joint = chance.randint(160, 420), chance.uniform(0.6, 1.35)
    for start in range(chance.randint(0, side), max(shape), side):
        picture[start : start + 7] *= joint
        picture[:, start : start + 7] *= joint
    return picture


def stone(chance: Chance, shape: Shape) -> np.ndarray:
    """Grains of all sizes."""
    levels = sum(patches(chance, shape, (size, size), 13) for size in (2, 5, 12, 40))
    return coloured(some_tone(chance, 60, 180), np.asarray(levels))


def plain(chance: Chance, shape: Shape) -> np.ndarray:
    """Nearly one tone."""
    return coloured(
        some_tone(chance, 25, 170), patches(chance, shape, (200, 200), 5) + patches(chance, shape, (2, 2), 2)
    )


def light(chance: Chance, shape: Shape) -> np.ndarray:
    """Nearly as light as paper."""
    levels = patches(chance, shape, (200, 200), 2) + patches(chance, shape, (3, 30), 2)
    return coloured(some_tone(chance, 196, 216, 6), levels)


TABLES: list[Callable[[Chance, Shape], np.ndarray]] = [wood, wood, cloth, checkered, tiles, stone, plain]


@dataclass
class Layer:
    """Something with holes: colours (blue, green, red) and how much of them is there, 0 to 1."""

    colour: np.ndarray
    cover: np.ndarray

    @staticmethod
    def empty(shape: Shape) -> Layer:
        return Layer(np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32))

    def over(self, picture: np.ndarray) -> np.ndarray:
        """The picture with this on it."""
        cover = self.cover[..., None]
        return picture * (1 - cover) + self.colour * cover

    def put(self, corners: np.ndarray, colour: Tone) -> None:
        """A filled polygon, with the shadow that something thick casts."""
        shade = np.zeros(self.cover.shape, np.float32)
        cv2.fillPoly(shade, [(corners + 5).round().astype(np.int32)], 0.45, cv2.LINE_AA)
        shade = cv2.GaussianBlur(shade, (0, 0), 5)
        dark = shade > self.cover
        self.colour[dark], self.cover[dark] = 0, shade[dark]
        self.fill(corners, colour)

    def fill(self, corners: np.ndarray, colour: Tone) -> None:
        """A filled polygon."""
        points = [corners.round().astype(np.int32)]
        cv2.fillPoly(self.colour, points, colour)
        cv2.fillPoly(self.cover, points, 1.0)


def rectangle(middle: Sequence[float], width: float, height: float, degrees: float) -> np.ndarray:
    """Corners, clockwise from the upper left, of a rectangle that is turned clockwise."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    half = np.array([(-width, -height), (width, -height), (width, height), (-width, height)]) / 2
    return half @ turn.T + np.array(middle)


def pen(chance: Chance, layer: Layer, at: Sequence[float], size: float) -> None:
    angle, length = chance.uniform(0, 360), size * chance.uniform(0.45, 0.7)
    layer.put(rectangle(at, length, size * 0.035, angle), some_tone(chance, 20, 200, 60))
    tip = np.array(at) + length * 0.45 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    layer.fill(rectangle(tip, length * 0.12, size * 0.03, angle), some_tone(chance, 20, 230, 20))


def cup(chance: Chance, layer: Layer, at: Sequence[float], size: float) -> None:
    radius, around = size * chance.uniform(0.14, 0.22), np.linspace(0, 2 * np.pi, 60)
    ring = np.stack([np.cos(around), np.sin(around)], axis=1)
    layer.put(np.array(at) + ring * radius, some_tone(chance, 90, 245, 25))
    layer.fill(np.array(at) + ring * radius * 0.82, (20, 40, 70))


def book(chance: Chance, layer: Layer, at: Sequence[float], size: float) -> None:
    angle, width = chance.uniform(-90, 90), size * chance.uniform(0.35, 0.6)
    tone = some_tone(chance, 30, 190, 70)
    layer.put(rectangle(at, width, width * chance.uniform(1.2, 1.5), angle), tone)
    layer.fill(rectangle(at, width * 0.7, width * 0.2, angle), some_tone(chance, 120, 250, 40))


def paper(chance: Chance, layer: Layer, at: Sequence[float], size: float) -> None:
    """Another sheet, with lines of writing that nobody can read."""
    angle, width = chance.uniform(-90, 90), size * chance.uniform(0.4, 0.7)
    height = width * chance.uniform(1.0, 1.5)
    layer.put(rectangle(at, width, height, angle), some_tone(chance, 200, 245, 10))
    turn = np.radians(angle)
    down = np.array([-np.sin(turn), np.cos(turn)])
    for row in np.arange(-0.38, 0.4, 0.07):
        layer.fill(
            rectangle(np.array(at) + down * row * height, width * chance.uniform(0.5, 0.8), height * 0.02, angle),
            (90, 90, 90),
        )


def keyboard(chance: Chance, layer: Layer, at: Sequence[float], size: float) -> None:
    angle, key = chance.uniform(-90, 90), size * 0.055
    body, keys = some_tone(chance, 25, 200, 10), some_tone(chance, 40, 230, 10)
    layer.put(rectangle(at, key * 13.4, key * 5.4, angle), body)
    turn = np.radians(angle)
    across, down = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    for row in range(5):
        for column in range(13):
            middle = np.array(at) + across * (column - 6) * key + down * (row - 2) * key
            layer.fill(rectangle(middle, key * 0.8, key * 0.8, angle), keys)


def thumb(chance: Chance, layer: Layer, at: Sequence[float], size: float) -> None:
    radius, around = size * chance.uniform(0.04, 0.06), np.linspace(0, 2 * np.pi, 40)
    oval = np.stack([np.cos(around), 1.7 * np.sin(around)], axis=1)
    angle = chance.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    red = chance.uniform(110, 220)
    layer.put(np.array(at) + oval @ turn.T * radius, (red * 0.6, red * 0.72, red))


OBJECTS: list[Callable[[Chance, Layer, Sequence[float], float], None]] = [pen, cup, book, paper, keyboard]
SMALL: list[Callable[[Chance, Layer, Sequence[float], float], None]] = [pen, pen, thumb, cup, paper]
