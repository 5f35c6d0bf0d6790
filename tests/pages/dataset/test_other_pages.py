"""Data sets that are not plain, on the pages that use them: what is refused or chosen, and no readable picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from alexcore.data.sources import open_checked
from alexcore.home import data_dir
from tests.support.opened_pages import PAGES, errors_of, open_page, text_of
from tests.support.small_trees import tree


@pytest.fixture
def vehicles(flowers: Path) -> str:
    """A data set that is class folders, or the splits train and val with two classes."""
    root = data_dir() / "vehicles"
    folders = ["bus", "car", *(f"{split}/{kind}" for split in ("train", "val") for kind in ("steam", "electric"))]
    for number, folder in enumerate(folders * 4):
        picture = root / folder / f"{number}.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(next(flowers.rglob("*.jpg")).read_bytes())
    return root.name


@pytest.mark.parametrize("page", ["pages/train.py", "pages/augment.py", "pages/batchnorm.py"])
def test_an_ambiguous_folder_is_refused_and_opens_by_its_address(vehicles: str, page: str) -> None:
    assert "can be read in two ways" in errors_of(open_page(page, dataset=vehicles))
    at = open_page(page, dataset=vehicles, layout="splits")
    assert "two ways" not in errors_of(at)


def test_a_layout_in_the_address_that_does_not_exist_is_passed_over(vehicles: str) -> None:
    assert "can be read in two ways" in errors_of(open_page("pages/augment.py", dataset=vehicles, layout="round"))


def test_the_choice_gets_into_the_run(vehicles: str) -> None:
    at = open_page("pages/train.py", dataset=vehicles, layout="classes")
    at.number_input(key="train_batch_size").set_value(4).run()
    assert not errors_of(at)
    assert "--layout=classes" in text_of(at) + "".join(str(each.value) for each in at.code)


def test_a_data_set_without_a_readable_picture_opens_with_its_problems_on_every_page(flowers: Path) -> None:
    """Symptom: "must be a whole number from 0 to -1", or a traceback, where the problem should stand."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    root = tree(data_dir() / "cloned", train__a=3, train__b=3, val__a=1, val__b=1)
    for path in root.rglob("*.jpg"):
        path.write_text(pointer)
    assert open_checked(root).files.empty
    for page in PAGES:
        at = open_page(page, dataset=root.name)
        assert "-1" not in errors_of(at)
    assert "Git LFS" in text_of(open_page("pages/dataset.py", dataset=root.name))
