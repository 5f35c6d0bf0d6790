"""Pictures of every kind that can be read, as bytes."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    rng = np.random.default_rng(3)
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).convert(mode)


def grey16(*values: int) -> Image.Image:
    return Image.fromarray(np.array([values], dtype=np.uint16))


def gif(frames: tuple[tuple[int, int, int], ...] = (RED, BLUE)) -> bytes:
    first, *more = (Image.new("RGB", (20, 10), colour) for colour in frames)
    return encoded(first, "GIF", save_all=True, append_images=more)


def palette() -> bytes:
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putpixel((1, 0), 1)
    return encoded(image, "PNG", transparency=1)


def jpeg(image: Image.Image, orientation: int = 0) -> bytes:
    exif = Image.Exif()
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    return encoded(image, "JPEG", quality=95, exif=exif)


READABLE: dict[str, Callable[[], bytes]] = {
    "rgb.jpg": lambda: jpeg(noise()),
    "progressive.jpg": lambda: encoded(noise(), "JPEG", progressive=True),
    "cmyk.jpg": lambda: encoded(noise("CMYK"), "JPEG"),
    "grey.jpg": lambda: encoded(noise("L"), "JPEG"),
    "one_pixel.jpg": lambda: encoded(noise(size=(1, 1)), "JPEG"),
    "narrow.jpg": lambda: encoded(noise(size=(300, 2)), "JPEG"),
    "rotated.jpg": lambda: jpeg(noise(), orientation=6),
    "animated.gif": gif,
    "later_frame_damaged.gif": lambda: gif()[:-30],
    "sixteen_bit.png": lambda: encoded(grey16(0, 300, 65535), "PNG"),
    "palette.png": palette,
    "la.png": lambda: encoded(noise("L").convert("LA"), "PNG"),
    "rgba.png": lambda: encoded(noise("RGBA"), "PNG"),
    "one_bit.png": lambda: encoded(noise("1"), "PNG"),
    "one_pixel.png": lambda: encoded(noise(size=(1, 1)), "PNG"),
    "float.tif": lambda: encoded(Image.fromarray(np.eye(4, dtype=np.float32)), "TIFF"),
    "int32.tif": lambda: encoded(Image.fromarray(np.eye(4, dtype=np.int32) * 70_000), "TIFF"),
    "lab.tif": lambda: encoded(Image.new("LAB", (3, 3)), "TIFF"),
    "webp.webp": lambda: encoded(noise(), "WEBP"),
    "bmp.bmp": lambda: encoded(noise(), "BMP"),
    "jpeg_named.png": lambda: jpeg(noise()),
}
