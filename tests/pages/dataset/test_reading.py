"""A folder that can mean two things is asked about on the page, and read as somebody has said from then on."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from tests.support.opened_pages import errors_of, open_page, text_of


def drawn(root: Path, **counts: int) -> Path:
    """Real pictures: `train__a=3` draws train/a/0.jpg to 2.jpg, and "a." a.0.jpg to a.2.jpg."""
    for name, count in counts.items():
        for number in range(count):
            path = root / f"{name.replace('__', '/')}{'' if name.endswith('.') else '/'}{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (24, 24), (40 * number % 256, 90, 30)).save(path)
    return root


@pytest.fixture
def vehicles(home: Path, flowers: Path) -> Path:
    """Two ordinary classes, and two that are called like splits and hold classes."""
    more = {"val__steam": 2, "val__electric": 2}
    return drawn(home / "data" / "vehicles", bus=6, car=6, train__steam=4, train__electric=4, **more)


def ways(at: AppTest) -> list[Button]:
    return [button for button in at.button if (button.key or "").startswith("dataset_layout_")]


def test_both_readings_are_shown_with_pictures_and_one_click_opens_one(vehicles: Path) -> None:
    at = open_page("pages/dataset.py", dataset="vehicles")
    said = text_of(at)
    assert not errors_of(at)
    assert "can be read in two ways" in said
    assert "It could be 4 classes (bus 6, car 6, train 8, val 4)." in said
    assert "It could be the splits train (8 pictures in 2 classes), val (4 pictures in 2 classes)" in said
    assert len(at.get("image")) == 4 * (4 + 2), "four of each class"
    splits = ways(at)[1]
    assert "--layout splits" in splits.help
    splits.click().run()
    assert not errors_of(at)
    assert at.query_params["layout"] in (["splits"], "splits")
    assert "Read as the splits train (8 pictures in 2 classes)" in text_of(at)


def test_the_choice_goes_with_the_data_set_to_train(vehicles: Path) -> None:
    at = open_page("pages/train.py", dataset="vehicles")
    assert "can be read in two ways" in errors_of(at)
    assert "train_start" not in [button.key for button in at.button]
    at = open_page("pages/train.py", dataset="vehicles", layout="classes")
    assert "can be read in two ways" not in errors_of(at)
    at.number_input(key="train_batch_size").set_value(4).run()
    assert not errors_of(at)
    assert any("--layout=classes" in each.value for each in at.code), "the command reads it alike"


def test_what_was_read_can_be_read_otherwise(vehicles: Path) -> None:
    at = open_page("pages/dataset.py", dataset="vehicles", layout="classes")
    assert not errors_of(at)
    assert "Chosen with --layout classes." in text_of(at)
    (other,) = ways(at)
    other.click().run()
    assert not errors_of(at)
    assert "Chosen with --layout splits." in text_of(at)


def test_a_plain_folder_says_how_it_was_read_and_asks_nothing(flowers: Path) -> None:
    at = open_page("pages/dataset.py")
    assert "Read as the splits train (36 pictures in 3 classes), val (12 pictures in 3 classes)." in text_of(at)
    assert not ways(at)


def test_classes_in_the_names_of_files_are_offered(home: Path, flowers: Path) -> None:
    drawn(home / "data" / "pets", **{"cat.": 5, "dog.": 5})
    at = open_page("pages/dataset.py", dataset="pets")
    assert "holds no pictures in class folders" in text_of(at)
    (offer,) = ways(at)
    offer.click().run()
    assert not errors_of(at)
    assert "2 classes (cat 5, dog 5) by the names of the files" in text_of(at)


@pytest.mark.parametrize(
    ("folders", "said", "choice"),
    [
        ({"test__a": 3, "test__b": 3, "val__a": 2}, "there is nothing to train on", {"layout": "classes"}),
        ({"train1__a": 3, "train2__a": 3}, "two folders that mean train", {"layout": "classes"}),
        ({"train__a": 3, "train__b": 3, "train__val__a": 1}, "its classes once more", {"layout": "splits"}),
    ],
)
def test_what_is_read_as_splits_and_is_none_opens_with_one_click(
    home: Path, flowers: Path, folders: dict[str, int], said: str, choice: dict[str, str]
) -> None:
    drawn(home / "data" / "odd", **folders)
    if "train__val__a" in folders:
        Image.new("RGB", (30, 30)).save(home / "data" / "odd" / "train" / "val" / "a" / "0.jpg")
    at = open_page("pages/dataset.py", dataset="odd")
    assert said in text_of(at)
    (button,) = ways(at)
    button.click().run()
    assert not errors_of(at)
    assert dict.fromkeys(choice, at.query_params["layout"]) in (choice, {each: [choice[each]] for each in choice})
