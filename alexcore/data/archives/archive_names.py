"""The names in an archive, which may be bytes of a code page that nobody has written down.

A zip file says of each name whether it is UTF-8. Where it does not, the order is: the field that archivers of Windows
add with the right name, UTF-8 as a Mac writes it, and then a guess over all names together (`code_pages`), which is
said or asked about and never made in silence.
"""

from __future__ import annotations

import codecs
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence

from alexcore.data.archives.code_pages import PAGES, NameReading, is_clear, readings_of
from alexcore.errors import DataError

Say = Callable[[str], None]
_UNICODE_PATH = 0x7075
# Of the systems that a zip file may have been made on, those that part folders by a backslash.
_WINDOWS = frozenset({0, 6, 10, 11, 14})


def unsaid(_sentence: str) -> None:
    """The words to which nobody listens."""


def zip_names(infos: Sequence[zipfile.ZipInfo], archive: str, encoding: str = "", say: Say = unsaid) -> list[str]:
    """The names of all entries as they were packed, their parts joined by slashes.

    `encoding` is what a person has chosen for those that do not say how they are written, and may be "".

    Raises:
        DataError: the names can be read in two ways, or in none, or not as `encoding`.
    """
    raws = [_raw_name(info) for info in infos]
    decode = decoder_for([raw for raw in raws if raw is not None], archive, encoding, say)
    names = [_told_name(info) if raw is None else decode(raw) for raw, info in zip(raws, infos, strict=True)]
    return with_slashes(names, all(info.create_system in _WINDOWS for info in infos))


def name_readings(raws: Sequence[bytes]) -> list[NameReading]:
    """The ways to read names that do not say how they are written; none where they are UTF-8."""
    return [] if are_utf8(raws) else readings_of(raws)


def read_as(raws: Sequence[bytes], archive: str, encoding: str) -> NameReading:
    """The names as they read in an encoding that somebody has typed.

    Raises:
        DataError: there is no such encoding, or they are not written in it.
    """
    found = require_encoding(encoding)
    parts = dict.fromkeys(part for raw in raws for part in raw.split(b"/") if not part.isascii())
    return NameReading(found, encoding, tuple(map(_Decoder(archive, found), parts)), 0.0)


def unsaid_names(infos: Sequence[zipfile.ZipInfo]) -> list[bytes]:
    """The bytes of those names of a zip file that do not say how they are written."""
    return [raw for raw in map(_raw_name, infos) if raw is not None]


def likeliest(raws: Sequence[bytes], archive: str, say: Say) -> str:
    """The encoding to read names in that are shown and decide nothing: the likeliest, said, be it clear or not."""
    readings = name_readings(raws)
    if readings:
        _say_read(readings[0], archive, say)
        return readings[0].encoding
    return "" if are_utf8(raws) else "cp437"  # which has a letter for any byte


def _say_read(reading: NameReading, archive: str, say: Say) -> None:
    say(
        f"The names in {archive} do not say how they are written; they were read as {reading.encoding} "
        f"({reading.title}): {reading.sample}."
    )


def with_slashes(names: list[str], from_windows: bool = False) -> list[str]:
    """Take backslashes for what parts folders, if every name with folders has them and none a slash.

    .NET and PowerShell have written such zip files. Elsewhere a backslash is a letter like others, and a name that
    has one is refused later.
    """
    marked = [name for name in names if "\\" in name]
    if not marked or any("/" in name.rstrip("/") for name in names) or not (from_windows or len(marked) == len(names)):
        return names
    return [name.replace("\\", "/") for name in names]


def _raw_name(info: zipfile.ZipInfo) -> bytes | None:
    """The bytes of a name whose encoding the zip file does not tell; None where it does."""
    if info.flag_bits & 0x800 or info.orig_filename.isascii() or _unicode_path(info):
        return None
    return info.orig_filename.encode("cp437")  # as which Python has read it


def _told_name(info: zipfile.ZipInfo) -> str:
    # Python's `filename` is cut at a NUL byte.
    return _unicode_path(info) or info.orig_filename


def _unicode_path(info: zipfile.ZipInfo) -> str:
    """The right name from the field 0x7075, if it belongs to the name that stands in the header, or ""."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(field) > 5:
            raw = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
            if struct.unpack_from("<BI", field) == (1, zlib.crc32(raw)):
                return field[5:].decode(errors="replace")
    return ""


def require_encoding(name: str) -> str:
    """Return Python's name of an encoding.

    Raises:
        DataError: there is none of this name.
    """
    try:
        found = codecs.lookup(name).name
        "a".encode(found)  # base64 and the like are codecs, too, but not of text
    except (LookupError, ValueError, TypeError) as error:
        hint = f"Some that archives have: {', '.join(('utf-8', *PAGES))}."
        raise DataError(f"There is no encoding {name!r}.", hint) from error
    return found


def decoder_for(raws: Sequence[bytes], archive: str, encoding: str, say: Say) -> Callable[[bytes], str]:
    """Decide how these names, of which nobody says what they are, are read; `encoding` "" leaves it to the names.

    All names of an archive are read alike: a single Chinese one may look like UTF-8 by chance.

    Raises:
        DataError: they can be read in two ways, or in none, or there is no such encoding.
    """
    if encoding:
        return _Decoder(archive, require_encoding(encoding))
    readings = name_readings(raws)
    if not readings:
        if are_utf8(raws):
            return bytes.decode
        example = next(raw for raw in raws if not _is_utf8(raw))
        raise DataError(
            f"{archive} has a name that is no UTF-8, and like no words in another encoding: {str(example)[1:121]}.",
            "Give the encoding with --encoding, or pack the folder again with names in UTF-8, e.g. with 7-Zip or Keka.",
        )
    best = readings[0]
    if not is_clear(readings):
        told = "; ".join(f"{each.encoding} ({each.title}): {each.sample}" for each in readings[:3])
        raise DataError(
            f"The names in {archive} do not say how they are written and can be read in several ways: {told}.",
            f"Choose one with --encoding, e.g. --encoding {best.encoding}.",
        )
    _say_read(best, archive, say)
    say("If they are wrong, delete the data set and unpack the archive again with another --encoding.")
    return _Decoder(archive, best.encoding)


class _Decoder:
    def __init__(self, archive: str, encoding: str) -> None:
        self._archive, self._encoding = archive, encoding

    def __call__(self, raw: bytes) -> str:
        try:
            return raw.decode(self._encoding)
        except UnicodeError as error:
            raise DataError(
                f"{self._archive} holds the name {str(raw)[1:121]}, which is not written in {self._encoding}.",
                "Choose another encoding with --encoding.",
            ) from error


def are_utf8(raws: Sequence[bytes]) -> bool:
    """Whether names that do not say how they are written can be read as UTF-8."""
    return all(map(_is_utf8, raws))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
