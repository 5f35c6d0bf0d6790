"""An ImageFolder tree becomes a DataIndex: numbering, splits, and a sentence for everything that is odd."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from torchvision.datasets import ImageFolder

from alexcore.errors import DataError
from tests.support.small_trees import counts, messages, open_folder, tree


def refused(root: Path, *arguments) -> DataError:
    with pytest.raises(DataError) as caught:
        open_folder(root, *arguments)
    assert caught.value.hint
    return caught.value


# Splits and numbers -------------------------------------------------------------------------------------------


def test_train_and_val(stripes):
    index = open_folder(stripes)
    assert index.classes == ("fine", "level", "wide")
    assert index.splits == ("train", "val")
    assert counts(index) == {"train": dict.fromkeys(index.classes, 12), "val": dict.fromkeys(index.classes, 4)}
    assert index.class_to_idx == {"fine": 0, "level": 1, "wide": 2}
    assert index.class_indices == {"0": "fine", "1": "level", "2": "wide"}
    assert index.problems == ()
    index.require_trainable()


@pytest.mark.parametrize("split", ["train", "val"])
def test_numbers_and_order_are_those_of_image_folder(stripes, split):
    index, theirs = open_folder(stripes), ImageFolder(stripes / split)
    rows = index.select(split)
    assert index.class_to_idx == theirs.class_to_idx
    ours = [(str(index.path_of(path)), label) for path, label in zip(rows["path"], rows["label"], strict=True)]
    assert ours == theirs.samples


def test_a_test_split_is_kept_apart(tmp_path):
    index = open_folder(tree(tmp_path, train__a=3, train__b=2, val__a=1, val__b=1, test__a=2, test__b=5))
    assert index.splits == ("train", "val", "test")
    assert counts(index) == {"train": {"a": 3, "b": 2}, "val": {"a": 1, "b": 1}, "test": {"a": 2, "b": 5}}


def test_names_are_sorted_as_text(tmp_path):
    """Symptom: a model answers with the wrong class, because 10 was numbered after 2."""
    root = tree(
        tmp_path, **{f"{split}__{name}": 2 for split in ("train", "val") for name in ("1", "10", "2", "B", "a")}
    )
    assert open_folder(root).classes == ("1", "10", "2", "B", "a")


def test_val_with_other_folders_uses_the_numbers_of_train(tmp_path):
    """Symptom: ImageFolder numbers val/ by itself, and every class after a missing one is counted as wrong."""
    index = open_folder(tree(tmp_path, train__a=2, train__b=2, train__c=2, val__b=1, val__c=1))
    rows = index.select("val")
    assert dict(zip(rows["path"], rows["label"], strict=True)) == {"val/b/0.jpg": 1, "val/c/0.jpg": 2}
    assert "val lacks the classes a; their accuracy cannot be measured" in messages(index, "warning")
    assert counts(index)["val"] == {"a": 0, "b": 1, "c": 1}
    index.require_trainable()


def test_class_folders_alone_are_split_4_to_1_within_each_class(tmp_path):
    root = tree(tmp_path / "flat", a=10, b=25, c=2, d=1)
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*"))
    index = open_folder(root)
    assert counts(index) == {"train": {"a": 8, "b": 20, "c": 1, "d": 1}, "val": {"a": 2, "b": 5, "c": 1, "d": 0}}
    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*")) == before
    assert set(index.select("train")["path"]).isdisjoint(index.select("val")["path"])
    assert len(index.files) == 38
    assert "val lacks the classes d" in messages(index, "warning")
    # The same each time, also where the data set was copied to.
    assert open_folder(root).files.equals(index.files)
    shutil.copytree(root, tmp_path / "copy")
    assert open_folder(tmp_path / "copy").files["split"].tolist() == index.files["split"].tolist()
    # Not simply the first or the last ones by name.
    assert index.select("val").query("label == 1")["path"].tolist() not in (
        [f"b/{i}.jpg" for i in range(5)],
        [f"b/{i}.jpg" for i in range(20, 25)],
    )


def test_a_separate_val_folder(tmp_path):
    root = tree(tmp_path / "data", train__a=3, train__b=3, val__a=1, val__b=1)
    other = tree(tmp_path / "other", a=2, b=4)
    index = open_folder(root, other)
    assert counts(index)["val"] == {"a": 2, "b": 4}
    assert all(index.path_of(path).is_relative_to(other) for path in index.select("val")["path"])
    flat = open_folder(tree(tmp_path / "flat", a=5, b=5), other)
    assert counts(flat) == {"train": {"a": 5, "b": 5}, "val": {"a": 2, "b": 4}}


def test_unicode_and_blanks(tmp_path):
    index = open_folder(tree(tmp_path / "my data", "train/Gänse blümchen/föto 1.JPG", "train/薔薇/a b.Jpeg"))
    assert index.classes == ("Gänse blümchen", "薔薇")
    assert all(index.path_of(path).is_file() for path in index.files["path"])
    assert index.files["path"].tolist() == ["train/Gänse blümchen/föto 1.JPG", "train/薔薇/a b.Jpeg"]


# What is odd --------------------------------------------------------------------------------------------------


def test_a_missing_folder(tmp_path):
    assert refused(tmp_path / "none").message == f"There is no folder {tmp_path / 'none'}."
    assert "There is no folder" in refused(tree(tmp_path / "file", "a") / "a").message
    data = tree(tmp_path / "data", train__a=1, train__b=1)
    assert refused(data, tmp_path / "no val").message == f"There is no folder {tmp_path / 'no val'}."


@pytest.mark.parametrize("files", [[], ["notes.txt"], ["a/notes.txt", "b/table.csv"], ["1.jpg", "2.jpg"]])
def test_no_picture_in_class_folders(tmp_path, files):
    error = refused(tree(tmp_path, *files))
    assert error.message == f"{tmp_path} holds no pictures in class folders."
    assert ".jpeg" in error.hint


def test_val_without_train(tmp_path):
    error = refused(tree(tmp_path, val__a=1, val__b=1, test__a=1))
    assert error.message == f"{tmp_path} has val/ and test/ but no train/: there is nothing to train on."


def test_one_class_only(tmp_path):
    index = open_folder(tree(tmp_path, train__a=3, val__a=1))
    assert f"{tmp_path} has only one class with training pictures (a); classification needs two." in messages(
        index, "error"
    )
    with pytest.raises(DataError, match="only one class with training pictures"):
        index.require_trainable()


def test_a_train_folder_without_pictures(tmp_path):
    root = tree(tmp_path, val__a=1, val__b=1)
    (root / "train" / "a").mkdir(parents=True)
    with pytest.raises(DataError, match="has no training pictures"):
        open_folder(root).require_trainable()


def test_a_class_of_val_that_train_lacks(tmp_path):
    index = open_folder(tree(tmp_path, train__a=2, train__b=2, val__a=1, val__z=3))
    assert "val has classes that train lacks: z; no network could ever answer them." in messages(index, "error")
    assert "val lacks the classes b" in messages(index, "warning")
    assert index.problems[0].severity == "error", "errors come first"
    with pytest.raises(DataError, match="train lacks: z"):
        index.require_trainable()


def test_no_validation_pictures(tmp_path):
    with pytest.raises(DataError, match="has no validation pictures"):
        open_folder(tree(tmp_path, train__a=1, train__b=1)).require_trainable()


def test_empty_and_hidden_folders_are_no_classes(tmp_path):
    root = tree(tmp_path, "train/.cache/1.jpg", "train/a/.thumb.jpg", train__a=2, train__c=2, val__a=1, val__c=1)
    (root / "train" / "b").mkdir()
    index = open_folder(root)
    assert index.classes == ("a", "c")
    assert len(index.files) == 6
    assert "Empty class folders in train are left out: b." in messages(index, "warning")
    assert "Hidden files and folders are left out: train/.cache, train/a/.thumb.jpg." in messages(index, "warning")
    index.require_trainable()


def test_files_that_are_no_picture(tmp_path):
    files = [f"train/a/{name}" for name in ("1.txt", "2.pdf", "3.jpg.bak", "4", "5.svg")]
    index = open_folder(tree(tmp_path, *files, "train/README.md", train__a=2, train__b=2, val__a=1, val__b=1))
    assert len(index.files) == 6
    assert "6 files are no picture and left out: train/README.md, train/a/1.txt, " in messages(index, "warning")
    assert "and 2 more." in messages(index, "warning")


def test_nested_folders_belong_to_their_class(tmp_path):
    index = open_folder(tree(tmp_path, "train/a/2023/may/1.jpg", train__a=1, train__b=1, val__a=1, val__b=1))
    assert counts(index)["train"] == {"a": 2, "b": 1}


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links(tmp_path):
    """A link to a picture or folder counts; one that leads back up, to itself or to nowhere does not end in a loop."""
    outside = tree(tmp_path / "outside", "1.jpg", "more/2.jpg")
    root = tree(tmp_path / "data", train__a=2, train__b=2, val__a=1, val__b=1)
    a = root / "train" / "a"
    (a / "linked.jpg").symlink_to(outside / "1.jpg")
    (a / "folder").symlink_to(outside / "more")
    (a / "up").symlink_to(a)
    (a / "gone.jpg").symlink_to(outside / "none.jpg")
    (a / "self.jpg").symlink_to(a / "self.jpg")
    index = open_folder(root)
    assert counts(index)["train"] == {"a": 4, "b": 2}
    assert "2 files are no picture and left out: train/a/gone.jpg, train/a/self.jpg." in messages(index, "warning")


@pytest.mark.skipif(sys.platform != "linux", reason="only there a name may be any bytes")
def test_names_that_are_no_text_are_left_out(tmp_path):
    """Symptom: one photograph called gr\\xfcn.jpg, from an old archive, and the data set cannot be opened at all."""
    root = tree(tmp_path / "data", train__a=2, train__b=2, val__a=1, val__b=1)
    for name in (b"train/a/gr\xfcn.jpg", b"train/bl\xf6d"):
        os.rename(tree(root, "train/a/x.jpg") / "train/a/x.jpg", os.path.join(os.fsencode(root), name))
    index = open_folder(root)
    assert messages(index, "warning") == (
        r"Files and folders whose names are not UTF-8 are left out: 'train/a/gr\udcfcn.jpg', 'train/bl\udcf6d'."
    )
    assert len(index.files) == 6
    assert index.fingerprint()
    os.rename(root, os.path.join(os.fsencode(tmp_path), b"gr\xfcn"))
    (name,) = (name for name in os.listdir(tmp_path) if name != "home")
    assert "not UTF-8" in refused(tmp_path / name).message


# The index ----------------------------------------------------------------------------------------------------


def test_the_fingerprint_ignores_place_and_time_and_nothing_else(tmp_path):
    root = tree(tmp_path / "data", train__a=3, train__b=3, val__a=1, val__b=1)
    before = open_folder(root).fingerprint()
    copy = tmp_path / "copy"

    def changed(change) -> bool:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(root, copy)
        change()
        return open_folder(copy).fingerprint() != before

    assert not changed(lambda: None)
    assert not changed(lambda: os.utime(copy / "train/a/0.jpg", (0, 0)))
    assert changed(lambda: (copy / "train/a/0.jpg").rename(copy / "train/b/9.jpg"))
    assert changed(lambda: (copy / "train/a/0.jpg").rename(copy / "train/a/9.jpg"))
    assert changed(lambda: (copy / "train/a/2.jpg").rename(copy / "val/a/2.jpg"))
    assert changed(lambda: (copy / "train/a/0.jpg").unlink())
    assert changed(lambda: (copy / "train/a/0.jpg").write_bytes(b"x" * 11))
    assert changed(lambda: [(copy / split / "a").rename(copy / split / "c") for split in ("train", "val")])


def test_without_names_what_is_left_out(stripes):
    index = open_folder(stripes)
    assert index.without({}) is index
    broken = {path: "truncated" for path in index.select("train")["path"][:5]}
    rest = index.without(broken)
    (problem,) = rest.problems
    assert problem.message.startswith(
        "5 of 48 pictures cannot be decoded and are left out: train/fine/fine_000.jpg (tr"
    )
    assert problem.message.endswith("; and 2 more.")
    assert len(rest.files) == 43
    assert len(index.files) == 48
    assert rest.counts().loc["fine", "train"] == 7
    assert rest.fingerprint() != index.fingerprint()
    rest.require_trainable()


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        (["val/"], "no readable picture in its val split"),
        (["train/"], "no readable picture in its train split"),
        (["train/fine/", "train/wide/"], r"readable training pictures of only one class \(level\)"),
    ],
)
def test_a_split_or_class_lost_to_damage_cannot_be_trained_on(stripes, lost, message):
    index = open_folder(stripes)
    broken = {path: "damaged" for path in index.files["path"] if path.startswith(tuple(lost))}
    with pytest.raises(DataError, match=message):
        index.without(broken).require_trainable()
