#!/usr/bin/env python3
"""Makes the test vectors of crates/frame with real OpenCV.

Writes small pictures to crates/frame/tests/vectors/ and, in expected.txt beside them, what OpenCV makes of each:
the SHA-256 of the BGR bytes after imdecode(IMREAD_COLOR), and after resize to 224x224 with INTER_LINEAR. For every
JPEG the decoded picture is kept as a PNG too, so that a build without libjpeg-turbo can measure how far off it is.

    python3 -m venv /tmp/vectors && /tmp/vectors/bin/pip install -r tools/vectors/requirements.txt
    /tmp/vectors/bin/python tools/vectors/make_preprocess_vectors.py           # writes
    /tmp/vectors/bin/python tools/vectors/make_preprocess_vectors.py --check   # compares the committed files
"""

import argparse
import hashlib
import io
import pathlib
import struct
import sys
import zlib

import cv2
import numpy as np
from PIL import Image

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "crates/frame/tests/vectors"

# Source and result sizes: (width, height), (width, height).
RESIZES = [
    ((640, 480), (224, 224)),
    ((1280, 720), (224, 224)),
    ((1920, 1080), (224, 224)),
    ((320, 240), (224, 224)),
    ((448, 448), (224, 224)),  # exactly half
    ((448, 480), (224, 224)),  # half across only
    ((640, 448), (224, 224)),  # half down only
    ((224, 224), (224, 224)),
    ((223, 225), (224, 224)),
    ((100, 80), (224, 224)),  # larger
    ((2, 2), (224, 224)),
    ((1, 1), (224, 224)),
    ((1, 480), (224, 224)),
    ((640, 1), (224, 224)),
    ((3, 5), (7, 11)),
    ((97, 61), (31, 47)),
    ((640, 480), (1, 1)),
    ((112, 112), (224, 224)),  # exactly double
]


def noise(width, height):
    """Pixels that the Rust test makes by the same formula: the top byte of a multiplicative hash of the index."""
    index = np.arange(width * height * 3, dtype=np.uint32)
    return (index * np.uint32(2654435761) >> np.uint32(24)).astype(np.uint8).reshape(height, width, 3)


def scene(width, height, seed):
    """A picture with gradients, hard edges in colour, and a little noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    x, y = x / max(width - 1, 1), y / max(height - 1, 1)
    picture = np.stack([255 * x, 255 * y, 255 * (1 - x) * y], axis=-1)
    for _ in range(25):
        cx, cy, radius = random.uniform(0, 1, 2).tolist() + [random.uniform(0.04, 0.3)]
        inside = ((x - cx) ** 2 + (y - cy) ** 2 < radius**2)[..., None]
        picture = np.where(inside, random.uniform(0, 255, 3), picture)
    picture += random.normal(0, 4, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def jpeg(picture, sampling=None, quality=85, **flags):
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if sampling is not None:
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    for name, value in flags.items():
        options += [getattr(cv2, "IMWRITE_JPEG_" + name.upper()), value]
    done, data = cv2.imencode(".jpg", picture, options)
    assert done
    return data.tobytes()


def tiff_orientation(value, order="<"):
    """The smallest EXIF block: one directory with the orientation alone."""
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, value, 0, 0)


def with_exif(data, value, order="<"):
    body = b"Exif\0\0" + tiff_orientation(value, order)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour, rows, before=b"", interlaced=0):
    """A PNG from packed rows of samples, each with filter 0."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def pillow(picture, mode, kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(picture, "RGB").convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def pictures():
    """Name and bytes of every picture."""
    small = scene(96, 72, 1)
    odd = scene(41, 29, 2)
    yield "420_640x480.jpg", jpeg(scene(640, 480, 3), cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, 80)
    for name in ("444", "422", "420", "440", "411"):
        yield f"{name}.jpg", jpeg(small, getattr(cv2, "IMWRITE_JPEG_SAMPLING_FACTOR_" + name))
    yield "420_odd.jpg", jpeg(odd, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)
    yield "422_odd.jpg", jpeg(odd, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422)
    yield "444_odd.jpg", jpeg(odd, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
    yield "420_1x1.jpg", jpeg(odd[:1, :1], cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)
    yield "low_quality.jpg", jpeg(small, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, 15)
    yield "progressive.jpg", jpeg(small, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, progressive=1)
    yield "restart.jpg", jpeg(small, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, rst_interval=2)
    yield "grey.jpg", jpeg(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY))
    yield "grey_odd.jpg", jpeg(cv2.cvtColor(odd, cv2.COLOR_BGR2GRAY))
    yield "rgb.jpg", pillow(small, "RGB", "JPEG", keep_rgb=True, quality=85)
    cmyk = pillow(small, "CMYK", "JPEG", quality=85)
    yield "cmyk.jpg", cmyk
    # The last byte of Adobe's segment says how the four components are coded: 2 is YCCK.
    adobe = cmyk.index(b"Adobe")
    assert cmyk[adobe + 11] == 0
    yield "ycck.jpg", cmyk[: adobe + 11] + b"\x02" + cmyk[adobe + 12 :]
    upright = jpeg(odd, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)
    for value in range(2, 9):
        yield f"exif_{value}.jpg", with_exif(upright, value, "<>"[value % 2])

    tiny = scene(23, 17, 4)
    rows8 = [row.tobytes() for row in tiny[..., ::-1]]
    yield "rgb.png", png(23, 17, 8, 2, rows8)
    yield "rgb_exif_6.png", png(23, 17, 8, 2, rows8, chunk(b"eXIf", tiff_orientation(6)))
    yield "rgb_gamma.png", png(23, 17, 8, 2, rows8, chunk(b"gAMA", struct.pack(">I", 100000)))
    yield "rgb_key.png", png(23, 17, 8, 2, rows8, chunk(b"tRNS", struct.pack(">HHH", *map(int, tiny[3, 3, ::-1]))))
    alpha = np.dstack([tiny[..., ::-1], noise(23, 17)[..., 0]])
    yield "rgba.png", png(23, 17, 8, 6, [row.tobytes() for row in alpha])
    wide = tiny[..., ::-1].astype(">u2") * 257 ^ noise(23, 17).astype(">u2")
    yield "rgb16.png", png(23, 17, 16, 2, [row.astype(">u2").tobytes() for row in wide])
    wide = alpha.astype(">u2") * 255
    yield "rgba16.png", png(23, 17, 16, 6, [row.astype(">u2").tobytes() for row in wide])
    grey = cv2.cvtColor(tiny, cv2.COLOR_BGR2GRAY)
    yield "grey.png", png(23, 17, 8, 0, [row.tobytes() for row in grey])
    yield "grey16.png", png(23, 17, 16, 0, [(row.astype(">u2") * 251).astype(">u2").tobytes() for row in grey])
    yield "grey_alpha.png", png(23, 17, 8, 4, [np.dstack([row, 255 - row]).tobytes() for row in grey])
    for depth in (1, 2, 4):
        bits = [np.unpackbits(row[:, None], axis=1)[:, :depth].ravel() for row in grey]
        yield f"grey{depth}.png", png(23, 17, depth, 0, [np.packbits(row).tobytes() for row in bits])
    palette = noise(16, 1)[0]
    index = [np.unpackbits(row[:, None], axis=1)[:, :4].ravel() for row in grey]
    index = [np.packbits(row).tobytes() for row in index]
    plte = chunk(b"PLTE", palette.tobytes())
    yield "palette4.png", png(23, 17, 4, 3, index, plte)
    yield "palette4_key.png", png(23, 17, 4, 3, index, plte + chunk(b"tRNS", bytes(range(0, 160, 10))))
    yield "palette8.png", pillow(tiny, "P", "PNG")
    yield "interlaced.png", interlaced(tiny)


