"""Which files are tried as pictures, and what lies in the place of one."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from PIL import Image, ImageFile

from alexcore.data.archives.incoming import folder_pictures, zip_pictures
from alexcore.data.decoding import image_formats
from alexcore.data.decoding.image_formats import (
    CLOUD,
    EXTENSIONS,
    HEAD,
    ICLOUD,
    OTHERS,
    begins_like_picture,
    known_by_name,
    may_be_picture,
    placeholder,
    stand_in,
)
from alexcore.data.decoding.image_opening import FOREIGN
from alexcore.data.decoding.images import check_decodable, read_picture
from alexcore.data.sources import open_checked
from alexcore.errors import DataError
from tests.support.files_in_the_wild import ANNEX_POINTER, HEIC, LFS_POINTER, blocks, saved
from tests.support.readable_pictures import READABLE
from tests.support.striped_pictures import write_pictures

# Formats of Pillow whose endings other programs use more.
BY_BYTES_ALONE = {".pcd", ".fit", ".rgb", ".bw", ".ras", ".im", ".gbr"}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "set", ("a", "b"), {"train": 3, "val": 2}, size=32)


# Names and first bytes ------------------------------------------------------------------------------------------


def test_the_table_has_every_ending_that_pillow_decodes():
    Image.init()
    known = Image.registered_extensions().items()
    decoded = {ending for ending, kind in known if kind in Image.OPEN and kind not in FOREIGN}
    assert decoded - EXTENSIONS - BY_BYTES_ALONE == set()
    assert {".jfif", ".jpe", ".gif", ".avif", ".webp", ".tif", ".heic"} <= EXTENSIONS
    assert not EXTENSIONS & OTHERS


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("a.JPG", True),
        ("a.b.jfif", True),
        ("IMG.HEIC", True),
        ("notes.txt", False),
        ("half.jpg.crdownload", False),
        ("IMG_1.AAE", False),
        ("IMG_1.NEF", False),
        ("photo.jpg?w=640", None),
        ("photo.jpg.1", None),
        ("photo", None),
        ("photo.jpg:large", None),
    ],
)
def test_a_name_tells_or_leaves_it_to_the_bytes(name, known):
    assert known_by_name(name) is known


@pytest.mark.parametrize("name", READABLE)
def test_the_first_bytes_of_a_picture_are_known_whatever_its_name(tmp_path, name):
    data = READABLE[name]()
    assert begins_like_picture(data[:HEAD])
    path = tmp_path / "photo.jpg?w=640"
    path.write_bytes(data)
    assert may_be_picture(path)


@pytest.mark.parametrize("kind", ["JPEG2000", "AVIF", "QOI", "DDS", "SGI", "GIF", "TIFF"])
def test_so_are_those_of_rarer_formats(kind):
    assert begins_like_picture(saved(blocks(), kind)[:HEAD])


@pytest.mark.parametrize(
    "text", [b"", b"P", b"Python 3", b"P10", b"BMW and others", b"II", b"RIFF....WAVE", b"\0" * 64]
)
def test_notes_do_not_begin_like_a_picture(text):
    assert not begins_like_picture(text)


def test_no_file_is_opened_whose_name_tells(tmp_path, monkeypatch):
    monkeypatch.setattr(image_formats, "head_of", lambda path: pytest.fail(f"{path} was opened"))
    assert may_be_picture(tmp_path / "a.jpg")
    assert not may_be_picture(tmp_path / "a.txt")


def test_what_is_classified_is_found_by_the_same_table(tmp_path):
    jpeg = saved(blocks())
    for name in ("a.jfif", "photo.jpg?w=640", "c"):
        (tmp_path / name).write_bytes(jpeg)
    (tmp_path / "LICENSE").write_text("Permission is hereby granted")
    found = folder_pictures(tmp_path)
    assert [each.name for each in found.pictures] == [
        str(tmp_path / name) for name in ("a.jfif", "c", "photo.jpg?w=640")
    ]
    assert len(found.passed_over) == 1
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.jpe", jpeg)
        archive.writestr("b.jpg?w=640", jpeg)
        archive.writestr("README", "Python")
    assert [each.name for each in zip_pictures(tmp_path / "x.zip", "x").pictures] == ["x/a.jpe", "x/b.jpg?w=640"]


# What lies in the place of a picture ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said", "command"),
    [
        (LFS_POINTER, "a pointer of Git LFS", "git lfs pull"),
        (ANNEX_POINTER, "a pointer of git-annex", "git annex get"),
        (b"bplist00\xd2\1\2NSURLNameKey" + bytes(40), "a placeholder of iCloud", "brctl download"),
        (HEIC, "a HEIC picture", "Most Compatible"),
    ],
)
def test_it_is_named_with_what_to_do(tmp_path, content, said, command):
    path = tmp_path / "IMG_1.jpg"
    path.write_bytes(content)
    assert said in check_decodable(path)
    for source in (path, content):
        with pytest.raises(DataError, match=f"is {said}") as caught:
            read_picture(source)
        assert command in caught.value.hint
    assert stand_in(saved(blocks())[:HEAD]) is None


def test_an_annexed_file_that_was_not_fetched_is_a_link_to_nowhere(tmp_path):
    link = tmp_path / "a.jpg"
    link.symlink_to(".git/annex/objects/zz/a.jpg")
    assert check_decodable(link) == "a pointer of git-annex, not the picture itself"
    other = tmp_path / "b.jpg"
    other.symlink_to("nowhere.jpg")
    assert check_decodable(other) == "No such file or directory"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (SimpleNamespace(st_file_attributes=0x400000), CLOUD),
        (SimpleNamespace(st_file_attributes=0x1000), CLOUD),
        (SimpleNamespace(st_flags=0x40000000), ICLOUD),
        (SimpleNamespace(st_file_attributes=0x20), None),
        (SimpleNamespace(st_flags=0), None),
    ],
)
def test_a_file_that_lies_in_the_cloud_is_known_without_fetching_it(tmp_path, monkeypatch, status, kind):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"-")
    monkeypatch.setattr(image_formats, "_status", lambda _: status)
    assert placeholder(path) is kind
    assert image_formats.head_of(path) == (b"" if kind else b"-")


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [(LFS_POINTER, "data.git-pointers", "pointers of Git LFS"), (HEIC, "data.heic", "HEIC pictures")],
)
def test_a_set_that_has_some_says_so_and_one_that_has_nothing_else_is_refused(pictures, content, code, words):
    (pictures / "train" / "a" / "a_000.jpg").write_bytes(content)
    index = open_checked(pictures)
    (problem,) = index.problems
    assert problem.code == code
    assert problem.message.startswith("1 of 10 pictures is one of the ")
    assert problem.hint
    index.require_trainable()
    for file in pictures.rglob("*.jpg"):
        file.write_bytes(content)
    index = open_checked(pictures)
    with pytest.raises(DataError, match=f"10 of 10 pictures are {words} and are left out") as caught:
        index.require_trainable()
    assert caught.value.code == code


def test_a_class_of_nothing_but_heic_is_no_class_of_a_run(tmp_path):
    root = write_pictures(tmp_path / "set", ("a", "b", "c"), {"train": 3, "val": 2}, size=32)
    for file in root.glob("train/c/*"):
        file.write_bytes(HEIC)
    index = open_checked(root)
    with pytest.raises(DataError, match=r"No training picture of c can be read \(a HEIC picture") as caught:
        index.require_trainable()
    assert "have the class left out with --untrained drop" in caught.value.hint
    (root / "train/c/c_000.jpg").write_bytes(saved(blocks()))
    open_checked(root).require_trainable()


def test_heic_is_read_where_pillow_heif_is_installed(monkeypatch, tmp_path):
    class Heif(ImageFile.ImageFile):
        format = "HEIF"

        def _open(self) -> None:
            self._size, self._mode = (4, 2), "RGB"
            self.tile = [ImageFile._Tile("raw", (0, 0, 4, 2), 20, ("RGB", 0, 1))]

    def register() -> None:
        monkeypatch.setitem(Image.OPEN, "HEIF", (Heif, lambda head: head[4:8] == b"ftyp"))
        monkeypatch.setattr(Image, "ID", [*Image.ID, "HEIF"])

    module = ModuleType("pillow_heif")
    module.register_heif_opener = register  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pillow_heif", module)
    path = tmp_path / "IMG_1.jpg"
    path.write_bytes(HEIC)
    assert read_picture(path).image.size == (4, 2)
