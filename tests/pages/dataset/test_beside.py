"""What is chosen for a data set (folders, a rule of values, classes to leave out) goes with it to Train."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from alexcore.cli import build_parser
from alexcore.data.decoding.intensity import with_rendering
from alexcore.data.sources import open_source
from alexcore.home import data_dir
from tests.support.files_in_the_wild import LFS_POINTER, blocks
from tests.support.opened_pages import errors_of, open_page, text_of
from ui.parts.datasets import data_job


def drawn(root: Path, **counts: int) -> Path:
    """Real pictures: `train__a=3` draws train/a/0.png to 2.png."""
    for name, count in counts.items():
        folder = root / name.replace("__", "/")
        folder.mkdir(parents=True)
        for number in range(count):
            blocks(number + len(str(folder))).save(folder / f"{number}.png")
    return root


def query(at: AppTest, name: str) -> str:
    value = at.query_params.get(name, "")
    return value[0] if isinstance(value, list) else value


@pytest.fixture
def sets(home: Path, flowers: Path) -> Path:
    """A data set with its own splits, and two folders elsewhere."""
    drawn(home / "data" / "set", train__a=6, train__b=6, val__a=2, val__b=2)
    drawn(home / "more", a=3, b=1)
    return home


def test_folders_and_a_rule_stay_in_the_address_and_go_to_train(sets: Path) -> None:
    more = str(sets / "more")
    at = open_page("pages/dataset.py", dataset="set")
    at.text_input(key="dataset_val").set_value(more)
    at.selectbox(key="dataset_intensity").set_value("type")
    at.button(key="dataset_beside_open").click().run()
    assert not errors_of(at)
    assert (query(at, "val"), query(at, "intensity")) == (more, "type")
    assert "16 pictures" in text_of(at), "12 of train, and those of the other folder"
    (link,) = [each.proto for each in at.get("page_link") if each.proto.page.endswith("train")]
    assert "intensity=type" in link.query_string
    at = open_page("pages/train.py", dataset="set", val=more, intensity="type")
    at.number_input(key="train_batch_size").set_value(4).run()
    assert not errors_of(at)
    assert "12 training and 4 validation pictures" in text_of(at)
    (command,) = [each.value for each in at.code if "alexcore train" in each.value]
    assert f"--val={more}" in command
    assert "--intensity=type" in command
    at.selectbox(key="train_intensity").set_value("minmax").run()
    assert any("--intensity=minmax" in each.value for each in at.code), "what is changed stays changed"
    at.toggle(key="train_use_val").set_value(False).run()
    assert not any("--val=" in each.value for each in at.code)


def test_a_test_folder_is_read_from_the_address(sets: Path) -> None:
    at = open_page("pages/dataset.py", dataset="set", test=str(sets / "more"))
    assert not errors_of(at)
    assert at.text_input(key="dataset_test").value == str(sets / "more")
    assert "20 pictures" in text_of(at)


@pytest.mark.parametrize("which", ["val", "test"])
def test_a_folder_that_may_not_be_opened_is_refused_and_can_be_changed(sets: Path, which: str) -> None:
    at = open_page("pages/dataset.py", dataset="set", **{which: "/etc"})
    assert "lies outside the folders that may be opened" in errors_of(at)
    at.text_input(key=f"dataset_{which}").set_value("/nowhere/at/all")
    at.button(key="dataset_beside_open").click().run()
    assert "lies outside" in errors_of(at)
    at.text_input(key=f"dataset_{which}").set_value("")
    at.button(key="dataset_beside_open").click().run()
    assert not errors_of(at)
    assert query(at, which) == ""


def test_one_click_leaves_out_a_class_without_training_pictures(home: Path, flowers: Path) -> None:
    drawn(home / "data" / "set", train__a=6, train__b=6, val__a=2, val__b=2, val__c=2)
    at = open_page("pages/train.py", dataset="set")
    at.number_input(key="train_batch_size").set_value(4).run()
    assert "val has classes that train lacks: c" in errors_of(at)
    assert at.button(key="train_start").disabled
    at.button(key="train_drop").click().run()
    assert not errors_of(at)
    assert query(at, "untrained") == "drop"
    assert not at.button(key="train_start").disabled
    assert any("--untrained=drop" in each.value for each in at.code)
    at = open_page("pages/dataset.py", dataset="set")
    at.button(key="dataset_drop").click().run()
    assert not errors_of(at)
    assert "left out, as was chosen: c" in text_of(at)
    assert "dataset_drop" not in [each.key for each in at.button]


def test_what_nothing_can_be_learned_from_is_refused_before_start(home: Path, flowers: Path) -> None:
    root = drawn(home / "data" / "pointers", a=5, b=5)
    for path in root.rglob("*.png"):
        path.write_bytes(LFS_POINTER)
    constant = drawn(home / "data" / "masks", a=5, b=5)
    for path in constant.rglob("*.png"):
        Image.fromarray(np.full((20, 20), 3, np.uint8)).save(path)
    for name, said in (("pointers", "pointers of Git LFS"), ("masks", "nearly constant")):
        at = open_page("pages/train.py", dataset=name)
        at.number_input(key="train_batch_size").set_value(4).run()
        assert said in errors_of(at)
        assert at.button(key="train_start").disabled
        assert said in text_of(open_page("pages/dataset.py", dataset=name))


def test_what_the_page_measures_is_read_by_its_own_rule(sets: Path) -> None:
    """Under another rule the result would lie under another name, and never be found."""
    index = with_rendering(open_source(data_dir() / "set", str(sets / "more")), "window 0 4095")
    _, command = data_job("scan", index)
    arguments = build_parser().parse_args(command)
    assert (arguments.val, arguments.intensity) == (str(sets / "more"), "window 0 4095")
    assert data_job("scan", with_rendering(index, "type"))[0] != data_job("scan", index)[0]
