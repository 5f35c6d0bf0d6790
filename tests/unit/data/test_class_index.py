"""class_to_idx as a contract: each trap has its sentence, and a different mapping is shown line by line."""

from __future__ import annotations

import json

import pytest
from torchvision.datasets import ImageFolder

from alexcore.data.class_index import (
    class_indices_json,
    class_problems,
    class_to_idx_python,
    mapping_difference,
    numbering_problems,
    require_same_mapping,
)
from alexcore.errors import CheckpointError
from alexcore.files import write_json
from tests.support.small_trees import messages, open_folder, tree


def told(classes, **found) -> str:
    """What is said about classes that all splits have, but for those in `found`."""
    everywhere = {"train": classes, "val": classes, **found}
    return " | ".join(f"{each.severity}: {each.message}" for each in class_problems("D", classes, everywhere))


def hints(classes) -> str:
    return " | ".join(problem.hint for problem in class_problems("D", classes, {"train": classes, "val": classes}))


# Splits ---------------------------------------------------------------------------------------------------------


def test_nothing_is_said_of_a_good_mapping():
    assert told(("daisy", "roses", "tulips")) == ""
    assert told(("class 01", "class 02", "class 10")) == ""
    assert told(("a", "b"), test=("a", "b")) == ""


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({"val": ("a", "c")}, "warning: val lacks the classes b; their accuracy cannot be measured."),
        ({"test": ("c",)}, "warning: test lacks the classes a, b; their accuracy cannot be measured."),
        ({"train": ("a", "c")}, "error: train lacks the classes b; a network could never learn them."),
        ({"train": ("a",)}, "error: D has only one class with training pictures (a); classification needs two."),
        ({"train": ()}, "error: D has no training pictures; classification needs two classes."),
        ({"val": ()}, "error: D has no validation pictures."),
        ({"val": ("z",)}, "error: D has no validation pictures."),
        (
            {"test": ("a", "b", "c", "y", "z")},
            "error: test has classes that train lacks: y, z; no network could ever answer them.",
        ),
    ],
)
def test_a_class_missing_somewhere(found, sentence):
    assert sentence in told(("a", "b", "c"), **found).split(" | ")


def test_a_long_list_is_cut():
    many = tuple("abcdefgh")
    assert "val lacks the classes b, c, d, e and 3 more;" in told(many, val=("a",))


# Names ----------------------------------------------------------------------------------------------------------


def test_numbers_sort_as_text(tmp_path):
    """Symptom: the network says 2 where the answer is 10, because "10" was numbered before "2"."""
    classes = ("1", "10", "11", "2", "3")
    assert told(classes) == (
        "warning: Class names are sorted as text, not by the numbers in them: 10 gets 1, 11 gets 2, 2 gets 3, 3 gets 4."
    )
    assert hints(classes) == ("Pad the numbers with zeros if their order matters: write 1 as 01, 2 as 02, 3 as 03.")
    assert "class10 gets 1, class9 gets 2." in told(("class1", "class10", "class9"))
    assert told(("1", "2", "10")) == "", "this order was chosen by somebody"
    root = tree(tmp_path, **{f"{split}__{name}": 1 for split in ("train", "val") for name in ("2", "10")})
    assert "sorted as text" in messages(open_folder(root), "warning")


def test_capitals_come_first():
    assert told(("Tulips", "Zinnias", "asters")) == (
        "warning: Capital letters are sorted before small ones: Zinnias comes before asters."
    )
    assert told(("Aster", "zinnia")) == "", "nobody would expect another order"


@pytest.mark.parametrize(
    ("one", "two"), [("Rose", "rose"), ("rose", "rose "), ("tea rose", "tearose"), ("Gänse", "Ga\u0308nse")]
)
def test_names_that_look_alike(one, two):
    first, second = sorted((one, two))
    sentence = "Class names that differ only in case, blanks, Unicode form or a copy's mark count as different: "
    assert f"{sentence}{first!r} and {second!r}." in told((first, second, "tulip"))
    # Also where only one of them is a class: the other may be a slip of the pen in val/.
    assert f"{sentence}{first!r} and {second!r}." in told((one, "tulip"), val=(two, "tulip"))