def interlaced(picture):
    """Adam7, by hand: seven smaller pictures after each other."""
    height, width = picture.shape[:2]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = []
    for x, y, dx, dy in passes:
        if x < width:
            rows += [row.tobytes() for row in picture[y::dy, x::dx, ::-1]]
    return png(width, height, 8, 2, rows, interlaced=1)


def decode(data):
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def sha(picture):
    return hashlib.sha256(np.ascontiguousarray(picture).tobytes()).hexdigest()


def files():
    """Every file of the folder: name to bytes."""
    made = {}
    lines = [
        "# Made by tools/vectors/make_preprocess_vectors.py with OpenCV: do not edit.",
        "# picture FILE WIDTH HEIGHT SHA256(decoded BGR) SHA256(resized to 224x224)",
        "# resize WIDTH HEIGHT TO_WIDTH TO_HEIGHT SHA256(result of the hashed index)",
    ]
    for name, data in pictures():
        made[name] = data
        decoded = decode(data)
        height, width = decoded.shape[:2]
        resized = cv2.resize(decoded, (224, 224), interpolation=cv2.INTER_LINEAR)
        lines.append(f"picture {name} {width} {height} {sha(decoded)} {sha(resized)}")
        if name.endswith(".jpg") and width < 640 and not name.startswith("exif"):
            done, exact = cv2.imencode(".png", decoded, [cv2.IMWRITE_PNG_COMPRESSION, 9])
            assert done
            made[name.replace(".jpg", ".expected.png")] = exact.tobytes()
    for source, target in RESIZES:
        result = cv2.resize(noise(*source), target, interpolation=cv2.INTER_LINEAR)
        lines.append(f"resize {source[0]} {source[1]} {target[0]} {target[1]} {sha(result)}")
    made["expected.txt"] = ("\n".join(lines) + "\n").encode()
    return made


def check():
    """Compares the committed results with what this OpenCV makes of the committed pictures."""
    wrong = 0
    for line in (FOLDER / "expected.txt").read_text().splitlines():
        kind, *fields = line.split()
        if kind == "picture":
            decoded = decode((FOLDER / fields[0]).read_bytes())
            resized = cv2.resize(decoded, (224, 224), interpolation=cv2.INTER_LINEAR)
            found = [str(decoded.shape[1]), str(decoded.shape[0]), sha(decoded), sha(resized)]
            same = found == fields[1:]
        elif kind == "resize":
            width, height, to_width, to_height = map(int, fields[:4])
            result = cv2.resize(noise(width, height), (to_width, to_height), interpolation=cv2.INTER_LINEAR)
            same = sha(result) == fields[4]
        else:
            continue
        if not same:
            wrong += 1
            print("differs:", line)
    print(f"OpenCV {cv2.__version__}: {wrong} differences")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    if parser.parse_args().check:
        sys.exit(1 if check() else 0)
    FOLDER.mkdir(parents=True, exist_ok=True)
    total = 0
    for name, data in files().items():
        (FOLDER / name).write_bytes(data)
        total += len(data)
    print(f"{len(list(FOLDER.iterdir()))} files, {total} bytes, OpenCV {cv2.__version__}")


if __name__ == "__main__":
    main()
