"""A folder that can mean two things is asked about on the page, and read as somebody has said from then on."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.support.opened_pages import errors_of, open_page, text_of


def drawn(root: Path, **counts: int) -> Path:
    """Real pictures: `train__a=3` draws train/a/0.jpg to 2.jpg."""
    for name, count in counts.items():
        for number in range(count):
            path = root / name.replace("__", "/")
            path = path.parent / f"{path.name}.{number}.jpg" if "." in name else path / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (24, 24), (40 * number % 256, 90, 30)).save(path)
    return root


@pytest.fixture
def vehicles(home: Path, flowers: Path) -> Path:
    """Two ordinary classes, and one that is called like a split and holds classes."""
    return drawn(home / "data" / "vehicles", bus=6, car=6, train__steam=4, train__electric=4)


def test_both_readings_are_shown_and_one_click_opens_one(vehicles: Path) -> None:
    at = open_page("pages/dataset.py", dataset="vehicles")
    said = text_of(at)
    assert not errors_of(at)
    assert "can be read in two ways" in said
    assert "3 classes (bus 6, car 6 and train 8)" in said
    assert len(at.get("imgs")) >= 3, "some pictures of each class"
    buttons = [button for button in at.button if (button.key or "").startswith("dataset_layout_")]
    assert [button.label for button in buttons] == ["Read it this way"] * 2
    number = next(n for n, each in enumerate(("classes", "splits")) if f"--layout {each}" in (buttons[0].help or ""))
    buttons[0].click().run()
    assert not errors_of(at)
    assert at.query_params["layout"] in (["classes"], "classes", ["splits"], "splits")
    assert number in (0, 1)


def test_the_choice_goes_with_the_data_set_to_train_and_back(vehicles: Path) -> None:
    at = open_page("pages/train.py", dataset="vehicles")
    assert "can be read in two ways" in errors_of(at)
    assert at.button(key="train_start").disabled if at.button else True
    at = open_page("pages/train.py", dataset="vehicles", layout="classes")
    assert "can be read in two ways" not in errors_of(at)
    commands = "\n".join(each.value for each in at.code)
    assert "--layout=classes" in commands or "--layout classes" in commands


def test_what_was_read_can_be_read_otherwise(vehicles: Path) -> None:
    at = open_page("pages/dataset.py", dataset="vehicles", layout="classes")
    assert not errors_of(at)
    assert "Chosen with --layout classes." in text_of(at)
    at.button(key="dataset_layout_0").click().run()
    assert not errors_of(at)
    assert "Chosen with --layout classes." not in text_of(at)


def test_a_plain_folder_says_how_it_was_read(flowers: Path) -> None:
    at = open_page("pages/dataset.py")
    assert "the splits train (36 pictures in 3 classes) and val (12 pictures in 3 classes)." in text_of(at)
    assert not [button for button in at.button if (button.key or "").startswith("dataset_layout_")]