# What ImageFolder alone would do --------------------------------------------------------------------------------


def test_val_that_image_folder_would_number_differently(tmp_path, stripes):
    """Symptom: a script that opens val/ by itself reports an accuracy of nearly 0."""
    both = {"train__a": 1, "train__b": 1, "train__c": 1, "val__b": 1, "val__c": 1}
    root = tree(tmp_path / "data", **both, test__a=1, test__b=1)
    assert ImageFolder(root / "val").class_to_idx == {"b": 0, "c": 1}
    told = messages(open_folder(root), "warning")
    assert "ImageFolder alone would number val differently: b 0, c 1; by train it is b 1, c 2." in told
    assert "number test differently" not in told, "it lacks only the last class"
    assert "ImageFolder" not in messages(open_folder(stripes), "warning")


def test_a_hidden_folder_that_image_folder_would_number(tmp_path):
    """Symptom: a notebook has left .ipynb_checkpoints with pictures in train/, and all numbers have moved by one."""
    root = tree(tmp_path, "train/.checkpoints/1.jpg", train__a=1, train__b=1, val__a=1, val__b=1)
    assert ImageFolder(root / "train").class_to_idx == {".checkpoints": 0, "a": 1, "b": 2}
    index = open_folder(root)
    assert index.class_to_idx == {"a": 0, "b": 1}
    assert "ImageFolder alone would number train differently: a 1, b 2; by train it is a 0, b 1." in messages(
        index, "warning"
    )


def test_class_folders_alone_have_no_splits_to_number(tmp_path):
    assert "ImageFolder" not in messages(open_folder(tree(tmp_path, ".git/1.jpg", a=5, b=5)), "warning")
    assert numbering_problems(("a", "b"), {"val": ["a", "b", "c"]}) == [], "an extra last one moves nobody"


# Copies of the mapping ------------------------------------------------------------------------------------------


def test_the_json_is_the_one_of_a_run(stripes, tmp_path):
    index = open_folder(stripes)
    write_json(tmp_path / "class_indices.json", index.class_indices)
    text = class_indices_json(index)
    assert text == (tmp_path / "class_indices.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"0": "fine", "1": "level", "2": "wide"}


@pytest.mark.parametrize("names", [("a", "b"), ("it's", 'a "b"'), tuple(f"Gänseblümchen {i:02}" for i in range(12))])
def test_the_python_is_python(tmp_path, names):
    index = open_folder(tree(tmp_path, *(f"{split}/{name}/1.jpg" for split in ("train", "val") for name in names)))
    text = class_to_idx_python(index)
    found: dict[str, dict[str, int]] = {}
    exec(text, found)
    assert found["class_to_idx"] == index.class_to_idx
    assert max(map(len, text.splitlines())) <= 88


def test_the_difference_is_told_line_by_line():
    assert mapping_difference(("a", "b"), ["a", "b"]) == []
    assert mapping_difference(("a", "b", "c"), ("a", "c")) == [
        "1: the run has b, the data set c",
        "2: the run has c, the data set (none)",
    ]
    assert mapping_difference(("a", "(none)"), ("a",)), "a class of that name is still one too many"
    with pytest.raises(CheckpointError, match=r"from the run\.\n1: the run has b, the data set c\n"):
        require_same_mapping(("a", "b", "c"), ("a", "c"))


@pytest.mark.parametrize("mark", [" - Copy", " - Kopie", " copy", " copy 2", " (1)", " - Copy (2)", "_copy"])
def test_the_copy_of_a_class_folder_is_named(mark):
    assert f"'cat' and 'cat{mark}'" in told(("cat", f"cat{mark}", "dog"))
    assert "copy's mark" not in told(("dog", f"cat{mark}", "copycat")), "there is no original"
