"""A list is asked about on the page where it does not say what its columns hold, or where its pictures have gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.support.opened_pages import errors_of, open_page, text_of


@pytest.fixture
def pictures(home: Path, flowers: Path) -> Path:
    """Twelve pictures in data/, of two classes."""
    folder = home / "data" / "photos"
    folder.mkdir(parents=True)
    for number in range(12):
        Image.new("RGB", (24, 24), (20 * number, 90, 30)).save(folder / f"p{number}.jpg")
    return folder


def listed(folder: Path, *header: str, row: str = "{n},photos/p{n}.jpg,{label}") -> str:
    rows = [row.format(n=n, label=("cat", "dog")[n % 2]) for n in range(12)]
    (folder.parent / "mine.csv").write_text("\n".join([*header, *rows]) + "\n")
    return "mine.csv"


def field(at: AppTest, what: str) -> AppTest:
    (found,) = [each for each in at.selectbox if (each.key or "").endswith(f"_{what}") and "dataset_list" in each.key]
    return found


def test_a_list_without_a_header_is_asked_about_and_opens_with_a_click(pictures: Path) -> None:
    at = open_page("pages/dataset.py", dataset=listed(pictures))
    assert not errors_of(at)
    assert "has no header: its first line is 0, photos/p0.jpg, cat" in text_of(at)
    assert at.dataframe[0].value.iloc[0].tolist() == ["0", "photos/p0.jpg", "cat"]
    assert [field(at, what).value for what in ("image", "class", "split")] == ["2", "3", None]
    at.button(key="dataset_list_read").click().run()
    assert not errors_of(at)
    assert "Read with --header no --columns 2,3." in text_of(at)
    assert at.query_params["columns"] in ("2,3", ["2,3"])
    at = open_page("pages/train.py", dataset="mine.csv", header="no", columns="2,3")
    at.number_input(key="train_batch_size").set_value(4).run()
    assert not errors_of(at)
    assert any("--header=no" in each.value and "--columns=2,3" in each.value for each in at.code)


def test_columns_with_unusual_names_are_asked_about(pictures: Path) -> None:
    name = listed(pictures, "nr,bild,art")
    at = open_page("pages/train.py", dataset=name)
    assert "no columns path and label" in errors_of(at)
    at = open_page("pages/dataset.py", dataset=name)
    field(at, "class").select("1").run()
    field(at, "class").select("3").run()
    at.button(key="dataset_list_read").click().run()
    assert not errors_of(at)
    assert "Read with --header yes --columns 2,3." in text_of(at)
    at.button(key="dataset_list_again").click().run()
    assert "no columns path and label" in text_of(at)


def test_a_list_with_nothing_in_it_is_an_error_and_asks_nothing(pictures: Path) -> None:
    (pictures.parent / "mine.csv").write_text("\n")
    at = open_page("pages/dataset.py", dataset="mine.csv")
    assert "It is empty" in errors_of(at)
    assert not [button for button in at.button if button.key == "dataset_list_read"]


def test_a_list_from_another_computer_is_asked_about(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder is none of those that may be opened, and so nothing is said about whether it exists."""
    monkeypatch.setenv("ALEXCORE_DATA_ROOTS", str(pictures.parent))
    name = listed(pictures, "nr,path,label", row="{n},/mnt/old disk/p{n}.jpg,{label}")
    at = open_page("pages/dataset.py", dataset=name)
    assert "outside the folders that may be opened" in errors_of(at)
    at.text_input(key="dataset_root").set_value("photos").run()
    at.button(key="dataset_root_open").click().run()
    assert not errors_of(at)
    assert f"are read below {pictures}" in text_of(at)


def test_a_folder_that_was_moved_is_asked_for(pictures: Path, tmp_path: Path) -> None:
    name = listed(pictures, "nr,path,label")
    new = pictures.rename(pictures.with_name("elsewhere"))
    at = open_page("pages/dataset.py", dataset=name)
    assert f"The folder {pictures}, which 12 of the rows name, is gone" in errors_of(at)
    at.text_input(key="dataset_root").set_value(str(tmp_path / "none")).run()
    at.button(key="dataset_root_open").click().run()
    assert "There is no folder" in errors_of(at) or "outside" in errors_of(at)
    at.text_input(key="dataset_root").set_value(str(new)).run()
    at.button(key="dataset_root_open").click().run()
    assert not errors_of(at)
    assert f"are read below {new}" in text_of(at)
    assert at.query_params["root"] in (str(new), [str(new)])
