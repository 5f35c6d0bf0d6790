"""Whatever classes are called: every layout of a folder is read with the same classes and counts."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alexcore.data.layout_words import is_generic, speaks_of_drawings, split_of
from alexcore.data.reading import FolderChoice
from alexcore.data.tree import is_junk
from tests.support.small_trees import open_folder, tree

# A layout by its name: the files of a class with so many pictures, and in which splits its pictures are to be.
LAYOUTS = {
    "splits": ("train/{name}/{n}.jpg", "val/{name}/{n}.jpg"),
    "capital splits with test": ("Training/{name}/{n}.jpg", "Valid/{name}/{n}.jpg", "Testing/{name}/{n}.jpg"),
    "train and test": ("Train/{name}/{n}.jpg", "Test/{name}/{n}.jpg"),
    "class folders": ("{name}/{n}.jpg",),
    "wrapped class folders": ("outer/inner/{name}/{n}.jpg",),
    "wrapped splits": ("outer/train/{name}/{n}.jpg", "outer/test/{name}/{n}.jpg"),
    "images within classes": ("{name}/images/{n}.jpg",),
    "images within splits": ("train/images/{name}/{n}.jpg", "val/images/{name}/{n}.jpg"),
    "splits within classes": ("{name}/train/{n}.jpg", "{name}/test/{n}.jpg"),
    "masks beside": ("images/{name}/{n}.jpg", "masks/{name}/{n}.png"),
    "masks within": ("{name}/images/{n}.jpg", "{name}/masks/{n}.png"),
    "what drives leave": ("{name}/{n}.jpg", "{name}/@eaDir/{n}.jpg/thumb.jpg", "__MACOSX/{name}/._{n}.jpg"),
}
_ODD = [" ", "ends ", "a,b", "=1+1", "#1", "100%", "-x", "CON", "nan", "None", "0", 'q"q', "'", "a:b", "_", "~"]
_ODD += ["\N{ROSE}", "\u05d5\u05e8\u05d3", "n" * 120, "stra\u00dfe", "e\u0301", "a\nb", "{x}", "%s"]


def ordinary(name: str) -> bool:
    """Whether a name may be any class's: the words of layouts have tests of their own."""
    words = split_of(name) or is_generic(name) or speaks_of_drawings(name) or is_junk(name, folder=True)
    return not words and name[0] != "." and len(name.encode()) <= 200


drawn = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
names = st.lists((st.sampled_from(_ODD) | drawn).filter(ordinary), min_size=2, max_size=4, unique=True)


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=names)
def test_every_layout_gives_the_classes_by_their_names(tmp_path, layout, names):
    root = tmp_path / "set"
    shutil.rmtree(root, ignore_errors=True)
    parts = LAYOUTS[layout]
    named = [each.replace("{name}", name) for each in parts for name in names]
    tree(root, *(each.replace("{n}", str(n)) for each in named for n in range(2)))
    index = open_folder(root)
    assert index.classes == tuple(sorted(names))
    wanted = [each for each in parts if each.endswith("/{n}.jpg")]
    assert index.files.groupby("label").size().tolist() == [2 * len(wanted)] * len(names)
    assert set(index.files["path"].str.rpartition("/")[2]) == {"0.jpg", "1.jpg"}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=names)
def test_chosen_classes_are_those_whatever_they_are_called(tmp_path, names):
    root = tmp_path / "set"
    shutil.rmtree(root, ignore_errors=True)
    tree(root, *(f"{name}/{n}.jpg" for name in [*names, "train", "test"] for n in range(2)))
    index = open_folder(root, choice=FolderChoice(layout="classes"))
    assert index.classes == tuple(sorted([*names, "train", "test"]))
