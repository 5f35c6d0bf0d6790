"""Pictures as cameras, phones and programs leave them: odd metadata, cut ends, notes in place of pictures."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(120)
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"5" * 64 + b"\nsize 81234\n"
ANNEX_POINTER = b"/annex/objects/SHA256E-s81234--" + b"5" * 64 + b".jpg\n"


def blocks(seed: int = 0, size: tuple[int, int] = (48, 32)) -> Image.Image:
    """Coloured blocks of 8 px that no other seed has."""
    width, height = size
    luck = np.random.default_rng(seed)
    few = luck.integers(0, 256, (-(-height // 8), -(-width // 8), 3), dtype=np.uint8)
    return Image.fromarray(np.kron(few, np.ones((8, 8, 1), np.uint8))[:height, :width])


def saved(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def segment(jpeg: bytes, marker: int, payload: bytes) -> bytes:
    """A JPEG with one more segment behind its first two bytes."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload + jpeg[2:]


def exif(*entries: tuple[int, int, int, bytes], behind: bytes = b"") -> bytes:
    """Exif by hand: (tag, type, count, four bytes of value); offsets to what is `behind` count from "II"."""
    table = b"".join(struct.pack("<HHI4s", *entry) for entry in sorted(entries))
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + bytes(4) + behind


def turned(number: int) -> tuple[int, int, int, bytes]:
    """The entry that says how the camera was held."""
    return 0x0112, 3, 1, struct.pack("<HH", number, 0)


def unwritable_exif(kind: str) -> bytes:
    """Exif that turns the picture by 90 degrees and holds a second value which Pillow reads and cannot write."""
    place = struct.pack("<I", 8 + 2 + 2 * 12 + 4)
    second, behind = {
        "rational below 0": ((0x011A, 10, 1, place), struct.pack("<ii", -5, 0)),
        "negative width": ((0x0100, 9, 1, struct.pack("<i", -7)), b""),
        "a double too large": ((0x0101, 12, 1, place), struct.pack("<d", 1e300)),
        "text for a number": ((0x0102, 2, 4, b"ab\0\0"), b""),
    }[kind]
    return exif(turned(6), second, behind=behind)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(kind: bytes, data: bytes, image: Image.Image | None = None) -> bytes:
    """A PNG with one more chunk right behind its header."""
    png = saved(image or blocks(5), "PNG")
    return png[:33] + chunk(kind, data) + png[33:]


def mpo(*, orientation: int = 0) -> bytes:
    """A photograph with a smaller one behind it, as phones store a depth map."""
    more = Image.Exif()
    if orientation:
        more[0x0112] = orientation
    return saved(blocks(7), "MPO", save_all=True, append_images=[blocks(8, (16, 16))], exif=more)
