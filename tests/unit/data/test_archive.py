"""Archives of unknown origin: the honest are unpacked, the hostile are named, and nothing is left behind."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from alexcore.data.archives import archive as archives
from alexcore.data.archives.archive import unpack
from alexcore.data.archives.archive_rules import Limits, Member
from alexcore.data.archives.uploads import folder_name, require_data_set, save_upload
from alexcore.data.storage import KeptApart, require_room
from alexcore.errors import DataError
from tests.support.small_trees import open_folder

PICTURE = b"\xff\xd8" + bytes(range(256)) * 8
FILES = {f"{split}/{name}/{n}.jpg": PICTURE for split in ("train", "val") for name in ("cats", "dogs") for n in (1, 2)}


def zip_of(path: Path, files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type, info.external_attr = method, mode << 16
            archive.writestr(info, content)
    return path


def tar_of(path: Path, files: dict[str, bytes | tarfile.TarInfo], mode: str = "w:gz") -> Path:
    """Write a tar file; a TarInfo in place of the content is added as it is."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                archive.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


PACK = {".zip": zip_of, ".tar.gz": tar_of, ".tgz": tar_of, ".tar": lambda path, files: tar_of(path, files, "w")}
both = pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
every = pytest.mark.parametrize("kind", list(PACK))


def special(kind: bytes, to: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo("x")
    info.type, info.linkname = kind, to
    return info


def refusal(archive: Path, limits: Limits | None = None) -> str:
    """Unpack, expect the refusal, see that the disk is as it was, and return the sentence."""
    place = archive.parent / "place"
    place.mkdir()
    before = sorted(archive.parent.rglob("*"))
    with pytest.raises(DataError) as caught:
        unpack(archive, place / "target", limits)
    assert sorted(archive.parent.rglob("*")) == before
    assert caught.value.hint
    return caught.value.message


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What is honest


@every
def test_an_archive_becomes_an_image_folder(tmp_path, kind):
    told = []
    archive = PACK[kind](tmp_path / f"data{kind}", FILES)
    target = unpack(archive, tmp_path / "new" / "target", on_progress=lambda *now: told.append(now))
    assert tree(target) == FILES
    assert os.listdir(target.parent) == ["target"]
    index = open_folder(target)
    assert index.classes == ("cats", "dogs")
    assert index.splits == ("train", "val")
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > 0


def test_the_content_tells_the_kind_and_not_the_name(tmp_path):
    assert tree(unpack(tar_of(tmp_path / "data.zip", FILES), tmp_path / "target")) == FILES


@both
@pytest.mark.parametrize("prefix", ["top/", "./top/", "top/deeper/"])
def test_folders_around_everything_are_taken_off(tmp_path, kind, prefix):
    archive = PACK[kind](tmp_path / f"data{kind}", {prefix + name: content for name, content in FILES.items()})
    assert tree(unpack(archive, tmp_path / "target")) == FILES


def test_what_lies_beside_the_classes_stays_there(tmp_path):
    files = {"flowers/LICENSE.txt": b"free", "flowers/roses/1.jpg": PICTURE, "flowers/tulips/1.jpg": PICTURE}
    target = unpack(tar_of(tmp_path / "data.tgz", files), tmp_path / "target")
    assert sorted(os.listdir(target)) == ["LICENSE.txt", "roses", "tulips"]


def test_a_single_class_keeps_its_folder(tmp_path):
    assert tree(unpack(zip_of(tmp_path / "a.zip", {"roses/1.jpg": PICTURE}), tmp_path / "target")) == {
        "roses/1.jpg": PICTURE
    }


@both
def test_hidden_files_are_left_out_even_if_they_are_odd(tmp_path, kind):
    odd = {"__MACOSX/top/._1.jpg": b"x", "top/.DS_Store": b"x", "top/.git/" + "deep/" * 20 + "config": b"x"}
    archive = PACK[kind](tmp_path / f"data{kind}", {**odd, **{f"top/{name}": each for name, each in FILES.items()}})
    assert tree(unpack(archive, tmp_path / "target")) == FILES


def test_entries_for_folders_may_repeat_and_may_be_empty(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a/", b"")
        archive.writestr("a/1.jpg", PICTURE)
        archive.writestr("b/", b"")
    target = unpack(tmp_path / "a.zip", tmp_path / "target")
    assert (target / "b").is_dir()
    assert (target / "a" / "1.jpg").read_bytes() == PICTURE


def test_files_get_no_rights_from_the_archive(tmp_path):
    archive = zip_of(tmp_path / "a.zip", FILES, mode=stat.S_IFREG | 0o6777)
    mode = (unpack(archive, tmp_path / "target") / "val" / "cats" / "1.jpg").stat().st_mode
    assert not mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IXUSR)


def test_an_empty_target_is_taken_and_a_full_one_is_not(tmp_path):
    archive = zip_of(tmp_path / "a.zip", FILES)
    (tmp_path / "target").mkdir()
    unpack(archive, tmp_path / "target")
    with pytest.raises(DataError, match="exists and is not empty"):
        unpack(archive, tmp_path / "target")


# Paths


@both
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/evil.jpg", "which is an absolute path"),
        ("../evil.jpg", "which leads out of the folder"),
        ("a/../../evil.jpg", "which leads out of the folder"),
        ("a/..", "which leads out of the folder"),
        ("C:/evil.jpg", "which names a drive"),
        ("a/d:evil.jpg", "which names a drive"),
        ("..\\evil.jpg", "with a backslash in its name"),  # the others have slashes
        ("\\\\server\\share\\evil.jpg", "with a backslash in its name"),
    ],
)
def test_no_path_leaves_the_target(tmp_path, kind, name, reason):
    sentence = refusal(PACK[kind](tmp_path / f"data{kind}", {**FILES, name: b"x"}))
    assert sentence == f"data{kind} holds {name!a}, {reason}; nothing was unpacked."


