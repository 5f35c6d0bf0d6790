"""16 bits a colour: Pillow reads the upper 8 of them, which is said once for the set."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from alexcore.data.decoding.images import read_picture
from alexcore.data.decoding.intensity import with_rendering
from tests.support.small_trees import open_folder

Values = npt.NDArray[np.uint16]


def png(values: Values) -> bytes:
    """A PNG of (H, W, 3) values; Pillow cannot write one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(values: Values) -> bytes:
    """The simplest TIFF: one strip, nothing packed."""
    height, width, _ = values.shape
    size, behind = values.nbytes, 8 + 2 + 12 * 9 + 4
    entries = [(256, 1, width), (257, 1, height), (258, 3, behind), (259, 1, 1), (262, 1, 2)]
    entries += [(273, 1, behind + 6), (277, 1, 3), (278, 1, height), (279, 1, size)]
    table = b"".join(struct.pack("<HHII", tag, 3 if tag == 258 else 4, count, value) for tag, count, value in entries)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    return head + table + struct.pack("<IHHH", 0, 16, 16, 16) + values.astype("<u2").tobytes()


def ppm(values: Values) -> bytes:
    return f"P6 {values.shape[1]} {values.shape[0]} 65535\n".encode() + values.astype(">u2").tobytes()


@pytest.mark.parametrize(("ending", "made"), [("png", png), ("tif", tiff), ("ppm", ppm)])
def test_it_is_read_by_its_upper_half_and_said_once(tmp_path: Path, ending: str, made: Callable[[Values], bytes]):
    generator = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("a", "b"):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            for number in range(2):
                values = generator.integers(0, 65536, (8, 8, 3), dtype=np.uint16)
                (folder / f"{number}.{ending}").write_bytes(made(values))
    read = np.asarray(read_picture(folder / f"{number}.{ending}").image).astype(int)
    assert np.abs(read - (values >> 8)).max() <= 1
    said = [each for each in with_rendering(open_folder(tmp_path)).problems if each.code == "data.deep-colour"]
    assert [each.values for each in said] == [{"images": 4, "looked": 4}]
    assert "16-bit colour is read with its upper 8 bits" in said[0].message


def test_nothing_is_said_of_8_bits(stripes):
    assert not [each for each in with_rendering(open_folder(stripes)).problems if each.code == "data.deep-colour"]
