"""How a folder is read: each layout that people have, what is said of it, and what is refused."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from alexcore.data.index import DataIndex
from alexcore.data.reading import AmbiguousError, FolderChoice, FolderReading
from alexcore.errors import ConfigError, DataError
from tests.support.small_trees import counts, open_folder, tree

Counts = dict[str, dict[str, int]]


def codes(index: DataIndex) -> set[str]:
    return {each.code.removeprefix("data.") for each in index.problems}


def said(index: DataIndex, code: str) -> str:
    (sentence,) = [each.sentence for each in index.problems if each.code == f"data.{code}"]
    return sentence


def whole(index: DataIndex) -> Counts:
    """As `counts`, without the classes that a split has no picture of."""
    return {split: {name: n for name, n in found.items() if n} for split, found in counts(index).items()}


def refused(root: Path) -> AmbiguousError:
    with pytest.raises(AmbiguousError) as caught:
        open_folder(root)
    assert str(root) in caught.value.message
    assert all(each.choice.flags in caught.value.hint for each in caught.value.readings)
    return caught.value


# Splits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("train", "val", "test"),
        ("Training", "Validation", "Testing"),
        ("TRAIN", "VALID", "TEST"),
        ("training_set", "dev", "test_set"),
        ("trainset", "validate", "testset"),
        ("tr", "eval", "te"),
        ("train-data", "val data", "Test.Images"),
        ("train2017", "val2017", "test2017"),
        ("seg_train", "seg_val", "seg_test"),
        ("Flowers train", "Flowers valid", "Flowers test"),
    ],
)
def test_splits_are_known_by_the_usual_words_in_any_case(tmp_path, train, val, test):
    index = open_folder(tree(tmp_path, **{f"{train}__a": 5, f"{train}__b": 4, f"{val}__a": 3, f"{test}__b": 2}))
    assert whole(index) == {"train": {"a": 5, "b": 4}, "val": {"a": 3}, "test": {"b": 2}}
    assert index.reading is not None
    assert index.reading.splits == {"train": train, "val": val, "test": test}
    assert ("split-names" in codes(index)) == (train != "train")
    if train != "train":
        assert f"{train} as train, {val} as val, {test} as test" in said(index, "split-names")


def test_of_train_and_test_a_fifth_of_train_validates_and_test_stays(tmp_path):
    root = tree(tmp_path / "set", Train__a=10, Train__b=20, Test__a=3, Test__b=3)
    index = open_folder(root)
    assert counts(index) == {"train": {"a": 8, "b": 16}, "val": {"a": 2, "b": 4}, "test": {"a": 3, "b": 3}}
    assert index.files["split"].drop_duplicates().tolist() == ["train", "val", "test"]
    assert all(path.startswith("Test/") for path in index.select("test")["path"])
    assert "6 pictures" in said(index, "validation-drawn")
    index.require_trainable()
    val = set(index.select("val")["path"])
    tree(root, "Train/a/00.jpg", "Train/a/new.jpg", "Test/a/more.jpg")
    again = open_folder(root)
    assert val <= set(again.select("val")["path"])
    assert counts(again)["test"]["a"] == 4


def test_of_train_alone_a_fifth_validates(tmp_path):
    index = open_folder(tree(tmp_path / "set", Training__a=5, Training__b=10))
    index.require_trainable()
    assert counts(index) == {"train": {"a": 4, "b": 8}, "val": {"a": 1, "b": 2}}
    assert "3 pictures" in said(index, "validation-drawn")
    val = set(index.select("val")["path"])
    assert val <= set(open_folder(tree(tmp_path / "set", "Training/a/00.jpg")).select("val")["path"])


@pytest.mark.parametrize("split", ["test", "Val"])
def test_a_split_alone_that_is_not_train_is_refused(tmp_path, split):
    with pytest.raises(DataError, match=f"has {split}/ but no train/: there is nothing to train on") as caught:
        open_folder(tree(tmp_path, **{f"{split}__a": 3, f"{split}__b": 3}))
    assert "--layout classes" in caught.value.hint


def test_a_test_split_without_classes_is_left_out(tmp_path):
    index = open_folder(tree(tmp_path, "test/1.jpg", "test/2.jpg", train__a=5, train__b=5))
    assert counts(index) == {"train": {"a": 4, "b": 4}, "val": {"a": 1, "b": 1}}
    assert said(index, "unlabelled-pictures") == "2 pictures without a class are left out: test."


def test_a_validation_split_without_classes_and_without_a_list_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"val/images holds 2 pictures, but no class folders") as caught:
        open_folder(tree(tmp_path, "val/images/1.jpg", "val/images/2.jpg", train__a=5, train__b=5))
    assert caught.value.hint


def test_a_split_that_wraps_itself_and_pictures_to_be_predicted(tmp_path):
    files = ["seg_pred/seg_pred/1.jpg", "seg_pred/seg_pred/2.jpg"]
    splits = {f"{split}__{split}__{name}": 5 for split in ("seg_train", "seg_test") for name in ("sea", "street")}
    index = open_folder(tree(tmp_path, *files, **splits))
    assert counts(index) == {
        "train": {"sea": 4, "street": 4},
        "val": {"sea": 1, "street": 1},
        "test": {"sea": 5, "street": 5},
    }
    assert "seg_pred (2 pictures)" in said(index, "beside-splits")


def test_classes_with_a_split_word_in_them_are_classes(tmp_path):
    assert open_folder(tree(tmp_path, train_station=2, test_tube=2)).classes == ("test_tube", "train_station")


@pytest.mark.parametrize("folder", ["train", "test"])
def test_the_same_pictures_are_never_in_two_splits(tmp_path, folder):
    root = tree(tmp_path, train__a=3, train__b=3, test__a=1, test__b=1)
    with pytest.raises(DataError, match=f"are both .* and .*the first is {folder}/a/0.jpg") as caught:
        open_folder(root, root / folder)
    assert caught.value.hint


def test_two_folders_for_one_split_are_refused(tmp_path):
    with pytest.raises(DataError, match="two folders that mean val: val/ and valid/") as caught:
        open_folder(tree(tmp_path, train__a=2, train__b=2, val__a=1, valid__b=1))
    assert "--layout classes" in caught.value.hint


def test_an_empty_folder_beside_the_split_of_the_same_word_does_not_matter(tmp_path):
    root = tree(tmp_path, train__a=2, train__b=2, valid__a=1, valid__b=1)
    (root / "val").mkdir()
    assert whole(open_folder(root))["val"] == {"a": 1, "b": 1}


def test_splits_inside_of_classes(tmp_path):
    index = open_folder(
        tree(tmp_path, cats__train=4, cats__test=2, dogs__train=6, dogs__test=2, cats__val=1, dogs__val=2)
    )
    assert counts(index) == {
        "train": {"cats": 4, "dogs": 6},
        "val": {"cats": 1, "dogs": 2},
        "test": {"cats": 2, "dogs": 2},
    }
    assert said(index, "splits-in-classes") == "Each class folder has its own train, val, test."


# What can mean two things -------------------------------------------------------------------------------------


@pytest.mark.parametrize("nested", [True, False])
def test_a_train_beside_class_folders_is_refused_with_both_readings(tmp_path, nested):
    inner = {"train__steam": 4, "train__electric": 4} if nested else {"train": 8}
    error = refused(tree(tmp_path, bus=6, car=6, **inner))
    classes, splits = error.readings
    assert classes.counts == {"train": {"bus": 6, "car": 6, "train": 8}}
    assert (classes.choice.flags, splits.choice.flags) == ("--layout classes", "--layout splits")
    assert splits.counts == ({"train": {"electric": 4, "steam": 4}} if nested else {})
    assert "bus 6, car 6, train 8" in error.message
    assert "leaving out bus (6), car (6)" in error.message
    assert nested or "train (8 pictures without classes)" in error.message
    index = open_folder(tmp_path, choice=classes.choice)
    assert index.classes == ("bus", "car", "train")
    assert index.reading is not None
    assert [each.choice for each in index.reading.alternatives] == [splits.choice]
    if nested:
        assert open_folder(tmp_path, choice=splits.choice).classes == ("electric", "steam")
    else:
        with pytest.raises(DataError, match="holds no pictures in class folders"):
            open_folder(tmp_path, choice=splits.choice)


def test_test_and_val_are_classes_where_nothing_else_says_split(tmp_path):
    index = open_folder(tree(tmp_path, control=10, test=5))
    assert counts(index) == {"train": {"control": 8, "test": 4}, "val": {"control": 2, "test": 1}}
    assert "Read as a class" in said(index, "split-word-classes")


def test_class_folders_and_a_test_folder_that_has_them_once_more_are_refused(tmp_path):
    splits, classes = refused(tree(tmp_path, bus=6, car=6, test__bus=2, test__car=1)).readings
    assert splits.counts == {"train": {"bus": 6, "car": 6}, "test": {"bus": 2, "car": 1}}
    assert classes.counts == {"train": {"bus": 6, "car": 6, "test": 3}}
    index = open_folder(tmp_path, choice=splits.choice)
    assert counts(index) == {"train": {"bus": 5, "car": 5}, "val": {"bus": 1, "car": 1}, "test": {"bus": 2, "car": 1}}


def test_a_folder_beside_the_splits_with_the_same_classes_is_left_out(tmp_path):
    index = open_folder(tree(tmp_path, train__a=3, train__b=3, val__a=1, val__b=1, extra__a=7))
    assert index.classes == ("a", "b")
    assert "extra (7 pictures)" in said(index, "beside-splits")


def test_parts_of_one_pool_are_no_classes(tmp_path):
    files = [f"images_part_{1 + n // 5}/{'ab'[n % 2]}_{n}.jpg" for n in range(10)]
    names, classes = refused(tree(tmp_path, *files)).readings
    assert (names.classes, classes.classes) == ({"a": 5, "b": 5}, {"images_part_1": 5, "images_part_2": 5})
    assert open_folder(tree(tmp_path / "other", part=2, whole=2)).classes == ("part", "whole")


def test_versions_of_the_same_pictures_are_no_classes(tmp_path):
    kinds = ("color", "grayscale")
    flat, classes = refused(tree(tmp_path, **{f"{kind}__{name}": 3 for kind in kinds for name in ("a", "b")})).readings
    assert (flat.classes, classes.classes) == ({"a": 6, "b": 6}, {"color": 6, "grayscale": 6})


def test_folders_within_classes_that_are_called_alike_are_no_versions(tmp_path):
    folders = {f"{name}__{where}": 3 for name in ("cats", "dogs") for where in ("indoors", "outdoors")}
    assert open_folder(tree(tmp_path, **folders)).classes == ("cats", "dogs")


def test_classes_in_names_beside_a_numbered_test_folder(tmp_path):
    files = [f"train/{name}.{n}.jpg" for name in ("cat", "dog") for n in range(5)]
    root = tree(tmp_path, *files, "test1/1.jpg", "test1/2.jpg")
    (reading,) = refused(root).readings
    assert reading.splits == {"train": "train", "test": "test1"}
    assert counts(open_folder(root, choice=reading.choice)) == {
        "train": {"cat": 4, "dog": 4},
        "val": {"cat": 1, "dog": 1},
    }


def test_a_folder_called_train_around_all_splits_is_none(tmp_path):
    index = open_folder(tree(tmp_path, train__train__a=2, train__train__b=2, train__val__a=1, train__val__b=1))
    assert counts(index) == {"train": {"a": 2, "b": 2}, "val": {"a": 1, "b": 1}}


def test_empty_splits_beside_class_folders_do_not_matter(tmp_path):
    root = tree(tmp_path / "set", cats=5, dogs=5)
    for name in ("train", "val"):
        (root / name).mkdir()
    index = open_folder(root)
    assert counts(index) == {"train": {"cats": 4, "dogs": 4}, "val": {"cats": 1, "dogs": 1}}
    assert said(index, "empty-splits").startswith("train/, val/ are empty")
    assert "empty-class-folders" not in codes(index)


# What wraps a data set, and what lies in it once more ---------------------------------------------------------


@pytest.mark.parametrize("wrap", ["flowers/", "a/b/c/", "images/", "data set/Images/"])
def test_folders_that_wrap_others_are_stepped_into(tmp_path, wrap):
    split = {f"{wrap}{split}__{name}": 2 for split in ("train", "val") for name in ("a", "b")}
    index = open_folder(tree(tmp_path / "one", **split))
    assert counts(index) == {"train": {"a": 2, "b": 2}, "val": {"a": 2, "b": 2}}
    assert wrap.strip("/") in said(index, "lies-inside")
    assert index.root == tmp_path / "one"
    assert all(index.path_of(path).is_file() for path in index.files["path"])
    flat = open_folder(tree(tmp_path / "two", f"{wrap}preview.jpg", **{f"{wrap}a": 30, f"{wrap}b": 20}))
    assert flat.classes == ("a", "b")
    assert said(flat, "loose-pictures").startswith("1 picture beside the class folders is left out")


def test_images_within_class_folders_and_within_splits(tmp_path):
    inside = open_folder(tree(tmp_path / "one", a__images=5, b__images=5))
    assert inside.classes == ("a", "b")
    index = open_folder(tree(tmp_path / "two", train__images__a=5, train__images__b=5, val__a=1, val__b=1))
    assert counts(index) == {"train": {"a": 5, "b": 5}, "val": {"a": 1, "b": 1}}


@pytest.mark.parametrize("inner", ["flowers", "flowers/flowers"])
def test_a_data_set_that_contains_itself_is_read_once(tmp_path, inner):
    root = tree(tmp_path / "flowers", daisy=6, rose=4)
    for name in ("daisy", "rose"):
        shutil.copytree(root / name, root / inner / name)
    index = open_folder(root)
    assert counts(index) == {"train": {"daisy": 5, "rose": 3}, "val": {"daisy": 1, "rose": 1}}
    assert "(10 pictures)" in said(index, "inner-copy")


def test_a_data_set_with_splits_that_contains_itself_is_read_once(tmp_path):
    root = tree(tmp_path / "set", train__a=3, train__b=3, val__a=1, val__b=1)
    for name in ("train", "val"):
        shutil.copytree(root / name, root / "set" / name)
    index = open_folder(root)
    assert counts(index) == {"train": {"a": 3, "b": 3}, "val": {"a": 1, "b": 1}}
    assert "inner-copy" in codes(index)


def test_more_pictures_of_the_same_classes_in_a_folder_beside_them_are_no_copy_and_refused(tmp_path):
    root = tree(tmp_path, cats=6, dogs=6, more__cats=3, more__dogs=3)
    for path in (root / "more").rglob("*.jpg"):
        path.write_bytes(b"other")
    flat, classes = refused(root).readings
    assert flat.classes == {"cats": 9, "dogs": 9}
    assert classes.classes == {"cats": 6, "dogs": 6, "more": 6}


@pytest.mark.parametrize(
    "where",
    [
        ("images/{name}/{n}.jpg", "masks/{name}/{n}_mask.png"),
        ("{name}/images/{n}.jpg", "{name}/masks/{n}.png"),
        ("{name}/{name}-{n}.jpg", "segmentations/{name}/{name}-{n}.png"),
        ("birds/pictures/{name}/{n}.jpg", "segmentations/{name}/{n}.png"),
        ("train/{name}/{name}{n}.jpg", "annotations/trimaps/{name}{n}.png"),
    ],
)
def test_drawings_of_the_pictures_are_left_out(tmp_path, where):
    files = [each.format(name=name, n=n) for each in where for name in ("cat", "dog") for n in range(5)]
    if where[0].startswith("train"):
        files += [f"val/{name}/{n}.jpg" for name in ("cat", "dog") for n in range(2)]
    index = open_folder(tree(tmp_path, *files))
    assert index.classes == ("cat", "dog")
    assert not index.files["path"].str.endswith(".png").any()
    assert "(10 pictures)" in said(index, "drawings")


def test_classes_that_are_called_like_drawings_stay_classes(tmp_path):
    """Symptom: of faces with and without a mask only one class is left."""
    assert open_folder(tree(tmp_path / "one", with_mask=5, without_mask=5)).classes == ("with_mask", "without_mask")
    assert open_folder(tree(tmp_path / "two", mask=5, face=5)).classes == ("face", "mask")


def test_what_systems_and_drives_leave_behind_is_left_out_and_counted(tmp_path):
    files = [f"{name}/@eaDir/{n}.jpg/SYNOFILE_THUMB_M.jpg" for name in ("a", "b") for n in range(3)]
    files += ["@eaDir/x.jpg", "#recycle/old/1.jpg", "$RECYCLE.BIN/2.jpg", "System Volume Information/3.jpg"]
    files += ["__MACOSX/a/._1.jpg", "lost+found/4.jpg", ".Trash-1000/5.jpg", "a/._0.jpg", "a/._1.jpg", "b/Thumbs.db"]
    files += ["b/desktop.ini", "a/Icon\r", "a/.7.jpg.icloud", ".DS_Store"]
    index = open_folder(tree(tmp_path / "set", *files, a=5, b=5))
    assert whole(index) == {"train": {"a": 4, "b": 4}, "val": {"a": 1, "b": 1}}
    assert codes(index) == {"system-files"}
    (finding,) = index.problems
    names = dict(finding.values["names"])
    assert (names["@eaDir"], names["._*"]) == (3, 2)
    assert finding.values["count"] == 13


def test_a_class_may_end_like_a_file_on_its_way(tmp_path):
    assert open_folder(tree(tmp_path, **{"spare.part": 3, "whole": 3})).classes == ("spare.part", "whole")


@pytest.mark.skipif(os.name == "nt" or not os.geteuid(), reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_left_out_with_its_name(tmp_path):
    root = tree(tmp_path, a=5, b=5, private=2)
    (root / "private").chmod(0)
    try:
        index = open_folder(root)
    finally:
        (root / "private").chmod(0o700)
    assert index.classes == ("a", "b")
    assert said(index, "unreadable-folders").startswith("A folder that may not be read is left out: private.")


def test_a_folder_that_may_not_be_read_is_named_whoever_tests(tmp_path, monkeypatch):
    root, scandir = tree(tmp_path, a=5, b=5, private=2), os.scandir

    def forbidding(folder: str):
        if str(folder).endswith("private"):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", forbidding)
    index = open_folder(root)
    assert index.classes == ("a", "b")
    assert "private" in said(index, "unreadable-folders")


# Classes that no folder tells ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("{name}.{n}.jpg", ("cat", "dog")),
        ("{name}_{n}.jpg", ("american bulldog", "wheaten_terrier")),
        ("{name}_{n}.png", ("n02085620", "n02085782")),
        ("{name}-!-{n}.png", ("Class 1", "Class 2")),
        ("{name} ({n}).jpg", ("rose", "tulip")),
        ("{name}{n:05}.webp", ("cat", "dog")),
        ("0{n}_{name}.jpg", ("frog", "truck")),
        ("{name}_{n}.jpg", ("b\N{LATIN SMALL LETTER U WITH DIAERESIS}ffel", "\N{CJK UNIFIED IDEOGRAPH-72AC}")),
    ],
)
@pytest.mark.parametrize("where", ["", "images/", "one/two/"])
def test_classes_in_the_names_of_files_are_offered_and_open_by_choice(tmp_path, pattern, names, where):
    root = tree(tmp_path, *(where + pattern.format(name=name, n=n) for name in names for n in range(10)))
    (reading,) = refused(root).readings
    assert reading.classes == dict.fromkeys(names, 10)
    assert reading.choice == FolderChoice(classes_from="name")
    assert reading.preview is not None
    assert all(len(paths) == 4 and all((root / path).is_file() for path in paths) for paths in reading.preview.values())
    index = open_folder(root, choice=reading.choice)
    assert index.classes == names
    assert index.counts().to_numpy().tolist() == [[8, 2], [8, 2]]
    assert "classes-by-name" in codes(index)


def test_classes_in_names_within_splits(tmp_path):
    files = [f"{split}/{name}_{n}.jpg" for split in ("train", "valid") for name in ("cat", "dog") for n in range(3)]
    root = tree(tmp_path, *files, "train/0001.jpg")
    (reading,) = refused(root).readings
    assert reading.splits == {"train": "train", "val": "valid"}
    index = open_folder(root, choice=reading.choice)
    assert counts(index) == {"train": {"cat": 3, "dog": 3}, "val": {"cat": 3, "dog": 3}}
    assert "1 picture" in said(index, "unnamed-pictures")


@pytest.mark.parametrize("names", [["1.jpg", "2.jpg"], ["IMG_1.jpg", "IMG_2.jpg"], [f"{n:x}ab.jpg" for n in range(9)]])
def test_names_that_tell_nothing_are_not_offered(tmp_path, names):
    with pytest.raises(DataError, match="holds no pictures in class folders") as caught:
        open_folder(tree(tmp_path, *names))
    assert not isinstance(caught.value, AmbiguousError)


def test_masks_beside_flat_pictures_are_no_part_of_the_offer(tmp_path):
    files = [f"images/{name}_{n}.jpg" for name in ("Abyssinian", "beagle") for n in range(5)]
    files += [f"annotations/trimaps/{name}_{n}.png" for name in ("Abyssinian", "beagle") for n in range(5)]
    (reading,) = refused(tree(tmp_path, *files)).readings
    assert reading.classes == {"Abyssinian": 5, "beagle": 5}


_ROWS = [(f"{n}.jpg", "ab"[n % 2]) for n in range(10)]
_MARKED = "".join(f"{file}, {int(label == 'a')}, {int(label == 'b')}\n" for file, label in _ROWS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", "file_name,label\n" + "".join(f"{file},{label}\n" for file, label in _ROWS)),
        ("metadata.jsonl", "".join(f'{{"file_name": "{file}", "label": "{label}"}}\n' for file, label in _ROWS)),
        ("labels.csv", "image;breed\n" + "".join(f"{file[:-4]};{label}\n" for file, label in _ROWS)),
        ("labels.tsv", "image\tclass\n" + "".join(f"{file}\t{label}\n" for file, label in _ROWS)),
        ("_classes.csv", "filename, a, b\n" + _MARKED),
        ("val_annotations.txt", "".join(f"{file}\t{label}\t0\t0\n" for file, label in _ROWS)),
    ],
)
@pytest.mark.parametrize("where", ["", "train/", "images/"])
def test_a_list_among_pictures_is_offered_and_opens_by_choice(tmp_path, name, text, where):
    root = tree(tmp_path, *(where + file for file, _ in _ROWS), where + "spare.jpg")
    (root / where / name).write_text(text)
    error = refused(root)
    (reading,) = error.readings
    assert reading.classes == {"a": 5, "b": 5}
    assert reading.lists == (where + name,)
    assert where + name in error.message
    index = open_folder(root, choice=FolderChoice(classes_from="list"))
    assert counts(index) == {"train": {"a": 4, "b": 4}, "val": {"a": 1, "b": 1}}
    rows = zip(index.files["path"], index.files["label"], strict=True)
    assert {path.rpartition("/")[2]: index.classes[label] for path, label in rows} == dict(_ROWS)
    assert "1 picture" in said(index, "unlisted-pictures")


def test_a_list_in_each_split(tmp_path):
    root = tree(tmp_path, *(f"{split}/{file}" for split in ("train", "valid", "test") for file, _ in _ROWS))
    for split in ("train", "valid", "test"):
        (root / split / "_classes.csv").write_text("filename, a, b\n" + _MARKED)
    index = open_folder(root, choice=refused(root).readings[0].choice)
    assert counts(index) == {split: {"a": 5, "b": 5} for split in ("train", "val", "test")}
    folders = index.files["path"].str.partition("/")[0].replace("valid", "val")
    assert folders.tolist() == index.files["split"].tolist()


def test_the_splits_of_a_list_count(tmp_path):
    root = tree(tmp_path, *(file for file, _ in _ROWS))
    words = ["training", "valid", "Test"]
    rows = "".join(f"{file},{label},{words[n % 3]}\n" for n, (file, label) in enumerate(_ROWS))
    (root / "all.csv").write_text("image,label,split\n" + rows)
    index = open_folder(root, choice=FolderChoice(classes_from="list"))
    assert {split: sum(each.values()) for split, each in counts(index).items()} == {"train": 4, "val": 3, "test": 3}


@pytest.mark.parametrize("lists", [(), ("one.csv", "two.csv")])
def test_no_list_and_two_lists_are_refused(tmp_path, lists):
    root = tree(tmp_path, *(file for file, _ in _ROWS))
    for name in lists:
        (root / name).write_text("path,label\n" + "".join(f"{file},{label}\n" for file, label in _ROWS))
    with pytest.raises(DataError, match="several lists: one.csv, two.csv" if lists else "no list of its pictures"):
        open_folder(root, choice=FolderChoice(classes_from="list"))


def test_validation_pictures_in_one_folder_get_their_classes_from_the_list_beside_them(tmp_path):
    root = tree(tmp_path, *(f"val/images/{n}.JPEG" for n in range(4)), train__n1__images=6, train__n2__images=6)
    rows = "".join(f"{n}.JPEG\tn{n % 2 + 1}\t0\t0\t62\t62\n" for n in range(4))
    (root / "val" / "val_annotations.txt").write_text(rows)
    index = open_folder(tree(root, "test/images/1.JPEG"))
    assert counts(index) == {"train": {"n1": 6, "n2": 6}, "val": {"n1": 2, "n2": 2}}
    assert "val/val_annotations.txt" in said(index, "classes-by-list")
    assert index.select("val").query("label == 1")["path"].tolist() == ["val/images/1.JPEG", "val/images/3.JPEG"]


# Choices ------------------------------------------------------------------------------------------------------


def test_a_flat_pool_takes_the_folder_of_each_picture_for_its_class(tmp_path):
    index = open_folder(tree(tmp_path, x__cats=5, y__cats=5, y__dogs=5), choice=FolderChoice(layout="flat"))
    assert counts(index) == {"train": {"cats": 8, "dogs": 4}, "val": {"cats": 2, "dogs": 1}}


def test_a_separate_test_folder(tmp_path):
    other = tree(tmp_path / "other", a=2, b=4)
    root = tree(tmp_path / "data", train__a=3, train__b=3, val__a=1, val__b=1)
    index = open_folder(root, choice=FolderChoice(test=str(other)))
    assert counts(index)["test"] == {"a": 2, "b": 4}
    assert all(index.path_of(path).is_relative_to(other) for path in index.select("test")["path"])
    with pytest.raises(DataError, match="There is no folder"):
        open_folder(root, choice=FolderChoice(test=str(tmp_path / "none")))


def test_a_choice_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match="one of auto, splits, classes, flat"):
        FolderChoice("folders")  # type: ignore[arg-type]


def test_a_reading_survives_being_written_down(tmp_path):
    for each in refused(tree(tmp_path, bus=6, car=6, train__steam=4)).readings:
        assert FolderReading.from_json(each.as_json()) == each
