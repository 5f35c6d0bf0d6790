"""Archives of all kinds: those that are read, whatever has packed them, and the sentence for every other."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from alexcore.data.archives import inflating
from alexcore.data.archives.archive import unpack
from alexcore.data.archives.archive_rules import Limits
from alexcore.data.archives.arrivals import recognise, require_here
from alexcore.errors import DataError
from tests.support.odd_archives import raw_zip, zip_with_method

PICTURE = b"\xff\xd8" + bytes(range(256)) * 8
FILES = {f"{name}/{n}.jpg": PICTURE for name in ("cats", "dogs") for n in (1, 2)}
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": lambda raw: gzip.compress(raw, mtime=0),
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
    ".tar.lzma": lambda raw: lzma.compress(raw, lzma.FORMAT_ALONE),
    ".tar.zst": lambda raw: zstandard.compress(raw, 3),
}
every = pytest.mark.parametrize("kind", list(COMPRESS))


def tarred(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def put(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def found(target: Path) -> dict[str, bytes]:
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def refusal(archive: Path, limits: Limits | None = None, **more) -> DataError:
    before = sorted(archive.parent.rglob("*"))
    with pytest.raises(DataError) as caught:
        unpack(archive, archive.parent / "new" / "deep" / "target", limits, **more)
    assert sorted(archive.parent.rglob("*")) == before, "a failure has left something"
    assert caught.value.hint
    return caught.value


# Tar files


@every
def test_a_tar_file_is_read_whatever_has_compressed_it(tmp_path, kind):
    archive = put(tmp_path, f"set{kind}", COMPRESS[kind](tarred(FILES)))
    assert found(unpack(archive, tmp_path / "target")) == FILES


@pytest.mark.parametrize("kind", [".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"])
def test_compressed_pieces_one_behind_the_other_are_one_file(tmp_path, kind):
    raw = tarred(FILES)
    content = b"".join(COMPRESS[kind](raw[at : at + 4096]) for at in range(0, len(raw), 4096))
    assert found(unpack(put(tmp_path, "set.tar", content), tmp_path / "target")) == FILES


@every
@pytest.mark.parametrize("keep", [0.9, 0.4])
def test_a_cut_one_is_damaged(tmp_path, kind, keep):
    content = COMPRESS[kind](tarred({name: os.urandom(20_000) for name in FILES}))
    cut = content[: int(len(content) * keep * (0.85 if kind == ".tar" else 1))]
    assert f"set{kind} is damaged: " in refusal(put(tmp_path, f"set{kind}", cut)).message


@pytest.mark.parametrize("kind", [".tar.gz", ".tar.bz2", ".tar.xz"])
def test_the_last_bytes_with_the_checksum_must_be_there(tmp_path, kind):
    content = COMPRESS[kind](tarred(FILES))[:-3]
    assert f"set{kind} is damaged: " in refusal(put(tmp_path, f"set{kind}", content)).message


@pytest.mark.parametrize("kind", [".tar.bz2", ".tar.xz", ".tar.zst"])
def test_a_flipped_byte_is_damage(tmp_path, kind):
    content = bytearray(COMPRESS[kind](tarred({name: os.urandom(20_000) for name in FILES})))
    content[30] ^= 0xFF
    assert "is damaged: " in refusal(put(tmp_path, "set.tar", bytes(content))).message


@pytest.mark.parametrize("kind", [".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"])
def test_a_bomb_is_stopped(tmp_path, kind):
    archive = put(tmp_path, "bomb.tar", COMPRESS[kind](tarred({"a/1.bmp": bytes(40 << 20)})))
    assert "; the limit is 100 times." in refusal(archive).message


@pytest.mark.parametrize("kind", ["bz2", "xz", "zst"])
def test_no_read_gives_more_than_was_asked_for(kind):
    content = COMPRESS[f".tar.{kind}"](bytes(30 << 20))
    stream = inflating.inflated(io.BytesIO(content), kind)
    assert [len(stream.read(1000)) for _ in range(3)] == [1000] * 3


# Zip files


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_python_writes_are_read(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "set.zip", "w", method) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    assert found(unpack(tmp_path / "set.zip", tmp_path / "target")) == FILES


@pytest.mark.parametrize(("method", "pack"), [(93, zstandard.compress), (95, lzma.compress)])
def test_methods_that_python_does_not_know_are_read(tmp_path, method, pack):
    files = {name.encode(): content for name, content in FILES.items()}
    archive = put(tmp_path, "set.zip", raw_zip(files, pack=pack, method=method))
    assert found(unpack(archive, tmp_path / "target")) == FILES
    damaged = bytearray(archive.read_bytes())
    damaged[damaged.index(b"cats/1.jpg") + 30] ^= 1
    assert "is damaged: " in refusal(put(tmp_path, "bad.zip", bytes(damaged))).message


def test_a_wrong_checksum_is_damage_in_each_method(tmp_path):
    files = {name.encode(): content for name, content in FILES.items()}
    content = raw_zip(files, pack=zstandard.compress, method=93, checksum=7)
    assert refusal(put(tmp_path, "bad.zip", content)).message == "bad.zip is damaged: its checksum is wrong."


@pytest.mark.parametrize(
    ("method", "words"),
    [(9, "Deflate64, as Windows Explorer does above 2 GB"), (98, "PPMd"), (6, "PKZIP"), (77, "by method 77")],
)
def test_other_methods_are_named_with_what_makes_them_and_what_repacks_them(tmp_path, method, words):
    error = refusal(put(tmp_path, "x1y2.zip", zip_with_method(FILES, method)), name="large photos.zip")
    assert error.message.startswith("large photos.zip holds 'cats/1.jpg', compressed ")
    assert words in error.message
    assert "7-Zip" in error.hint
    assert "PeaZip" in error.hint


def test_the_last_part_of_several_says_that_the_others_are_missing(tmp_path):
    content = bytearray(zipped("a/1.jpg"))
    content[content.rindex(b"PK\5\6") + 4] = 3
    assert "one of several parts" in refusal(put(tmp_path, "set.zip", bytes(content))).message


# What is no archive, or belongs elsewhere


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive (.7z)"),
        (b"Rar!\x1a\x07\1\0", "a RAR archive"),
        (b"PK\7\x08PK\3\4", "one part of a zip file"),
        (b"\x1f\x9d\x90", "compress (.Z)"),
        (b"\x04\x22\x4d\x18", "LZ4"),
        (b"LZIP\1", "lzip"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"MZ\x90\0", "a program of Windows"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
    ],
)
def test_what_is_not_read_is_called_what_it_is(tmp_path, content, words):
    error = refusal(put(tmp_path, "7a8b.zip", content), name="my set.zip")
    assert error.message.startswith(f"my set.zip is {words}") or words in error.message


def zipped(*names: str) -> bytes:
    return raw_zip({name.encode(): b"x" for name in names})


THINGS = {
    "checkpoint": [
        ("best.pt", zipped("best/data.pkl", "best/data/0")),
        ("old.pth", b"\x80\x02}q"),
        ("a.onnx", b"\x08\x07"),
    ],
    "bundle": [("bundle.zip", zipped("bundle.json", "run/config.json"))],
    "list": [("labels.csv", b"path,label\n"), ("a.jsonl", b"{}\n"), ("b.xlsx", zipped("[Content_Types].xml"))],
    "image": [("photo.jpg", b"\xff\xd8\xff\xe0"), ("photo", b"\x89PNG\r\n\x1a\n")],
    "zip": [("set.zip", zipped("a/1.jpg")), ("photo.jpg", zipped("a/1.jpg"))],
    "tar": [("set.zip", tarred(FILES)), ("x", bz2.compress(b""))],
    "other": [("set.zip", b""), ("x", b"hello")],
}


@pytest.mark.parametrize(
    ("thing", "name", "content"), [(thing, *each) for thing, all_ in THINGS.items() for each in all_]
)
def test_what_somebody_has_brought_is_told_by_its_content(thing, name, content):
    assert recognise(name, io.BytesIO(content)) == thing


@pytest.mark.parametrize(
    ("thing", "place"),
    [("checkpoint", "page Classify"), ("bundle", "page Runs"), ("list", "page Data set"), ("zip", "page Data set")],
)
def test_what_belongs_elsewhere_says_where(thing, place):
    name, content = THINGS[thing][0]
    with pytest.raises(DataError, match=f"^{name} is ") as caught:
        require_here(name, io.BytesIO(content), "image")
    assert place in caught.value.hint
    file = io.BytesIO(content)
    assert require_here(name, file, thing) == thing
    assert file.tell() == 0


def test_a_damaged_zip_file_is_named_by_whoever_looks(tmp_path):
    with pytest.raises(DataError, match=r"my\.zip is damaged"):
        recognise("my.zip", io.BytesIO(b"PK\3\4 and no more"))