def test_a_nul_byte_in_a_name_is_refused(tmp_path):
    archive = zip_of(tmp_path / "a.zip", {"a/1.jpg#.exe": b"x"})
    archive.write_bytes(archive.read_bytes().replace(b"#", b"\0"))
    assert "with a NUL byte in its name" in refusal(archive)


# Kinds


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "a device or a pipe"),
        (tarfile.BLKTYPE, "a device or a pipe"),
        (tarfile.FIFOTYPE, "a device or a pipe"),
        (tarfile.GNUTYPE_SPARSE, "no plain file"),
        (b"?", "no plain file"),
    ],
)
def test_a_tar_file_holds_only_files_and_folders(tmp_path, kind, what):
    sentence = refusal(tar_of(tmp_path / "a.tar.gz", {**FILES, "a/odd": special(kind, "../../etc/passwd")}))
    assert "holds 'a/odd'" in sentence
    assert what in sentence


def test_nobody_writes_through_a_link(tmp_path):
    files = {"a/link": special(tarfile.SYMTYPE, str(tmp_path)), "a/link/evil.jpg": b"x"}
    assert "a link" in refusal(tar_of(tmp_path / "a.tar.gz", files))


@pytest.mark.parametrize(
    ("mode", "what"), [(stat.S_IFLNK, "a link"), (stat.S_IFIFO, "a pipe"), (stat.S_IFCHR, "a dev")]
)
def test_a_zip_file_holds_only_files_and_folders(tmp_path, mode, what):
    assert what in refusal(zip_of(tmp_path / "a.zip", {"a/odd": b"/etc/passwd"}, mode=mode | 0o777))


# Two paths for one file


@both
@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("a/1.jpg", "a//./1.jpg"), "holds 'a/1.jpg' more than once."),
        (("a/b", "a/b/1.jpg"), "holds 'a/b' more than once."),
        (("a/b/1.jpg", "a/b"), "holds 'a/b' more than once."),
    ],
)
def test_no_two_entries_meet(tmp_path, kind, names, sentence):
    assert sentence in refusal(PACK[kind](tmp_path / f"data{kind}", dict.fromkeys(names, b"x")))


@both
@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("a/1.jpg", "a/1.JPG"), "holds both 'a/1.jpg' and 'a/1.JPG', which are one on this disk."),
        (("Rose/1.jpg", "rose/2.jpg"), "holds both 'Rose' and 'rose', which are one on this disk."),
        (("a/\u00e9.jpg", "a/e\u0301.jpg"), "which are one on this disk."),
    ],
)
def test_names_that_look_alike_are_apart_where_the_disk_can(tmp_path, kind, names, sentence, monkeypatch):
    archive = PACK[kind](tmp_path / f"data{kind}", dict.fromkeys(names, b"x"))
    monkeypatch.setattr(archives, "kept_apart", lambda _: KeptApart())
    assert sorted(tree(unpack(archive, tmp_path / "apart"))) == sorted(names)
    shutil.rmtree(tmp_path / "apart")
    monkeypatch.setattr(archives, "kept_apart", lambda _: KeptApart(False, False))
    assert sentence in refusal(archive)


@both
def test_a_name_that_no_disk_takes_is_named(tmp_path, kind):
    told = refusal(PACK[kind](tmp_path / f"data{kind}", {f"a/{'é' * 150}.jpg": b"x"}))
    assert "whose name is longer than 255 bytes" in told


def test_a_compressed_file_that_is_no_tar_archive_is_named_as_such(tmp_path):
    (tmp_path / "notes.gz").write_bytes(gzip.compress(b"hello"))
    assert "what is compressed in it may be no .tar archive" in refusal(tmp_path / "notes.gz")


