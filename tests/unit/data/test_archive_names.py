"""Names in archives of other systems and times: what says how they are written, and the guess where nothing does."""

from __future__ import annotations

import struct
import tarfile
import zlib
from io import BytesIO
from pathlib import Path

import pytest

from alexcore.data.archives.archive import peek, unpack
from alexcore.data.archives.archive_names import require_encoding, with_slashes
from alexcore.data.archives.archive_rules import Limits
from alexcore.data.archives.code_pages import NameReading, is_clear, readings_of
from alexcore.errors import DataError
from tests.support.odd_archives import SAYS_UTF8, UNIX, raw_zip

PICTURE = b"\xff\xd8" + bytes(100)


def zip_in(folder: Path, names: list[bytes], **more) -> Path:
    (folder / "set.zip").write_bytes(raw_zip(dict.fromkeys(names, PICTURE), **more))
    return folder / "set.zip"


def folders(archive: Path, **more) -> list[str]:
    target = unpack(archive, archive.parent / "target", **more)
    return sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_dir())


# What says it


def test_the_field_with_the_right_name_is_believed(tmp_path):
    raws = {f"{name}/1.jpg".encode("cp866"): f"{name}/1.jpg" for name in ("сосны", "берёзы")}
    told: list[str] = []
    assert folders(zip_in(tmp_path, list(raws), right=raws), say=told.append) == ["берёзы", "сосны"]
    assert not told


def test_a_field_that_belongs_to_another_name_is_not(tmp_path):
    raws = ["сосны/1.jpg".encode("cp866"), "берёзы/1.jpg".encode("cp866")]
    wrong = {raws[0]: "evil/1.jpg"}
    archive = zip_in(tmp_path, raws, right=wrong)
    checksum = struct.pack("<BI", 1, zlib.crc32(raws[0]))
    archive.write_bytes(archive.read_bytes().replace(checksum, struct.pack("<BI", 1, 0)))
    assert folders(archive) == ["берёзы", "сосны"]


@pytest.mark.parametrize("flags", [0, SAYS_UTF8])
def test_utf8_is_read_whether_or_not_it_is_said(tmp_path, flags):
    names = ["Gänseblümchen/1.jpg".encode(), b"Rosen/1.jpg"]
    assert folders(zip_in(tmp_path, names, flags=flags)) == ["Gänseblümchen", "Rosen"]


# The guess

CLASSES = {
    "gbk": ["雏菊", "蒲公英", "向日葵"],
    "big5": ["玫瑰", "向日葵"],
    "cp932": ["ひまわり", "たんぽぽ"],
    "cp949": ["민들레", "해바라기"],
    "cp866": ["ромашка", "одуванчик"],
    "cp1251": ["ромашка", "одуванчик"],
    "cp850": ["Löwenzahn", "Gänseblümchen"],
    "cp1252": ["pâquerette", "églantine"],
    "cp852": ["stokrotka", "słonecznik", "róża"],
    "cp737": ["τριαντάφυλλο", "μαργαρίτα"],
    "cp1253": ["τριαντάφυλλο", "μαργαρίτα"],
    "cp1254": ["papatya", "ayçiçeği", "gül"],
    "cp1255": ["חמנית", "חרצית"],
    "cp1256": ["وردة", "زنبق"],
    "cp874": ["กุหลาบ", "ทานตะวัน"],
}


@pytest.mark.parametrize("page", CLASSES)
def test_names_of_a_code_page_are_read_as_their_owner_does_and_that_is_said(tmp_path, page):
    names = [f"{name}/{n}.jpg".encode(page) for name in CLASSES[page] for n in range(3)]
    told: list[str] = []
    assert folders(zip_in(tmp_path, names), say=told.append) == sorted(CLASSES[page])
    assert "set.zip" in told[0]
    assert all(name in told[0] for name in CLASSES[page] if not name.isascii())
    assert "--encoding" in told[1]


def test_what_can_be_read_in_two_ways_is_refused_with_both(tmp_path):
    names = [f"{name}/1.jpg".encode("cp949") for name in ("정상", "불량")]
    assert not is_clear(readings_of(names))
    archive = zip_in(tmp_path, names)
    with pytest.raises(DataError) as caught:
        unpack(archive, tmp_path / "target")
    assert "cp949 (Korean): 정상, 불량" in caught.value.message
    assert "gb18030 (Chinese, simplified): 沥惑, 阂樊" in caught.value.message
    assert "--encoding cp949" in caught.value.hint
    assert not (tmp_path / "target").exists()
    assert folders(archive, encoding="euc-kr") == ["불량", "정상"]


@pytest.mark.parametrize(
    ("page", "names", "clear"),
    [
        ("big5", ["男", "女"], False),
        ("gbk", ["1类", "2类"], False),
        ("cp932", ["A組", "B組"], False),
        ("gbk", ["猫", "狗"], True),
        ("cp1252", ["Äpfel", "Birnen"], True),
        ("cp437", ["café", "thé"], True),
    ],
)
def test_a_letter_or_two_are_no_evidence_unless_a_word_is_around_them(page, names, clear):
    readings = readings_of([name.encode(page) for name in names])
    assert is_clear(readings) == clear
    assert tuple(name for name in names if not name.isascii()) in [each.names for each in readings]
    if clear:
        assert readings[0].names == tuple(name for name in names if not name.isascii())


