"""A corpus of odd pictures, made here, each with what has to become of it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image

RED, BLUE, WHITE, GREY = (255, 0, 0), (0, 0, 255), (255, 255, 255), (128, 128, 128)


@dataclass(frozen=True)
class Odd:
    """One file.

    Attributes:
        make: Its bytes.
        says: What has to be among the notes of a readable one; "" for no note at all. Of a broken one, its sentence.
        mean: The colour that a readable one must have on average, give or take 12; None to leave it open.
        broken: Whether it has to be refused.
        size: Upright width and height in px, if that is the point.
    """

    make: Callable[[], bytes]
    says: str = ""
    mean: tuple[int, int, int] | None = None
    broken: bool = False
    size: tuple[int, int] | None = None


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def plain_red(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    return Image.new("RGB", size, RED).convert(mode)


def rotated(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return encoded(plain_red(), "JPEG", exif=exif, quality=95)


def transparent() -> Image.Image:
    """Red on the left, nothing at all on the right (where the hidden colour is blue)."""
    image = Image.new("RGBA", (40, 40), (*RED, 255))
    image.paste((*BLUE, 0), (20, 0, 40, 40))
    return image


def palette() -> bytes:
    image = Image.new("P", (20, 20), 1)
    image.putpalette([*BLUE, *RED])
    return encoded(image, "PNG")


def palette_with_transparency() -> bytes:
    image = Image.new("P", (20, 20), 0)
    image.putpalette([*BLUE, *RED])
    return encoded(image, "PNG", transparency=0)


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, BLUE, BLUE)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def sixteen_bit(value: int = 0x8080) -> bytes:
    return encoded(Image.fromarray(np.full((20, 20), value, dtype=np.uint16)), "PNG")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes, extra: bytes = b"", depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def sixteen_bit_rgb() -> bytes:
    row = b"\0" + struct.pack(">HHH", 0xFFFF, 0, 0) * 8
    return png(8, 8, zlib.compress(row * 8), depth=16)


def png_bomb() -> bytes:
    """8000 x 7999 pixels, just below the limit, said to be there but a few bytes long."""
    return png(8000, 7999, zlib.compress(b"\0" * 100))


def text_bomb() -> bytes:
    """A comment that unpacks to 64 MB."""
    comment = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26)))
    return png(4, 4, zlib.compress((b"\0" + bytes(RED) * 4) * 4), comment)


def many_frames() -> bytes:
    """A GIF of 3,000 frames: counting them would decode all."""
    image = encoded(Image.new("RGB", (8, 8), RED), "GIF")
    body = image[image.index(b",") : -1]
    return image[:-1] + body * 3000 + b";"


CORPUS: dict[str, Odd] = {
    # Ordinary, in every format that people have.
    "plain.jpg": Odd(lambda: encoded(plain_red(), "JPEG"), mean=RED),
    "plain.png": Odd(lambda: encoded(plain_red(), "PNG"), mean=RED),
    "plain.webp": Odd(lambda: encoded(plain_red(), "WEBP"), mean=RED),
    "plain.bmp": Odd(lambda: encoded(plain_red(), "BMP"), mean=RED),
    "plain.tiff": Odd(lambda: encoded(plain_red(), "TIFF"), mean=RED),
    "plain.ppm": Odd(lambda: encoded(plain_red(), "PPM"), mean=RED),
    "plain.tga": Odd(lambda: encoded(plain_red(), "TGA"), mean=RED),
    "plain.jp2": Odd(lambda: encoded(plain_red(), "JPEG2000"), mean=RED),
    "plain.avif": Odd(lambda: encoded(plain_red(), "AVIF"), mean=RED),
    "plain.ico": Odd(lambda: encoded(plain_red(size=(32, 32)), "ICO"), mean=RED),
    "plain.pcx": Odd(lambda: encoded(plain_red(), "PCX"), mean=RED),
    "plain.qoi": Odd(lambda: encoded(plain_red(), "QOI"), mean=RED),
    "plain.dds": Odd(lambda: encoded(plain_red(), "DDS"), mean=RED),
    "plain.sgi": Odd(lambda: encoded(plain_red(), "SGI"), mean=RED),
    "progressive.jpg": Odd(lambda: encoded(plain_red(), "JPEG", progressive=True), mean=RED),
    # Modes.
    "grey.jpg": Odd(lambda: encoded(Image.new("L", (30, 30), 128), "JPEG"), "grayscale", GREY),
    "black_and_white.png": Odd(lambda: encoded(Image.new("1", (30, 30), 1), "PNG"), "black and white", WHITE),
    "cmyk.jpg": Odd(
        lambda: encoded(Image.new("CMYK", (30, 30), (0, 255, 255, 0)), "JPEG"), "converted from CMYK", (255, 0, 0)
    ),
    "palette.png": Odd(palette, "converted from P", RED),
    "palette_transparent.png": Odd(palette_with_transparency, "transparency on white", WHITE),
    "sixteen_bit.png": Odd(sixteen_bit, "16-bit scaled to 8", GREY),
    "sixteen_bit_rgb.png": Odd(sixteen_bit_rgb, mean=RED),
    "float.tif": Odd(
        lambda: encoded(Image.fromarray(np.linspace(-9, 9, 400, dtype=np.float32).reshape(20, 20)), "TIFF"),
        "floating-point values scaled to 8 bits",
        GREY,
    ),
    "lab.tif": Odd(lambda: encoded(Image.new("LAB", (9, 9), (255, 128, 128)), "TIFF"), "converted from LAB"),
    "alpha.png": Odd(lambda: encoded(transparent(), "PNG"), "transparency on white", (255, 128, 128)),
    "alpha.webp": Odd(lambda: encoded(transparent(), "WEBP", lossless=True), "transparency on white", (255, 128, 128)),
    "grey_alpha.png": Odd(lambda: encoded(Image.new("LA", (9, 9), (0, 0)), "PNG"), "transparency on white", WHITE),
    # Frames.
    "animated.gif": Odd(lambda: animated("GIF"), "first frame of an animation", RED),
    "animated.webp": Odd(lambda: animated("WEBP"), "first frame of an animation", RED),
    "animated.png": Odd(lambda: animated("PNG"), "first frame of an animation", RED),
    "pages.tif": Odd(lambda: animated("TIFF"), "first frame of an animation", RED),
    "many_frames.gif": Odd(many_frames, "first frame of an animation", RED),
    # Sizes and rotation.
    "one_pixel.png": Odd(lambda: encoded(plain_red(size=(1, 1)), "PNG"), mean=RED, size=(1, 1)),
    "thin.png": Odd(lambda: encoded(plain_red(size=(400, 1)), "PNG"), mean=RED, size=(400, 1)),
    "rotated.jpg": Odd(lambda: rotated(6), "rotated by EXIF", RED, size=(32, 48)),
    "mirrored.jpg": Odd(lambda: rotated(2), "rotated by EXIF", RED, size=(48, 32)),
    "odd_orientation.jpg": Odd(lambda: rotated(77), mean=RED, size=(48, 32)),
    # Names that lie.
    "jpeg_called.png": Odd(lambda: encoded(plain_red(), "JPEG"), mean=RED),
    "../../etc/passwd": Odd(lambda: encoded(plain_red(), "PNG"), mean=RED),
    "<script>alert(1)</script>.png": Odd(lambda: encoded(plain_red(), "PNG"), mean=RED),
    # What is no pixel may be anything.
    "text_bomb.png": Odd(text_bomb, mean=RED),
    # Broken.
    "empty.png": Odd(lambda: b"", "is empty (0 bytes)", broken=True),
    "text.jpg": Odd(lambda: b"no picture", "no picture in a format that is known here", broken=True),
    "program.png": Odd(lambda: b"MZ" + bytes(500), "no picture in a format that is known here", broken=True),
    "cut.jpg": Odd(lambda: encoded(Image.effect_noise((90, 90), 60), "JPEG")[:-700], "cannot be decoded", broken=True),
    "cut.png": Odd(lambda: encoded(Image.effect_noise((90, 90), 60), "PNG")[:-900], "cannot be decoded", broken=True),
    "cut.webp": Odd(lambda: encoded(Image.effect_noise((90, 90), 60), "WEBP")[:-300], "", broken=True),
    "wrong_checksum.png": Odd(
        lambda: encoded(plain_red(), "PNG").replace(b"IHDR\0\0\0\x30", b"IHDR\0\0\0\x31"), "", broken=True
    ),
    "claims_pixels.png": Odd(png_bomb, "cannot be decoded", broken=True),
    "too_many_pixels.png": Odd(lambda: png(8001, 8000, b""), "the limit is 64 million", broken=True),
    "bomb.png": Odd(lambda: png(200_000, 200_000, b""), "the limit is 64 million", broken=True),
    "phone.heic": Odd(lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "HEIC", broken=True),
    "drawing.jpg": Odd(
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "EPS drawing", broken=True
    ),
    "drawing.svg": Odd(lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture in a format", broken=True),
    "paper.pdf": Odd(lambda: b"%PDF-1.7\n%\n", "no picture in a format", broken=True),
}