def test_an_archive_whose_list_has_to_be_asked_about_is_unpacked(tmp_path):
    files = {f"imgs/{n}.jpg": b"x" for n in range(4)}
    rows = "".join(f"imgs/{n}.jpg,{'ab'[n % 2]}\n" for n in range(4)).encode()
    folder = unpack(zip_of(tmp_path / "a.zip", {**files, "labels.csv": rows}), tmp_path / "a", accept=require_data_set)
    assert (folder / "labels.csv").is_file()
    with pytest.raises(DataError, match=r"labels\.csv has no header.*open the list by its own path"):
        open_folder(folder)


# Bombs: each limit by itself


@both
@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(files=5), r"data\S+ holds [68] files and folders or more; the limit is 5\."),
        (Limits(file_bytes=2000), r"holds 'train/cats/1.jpg' with 2.05 kB; the limit is 2 kB for one file\."),
        (Limits(total_bytes=7000), r"unpacks to \S+ kB or more; the limit is 7 kB\."),
        (Limits(depth=2), r"holds 'train/cats/1.jpg', 3 names deep; the limit is 2 names\."),
        (Limits(ratio=2, ratio_from=0), r"unpacks to [\d,]+ times its own size or more; the limit is 2 times\."),
    ],
)
def test_each_limit_is_named_with_the_value(tmp_path, kind, limits, sentence):
    told = refusal(PACK[kind](tmp_path / f"data{kind}", FILES), limits)
    assert re.search(sentence, told), told


@both
def test_forty_megabytes_of_zeros_are_a_bomb(tmp_path, kind):
    archive = PACK[kind](tmp_path / f"data{kind}", {"a/1.bmp": bytes(40 << 20)})
    assert archive.stat().st_size < 100_000
    assert "; the limit is 100 times." in refusal(archive)


def test_a_bomb_may_hide_in_a_file_that_is_left_out(tmp_path):
    archive = tar_of(tmp_path / "a.tgz", {"a/1.jpg": b"x", "a/.hidden": bytes(20 << 20)})
    assert "; the limit is 100 times." in refusal(archive)


def test_the_announced_size_is_refused_before_a_byte_is_read(tmp_path):
    large = tarfile.TarInfo("a/1.jpg")
    large.size = 3_000_000_000
    with gzip.open(tmp_path / "a.tgz", "wb") as file:
        file.write(large.tobuf() + bytes(1024))
    assert "unpacks to 3 GB or more; the limit is 2 GB." in refusal(tmp_path / "a.tgz", Limits(total_bytes=2 * 10**9))


@pytest.mark.parametrize("content", [b"too long", b"few"])
def test_the_bytes_that_are_written_are_counted(tmp_path, content):
    entry = Member(("a", "1.jpg"), 5, io.BytesIO(content), 0, 5)
    with pytest.raises(ValueError, match="not as long as announced"):
        archives._write(entry, tmp_path)


def test_a_zip_file_that_lies_about_a_size_is_damaged(tmp_path):
    archive = zip_of(tmp_path / "a.zip", {"a/1.jpg": b"y" * 5000})
    raw = bytearray(archive.read_bytes())
    struct.pack_into("<I", raw, raw.find(b"PK\1\2") + 24, 100)
    archive.write_bytes(raw)
    assert "a.zip is damaged: " in refusal(archive)


def test_many_entries_are_counted_before_they_are_loaded(tmp_path, monkeypatch):
    archive = zip_of(tmp_path / "a.zip", {f"a/{n}.jpg": b"" for n in range(50)})
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("the whole directory was loaded"))
    assert "holds 11 files and folders or more; the limit is 10." in refusal(archive, Limits(files=10))


def test_a_zip64_directory_is_understood(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    archive = zip_of(tmp_path / "a.zip", FILES)
    assert b"PK\6\7" in archive.read_bytes()
    assert tree(unpack(archive, tmp_path / "target")) == FILES


def test_a_header_that_wants_all_memory_is_refused(tmp_path):
    huge = special(tarfile.XHDTYPE)
    huge.size = 10**11
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(huge.tobuf(format=tarfile.GNU_FORMAT) + bytes(10240))
    assert refusal(tmp_path / "a.tar.gz") == "a.tar.gz is damaged: a header of 100 GB."


def test_a_negative_size_is_refused(tmp_path):
    negative = tarfile.TarInfo("a/1.jpg")
    negative.size = -512
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(negative.tobuf(format=tarfile.GNU_FORMAT) + bytes(10240))
    assert "is damaged: 'a/1.jpg' has a negative size." in refusal(tmp_path / "a.tar.gz")


# Damage


@every
@pytest.mark.parametrize("keep", [0.99, 0.7, 0.3])
def test_a_truncated_archive_is_named(tmp_path, kind, keep):
    content = {name: os.urandom(30_000) for name in FILES}
    archive = PACK[kind](tmp_path / f"data{kind}", content)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * keep)] if kind != ".tar" else whole[: int(200_000 * keep)])
    assert f"data{kind} is damaged: " in refusal(archive)


