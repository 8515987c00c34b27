"""A page in the making: lines are put on it, then it is turned, bent and soiled; their outlines follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import fonts

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Line:
    """One line of text and where it is."""

    text: str
    # (4, 2), x and y in pixels, clockwise from the top left of the text.
    polygon: np.ndarray
    # Each with where its ink begins and ends, in parts of the line's length.
    words: tuple[tuple[str, float, float], ...] = ()
    # Lines with the same are to be one row of what is read, and nothing else in it.
    row: int | None = None
    # Lines with the same are to follow each other directly.
    run: int | None = None
    # Where it is read is of no matter, before other text or after it.
    aside: bool = False


@dataclass
class Page:
    """A picture and what stands on it, in reading order."""

    name: str
    category: str
    # Rows of blue, green, red.
    image: np.ndarray
    lines: list[Line] = field(default_factory=list)
    # Saved as JPEG of this quality, or as PNG.
    quality: int | None = None
    # Whether there is one order in which people would read it.
    ordered: bool = True

    @property
    def file(self) -> str:
        """Under which it is saved."""
        return f"{self.name}.{'jpg' if self.quality else 'png'}"

    def encoded(self) -> bytes:
        """The file's bytes."""
        if self.quality:
            return cv2.imencode(".jpg", self.image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1].tobytes()
        return cv2.imencode(".png", self.image, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()


class Sheet:
    """White, or of another colour (red, green, blue), or over a picture."""

    def __init__(self, width: int, height: int, paper: Colour | np.ndarray = (255, 255, 255)) -> None:
        if isinstance(paper, np.ndarray):
            self._picture = Image.fromarray(np.ascontiguousarray(paper[:, :, ::-1]))
            self.paper: Colour = tuple(int(value) for value in paper.reshape(-1, 3).mean(axis=0)[::-1])  # type: ignore[assignment]
        else:
            self._picture = Image.new("RGB", (width, height), paper)
            self.paper = paper
        self.width, self.height = self._picture.size
        self._draw = ImageDraw.Draw(self._picture)
        self.lines: list[Line] = []

    def block(self, x: int, y: int, width: int, height: int, colour: Colour) -> None:
        """A filled rectangle."""
        self._draw.rectangle((x, y, x + width, y + height), fill=colour)

    def put(self, x: int, y: int, text: str, face: str, size_px: int, ink: Colour = (0, 0, 0)) -> None:
        """A line whose face begins at (x, y); what counts as its box is its ink, as high as the face's letters are."""
        font = fonts.face(face, size_px)
        self._draw.text((x, y), text, font=font, fill=ink)
        left, top, right, bottom = font.getbbox(text)
        _, highest, _, lowest = font.getbbox("国" if face == "han" else "Ap")
        top, bottom = min(top, highest), max(bottom, lowest)
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        polygon = np.array([(x + a, y + b) for a, b in corners], np.float32)
        self.lines.append(Line(text, polygon, words_of(text, font, left, right)))

    def justified(self, x: int, y: int, words: list[str], face: str, size_px: int, width: int) -> None:
        """A line that fills the width: what is left over goes between its words."""
        font = fonts.face(face, size_px)
        # Some faces advance by less than what they draw.
        lengths = [max(font.getlength(word), font.getbbox(word)[2]) for word in words]
        room = (width - sum(lengths)) / (len(words) - 1)
        left, begin = float(x), len(self.lines)
        for word, length in zip(words, lengths):
            self.put(round(left), y, word, face, size_px)
            left += length + room
        parts = self.lines[begin:]
        corners = np.concatenate([part.polygon for part in parts])
        (low, top), (high, bottom) = corners.min(axis=0), corners.max(axis=0)
        polygon = np.array([(low, top), (high, top), (high, bottom), (low, bottom)], np.float32)
        places = tuple(
            (part.text, *((float(part.polygon[end][0]) - low) / (high - low) for end in (0, 1))) for part in parts
        )
        self.lines[begin:] = [Line(" ".join(words), polygon, places)]

    def spaced(self, x: int, y: int, text: str, face: str, size_px: int, pitch: float) -> None:
        """A line whose letters stand at even distances, as printers of receipts and typewriters have it."""
        font, begin = fonts.face(face, size_px), len(self.lines)
        for index, letter in enumerate(text):
            if letter != " ":
                middle = x + (index + 0.5) * pitch
                self.put(round(middle - font.getlength(letter) / 2), y, letter, face, size_px)
        corners = np.concatenate([part.polygon for part in self.lines[begin:]])
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        polygon = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
        self.lines[begin:] = [Line(text, polygon)]

    @contextmanager
    def row(self) -> Iterator[None]:
        """What is put meanwhile is one row."""
        begin = len(self.lines)
        yield
        self.lines[begin:] = [replace(line, row=begin) for line in self.lines[begin:]]

    @contextmanager
    def run(self, *, aside: bool = False) -> Iterator[None]:
        """What is put meanwhile is to be read without anything in between."""
        begin = len(self.lines)
        yield
        self.lines[begin:] = [replace(line, run=begin, aside=aside) for line in self.lines[begin:]]

    def paste(self, x: int, y: int, page: Page) -> None:
        """Another page's picture and lines."""
        self._picture.paste(Image.fromarray(np.ascontiguousarray(page.image[:, :, ::-1])), (x, y))
        self.lines += [replace(line, polygon=line.polygon + np.float32([x, y])) for line in page.lines]

    def rule(self, *points: tuple[int, int], width: int = 1, ink: Colour = (0, 0, 0)) -> None:
        """A drawn line through some points."""
        self._draw.line(points, fill=ink, width=width)

    def bubble(
        self, box: tuple[float, float, float, float], paper: Colour, edge: Colour, corner: int | None = None
    ) -> None:
        """Round, or a rectangle with round corners: left, top, right, bottom."""
        if corner is None:
            self._draw.ellipse(box, fill=paper, outline=edge, width=2)
        else:
            self._draw.rounded_rectangle(box, corner, fill=paper, outline=edge, width=2)

    def page(self, name: str, category: str, quality: int | None = None, ordered: bool = True) -> Page:
        """What has been made, as a picture."""
        image = np.ascontiguousarray(np.asarray(self._picture)[:, :, ::-1])
        return Page(name, category, image, list(self.lines), quality, ordered)


# Han with the marks that follow, or what stands between spaces.
WORD = re.compile(r"[\u3400-\u9fff]+[，。、：；！？]*|[^\s\u3400-\u9fff]+")


def words_of(
    text: str, font: ImageFont.FreeTypeFont, left: float, right: float
) -> tuple[tuple[str, float, float], ...]:
    """The words of a line whose ink goes from `left` to `right`, with where theirs does."""
    places, length = [], max(right - left, 1)
    for match in WORD.finditer(text):
        begin, _, end, _ = font.getbbox(match.group())
        at = font.getlength(text[: match.start()]) - left
        places.append((match.group(), (at + begin) / length, (at + end) / length))
    return tuple(places)


def bent(page: Page, matrix: np.ndarray, width: int, height: int, paper: Colour) -> Page:
    """Through a homography; outlines follow."""
    border = tuple(int(value) for value in paper[::-1])
    page.image = cv2.warpPerspective(
        page.image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=border
    )
    page.lines = [replace(line, polygon=moved(line.polygon, matrix)) for line in page.lines]
    return page


def moved(polygon: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points through a homography."""
    return cv2.perspectiveTransform(polygon.reshape(1, -1, 2).astype(np.float64), matrix)[0].astype(np.float32)


def turned(page: Page, degrees: float, paper: Colour) -> Page:
    """Clockwise; the canvas grows so that nothing is cut."""
    height, width = page.image.shape[:2]
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    new_width = int(np.ceil(abs(width * cos) + abs(height * sin)))
    new_height = int(np.ceil(abs(width * sin) + abs(height * cos)))
    to_origin = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    back = np.array([[1, 0, new_width / 2], [0, 1, new_height / 2], [0, 0, 1]])
    return bent(page, back @ turn @ to_origin, new_width, new_height, paper)


def quarter_turned(page: Page, times: int) -> Page:
    """Clockwise, by exactly 90 degrees so many times."""
    for _ in range(times % 4):
        height = page.image.shape[0]
        page.image = np.ascontiguousarray(np.rot90(page.image, -1))
        page.lines = [
            replace(line, polygon=np.stack([height - line.polygon[:, 1], line.polygon[:, 0]], axis=1))
            for line in page.lines
        ]
    return page


def seen_askew(page: Page, shifts: np.ndarray, paper: Colour, same_size: bool = False) -> Page:
    """As a camera sees a sheet from aside: `shifts` (4, 2) move the corners, in parts of the sides."""
    height, width = page.image.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    targets = corners + shifts * np.array([width, height])
    targets -= targets.min(axis=0)
    if same_size:
        targets *= np.array([width, height]) / targets.max(axis=0)
    new_width, new_height = (int(value) for value in np.ceil(targets.max(axis=0).round(3)))
    matrix = cv2.getPerspectiveTransform(corners, targets.astype(np.float32))
    return bent(page, matrix, new_width, new_height, paper)


def noisy(page: Page, sigma: float, blur_px: float, chance: np.random.Generator) -> Page:
    """A little out of focus, then as grainy as little light makes it."""
    image = page.image
    if blur_px:
        image = cv2.GaussianBlur(image, (0, 0), blur_px)
    grain = chance.normal(0, sigma, image.shape).astype(np.float32)
    page.image = np.clip(image.astype(np.float32) + grain, 0, 255).astype(np.uint8)
    return page
