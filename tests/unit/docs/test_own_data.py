"""The layouts that docs/own-data.md shows are built as they stand there, and read as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alexcore.data.reading import AmbiguousError, FolderChoice
from alexcore.data.sources import open_source
from tests.support.lists import codes
from tests.support.repository import REPOSITORY
from tests.support.small_trees import counts, tree

TEXT = (REPOSITORY / "docs" / "own-data.md").read_text(encoding="utf-8")
LAYOUTS = re.findall(r"^(\d+)\. .*?\n +```\n(.*?)```", TEXT, flags=re.MULTILINE | re.DOTALL)
LISTS = {
    "metadata.csv": "file_name,label\n0001.png,cat\n0002.png,dog\n",
    "val_annotations.txt": "".join(f"v{n}.JPEG\tn0{14 + 7 * (n % 2)}\t0\t0\t9\t9\n" for n in range(10)),
}
TWO, CATS_DOGS = FolderChoice(), ["cats", "dogs"]
# Of each layout: the classes, pictures by split, what is told, and what has to be chosen, if anything.
READ: dict[str, tuple[list[str], dict[str, int], str, FolderChoice]] = {
    "1": (CATS_DOGS, {"train": 20, "val": 20}, "", TWO),
    "2": (CATS_DOGS, {"train": 16, "val": 4}, "", TWO),
    "3": (CATS_DOGS, {"train": 16, "val": 4, "test": 20}, "data.validation-drawn", TWO),
    "4": (CATS_DOGS, {"train": 16, "val": 4}, "data.unlabelled-pictures", TWO),
    "5": (CATS_DOGS, {"train": 16, "val": 4}, "data.lies-inside", TWO),
    "6": (CATS_DOGS, {"train": 16, "val": 4, "test": 20}, "data.splits-in-classes", TWO),
    "7": (CATS_DOGS, {"train": 16, "val": 4}, "data.drawings", TWO),
    "8": (["daisy", "rose"], {"train": 16, "val": 4}, "data.inner-copy", TWO),
    "9": (["cat", "dog"], {"train": 2, "val": 2}, "data.classes-by-name", FolderChoice(classes_from="name")),
    "10": (["cat", "dog"], {"train": 2}, "data.classes-by-list", FolderChoice(classes_from="list")),
    "11": (["n014", "n021"], {"train": 20, "val": 10}, "data.classes-by-list", TWO),
    "12": (["bus", "car", "train"], {"train": 32, "val": 8}, "", FolderChoice(layout="classes")),
}


def built(root: Path, trees: str) -> Path:
    """The folder that a drawing shows: ten pictures for each `*`."""
    places = trees.split()
    files = [place.replace("*", f"{'v' if '/val/' in place else ''}{n}") for place in places for n in range(10)]
    tree(root, *dict.fromkeys(file for file in files if Path(file).name not in LISTS))
    for place in places:
        if Path(place).name in LISTS:
            (root / place).write_text(LISTS[Path(place).name])
    return root / places[0].split("/")[0]


def test_twelve_layouts_are_shown() -> None:
    assert [number for number, _ in LAYOUTS] == list(READ)


@pytest.mark.parametrize(
    ("number", "trees"), [(number, line) for number, trees in LAYOUTS for line in trees.strip().splitlines()]
)
def test_a_layout_is_read_as_it_is_shown(tmp_path: Path, number: str, trees: str) -> None:
    classes, pictures, told, choice = READ[number]
    folder = built(tmp_path, trees)
    if choice != TWO:
        with pytest.raises(AmbiguousError) as refused:
            open_source(folder)
        assert choice.flags in refused.value.hint
        assert choice.flags in TEXT
    index = open_source(folder, choice=choice)
    assert list(index.classes) == classes
    assert {split: sum(each.values()) for split, each in counts(index).items()} == pictures
    assert not told or told in codes(index), codes(index)
