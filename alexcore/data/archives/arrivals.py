"""What somebody has brought, told by its content, and the page that it belongs to if it is not this one."""

from __future__ import annotations

import shlex
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from alexcore.data.archives.archive_rules import damage_named
from alexcore.data.archives.archive_tar import COMPRESSIONS
from alexcore.data.archives.archive_zip import count_zip_entries
from alexcore.data.decoding.image_formats import begins_like_picture, known_by_name
from alexcore.errors import DataError
from alexcore.home import MANIFEST_ENDINGS_TOLD, is_list_name

Thing = Literal["zip", "tar", "checkpoint", "bundle", "list", "image", "other"]
# Far above what a checkpoint or a bundle's head has; more entries are for the limits of an archive to refuse.
_MOST_LOOKED_AT = 20_000
_SPREADSHEETS = {".xls", ".xlsx", ".ods"}
_WEIGHTS = {".pt", ".pth", ".ckpt", ".safetensors", ".onnx", ".pkl", ".bin", ".h5", ".keras"}
_PLACES: dict[Thing, tuple[str, str]] = {
    "zip": ("an archive", "A data set is unpacked on the page Data set."),
    "tar": ("an archive", "A data set is unpacked on the page Data set; pictures to ask about are packed as .zip."),
    "checkpoint": (
        "a file of weights",
        'The best.pt of a run can be asked on the page Classify, under "Ask a weights file of your own, too".',
    ),
    "bundle": (
        "the bundle of a run",
        "Bring it back on the page Runs, or with `python -m alexcore import FILE`.",
    ),
    "list": (
        "a list, not the images themselves",
        "Put it where its paths lead from, on the machine of the dashboard, and open its path on the page Data set.",
    ),
    "image": ("a single image", "Ask a network about it on the page Classify."),
}
_REPACK = "Unpack it with {}, and pack the folder that holds the class folders as .zip or .tar.gz."
# Files that begin like this: what they are, and what to do.
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive (.7z)", _REPACK.format("7-Zip or Keka")),
    (b"Rar!\x1a\x07", "a RAR archive", _REPACK.format("WinRAR, 7-Zip or The Unarchiver")),
    (b"PK\7\x08", "one part of a zip file in several parts", "Join them with 7-Zip, and bring the whole."),
    (b"\x1f\x9d", "compressed by the old Unix program compress (.Z)", _REPACK.format("7-Zip or `uncompress`")),
    (b"\x04\x22\x4d\x18", "compressed by LZ4", _REPACK.format("`lz4` or 7-Zip ZS")),
    (b"LZIP", "compressed by lzip", _REPACK.format("`lzip` or PeaZip")),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file", "Fetch the file with `git lfs pull` first."),
    (b"MZ", "a program of Windows", "If it unpacks itself, let it, and pack the folder as .zip."),
)


def recognise(name: str, file: IO[bytes]) -> Thing:
    """Tell what a file is; its name counts only where its content says nothing.

    Raises:
        DataError: it is a damaged zip file.
    """
    file.seek(0)
    start = file.read(512)
    ending = PurePosixPath(name).suffix.lower()
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        with damage_named(name):
            return _zip_kind(file)
    if any(map(start.startswith, COMPRESSIONS)) or start[257:262] == b"ustar":
        return "tar"
    if begins_like_picture(start) or (known_by_name(name) and start):
        return "image"
    if ending in _WEIGHTS or start.startswith(b"\x80\x02"):
        return "checkpoint"
    return "list" if is_list_name(name) or ending in _SPREADSHEETS else "other"


def _zip_kind(file: IO[bytes]) -> Thing:
    if count_zip_entries(file, _MOST_LOOKED_AT) > _MOST_LOOKED_AT:
        return "zip"
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
    if {"bundle.json", "run/config.json"} <= names:
        return "bundle"
    if {"[Content_Types].xml", "mimetype"} & names:
        return "list"  # a spreadsheet is a zip file, too
    weights = any(each.endswith("/data.pkl") or each == "model.weights.h5" for each in names)
    return "checkpoint" if weights else "zip"


def require_here(name: str, file: IO[bytes], *taken: Thing) -> Thing:
    """Tell what a file is, and refuse what belongs to another page; "other" is for the reader to call by its name.

    Raises:
        DataError: it is known and not among what is `taken` here; the hint says where it belongs.
    """
    thing = recognise(name, file)
    file.seek(0)
    if thing not in (*taken, "other"):
        what, where = _PLACES[thing]
        raise DataError(f"{name} is {what}, which does not belong here.", where)
    return thing


def not_a_folder(path: Path) -> DataError:
    """The sentence for a file that is given where a data set is a folder."""
    try:
        with path.open("rb") as file:
            thing = recognise(path.name, file)
    except (OSError, DataError):
        thing = "other"
    if thing in ("zip", "tar"):
        target = path.with_name(path.name.split(".")[0] or "unpacked")
        command = shlex.join(["python", "-m", "alexcore", "data", "unpack", str(path), str(target)])
        return DataError(f"{path} is an archive, not a folder.", f"Unpack it first: {command}")
    if thing == "other":
        hint = f"Name the folder that holds the class folders, or a list of images ({MANIFEST_ENDINGS_TOLD})."
        return DataError(f"{path} is a file, not a folder.", hint)
    what, where = _PLACES[thing]
    return DataError(f"{path} is {what}, not a folder.", where)


def not_an_archive(name: str, start: bytes) -> DataError:
    """The sentence for a file that begins like no archive that is read."""
    for mark, what, hint in _FOREIGN:
        if start.startswith(mark):
            return DataError(f"{name} is {what}, which is not read here.", hint)
    if start.lstrip()[:200].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return DataError(f"{name} is a web page, not an archive.", "Download it again; the site may ask you to log in.")
    return DataError(
        f"{name} is {'neither a .zip nor a .tar archive' if start else 'empty (0 bytes)'}.",
        "Pack the folder that holds the class folders as .zip or .tar.gz.",
    )
