"""A JSON or CSV file that lists pictures becomes a DataIndex; whatever is wrong with it has one clear sentence."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alexcore.data.index import DataIndex
from alexcore.data.lists.manifest import open_manifest, write_manifest
from alexcore.data.sources import open_source, source_signature
from alexcore.data.split import split_file
from alexcore.errors import DataError
from tests.support.small_trees import counts, messages, open_folder, tree

NAMES = [f"{name}/{i}.jpg" for name in ("a", "b") for i in range(5)]
LABELS = ["rose"] * 5 + ["daisy"] * 5
SPLIT = ["train", "train", "train", "val", "test"] * 2


@pytest.fixture
def pictures(tmp_path) -> Path:
    return tree(tmp_path / "pictures", a=5, b=5)


def as_json(folder: Path, **columns) -> Path:
    """NAMES, LABELS and SPLIT, but for what is given; None leaves a column out."""
    columns = {"image_names": NAMES, "image_labels": LABELS, "split": SPLIT, **columns}
    path = folder / "list.json"
    path.write_text(json.dumps({key: value for key, value in columns.items() if value is not None}))
    return path


def as_csv(folder: Path, *lines: str) -> Path:
    path = folder / "list.csv"
    path.write_bytes("\n".join(lines).encode())
    return path


def rows(index: DataIndex) -> list[tuple[str, str, str]]:
    return [
        (path, split, index.classes[label])
        for path, split, label in index.files[["path", "split", "label"]].itertuples(index=False)
    ]


def refused(path: Path, **options) -> str:
    with pytest.raises(DataError) as caught:
        open_manifest(path, **options)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value.message.replace(str(path), "IT")


# What a file may say --------------------------------------------------------------------------------------------


def test_json_with_names_and_splits(pictures):
    index = open_manifest(as_json(pictures))
    assert index.class_to_idx == {"daisy": 0, "rose": 1}
    assert counts(index) == {
        "train": {"daisy": 3, "rose": 3},
        "val": {"daisy": 1, "rose": 1},
        "test": {"daisy": 1, "rose": 1},
    }
    assert index.problems == ()
    assert index.root == pictures
    assert all(index.path_of(path).is_file() for path in index.files["path"])
    assert set(index.files["bytes"]) == {10}
    assert index.layout == "listed in list.json"
    index.require_trainable()


def test_csv_with_names_and_splits(pictures):
    lines = [",".join(row) for row in zip(NAMES, LABELS, SPLIT, strict=True)]
    index = open_manifest(as_csv(pictures, "path,label,split", *lines))
    assert rows(index) == rows(open_manifest(as_json(pictures)))
    # As spreadsheets and people write it.
    for head, separator, end in [
        ("\ufeffPath;Label;Split", ";", "\r"),
        ("path, label, split", ", ", ""),
        ("path\tlabel\tsplit", "\t", "\r"),
    ]:
        text = [f"{separator.join(row)}{end}" for row in zip(NAMES, LABELS, SPLIT, strict=True)]
        assert rows(open_manifest(as_csv(pictures, head + end, "", *text, ""))) == rows(index)


def test_other_columns_are_passed_over_and_commas_quoted(tmp_path):
    tree(tmp_path, "a, b.jpg", "c.jpg")
    path = as_csv(tmp_path, "id,path,label,split,note", '1,"a, b.jpg",x,train,"two\nlines"', "2,c.jpg,y,val,")
    assert open_manifest(path).files["path"].tolist() == ["a, b.jpg"]
    assert "val has classes that train lacks: y" in messages(open_manifest(path), "error")


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_without_splits_it_is_split_within_each_class_and_stays_so(pictures, ending):
    def listed(names: list[str]) -> Path:
        labels = ["rose" if name[0] == "a" else "daisy" for name in names]
        if ending == "json":
            return as_json(pictures, image_names=names, image_labels=labels, split=None)
        return as_csv(pictures, "path,label", *(",".join(row) for row in zip(names, labels, strict=True)))

    index = open_manifest(listed(NAMES))
    assert counts(index) == {"train": {"daisy": 4, "rose": 4}, "val": {"daisy": 1, "rose": 1}}
    assert index.layout.endswith("split 4:1 into train and val within each class")
    before = {path: split for path, split, _ in rows(index)}
    new = [f"a/0new{i}.jpg" for i in range(20)]
    tree(pictures, *new)
    after = {path: split for path, split, _ in rows(open_manifest(listed([*new, *NAMES])))}
    assert {path: after[path] for path in before} == before
    assert split_file(pictures / f"list.{ending}").is_file()


def test_numbers_without_names_become_names_in_numeric_order(pictures):
    """Symptom: sorted as text, class 10 would be number 0 and class 9 number 1."""
    for path in (
        as_json(pictures, image_labels=[10] * 5 + [9] * 5),
        as_csv(pictures, "path,label,split", *(f"{name},{10 if name[0] == 'a' else 9},train" for name in NAMES)),
    ):
        index = open_manifest(path)
        assert index.class_to_idx == {"9": 0, "10": 1}
        assert "The labels 9 to 10 are not 0 to 1: 9 gets 0." in messages(index, "warning")
    assert open_manifest(as_json(pictures, image_labels=[0] * 5 + [1] * 5)).problems == ()
    assert open_manifest(as_json(pictures, image_labels=[-1] * 5 + [1.0] * 5)).classes == ("-1", "1")


def test_padded_numbers_stay_names(pictures):
    path = as_csv(pictures, "path,label,split", *(f"{name},{10 if name[0] == 'a' else '09'},train" for name in NAMES))
    assert open_manifest(path).classes == ("09", "10")
    assert "labels" not in messages(open_manifest(path), "warning")


def test_numbers_with_names(pictures):
    index = open_manifest(as_json(pictures, image_labels=[0] * 5 + [1] * 5, classes=["zinnia", "aster"]))
    assert index.class_to_idx == {"zinnia": 0, "aster": 1}, "the file has the last word"
    assert rows(index)[0] == ("a/0.jpg", "train", "zinnia")
    by_name = as_json(pictures, image_labels=["zinnia"] * 5 + ["aster"] * 5, classes=["zinnia", "aster", "none"])
    index = open_manifest(by_name)
    assert index.classes == ("zinnia", "aster", "none")
    assert "train lacks the classes none; a network could never learn them." in messages(index, "error")


def test_a_target_transform_changes_labels(pictures):
    index = open_manifest(as_json(pictures, image_labels=[1] * 5 + [2] * 5), target_transform=lambda label: label - 1)
    assert index.classes == ("0", "1")
    assert index.problems == ()
    upper = open_manifest(as_json(pictures), target_transform=str.upper)
    assert upper.classes == ("DAISY", "ROSE")
    numpy = open_manifest(as_json(pictures), target_transform=lambda label: np.int64(label == "rose"))
    assert numpy.classes == ("0", "1")
    path = write_manifest(upper, pictures / "upper.csv")
    assert rows(open_manifest(path)) == rows(upper)
    assert open_manifest(path, target_transform=str.lower).classes == ("daisy", "rose")


def test_words_for_splits(pictures):
    words = ["Training", " train", "train", "validation", "testing", "TRAIN", "train", "train", "valid", "test"]
    assert rows(open_manifest(as_json(pictures, split=words))) == rows(open_manifest(as_json(pictures)))


def test_absolute_and_windows_paths_and_steps_up(pictures, tmp_path):
    """Symptom: a list written on Windows names no picture that exists here."""
    names = [str(pictures / NAMES[0]), NAMES[1].replace("/", "\\"), f"./{NAMES[2]}", f"../pictures/{NAMES[3]}"]
    index = open_manifest(as_json(pictures, image_names=[*names, *NAMES[4:]]))
    assert all(index.path_of(path).is_file() for path in index.files["path"])
    assert index.files["path"].tolist().count(NAMES[0]) == 1
    other = tmp_path / "elsewhere"
    other.mkdir()
    assert len(open_manifest(as_json(other, image_names=[str(pictures / name) for name in NAMES])).files) == 10


# What is wrong with a file --------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read(tmp_path):
    assert refused(tmp_path / "none.json") == "There is no file IT."
    assert refused(tmp_path / "none.csv" / "below.csv") == "There is no file IT."
    (tmp_path / "folder.csv").mkdir()
    assert refused(tmp_path / "folder.csv") == "IT is no file."
    (tmp_path / "latin.csv").write_bytes("path,label\nGänse.jpg,a\n".encode("latin-1"))
    assert refused(tmp_path / "latin.csv") == "IT is not UTF-8 text (byte 12)."
    (tmp_path / "list.txt").write_text("path,label\n")
    assert refused(tmp_path / "list.txt") == "IT is no manifest."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "IT is no JSON: Expecting value at line 1, column 1."),
        ('{"image_names": [\n"a.jpg",]}', "IT is no JSON: "),
        ("[" * 100_000, "IT is no JSON: "),
        ("[1, 2]", "IT lacks image_names and image_labels."),
        ('{"image_names": []}', "IT lacks image_labels."),
        ('{"image_names": "a.jpg", "image_labels": ["a"]}', "image_names in IT is no list."),
        ('{"image_names": [], "image_labels": []}', "IT lists no pictures."),
        ('{"image_names": ["a.jpg", 7], "image_labels": ["a", "b"]}', "7 in image_names of IT is no path: entry 1 (c"),
        ('{"image_names": [""], "image_labels": ["a"]}', '"" in image_names of IT is no path: entry 0 (counted'),
    ],
)
def test_json_that_is_no_manifest(tmp_path, text, sentence):
    path = tmp_path / "list.json"
    path.write_text(text)
    assert refused(path).startswith(sentence)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"image_labels": LABELS[1:]}, "IT has 10 image_names but 9 image_labels."),
        ({"split": SPLIT[1:]}, "IT has 10 image_names but 9 split."),
        ({"split": [*SPLIT[:9], "tset"]}, 'IT has the split "tset" at entry 9 (counted from 0).'),
        ({"split": [*SPLIT[:9], None]}, "IT has the split null at entry 9 (counted from 0)."),
        ({"split": ["val"] * 10}, "IT has no training pictures."),
        ({"image_labels": [*LABELS[:9], ""]}, "IT has the label '' at entry 9 (counted from 0)."),
        ({"image_labels": [*LABELS[:9], None]}, "IT has the label None at entry 9 (counted from 0)."),
        ({"image_labels": [*LABELS[:9], True]}, "IT has the label True at entry 9 (counted from 0)."),
        ({"image_labels": [*LABELS[:9], 0.5]}, "IT has the label 0.5 at entry 9 (counted from 0)."),
        ({"image_labels": [*LABELS[:9], ["rose", "daisy"]]}, "IT has the label ['rose', 'daisy'] at entry 9 (c"),
        ({"image_labels": [*LABELS[:9], "\ud800"]}, "IT has the label '\\ud800' at entry 9 (counted from 0)."),
        ({"image_labels": [*LABELS[:9], 3]}, "IT mixes names and numbers: 'rose' at entry 0 (counted from 0), 3 at e"),
        ({"classes": ["rose", "rose"]}, "classes in IT names rose twice."),
        ({"classes": ["rose", 7]}, "classes in IT has 7."),
        ({"classes": []}, "classes in IT is empty."),
        ({"classes": {"rose": 0}}, "classes in IT is no list."),
        ({"classes": ["rose", "tulip"]}, "IT has at entry 5 (counted from 0) the label 'daisy', which is none of its"),
        (
            {"classes": ["rose", "tulip"], "image_labels": [0, 1, 2, *[0] * 7]},
            "IT has at entry 2 (counted from 0) the label 2, but 2 classes: the numbers are 0 to 1.",
        ),
        (  # Python would count from the end
            {"classes": ["rose", "tulip"], "image_labels": [0, 1, -1, *[0] * 7]},
            "IT has at entry 2 (counted from 0) the label -1, but 2 classes: the numbers are 0 to 1.",
        ),
    ],
)
def test_columns_that_do_not_fit(pictures, changes, sentence):
    assert refused(as_json(pictures, **changes)).startswith(sentence)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([""], "IT has no columns path and label; its first line has nothing."),
        (["place,kind", "a/0.jpg,x"], "IT has no columns path and label; its first line has place, kind."),
        (["path,label"], "IT lists no pictures."),
        (["path,label", "a/0.jpg,x", "", "a/1.jpg"], "line 4 of IT has 1 columns; the first line has 2."),
        (["path,label", "a/0.jpg,x,y"], "line 2 of IT has 3 columns; the first line has 2."),
        (["path,label", ",x"], "line 2 of IT has no path."),
        (["path,label", "a/0.jpg,"], "IT has the label '' at line 2."),
        (["path,label", '"a/0.jpg,x'], "IT is no CSV: unexpected end of data in line 2."),
        (["path,label,split", "a/0.jpg,x,"], 'IT has the split "" at line 2.'),
        (["path,label,index", "a/0.jpg,x,one"], "line 2 of IT has the index 'one'."),
        (["path,label,index", "a/0.jpg,x,0", "a/1.jpg,y,0"], "line 3 of IT gives y the index 0; before it stands x 0."),
        (
            ["path,label,index", "a/0.jpg,x,0", "a/1.jpg,x,1", "a/2.jpg,y,1"],
            "line 3 of IT gives x the index 1; before it stands x 0.",
        ),
        (["path,label,index", "a/0.jpg,x,0", "a/1.jpg,y,2"], "The column index in IT lacks the number 1."),
    ],
)
def test_csv_that_is_no_manifest(pictures, lines, sentence):
    assert refused(as_csv(pictures, *lines)) == sentence


def test_a_target_transform_that_fails(pictures):
    def names(label):
        return {"rose": 0}[label]

    assert refused(as_json(pictures), target_transform=names) == (
        "target_transform fails for the label 'daisy': KeyError: 'daisy'."
    )
    assert refused(as_json(pictures), target_transform=lambda _: None).startswith("IT has the label None at entry 0")


# What is wrong with the pictures --------------------------------------------------------------------------------


def test_pictures_that_do_not_exist(pictures):
    (pictures / "b" / "0.jpg").unlink()
    (pictures / "b" / "1.jpg").unlink()
    (pictures / "b" / "1.jpg").mkdir()
    index = open_manifest(as_json(pictures))
    assert "2 of 10 pictures do not exist and are left out: b/0.jpg, b/1.jpg." in messages(index, "warning")
    assert index.problems[0].hint == f"Paths in a manifest are relative to its own folder, {pictures}."
    assert len(index.files) == 8
    index.require_trainable()
    shutil.rmtree(pictures / "a")
    shutil.rmtree(pictures / "b")
    assert refused(as_json(pictures)) == "None of the 10 pictures in IT exists; the first is a/0.jpg."


def test_a_class_whose_pictures_are_missing_keeps_its_number(pictures):
    """Symptom: a disk was not mounted, and every class after the missing one had the number of its neighbour."""
    shutil.rmtree(pictures / "b")
    index = open_manifest(as_json(pictures))
    assert index.class_to_idx == {"daisy": 0, "rose": 1}
    assert "only one class with training pictures (rose)" in messages(index, "error")


def test_the_same_picture_twice(pictures):
    index = open_manifest(
        as_json(
            pictures,
            image_names=[*NAMES[:9], "b/../b/5.jpg", NAMES[0]],
            image_labels=[*LABELS, "rose"],
            split=[*SPLIT, "train"],
        )
    )
    assert "1 of 11 rows is listed more than once with the same label and counts once: a/0.jpg." in messages(
        index, "warning"
    )
    assert messages(index, "error") == ""
    assert index.files["path"].tolist().count("a/0.jpg") == 1


def test_the_same_picture_under_two_labels(pictures):
    path = as_json(pictures, image_names=[*NAMES[:9], "b/../a/0.jpg"])
    index = open_manifest(path)
    assert messages(index, "error") == "1 of 10 rows is listed under two labels: b/../a/0.jpg (rose and daisy)."
    with pytest.raises(DataError, match="under two labels"):
        index.require_trainable()


def test_the_same_picture_in_two_splits(pictures):
    """Symptom: a validation accuracy that is too good to be true."""
    if os.name != "nt":
        (pictures / "link").symlink_to(pictures / "a")
    again = "link/0.jpg" if os.name != "nt" else "a/0.jpg"
    path = as_json(pictures, image_names=[*NAMES, again], image_labels=[*LABELS, "rose"], split=[*SPLIT, "val"])
    assert f"1 of 11 rows is listed in two splits: {again} (train and val)." in messages(open_manifest(path), "error")
    with pytest.raises(DataError, match="listed in two splits"):
        open_source(path).require_trainable()


def test_names_that_are_no_text(pictures):
    index = open_manifest(as_json(pictures, image_names=[*NAMES[:8], "b/\ud800.jpg", "b/\0.jpg"]))
    assert "not UTF-8 are left out: 'b/\\ud800.jpg', 'b/\\x00.jpg'" in messages(index, "warning")
    assert index.fingerprint()


# What may be opened ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../secret/1.jpg",
        "{secret}/1.jpg",
        "door/1.jpg",
        "a/link.jpg",
        "a/../../secret/1.jpg",
        "door/none.jpg",
        "..\\secret\\1.jpg",
    ],
)
def test_no_manifest_leads_out_of_the_roots(pictures, tmp_path, name):
    """Symptom: a visitor puts a list into an allowed folder and sees any picture of the server through it."""
    secret = tree(tmp_path / "secret", "1.jpg")
    (pictures / "door").symlink_to(secret)
    (pictures / "a" / "link.jpg").symlink_to(secret / "1.jpg")
    name = name.format(secret=secret)
    path = as_json(pictures, image_names=[*NAMES[:9], name])
    shown = name.replace("\\", "/")
    assert refused(path, roots=[pictures]) == (
        f"IT names the picture {shown}, which lies outside the folders that may be opened."
    )
    with pytest.raises(DataError, match="outside the folders that may be opened"):
        open_source(path, roots=[pictures])
    # Whether it exists is not told either.
    missing = as_json(pictures, image_names=[*NAMES[:9], "../secret/none.jpg"])
    assert refused(missing, roots=[pictures]).endswith("which lies outside the folders that may be opened.")
    # Whoever types a command may read what its user may.
    assert open_source(as_json(pictures, image_names=[*NAMES[:9], name]))
    assert len(open_manifest(path, roots=[pictures, Path("/etc"), secret]).files) >= 9


def test_sources_know_manifests(pictures):
    path = as_json(pictures)
    assert rows(open_source(str(path))) == rows(open_manifest(path))
    for data, val in ((path, pictures), (pictures, path)):
        with pytest.raises(DataError, match=r"list\.json is a manifest, which has its own validation split"):
            open_source(data, val)
    before = source_signature(path)
    assert source_signature(path) == before
    os.utime(path, (1, 1))
    assert source_signature(path) != before
    assert source_signature(pictures)
    folder = tree(pictures.parent / "folder.csv", a=5, b=5)
    assert len(open_source(folder).files) == 10
    with pytest.raises(DataError, match="cannot be read"):
        source_signature(pictures / "none.csv")


# Saving ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "json"])
@pytest.mark.parametrize("place", ["beside", "above", "elsewhere"])
def test_a_saved_data_set_opens_to_the_same(stripes, tmp_path, ending, place):
    root = shutil.copytree(stripes, tmp_path / "above" / "stripes")
    index = open_folder(root)
    folder = {"beside": root, "above": root.parent, "elsewhere": tmp_path / "new" / "folder"}[place]
    path = write_manifest(index, folder / f"all.{ending}")
    again = open_manifest(path)
    assert again.classes == index.classes
    columns = ["split", "label", "bytes", "mtime_ns"]
    assert again.files[columns].equals(index.files[columns])
    assert [Path(os.path.normpath(again.path_of(each))) for each in again.files["path"]] == [
        index.path_of(each) for each in index.files["path"]
    ]
    assert again.problems == ()
    first = {
        "beside": "train/fine/fine_000.jpg",
        "above": "stripes/train/fine/fine_000.jpg",
        "elsewhere": "../../above/stripes/train/fine/fine_000.jpg",
    }[place]
    assert again.files["path"][0] == first
    if place == "beside":
        assert again.fingerprint() == index.fingerprint()


@pytest.mark.parametrize("ending", ["csv", "json"])
@pytest.mark.parametrize(
    "names",
    [
        ("1", "10", "2"),
        ("01", "02"),
        ("-1", "1"),
        ("NA", "null"),
        (" a", "b "),
        ('x,"y"', "z;\n"),
        ("a\r", "b"),
        ("Gänse", "薔薇"),
        ("path", "label"),
    ],
)
def test_odd_names_survive(tmp_path, ending, names):
    files = [f"p/{number}.jpg" for number in range(2 * len(names))]
    tree(tmp_path, *files, "p/ a,\n.jpg")
    source = tmp_path / "source.json"
    labels = [name for name in names for _ in range(2)]
    listed = {
        "image_names": [*files, "p/ a,\n.jpg"],
        "image_labels": [*labels, names[0]],
        "split": [*["train", "val"] * len(names), "train"],
        "verbatim": True,
    }
    source.write_text(json.dumps(listed))
    index = open_manifest(source)
    again = open_manifest(write_manifest(index, tmp_path / f"saved.{ending}"))
    assert again.classes == index.classes == tuple(sorted(names))
    assert rows(again) == rows(index)


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_a_chosen_order_and_a_class_without_pictures_survive(pictures, ending):
    index = open_manifest(as_json(pictures, classes=["rose", "none", "daisy"]))
    again = open_manifest(write_manifest(index, pictures / f"saved.{ending}"))
    assert again.classes == ("rose", "none", "daisy")
    assert rows(again) == rows(index)
    assert [each.message.replace("saved.", "list.") for each in again.problems] == [
        each.message.replace("list.json", f"list.{ending}") for each in index.problems
    ]


def test_saved_csv_is_plain(pictures):
    path = write_manifest(open_manifest(as_json(pictures)), pictures / "saved.csv")
    assert path.read_text().splitlines()[:2] == ["path,label,split", "b/0.jpg,daisy,train"]


def test_what_cannot_be_saved(pictures):
    index = open_manifest(as_json(pictures))
    (pictures / "file").touch()
    for path, sentence in ((pictures / "x.txt", "is no name for a manifest"), (pictures / "file" / "x.csv", "cannot")):
        with pytest.raises(DataError, match=sentence):
            write_manifest(index, path)
    with pytest.raises(DataError, match="Pictures inside shards cannot be listed"):
        write_manifest(replace(index, files=index.files.assign(offset=512)), pictures / "x.csv")