def test_a_persons_choice_overrides_the_guess(tmp_path):
    archive = zip_in(tmp_path, ["розы/1.jpg".encode("cp1251"), "липы/1.jpg".encode("cp1251")])
    assert folders(archive, encoding="latin-1") == ["ëèïû", "ðîçû"]


@pytest.mark.parametrize("name", ["nothing", "base64", ""])
def test_an_encoding_that_is_none_is_named(name):
    with pytest.raises(DataError, match=f"no encoding '{name}'"):
        require_encoding(name)


def test_a_choice_that_does_not_fit_is_refused(tmp_path):
    archive = zip_in(tmp_path, ["розы/1.jpg".encode("cp866")])
    with pytest.raises(DataError, match="not written in utf-8"):
        unpack(archive, tmp_path / "target", encoding="utf8")


def test_bytes_that_are_no_words_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"several ways|like no words"):
        unpack(zip_in(tmp_path, [b"\xfe\x9b\xb1\xc8\xdd/1.jpg"]), tmp_path / "target")


def test_a_tar_file_of_an_old_system_is_read_alike(tmp_path):
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz", format=tarfile.GNU_FORMAT, encoding="gbk") as archive:
        for name in ("ascii/0.jpg", "雏菊/1.jpg", "蒲公英/1.jpg"):
            info = tarfile.TarInfo(name)
            info.size = len(PICTURE)
            archive.addfile(info, BytesIO(PICTURE))
    told: list[str] = []
    assert folders(tmp_path / "set.tar.gz", say=told.append) == ["ascii", "蒲公英", "雏菊"]
    assert "gb18030 (Chinese, simplified): 雏菊, 蒲公英" in told[0]


def test_a_page_sees_the_readings_before_anything_is_unpacked(tmp_path):
    archive = zip_in(tmp_path, [f"{name}/1.jpg".encode("gbk") for name in CLASSES["gbk"]])
    with archive.open("rb") as file:
        found = peek(file, "set.zip", archive.stat().st_size, Limits())
    assert found.readings[0].encoding == "gb18030"
    assert found.readings[0].sample == "雏菊, 蒲公英, 向日葵"
    assert len(found.readings) > 1
    plain = zip_in(tmp_path, [b"a/1.jpg", "ä/1.jpg".encode()])
    with plain.open("rb") as file:
        assert peek(file, "set.zip", plain.stat().st_size, Limits()).readings == ()


def test_a_sample_can_be_printed():
    reading = NameReading("cp1251", "", ("a\x07", "b\u202e", "кошка", "d", "e"), 0.0)
    assert reading.sample == "a\ufffd, b\ufffd, кошка, d, ..."


# What parts folders


@pytest.mark.parametrize("prefix", [[], [b"set\\", b"set\\a\\"]])
def test_backslashes_of_windows_part_folders(tmp_path, prefix):
    files = {name: b"" for name in prefix} | {b"set\\a\\1.jpg": PICTURE, b"set\\b\\1.jpg": PICTURE, b"read.me": b"x"}
    (tmp_path / "set.zip").write_bytes(raw_zip(files))
    assert folders(tmp_path / "set.zip") == ["a", "b"]


@pytest.mark.parametrize(
    ("names", "windows", "found"),
    [
        (["a\\1", "b\\1"], False, ["a/1", "b/1"]),
        (["a\\1", "b"], True, ["a/1", "b"]),
        (["a\\1", "b"], False, ["a\\1", "b"]),
        (["a\\1", "b/1"], True, ["a\\1", "b/1"]),
        (["a\\1", "a\\"], False, ["a/1", "a/"]),
        (["a\\1", "b\\c/"], False, ["a/1", "b/c/"]),
    ],
)
def test_backslashes_count_only_where_every_name_has_them(names, windows, found):
    assert with_slashes(names, windows) == found


@pytest.mark.parametrize("name", [b"..\\evil.jpg", b"a\\..\\..\\evil.jpg", b"\\\\server\\evil.jpg", b"C:\\evil.jpg"])
def test_no_backslash_leads_out(tmp_path, name):
    with pytest.raises(DataError, match=r"leads out|absolute|drive"):
        unpack(zip_in(tmp_path, [name, b"a\\1.jpg"]), tmp_path / "target")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "set.zip"]


def test_entries_for_the_root_itself_are_passed_over(tmp_path):
    files = {b"/": b"", b"./": b"", b"./a/1.jpg": PICTURE, b"./b/1.jpg": PICTURE}
    (tmp_path / "set.zip").write_bytes(raw_zip(files, system=UNIX))
    assert folders(tmp_path / "set.zip") == ["a", "b"]
