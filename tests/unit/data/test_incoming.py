"""Where pictures come from: zip files within limits, folders within the roots, rows of a data set."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from alexcore.data.archives.archive_rules import Limits
from alexcore.data.archives.incoming import (
    Incoming,
    folder_pictures,
    is_zip,
    named_pictures,
    set_pictures,
    spread_rows,
    told_apart,
    zip_pictures,
)
from alexcore.data.decoding.images import read_picture
from alexcore.data.pack import pack
from alexcore.data.sources import open_source
from alexcore.errors import DataError
from tests.support.odd_archives import raw_zip, zip_with_method
from tests.support.odd_pictures import encoded, plain_red

PICTURE = encoded(plain_red(), "PNG")


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


# Zip files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_disk", [False, True])
def test_the_pictures_in_a_zip_are_read_when_their_turn_comes(tmp_path: Path, on_disk):
    content = zipped({"b/two.JPG": PICTURE, "one.png": PICTURE, "read me.txt": b"hello", "__MACOSX/x.png": b"-"})
    (tmp_path / "a.zip").write_bytes(content)
    found = zip_pictures(tmp_path / "a.zip" if on_disk else content, "a.zip")
    assert [each.name for each in found.pictures] == ["a.zip/b/two.JPG", "a.zip/one.png"]
    assert all(each.read() == PICTURE for each in found.pictures)
    assert found.passed_over == ("a.zip: 1 files that are no pictures by their ending were passed over.",)
    assert is_zip(content[:4])
    assert not is_zip(PICTURE[:4])


def link_entry() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("a.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def encrypted() -> bytes:
    content = bytearray(zipped({"a.png": PICTURE}))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + offset] |= 1
    return bytes(content)


BOMB = {"a.png": bytes(40 << 20)}
BAD = {
    "climbs": (lambda: zipped({"../a.png": PICTURE}), "leads out of the folder"),
    "absolute": (lambda: zipped({"/a.png": PICTURE}), "absolute path"),
    "twice": (lambda: zipped({"a.png": PICTURE, "./a.png": PICTURE}), "more than once"),
    "link": (link_entry, "a link"),
    "password": (encrypted, "is encrypted"),
    "bomb": (lambda: zipped(BOMB, zipfile.ZIP_DEFLATED), "times its own size or more; the limit is 100 times"),
    "large": (lambda: zipped({"a.png": bytes(65 << 20)}), "64 MB for one file"),
    "deep": (lambda: zipped({"/".join("abcdefghijklmn") + ".png": PICTURE}), "14 names deep"),
    "method": (lambda: zip_with_method({"a.png": PICTURE}, 98), "method 98"),
    "cut": (lambda: zipped({"a.png": PICTURE})[:-30], "is damaged"),
    "no pictures": (lambda: zipped({"a.txt": b"-"}), "holds no pictures"),
    "nothing": (lambda: zipped({}), "holds no pictures"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_zip_is_refused_as_a_whole_in_a_sentence(name):
    make, sentence = BAD[name]
    with pytest.raises(DataError) as caught:
        zip_pictures(make(), "bad.zip")
    assert sentence in caught.value.message
    assert "bad.zip" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("page", "names"), [("cp866", ["розы", "тюльпаны"]), ("cp949", ["정상", "불량"])], ids=["clear", "not clear"]
)
def test_names_of_another_code_page_are_read_and_said(page, names):
    """They decide nothing here, so the likeliest reading does even where it is not clear."""
    found = zip_pictures(raw_zip({f"{name}/1.png".encode(page): PICTURE for name in names}), "a.zip")
    assert [each.name for each in found.pictures] == [f"a.zip/{name}/1.png" for name in names]
    assert f"read as {page}" in found.passed_over[0]


def test_names_that_differ_in_case_are_two_pictures():
    found = zip_pictures(zipped({"a.png": PICTURE, "A.png": PICTURE}, zipfile.ZIP_BZIP2), "a.zip")
    assert [each.name for each in found.pictures] == ["a.zip/a.png", "a.zip/A.png"]
    assert all(each.read() == PICTURE for each in found.pictures)


def test_files_of_one_name_get_a_number_and_those_in_folders_their_folder():
    alike = [Incoming(name, lambda: b"") for name in ("a.jpg", "a.jpg", "b.jpg", "a.jpg (2)", "a.jpg")]
    named = [each.name for each in told_apart(alike)]
    assert named == ["a.jpg", "a.jpg (2)", "b.jpg", "a.jpg (2) (2)", "a.jpg (3)"]
    packed = zip_pictures(zipped({"a/1.png": PICTURE, "b/1.png": PICTURE}), "two.zip").pictures
    assert [each.name for each in told_apart(packed)] == ["two.zip/a/1.png", "two.zip/b/1.png"]


def test_too_many_entries_are_refused_before_they_are_listed():
    content = zipped({f"{number}.png": b"x" for number in range(20)})
    assert len(zip_pictures(content, "a.zip", Limits(files=20)).pictures) == 20
    with pytest.raises(DataError, match="the limit is 19"):
        zip_pictures(content, "a.zip", Limits(files=19))


def test_an_entry_that_lies_about_its_size_is_damage_of_one_picture():
    content = bytearray(zipped({"a.png": PICTURE * 9, "b.png": PICTURE}, zipfile.ZIP_DEFLATED))
    for mark, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", content, content.index(mark) + offset, 50)
    liar, honest = zip_pictures(bytes(content), "a.zip").pictures
    with pytest.raises(DataError, match=r"a\.zip/a\.png is damaged"):
        liar.read()
    assert honest.read() == PICTURE


# Folders --------------------------------------------------------------------------------------------------------


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(PICTURE)
    return root


def test_a_folder_is_read_in_order_with_what_is_in_it(tmp_path: Path):
    tree(tmp_path, "b.png", "a.JPEG", "sub/c.webp", ".hidden/d.png", "._e.png", "notes.txt", "phone.heic")
    found = folder_pictures(tmp_path, [tmp_path])
    assert [each.name for each in found.pictures] == ["a.JPEG", "b.png", "phone.heic", "sub/c.webp"]
    assert found.pictures[0].read() == tmp_path / "a.JPEG"
    assert "1 files that are no pictures" in found.passed_over[0]


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_links_do_not_lead_out(tmp_path: Path):
    tree(tmp_path / "secret", "s.png")
    tree(tmp_path / "open", "a.png")
    (tmp_path / "open" / "link.png").symlink_to(tmp_path / "secret" / "s.png")
    (tmp_path / "open" / "folder").symlink_to(tmp_path / "secret")
    found = folder_pictures(tmp_path / "open", [tmp_path / "open"])
    assert [each.name for each in found.pictures] == ["a.png"]
    assert "1 files are links to places that may not be opened" in found.passed_over[0]
    assert len(folder_pictures(tmp_path / "open").pictures) == 2, "a command line may"


def test_a_large_folder_is_cut_and_says_so(tmp_path: Path):
    tree(tmp_path, *(f"{number:03d}.png" for number in range(12)))
    found = folder_pictures(tmp_path, [tmp_path], most=10)
    assert [each.name for each in found.pictures] == [f"{number:03d}.png" for number in range(10)]
    assert "the first 10 pictures by name are taken" in found.passed_over[0]
    assert not folder_pictures(tmp_path, [tmp_path], most=12).passed_over


def test_a_folder_without_pictures_is_a_sentence(tmp_path: Path):
    with pytest.raises(DataError, match="holds no pictures"):
        folder_pictures(tmp_path)


def test_what_a_command_line_names_keeps_its_order(tmp_path: Path):
    tree(tmp_path / "folder", "1.png", "2.png")
    (tmp_path / "called.jpg").write_bytes(zipped({"z.png": PICTURE}))
    (tmp_path / "bad.zip").write_bytes(zipped({"../z.png": PICTURE}))
    (tmp_path / "empty").mkdir()
    names = [str(tmp_path / each) for each in ("gone.png", "called.jpg", "folder", "bad.zip", "empty")]
    found = named_pictures(names).pictures
    assert [each.name for each in found] == [
        names[0],
        f"{names[1]}/z.png",
        f"{names[2]}/1.png",
        f"{names[2]}/2.png",
        names[3],
        names[4],
    ]
    for bad, sentence in ((found[4], "leads out of the folder"), (found[5], "holds no pictures")):
        with pytest.raises(DataError, match=sentence):
            bad.read()


# Data sets ------------------------------------------------------------------------------------------------------


def test_samples_are_spread_over_the_classes_and_change_with_the_turn(stripes: Path):
    index = open_source(stripes)
    rows = spread_rows(index, "val", 6)
    labels = index.files["label"].to_numpy()[rows]
    assert sorted(labels) == [0, 0, 1, 1, 2, 2]
    assert set(index.files["split"].iloc[rows]) == {"val"}
    assert rows == spread_rows(index, "val", 6) == sorted(set(rows))
    assert not set(rows) & set(spread_rows(index, "val", 6, turn=1))
    assert set(rows) == set(spread_rows(index, "val", 6, turn=2)), "of 12 pictures, the third turn is the first"
    assert len(spread_rows(index, "val", 99)) == 12
    pictures = set_pictures(index, rows)
    assert [each.label for each in pictures] == labels.tolist()
    assert all(read_picture(each.read()).image.size == (72, 72) for each in pictures)


def test_pictures_inside_shards_are_bytes(stripes: Path, tmp_path: Path):
    pack(open_source(stripes), tmp_path / "shards")
    index = open_source(tmp_path / "shards")
    (picture,) = set_pictures(index, [3])
    content = picture.read()
    assert isinstance(content, bytes)
    assert read_picture(content).image.size == (72, 72)
