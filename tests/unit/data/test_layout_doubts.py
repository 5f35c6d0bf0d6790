"""Folders that seem plain and are not: drawings beside pictures, downloads, folds, links, odd lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from alexcore.data.index import DataIndex
from alexcore.data.reading import AmbiguousError, FolderChoice, FolderReading
from alexcore.errors import DataError
from tests.support.small_trees import counts, messages, open_folder, tree

PAIRS = ("a", "b")


def files(*patterns: str, names: tuple[str, ...] = PAIRS, count: int = 5) -> list[str]:
    return [each.format(name=name, n=n) for each in patterns for name in names for n in range(count)]


def refused(root: Path) -> AmbiguousError:
    with pytest.raises(AmbiguousError) as caught:
        open_folder(root)
    assert caught.value.hint
    return caught.value


def images(index: DataIndex) -> dict[str, int]:
    return {name: sum(each[name] for each in counts(index).values()) for name in index.classes}


# Drawings beside their pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture", "drawing", "said"),
    [
        ("{name}/{n}.jpg", "{name}/{n}_mask.png", "*_mask.png"),
        ("{name}/{name} ({n}).png", "{name}/{name} ({n})_mask_1.png", "*_mask.png"),
        ("{name}/{n}.png", "{name}/{n}-GT.PNG", "*-gt.png"),
        ("{name}/im {n}.jpg", "{name}/im {n}_Label.png", "*_label.png"),
        ("{name}/{n}.jpg", "{name}/mask_{n}.png", "mask_*.png"),
        ("{name}/sub/{n}.tif", "{name}/sub/{n}_segmentation.tif", "*_segmentation.tif"),
    ],
)
def test_drawings_that_lie_beside_their_pictures_are_left_out(tmp_path, picture, drawing, said):
    root = tree(tmp_path, *files(picture, drawing))
    index = open_folder(root)
    assert images(index) == {"a": 5, "b": 5}
    assert f"left out: {said} (10 pictures)" in messages(index, "info")
    assert images(open_folder(root, choice=FolderChoice(pairs="both"))) == {"a": 10, "b": 10}


def test_drawings_in_splits_and_among_pictures_that_are_named_for_their_class(tmp_path):
    splits = tree(tmp_path / "one", *files("train/{name}/{n}.png", "train/{name}/{n}_gt.png", "val/{name}/{n}.png"))
    assert counts(open_folder(splits))["train"] == {"a": 5, "b": 5}
    (reading,) = refused(tree(tmp_path / "two", *files("cat{name}.{n}.jpg", "cat{name}.{n}_mask.png"))).readings
    assert reading.classes == {"cata": 5, "catb": 5}


@pytest.mark.parametrize("name", ["{n}_mask.png", "mask_{n}.png", "with_mask_{n}.jpg", "label {n}.jpg"])
def test_what_is_called_like_a_drawing_and_has_no_picture_beside_it_stays(tmp_path, name):
    index = open_folder(tree(tmp_path, *files("{name}/" + name)))
    assert images(index) == {"a": 5, "b": 5}


def test_two_files_of_one_name_are_asked_about(tmp_path):
    root = tree(tmp_path, *files("{name}/{n}.jpg", "{name}/{n}.png"), "a/more.png")
    both, first = refused(root).readings
    assert (both.choice.flags, first.choice.flags) == ("--pairs both", "--pairs first")
    assert (both.classes, first.classes) == ({"a": 11, "b": 10}, {"a": 6, "b": 5})
    index = open_folder(root, choice=first.choice)
    assert images(index) == first.classes
    assert set(index.files["path"].str[-4:]) == {".jpg", ".png"}, "more.png is alone"
    assert "10 pictures with the name of another one" in messages(index, "info")
    assert FolderReading.from_json(index.reading.as_json()) == index.reading  # type: ignore[union-attr]
    assert images(open_folder(root, choice=both.choice)) == both.classes


def test_a_few_files_of_one_name_are_not_asked_about(tmp_path):
    assert images(open_folder(tree(tmp_path, *files("{name}/{n}.jpg"), "a/1.png", "b/1.png"))) == {"a": 6, "b": 6}


def test_what_else_is_unclear_is_asked_before_the_pairs(tmp_path):
    root = tree(tmp_path, *files("images/{name}_{n}.jpg", "images/{name}_{n}.png"))
    (named,) = refused(root).readings
    assert named.choice.flags == "--classes-from name"
    with pytest.raises(AmbiguousError) as caught:
        open_folder(root, choice=named.choice)
    assert [each.choice.flags for each in caught.value.readings] == [
        "--classes-from name --pairs both",
        "--classes-from name --pairs first",
    ]


# Famous downloads, as they are unpacked -----------------------------------------------------------------------


def famous(name: str, root: Path) -> Path:
    birds = files("{name}/{name}_{n:04}_{n}.jpg", names=("001.Albatross", "002.Auklet"))
    return tree(
        root,
        *{
            "flowers102": ["imagelabels.mat", "setid.mat", *files("jpg/image_{n:05}.jpg", names=("",), count=9)],
            "flowers102 and segments": [
                "imagelabels.mat",
                *files("jpg/image_{n:05}.jpg", "segmim/segmim_{n:05}.jpg", names=("",), count=9),
            ],
            "pets": files(
                "images/{name}_{n}.jpg", "annotations/trimaps/{name}_{n}.png", "annotations/xmls/{name}_{n}.xml"
            ),
            "caltech101": [
                "Annotations/Faces/annotation_0001.mat",
                *files("101_ObjectCategories/{name}/image_{n:04}.jpg", names=("BACKGROUND_Google", "Faces", "ant")),
            ],
            "birds": [
                *(f"CUB_200_2011/images/{each}" for each in birds),
                *("CUB_200_2011/train_test_split.txt", "CUB_200_2011/classes.txt", "CUB_200_2011/parts/parts.txt"),
            ],
            "birds and segments": [
                *(f"CUB_200_2011/images/{each}" for each in birds),
                *(f"segmentations/{each.replace('.jpg', '.png')}" for each in birds),
            ],
            "imagenette": [
                "imagenette2/noisy_imagenette.csv",
                *files("imagenette2/train/n0{name}/{n}.JPEG", "imagenette2/val/n0{name}/{n}.JPEG"),
            ],
            "dogs": [
                "lists/train_list.mat",
                *files("Images/n02-{name}/n02_{n}.jpg", "Annotation/n02-{name}/n02_{n}"),
            ],
            "food": ["meta/train.txt", "meta/test.json", *files("images/{name}/{n}.jpg")],
            "voc": files("JPEGImages/{n:06}.jpg", "SegmentationClass/{n:06}.png", "Annotations/{n:06}.xml"),
        }[name],
    )


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("birds", {"001.Albatross": 5, "002.Auklet": 5}),
        ("birds and segments", {"001.Albatross": 5, "002.Auklet": 5}),
        ("caltech101", {"BACKGROUND_Google": 5, "Faces": 5, "ant": 5}),
        ("dogs", {"n02-a": 5, "n02-b": 5}),
        ("food", {"a": 5, "b": 5}),
        ("imagenette", {"n0a": 10, "n0b": 10}),
    ],
)
def test_famous_downloads_are_read_as_they_are_unpacked(tmp_path, name, read):
    index = open_folder(famous(name, tmp_path))
    assert images(index) == read
    index.require_trainable()
    told = messages(index, "info")
    assert ("BACKGROUND_Google is read as a class" in told) == (name == "caltech101")
    unread = {"birds": "CUB_200_2011/train_test_split.txt", "dogs": "lists/train_list.mat", "food": "meta/test.json"}
    assert ("to name splits" in told) == (name in unread)
    assert unread.get(name, "") in told


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("flowers102", "imagelabels.mat is a file of MATLAB"),
        ("flowers102 and segments", "data export-torchvision flowers102"),
        ("pets", r"2 classes \(a 5, b 5\) by the names of the files"),
        ("voc", "no pictures in class folders"),
    ],
)
def test_famous_downloads_that_tell_no_classes_are_refused(tmp_path, name, said):
    with pytest.raises(DataError, match=said) as caught:
        open_folder(famous(name, tmp_path))
    assert caught.value.hint


# Folders that are no classes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["fold{n}", "fold_{n}", "{n}. set", "Camera {n}"])
def test_folders_that_differ_in_a_number_and_hold_the_same_classes(tmp_path, where):
    flat, classes = refused(tree(tmp_path, *files(where + "/{name}/{n}.jpg", count=3))).readings
    assert flat.classes == {"a": 3, "b": 3}
    assert len(classes.classes) == 3


def test_folds_with_splits_are_data_sets_of_their_own(tmp_path):
    root = tree(tmp_path, *files("fold{n}/train/{name}/x{n}.jpg", "fold{n}/val/{name}/y{n}.jpg"))
    error = refused(root)
    assert str(root / "fold0") in error.hint
    assert "--layout classes" in error.hint
    assert [len(each.classes) for each in error.readings] == [5]


def test_splits_in_one_class_only(tmp_path):
    error = refused(tree(tmp_path, cats__train=4, cats__test=2, dogs=6))
    assert "cats/ is the data set, because it has splits, and dogs/ has none" in error.message
    assert images(open_folder(tmp_path, choice=error.readings[0].choice)) == {"cats": 6, "dogs": 6}


@pytest.mark.parametrize("beside", [("extra",), ("test",), ("x", "y")])
def test_a_folder_called_images_with_others_beside_it(tmp_path, beside):
    error = refused(tree(tmp_path, **{"images__a": 4, "images__b": 4, **dict.fromkeys(beside, 3)}))
    assert str(tmp_path / "images") in error.hint
    assert error.readings[0].classes == {"images": 8, **dict.fromkeys(beside, 3)}


@pytest.mark.parametrize("names", [("train1", "train2", "test1"), ("train", "train2", "val")])
def test_two_numbered_folders_for_train_are_refused(tmp_path, names):
    with pytest.raises(DataError, match="two folders that mean train"):
        open_folder(tree(tmp_path, **{f"{name}__{each}": 2 for name in names for each in PAIRS}))


def test_words_for_splits_in_other_languages(tmp_path):
    index = open_folder(tree(tmp_path, Trainingsdaten__a=5, Trainingsdaten__b=5, Testdaten__a=2, Testdaten__b=2))
    assert index.reading is not None
    assert index.reading.splits == {"train": "Trainingsdaten", "test": "Testdaten"}


def test_folders_within_classes_are_said_and_can_be_the_classes(tmp_path):
    index = open_folder(tree(tmp_path, animals__cat=3, animals__dog=3, plants__rose=4))
    assert images(index) == {"animals": 6, "plants": 4}
    assert "count as that class: animals." in messages(index, "info")
    assert index.reading is not None
    (flat,) = index.reading.alternatives
    assert images(open_folder(tmp_path, choice=flat.choice)) == {"cat": 3, "dog": 3, "rose": 4}


def test_two_names_of_one_class_folder_forbid_a_run(tmp_path):
    root = tree(tmp_path / "set", cats=3, dogs=3)
    (root / "kitten").symlink_to(root / "cats")
    index = open_folder(root)
    with pytest.raises(DataError, match="one and the same folder, by a link: 'cats' and 'kitten'"):
        index.require_trainable()
    (root / "kitten").unlink()
    (root / "kitten").symlink_to(tree(tmp_path / "other", "1.jpg", "2.jpg"))
    open_folder(root).require_trainable()


# Lists that are none ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1.jpg,cat\n", "labels.csv has no columns path and label"),
        ("path,label\nzz.jpg,cat\nyy.jpg,dog\n", "labels.csv names none of these pictures; its first is zz.jpg"),
        ("path,label\n1.jpg,cat\n2.jpg,cat\n", "labels.csv has one class only, cat"),
        ("path,label\n1.jpg,\n2.jpg,dog\n", "labels.csv has no label for 1.jpg"),
    ],
)
def test_what_a_list_lacks_is_said(tmp_path, text, why):
    root = tree(tmp_path, "1.jpg", "2.jpg", "3.jpg")
    (root / "labels.csv").write_text(text)
    for choice in (FolderChoice(), FolderChoice(classes_from="list")):
        with pytest.raises(DataError, match=why) as caught:
            open_folder(root, choice=choice)
        assert not isinstance(caught.value, AmbiguousError)


def test_what_a_list_lacks_stands_in_a_reading_by_names(tmp_path):
    root = tree(tmp_path, *files("{name}_{n}.jpg"))
    (root / "notes.csv").write_text("who,when\nme,today\n")
    (reading,) = refused(root).readings
    assert reading.lacking[0][0] == "notes.csv"
    assert FolderReading.from_json(reading.as_json()) == reading


def test_a_list_says_which_names_are_spelled_otherwise(tmp_path):
    one, other = "bl\N{LATIN SMALL LETTER U WITH DIAERESIS}te.jpg", "blu\N{COMBINING DIAERESIS}te.jpg"
    root = tree(tmp_path, one, "cat.jpg", "dog.jpg", "4.jpg")
    (root / "labels.csv").write_text(f"path,label\n{other},a\nCAT.JPG,a\ndog.jpg,b\n4,b\n")
    index = open_folder(root, choice=FolderChoice(classes_from="list"))
    told = messages(index, "info")
    assert "1 file is found under the listed name in another Unicode form" in told
    assert "1 file is found under a name that differs in case: CAT.JPG is cat.jpg." in told
    assert images(index) == {"a": 2, "b": 2}


def test_the_lists_of_splits_beside_their_folders(tmp_path):
    root = tree(tmp_path, *(f"{split}/{n}.jpg" for split in ("train", "test") for n in range(6)))
    (root / "train.csv").write_text("image,label\n" + "".join(f"{n}.jpg,{'ab'[n % 2]}\n" for n in range(6)))
    (root / "test.csv").write_text("image\n" + "".join(f"{n}.jpg\n" for n in range(6)))
    (reading,) = refused(root).readings
    index = open_folder(root, choice=reading.choice)
    assert index.files["path"].str.startswith("train/").all(), "test has the same names"
    assert images(index) == {"a": 3, "b": 3}


def test_validation_pictures_get_their_classes_from_a_list_beside_the_splits(tmp_path):
    root = tree(tmp_path, *(f"val/v{n}.jpg" for n in range(4)), train__a=3, train__b=3)
    (root / "val_labels.csv").write_text("path,label\n" + "".join(f"v{n}.jpg,{'ab'[n % 2]}\n" for n in range(4)))
    assert counts(open_folder(root))["val"] == {"a": 2, "b": 2}


def test_a_list_beside_a_single_folder_of_pictures_is_offered(tmp_path):
    root = tree(tmp_path, *(f"Training_Input/I{n}.jpg" for n in range(6)))
    (tmp_path / "GroundTruth").mkdir()
    rows = "".join(f"I{n},{float(n % 2)},{float(1 - n % 2)}\n" for n in range(6))
    (root / "GroundTruth" / "truth.csv").write_text(f"image,MEL,NV\n{rows}")
    (reading,) = refused(root).readings
    assert reading.classes == {"MEL": 3, "NV": 3}


@pytest.mark.parametrize("name", ["val", "test", "more"])
def test_a_folder_in_a_split_that_has_its_classes_once_more_is_refused(tmp_path, name):
    root = tree(tmp_path, train__a=3, train__b=3, **{f"train__{name}__{each}": 2 for each in PAIRS})
    for path in (root / "train" / name).rglob("*.jpg"):
        path.write_bytes(b"other")
    with pytest.raises(DataError, match=f"train holds {name}/, which has its classes once more"):
        open_folder(root)
    assert images(open_folder(root, choice=FolderChoice(layout="splits"))) == {"a": 3, "b": 3, name: 4}
