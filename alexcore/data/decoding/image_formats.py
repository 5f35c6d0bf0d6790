"""Which files are tried as pictures, and what a file is that looks like one and is none.

A walk through a folder asks the end of each name, and of a name that tells nothing the first bytes; nothing is decoded
for that. What is tried is then read by `images`, whose decoders have the last word.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# Tried by name. Left to their first bytes are endings of Pillow's formats that other programs use more: .pcd (point
# clouds), .fit (sports watches), .rgb, .bw, .ras, .im, .gbr.
EXTENSIONS = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp", ".mpo"),
        *(".png", ".apng", ".gif", ".webp", ".avif", ".avifs", ".heic", ".heif", ".hif"),
        *(".tif", ".tiff", ".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
        *(".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c", ".ico", ".cur", ".icns", ".psd"),
        *(".tga", ".icb", ".vda", ".vst", ".dds", ".qoi", ".sgi", ".rgba", ".pcx", ".dcx", ".fits"),
        *(".fli", ".flc", ".ftc", ".ftu", ".blp", ".iim", ".msp", ".pxr", ".xbm", ".xpm"),
    }
)
# Never tried, whatever they begin with: notes and tables, what a camera or a phone puts beside a photograph (some of it
# begins like a TIFF or a JPEG), half a download, and everything that has a well-known meaning of its own.
OTHERS = frozenset(
    {
        *(".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg"),
        *(".html", ".htm", ".css", ".js", ".py", ".ipynb", ".sh", ".bat", ".log", ".db", ".sqlite", ".lock", ".tmp"),
        *(".pdf", ".ps", ".eps", ".svg", ".ai", ".doc", ".docx", ".xls", ".xlsx", ".ods", ".ppt", ".pptx", ".odt"),
        *(".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".part", ".crdownload", ".download"),
        *(".mov", ".mp4", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".3gp", ".mts", ".mp3", ".wav", ".m4a"),
        *(".dng", ".nef", ".cr2", ".cr3", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw", ".xmp", ".aae", ".thm"),
        *(".npy", ".npz", ".mat", ".h5", ".hdf", ".hdf5", ".pkl", ".pickle", ".parquet", ".arrow", ".tfrecord"),
        *(".pt", ".pth", ".ckpt", ".onnx", ".safetensors", ".exe", ".dll", ".so", ".lnk", ".url", ".icloud", ".pcd"),
    }
)
# As many of the first bytes as `begins_like_picture` and `stand_in` want.
HEAD = 64
_MARKS = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|II\*\0|MM\0\*|II\+\0|MM\0\+|BM.{4}\0{4}|RIFF.{4}WEBP"
    rb"|.{4}ftyp(?:avif|avis|heic|heix|heim|heis|hevc|hevx|mif1|msf1)|\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"
    rb"|P[1-6][\s#]|P[Ff]\s|8BPS\0|qoif|DDS |SIMPLE  =|\x01\xda[\0\x01][\x01\x02]|\x59\xa6\x6a\x95",
    re.DOTALL,
)
_HEIC = re.compile(rb".{4}ftyp(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1)", re.DOTALL)


class StandIn(NamedTuple):
    """What lies in the place of a picture: what `one` of them is, `what` many are, and what to do about it."""

    one: str
    what: str
    hint: str


HEIC = StandIn(
    "a HEIC picture, which is not read here",
    "HEIC pictures",
    "Save them as JPEG: an iPhone takes JPEGs with Settings > Camera > Formats > Most Compatible, and sends them with "
    "Settings > Photos > Transfer to Mac or PC > Automatic. Or have them read here: pip install pillow-heif.",
)
LFS = StandIn(
    "a pointer of Git LFS, not the picture itself",
    "pointers of Git LFS",
    "The repository was cloned without its large files: run `git lfs install` and `git lfs pull` in it.",
)
ANNEX = StandIn(
    "a pointer of git-annex, not the picture itself",
    "pointers of git-annex",
    "The files were not fetched: run `git annex get .` in the repository.",
)
ICLOUD = StandIn(
    "a placeholder of iCloud, not the picture itself",
    "placeholders of iCloud",
    "The files lie in the cloud: run `brctl download FOLDER`, or choose Download Now in the Finder.",
)
CLOUD = StandIn(
    "a placeholder of a cloud drive, not the picture itself",
    "placeholders of a cloud drive",
    "The files lie in the cloud: choose `Always keep on this device` for the folder, or run `attrib +p -u /s /d FOLDER`"
    " on Windows, and wait.",
)
# By what is said of one.
STAND_INS = {each.one: each for each in (HEIC, LFS, ANNEX, ICLOUD, CLOUD)}
# Windows: the content is fetched when it is read, or the file is offline. macOS: the file has no data here.
_RECALL = 0x0040_0000 | 0x0004_0000 | 0x1000
_DATALESS = 0x4000_0000


def known_by_name(name: str) -> bool | None:
    """Whether a file is tried as a picture, by its name alone; None where only its first bytes can tell."""
    ending = os.path.splitext(name)[1].lower()
    return True if ending in EXTENSIONS else False if ending in OTHERS else None


def may_be_picture(path: str | Path) -> bool:
    """Whether a file is tried as a picture: by its name, and if that tells nothing (photo.jpg?w=640), by its start."""
    known = known_by_name(os.path.basename(path))
    return begins_like_picture(head_of(path)) if known is None else known


def head_of(path: str | Path) -> bytes:
    """The first bytes of a file; none of one that cannot be read, or that would first have to be fetched."""
    with suppress(OSError, ValueError):
        if os.path.isfile(path) and not _away(path):
            with open(path, "rb") as file:
                return file.read(HEAD)
    return b""


def begins_like_picture(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a common format of pictures."""
    return _MARKS.match(head) is not None


def is_heic(head: bytes) -> bool:
    """Whether the first bytes are those of a HEIC picture, as phones save them."""
    return _HEIC.match(head) is not None


def stand_in(head: bytes) -> StandIn | None:
    """What a file is that holds, in place of a picture, a note where the picture is; None for anything else."""
    if head.startswith(b"version https://git-lfs.github.com/"):
        return LFS
    if head.startswith((b"/annex/objects/", b"../.git/annex/objects/", b".git/annex/objects/")):
        return ANNEX
    if head.startswith(b"bplist00") and b"NSURL" in head:
        return ICLOUD
    return None


def placeholder(path: Path) -> StandIn | None:
    """What a file of a cloud drive is whose content is not on this machine; None for one that is here."""
    with suppress(OSError, ValueError):
        # An annexed file that was not fetched is a link to nowhere.
        if path.is_symlink() and not path.exists():
            return ANNEX if ".git/annex/objects/" in os.readlink(path).replace("\\", "/") else None
        if _away(path):
            return CLOUD if hasattr(_status(path), "st_file_attributes") else ICLOUD
    return None


def _away(path: str | Path) -> bool:
    """Whether a cloud drive keeps the content of a file elsewhere; asking fetches nothing."""
    status = _status(path)
    attributes, flags = (int(getattr(status, name, 0)) for name in ("st_file_attributes", "st_flags"))
    return bool(attributes & _RECALL or flags & _DATALESS)


def _status(path: str | Path) -> os.stat_result:
    return os.stat(path)