def test_a_tar_file_cut_between_two_entries_is_truncated_too(tmp_path):
    archive = tar_of(tmp_path / "a.tar", {"a/1.jpg": bytes(512), "b/1.jpg": bytes(512)}, "w")
    archive.write_bytes(archive.read_bytes()[:1024])
    assert refusal(archive) == "a.tar is damaged: it breaks off, or an entry is damaged."


@every
def test_a_flipped_byte_is_found(tmp_path, kind):
    archive = PACK[kind](tmp_path / f"data{kind}", {name: os.urandom(3000) for name in FILES})
    raw = bytearray(archive.read_bytes())
    # A tar file has checksums only in its headers, which lie at multiples of 512 bytes.
    raw[len(raw) // 2 if kind != ".tar" else 3072 + 512 + 10] ^= 0xFF
    archive.write_bytes(raw)
    assert "is damaged: " in refusal(archive)


def test_an_encrypted_file_asks_for_no_password(tmp_path):
    archive = zip_of(tmp_path / "a.zip", {"a/1.jpg": b"x"})
    raw = bytearray(archive.read_bytes())
    raw[raw.find(b"PK\1\2") + 8] |= 1
    archive.write_bytes(raw)
    assert refusal(archive) == "a.zip is encrypted ('a/1.jpg')."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a.zip is empty (0 bytes)."),
        (b"\0\1\2\3", "a.zip is neither a .zip nor a .tar archive."),
        (b"PK\3\4 and no more", "a.zip is damaged: its directory is missing."),
        (
            gzip.compress(b"one file", mtime=0),
            "a.zip is damaged: truncated header; what is compressed in it may be no .tar archive.",
        ),
        (b"PK\5\6" + bytes(18), "a.zip holds no files."),
    ],
)
def test_what_is_no_archive_is_named(tmp_path, content, sentence):
    (tmp_path / "a.zip").write_bytes(content)
    assert refusal(tmp_path / "a.zip") == sentence


def test_a_missing_archive_and_an_interrupted_one_leave_nothing(tmp_path):
    assert "cannot be read: No such file" in refusal(tmp_path / "nowhere.zip")
    archive = zip_of(tmp_path / "a.zip", FILES)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(archive, tmp_path / "target", on_progress=interrupt)
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "home", "place"]


def test_an_error_of_the_caller_is_not_taken_for_damage(tmp_path):
    def fail(done: int, total: int) -> None:
        raise ValueError("my own")

    with pytest.raises(ValueError, match="my own"):
        unpack(tar_of(tmp_path / "a.tgz", FILES), tmp_path / "target", on_progress=fail)


# The disk, uploads and names


def test_a_full_disk_is_named_before_the_first_byte(tmp_path, monkeypatch):
    from alexcore.data import storage

    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    assert "Unpacking a.zip needs 16.4 kB, and the disk of " in refusal(zip_of(tmp_path / "a.zip", FILES))
    with pytest.raises(DataError, match="has 1 B left"):
        require_room(tmp_path / "not" / "yet", 2, "This")


def test_an_upload_is_streamed_and_capped(tmp_path):
    class Endless(io.RawIOBase):
        sent = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= 1 << 20, "read in pieces"
            self.sent += size
            return bytes(size)

    target = tmp_path / "uploads" / "a.zip"
    assert save_upload(io.BytesIO(PICTURE), target, len(PICTURE)).read_bytes() == PICTURE
    endless = Endless()
    with pytest.raises(DataError, match=r"larger than 5 MB, the limit"):
        save_upload(endless, target, 5_000_000)
    assert endless.sent < 7_000_000
    with pytest.raises(DataError, match="empty"):
        save_upload(io.BytesIO(), target, 10)
    assert os.listdir(target.parent) == ["a.zip"]
    assert target.read_bytes() == PICTURE, "a failed upload replaces nothing"


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("flowers.tar.gz", "flowers"),
        ("My set (1).ZIP", "My-set-1"),
        ("../../etc/passwd.zip", "passwd"),
        ("C:\\x\\blumen.tgz", "blumen"),
        (".zip", "upload"),
        ("", "upload"),
        ("..", "upload"),
        ("花.zip", "花"),
        ("v1.2.tar", "v1.2"),
        ("x" * 300 + ".zip", "x" * 80),
    ],
)
def test_an_upload_gives_a_folder_a_harmless_name(name, folder):
    assert folder_name(name) == folder
