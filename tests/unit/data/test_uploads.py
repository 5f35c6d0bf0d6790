"""Archives that people bring: the folder around everything, what lies beside it, and what is of no use to anybody."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import pytest

from alexcore.cli import main
from alexcore.data.archives.archive import unpack
from alexcore.data.archives.uploads import UPLOAD_LIMITS, require_data_set, save_upload
from alexcore.data.sources import open_source
from alexcore.errors import DataError
from alexcore.jobs import VARIABLE, read_job
from tests.support.odd_archives import raw_zip
from tests.support.odd_pictures import encoded, plain_red

PICTURE = encoded(plain_red(), "PNG")


def zip_in(folder: Path, *names: str, name: str = "7a8b-set.zip") -> Path:
    (folder / name).write_bytes(raw_zip({each.encode(): PICTURE for each in names}))
    return folder / name


def tree(target: Path) -> list[str]:
    return sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())


# The folder around everything


@pytest.mark.parametrize("prefix", ["set/", "a/b/"])
def test_one_folder_is_taken_off_although_files_lie_beside_it(tmp_path, prefix):
    names = [f"{prefix}train/{name}/1.png" for name in ("cats", "dogs")]
    told: list[str] = []
    archive = zip_in(tmp_path, *names, "read me.pdf", "cover.png", "Picture.DS")
    assert tree(unpack(archive, tmp_path / "target", name="set.zip", say=told.append)) == ["cats/1.png", "dogs/1.png"]
    assert told == ["Left out of set.zip, files beside its one folder: 3 ('Picture.DS', 'cover.png', 'read me.pdf')."]


@pytest.mark.parametrize("listing", ["labels.csv", "labels.tsv", "metadata.jsonl", "val_annotations.txt"])
def test_a_list_beside_it_keeps_its_folder(tmp_path, listing):
    archive = zip_in(tmp_path, "set/cats/1.png", "set/dogs/1.png", listing)
    assert tree(unpack(archive, tmp_path / "target")) == sorted([listing, "set/cats/1.png", "set/dogs/1.png"])


def test_hidden_files_are_counted(tmp_path):
    told: list[str] = []
    names = ["a/1.png", "b/1.png", "a/.DS_Store", "__MACOSX/a/._1.png", "@eaDir/1.png", "Thumbs.db", "a/Icon\r"]
    unpack(zip_in(tmp_path, *names), tmp_path / "target", name="set.zip", say=told.append)
    assert told == ["Left out of set.zip, hidden files and those of systems: 5 ('.DS_Store', '._1.png', '1.png', ...)."]


def test_a_folder_around_pictures_that_are_named_by_class_is_taken_off(tmp_path):
    names = [f"pets/{name}.{n}.png" for name in ("cat", "dog") for n in (1, 2)]
    assert tree(unpack(zip_in(tmp_path, *names), tmp_path / "named")) == [name.removeprefix("pets/") for name in names]
    names = ["pets/IMG_1.png", "pets/IMG_2.png"]
    assert tree(unpack(zip_in(tmp_path, *names), tmp_path / "class")) == names


def test_what_can_be_read_in_a_way_that_somebody_chooses_is_unpacked(tmp_path):
    """Splits without one to train on: the page then offers to read them as classes."""
    names = ["test/dogs/2.png", "val/cats/1.png"]
    assert tree(unpack(zip_in(tmp_path, *names), tmp_path / "set")) == names


# What is of no use


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["1.png", "2.png", "3.png"], "holds no pictures in class folders; nothing was unpacked."),
        (["IMG_0001.png", "IMG_0002.png"], "holds no pictures in class folders"),
        (["train/1.png", "val/2.png"], "holds no pictures in class folders"),
        (["set/1.png", "set/2.png"], "holds pictures of one class alone, 'set'"),
        (["labels.csv"], "holds no pictures"),
        (["read.txt", "a/b.doc"], "holds no pictures"),
    ],
)
def test_an_archive_without_classes_leaves_no_folder_and_keeps_no_name(tmp_path, capsys, names, words):
    archive = zip_in(tmp_path, *names)
    before = sorted(tmp_path.rglob("*"))
    assert main(["data", "unpack", str(archive), str(tmp_path / "data" / "set"), "--uploaded-as", "my set.zip"]) == 2
    error = capsys.readouterr().err
    assert f"my set.zip {words}" in error
    assert "7a8b" not in error
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "names",
    [
        ["cat.0.png", "cat.1.png", "dog.0.png", "dog.1.png"],
        ["pets/cat.0.png", "pets/cat.1.png", "pets/dog.0.png", "pets/dog.1.png"],
        ["bus/1.png", "car/1.png", "train/a/1.png", "train/b/1.png"],
        ["train-000000.tar"],
        ["cats/1.png", "dogs/1.png"],
    ],
)
def test_whatever_can_be_read_in_some_way_is_accepted(tmp_path, names):
    require_data_set(unpack(zip_in(tmp_path, *names), tmp_path / "target"), "set.zip")


def test_an_upload_has_limits_that_are_named(tmp_path, capsys):
    archive = zip_in(tmp_path, *(f"a/{n}" for n in range(UPLOAD_LIMITS.files + 1)))
    assert main(["data", "unpack", str(archive), str(tmp_path / "t"), "--uploaded-as", "many.zip"]) == 2
    error = capsys.readouterr().err
    assert "many.zip holds 20,001 files and folders or more; the limit is 20,000." in error


def test_archives_in_an_archive_are_named(tmp_path):
    archive = zip_in(tmp_path, "train.zip", "test.zip", "read.txt")
    with pytest.raises(DataError) as caught:
        unpack(archive, tmp_path / "target", accept=require_data_set)
    assert "'test.zip'" in caught.value.hint


def test_the_copies_of_jobs_that_were_killed_are_forgotten_after_a_day(tmp_path):
    for name, hours in (("old.zip", 25), ("new.zip", 23)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (time.time() - 3600 * hours,) * 2)
    save_upload(io.BytesIO(b"x"), tmp_path / "mine.zip", 10)
    assert sorted(os.listdir(tmp_path)) == ["home", "mine.zip", "new.zip"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("best.pt", raw_zip({b"best/data.pkl": b"x"}), "best.pt is a file of weights, which does not belong here."),
        ("a.png", PICTURE, "a.png is a single image, which does not belong here."),
        ("a.7z", b"7z\xbc\xaf\x27\x1c", "a.7z is a 7-Zip archive (.7z), which is not read here."),
    ],
)
def test_the_command_says_where_something_else_belongs(tmp_path, capsys, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    assert main(["data", "unpack", str(tmp_path / name), str(tmp_path / "t")]) == 2
    assert sentence in capsys.readouterr().err
    assert main(["data", "unpack", str(tmp_path / "gone.zip"), str(tmp_path / "t")]) == 2
    assert "gone.zip cannot be read: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "my set.zip",
            raw_zip({b"a/1.png": PICTURE}),
            "is an archive, not a folder. Unpack it first: python -m alexcore",
        ),
        ("best.pt", b"\x80\x02}q", "is a file of weights, not a folder."),
        ("a.png", PICTURE, "is a single image, not a folder."),
        ("x", b"hello", "is a file, not a folder."),
        ("bad.zip", b"PK\3\4", "is a file, not a folder."),
    ],
)
def test_a_file_in_the_place_of_a_data_set_is_called_what_it_is(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_source(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name} {words}")
    if name == "my set.zip":
        assert f"unpack '{tmp_path / name}' '{tmp_path / 'my set'}'" in caught.value.hint


# The command


def test_the_command_says_what_was_read_how(tmp_path, capsys):
    names = {f"{name}/1.png".encode("gbk"): PICTURE for name in ("雏菊", "蒲公英")}
    (tmp_path / "set.zip").write_bytes(raw_zip(names))
    assert main(["data", "unpack", str(tmp_path / "set.zip"), str(tmp_path / "a")]) == 0
    told = capsys.readouterr().out
    assert f"The data set is in {tmp_path / 'a'}." in told
    assert "read as gb18030 (Chinese, simplified): 雏菊, 蒲公英" in told
    command = ["data", "unpack", str(tmp_path / "set.zip"), str(tmp_path / "b"), "--encoding", "gbk", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"data": str(tmp_path / "b"), "notes": []}
    assert sorted(each.name for each in (tmp_path / "b").iterdir()) == ["蒲公英", "雏菊"]
    assert main(["data", "unpack", str(tmp_path / "set.zip"), str(tmp_path / "c"), "--encoding", "klingon"]) == 2
    assert "There is no encoding 'klingon'." in capsys.readouterr().err


def test_a_job_hands_its_sentences_to_whoever_watches(tmp_path, home, monkeypatch):
    file = home / "data" / ".cache" / "jobs" / "unpack-set.json"
    file.parent.mkdir(parents=True)
    monkeypatch.setenv(VARIABLE, str(file))
    archive = zip_in(tmp_path, "a/1.png", "b/1.png", ".hidden")
    assert main(["data", "unpack", str(archive), str(tmp_path / "t"), "--remove", "--uploaded-as=set.zip"]) == 0
    job = read_job("unpack-set")
    assert (job.state, job.notes) == (
        "finished",
        ("Left out of set.zip, hidden files and those of systems: 1 ('.hidden').",),
    )
    assert not archive.exists()


def test_an_error_names_the_upload_also_where_the_file_is_damaged(tmp_path):
    archive = zip_in(tmp_path, "a/1.png")
    archive.write_bytes(archive.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"^my set\.zip is damaged"):
        unpack(archive, tmp_path / "target", name="my set.zip")
