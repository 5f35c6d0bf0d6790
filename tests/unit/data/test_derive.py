"""Some of the classes, classes put together, pictures left out: a new mapping, and no file is touched."""

from __future__ import annotations

import pytest

from alexcore.data.derive import exclude, group_in, merge_classes, names_in, select_classes
from alexcore.data.index import DataIndex
from alexcore.data.lists.manifest import open_manifest, write_manifest
from alexcore.errors import DataError
from tests.support.small_trees import counts, messages, open_folder, tree

CLASSES = ("aster", "daisy", "rose", "tulip")


@pytest.fixture
def index(tmp_path) -> DataIndex:
    sizes = {f"train__{name}": 3 + number for number, name in enumerate(CLASSES)}
    return open_folder(tree(tmp_path / "data", **sizes, **{f"val__{name}": 2 for name in CLASSES}))


def names(index: DataIndex) -> dict[str, str]:
    return {path: index.classes[label] for path, label in zip(index.files["path"], index.files["label"], strict=True)}


def same_when_saved(index: DataIndex) -> bool:
    again = open_manifest(write_manifest(index, index.root / "derived.csv"))
    return (again.classes, names(again)) == (index.classes, names(index)) and again.files.equals(index.files)


def test_some_classes(index):
    before = index.files.copy()
    chosen = select_classes(index, ["tulip", "daisy"])
    assert chosen.class_to_idx == {"daisy": 0, "tulip": 1}
    assert counts(chosen) == {"train": {"daisy": 4, "tulip": 6}, "val": {"daisy": 2, "tulip": 2}}
    assert names(chosen) == {path: name for path, name in names(index).items() if name in ("daisy", "tulip")}
    assert chosen.layout.endswith("; 2 of its classes")
    assert chosen.problems == ()
    assert index.files.equals(before)
    assert same_when_saved(chosen)
    assert names(select_classes(index, CLASSES)) == names(index)


def test_merged_classes(index):
    merged = merge_classes(index, {"white": ["daisy", "tulip"]})
    assert merged.class_to_idx == {"aster": 0, "rose": 1, "white": 2}
    assert counts(merged)["train"] == {"aster": 3, "rose": 5, "white": 10}
    assert {path for path, name in names(merged).items() if name == "white"} == {
        path for path, name in names(index).items() if name in ("daisy", "tulip")
    }
    assert merged.layout.endswith("; merged: white = daisy + tulip")
    assert same_when_saved(merged)
    two = merge_classes(index, {"rose": ["rose", "aster"], "z": ["tulip"]})
    assert two.classes == ("daisy", "rose", "z")
    assert same_when_saved(two)
    assert "only one class" in messages(merge_classes(index, {"all": CLASSES}), "error")


def test_a_chosen_order_stays(index, tmp_path):
    path = write_manifest(index, tmp_path / "list.json")
    path.write_text(path.read_text().replace('"aster",\n  "daisy",\n  "rose"', '"rose",\n  "daisy",\n  "aster"'))
    ordered = open_manifest(path)
    assert ordered.classes == ("rose", "daisy", "aster", "tulip")
    assert select_classes(ordered, ["aster", "rose"]).classes == ("rose", "aster")
    merged = merge_classes(ordered, {"white": ["tulip", "daisy"]})
    assert merged.classes == ("rose", "white", "aster")
    again = open_manifest(write_manifest(merged, tmp_path / "merged.csv"))
    assert (again.classes, names(again)) == (merged.classes, names(merged))


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ({"x": ["lily"]}, "There is no class lily."),
        ({"x": ["rose"], "y": ["rose"]}, "The class rose is in two groups."),
        ({"tulip": ["rose", "daisy"]}, "The group tulip has the name of a class that is not in it."),
        ({" ": ["rose"]}, "A group of classes has no name."),
        ({"x": []}, "The group 'x' has no classes."),
    ],
)
def test_groups_that_make_no_sense(index, groups, sentence):
    with pytest.raises(DataError) as caught:
        merge_classes(index, groups)
    assert caught.value.message == sentence
    assert caught.value.hint


@pytest.mark.parametrize(
    ("keep", "sentence"),
    [
        (["rose", "lily"], "There is no class lily."),
        (["rose"], "1 of 4 classes would be kept."),
        ([], "0 of 4 classes would be kept."),
    ],
)
def test_too_few_or_unknown_classes(index, keep, sentence):
    with pytest.raises(DataError) as caught:
        select_classes(index, keep)
    assert caught.value.message == sentence


def test_classes_are_named_in_a_text_whatever_they_are_called():
    """Symptom: a class called `a,b` could not be kept, nor one called `=1+1` merged."""
    classes = ["=1+1", "a,b", "cats", "dogs", " ", "ends ", "x+y", "x"]
    assert names_in("cats, dogs", classes, ",") == ["cats", "dogs"]
    assert names_in("a,b,cats, ,ends ", classes, ",") == ["a,b", "cats", " ", "ends "]
    assert names_in('["a,b", "x"]', classes, ",") == ["a,b", "x"]
    assert names_in("cats,lily", classes, ",") == ["cats", "lily"], "whoever opens them names the unknown one"
    assert group_in("pets=cats + dogs", classes) == ("pets", ["cats", "dogs"])
    assert group_in("sum==1+1+x+y", classes) == ("sum", ["=1+1", "x+y"])
    assert group_in('new=["x", " "]', classes) == ("new", ["x", " "])
    assert group_in("ends =ends +x", classes) == ("ends ", ["ends ", "x"])
    for text in ("pets", "=cats", "pets=", " = "):
        with pytest.raises(DataError, match="does not say what is merged into what"):
            group_in(text, classes[2:4])


def test_a_text_that_names_classes_in_two_ways_is_refused():
    with pytest.raises(DataError, match=r'can mean \["a,b"\] or \["a", "b"\]'):
        names_in("a,b", ["a", "b", "a,b"], ",")
    with pytest.raises(DataError, match="can mean 'n' of 'a=b' or 'n=a' of 'b'"):
        group_in("n=a=b", ["a=b", "b"])


def test_pictures_left_out(index):
    gone = ["train/rose/0.jpg", index.path_of("val/tulip/1.jpg")]
    rest = exclude(index, gone)
    assert set(names(index)) - set(names(rest)) == {"train/rose/0.jpg", "val/tulip/1.jpg"}
    assert rest.classes == index.classes
    assert rest.layout.endswith("; without 2 pictures")
    assert index.path_of("train/rose/0.jpg").is_file()
    assert same_when_saved(rest)
    assert names(exclude(index, [])) == names(index)


def test_a_class_that_loses_all_its_pictures_keeps_its_number(index):
    rest = exclude(index, [path for path in names(index) if "/daisy/" in path])
    assert rest.classes == CLASSES
    assert "train lacks the classes daisy; a network could never learn them." in messages(rest, "error")
    assert same_when_saved(rest)


def test_what_cannot_be_left_out(index):
    with pytest.raises(DataError, match=r"Not in the data set: train/rose/99\.jpg\."):
        exclude(index, ["train/rose/99.jpg", "train/rose/1.jpg"])
    with pytest.raises(DataError, match="All 26 pictures would be left out"):
        exclude(index, names(index))
