"""Zip files as other programs write them: names as bytes, extra fields, methods that Python does not know."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO

DOS, UNIX = 0, 3
SAYS_UTF8 = 0x800


def raw_zip(
    files: Mapping[bytes, bytes],
    *,
    flags: int = 0,
    system: int = DOS,
    right: Mapping[bytes, str] | None = None,
    method: int = 0,
    pack: Callable[[bytes], bytes] = bytes,
    checksum: int | None = None,
) -> bytes:
    """A zip file with each name exactly as given; `right` is what the field 0x7075 says of one.

    The files are packed by `pack`, which is called the method `method`; a `checksum` takes the place of the right one.
    """
    content, directory = BytesIO(), BytesIO()
    for name, data in files.items():
        packed = pack(data)
        extra = unicode_field(name, right[name]) if right and name in right else b""
        crc = zlib.crc32(data) if checksum is None else checksum
        facts = struct.pack("<HHHHIII", flags, method, 0, 0x21, crc, len(packed), len(data))
        facts += struct.pack("<HH", len(name), len(extra))
        at = content.tell()
        content.write(b"PK\3\4" + struct.pack("<H", 20) + facts + name + extra + packed)
        directory.write(b"PK\1\2" + struct.pack("<BBH", 20, system, 20) + facts)
        directory.write(struct.pack("<HHHII", 0, 0, 0, 0, at) + name + extra)
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), directory.tell(), content.tell(), 0)
    return content.getvalue() + directory.getvalue() + b"PK\5\6" + end


def unicode_field(raw: bytes, name: str) -> bytes:
    text = struct.pack("<BI", 1, zlib.crc32(raw)) + name.encode()
    return struct.pack("<HH", 0x7075, len(text)) + text


def zip_with_method(files: Mapping[str, bytes], method: int) -> bytes:
    """A zip file whose entries claim to be compressed by a method that nothing here reads."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    raw = bytearray(buffer.getvalue())
    for mark, place in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        at = raw.find(mark)
        while at >= 0:
            struct.pack_into("<H", raw, at + place, method)
            at = raw.find(mark, at + 1)
    return bytes(raw)
