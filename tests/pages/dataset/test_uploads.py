"""An archive on the page: what is said and asked before it is unpacked, and what is said afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alexcore.data.archives.uploads import UPLOAD_LIMITS
from alexcore.files import write_json
from alexcore.home import cache_dir, data_dir
from tests.support.odd_archives import raw_zip, zip_with_method
from tests.support.opened_pages import errors_of, open_page, text_of
from tests.support.small_trees import tree


def uploaded(name: str, content: bytes) -> AppTest:
    at = open_page("pages/dataset.py")
    return at.file_uploader(key="dataset_archive").set_value([(name, content, "")]).run()


def offers_to_unpack(at: AppTest) -> bool:
    return any(button.key == "dataset_unpack" and not button.disabled for button in at.button)


def test_the_limits_are_said_before_anything_is_chosen(flowers: Path) -> None:
    at = open_page("pages/dataset.py")
    assert "At most 200 MB a file, 20,000 entries, and 2 GB unpacked." in text_of(at)
    assert not offers_to_unpack(at)


def test_a_guess_at_names_is_shown_and_can_be_changed_before_unpacking(flowers: Path, spawned: list[list[str]]) -> None:
    names = {f"{name}/1.jpg".encode("gbk"): b"x" for name in ("雏菊", "蒲公英")}
    at = uploaded("flowers.zip", raw_zip(names))
    choice = at.selectbox(key="dataset_encoding")
    assert choice.value == "gb18030"
    assert choice.options[0] == "雏菊, 蒲公英 (Chinese, simplified, gb18030)"
    assert not [each for each in spawned if each[1:3] == ["data", "unpack"]]
    choice.select("big5").run()
    at.button(key="dataset_unpack").click().run()
    (command,) = [each for each in spawned if each[1:3] == ["data", "unpack"]]
    assert command[-2:] == ["--uploaded-as=flowers.zip", "--encoding=big5"]


def test_names_that_say_how_they_are_written_are_not_asked_about(flowers: Path) -> None:
    at = uploaded("flowers.zip", raw_zip({"ä/1.jpg".encode(): b"x", b"b/1.jpg": b"x"}))
    assert not [each for each in at.selectbox if each.key == "dataset_encoding"]
    assert offers_to_unpack(at)


MANY = {f"a/{number}".encode(): b"" for number in range(UPLOAD_LIMITS.files + 1)}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("my photos.zip", zip_with_method({"a/1.jpg": b"x"}, 9), "Windows Explorer does above 2 GB"),
        ("my photos.zip", raw_zip(MANY), "the limit is 20,000"),
        ("my photos.rar", b"Rar!\x1a\x07\1\0", "a RAR archive"),
        ("my photos.zip", b"PK\3\4 and no more", "is damaged"),
        ("best.pt", raw_zip({b"best/data.pkl": b"x"}), "page Classify"),
        ("run.zip", raw_zip({b"bundle.json": b"{}", b"run/config.json": b"{}"}), "page Runs"),
        ("labels.csv", b"path,label\n", "page Data set"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "page Classify"),
    ],
)
def test_what_cannot_be_unpacked_is_said_at_once_and_by_its_name(flowers: Path, name, content, words) -> None:
    at = uploaded(name, content)
    error = errors_of(at)
    assert error.startswith(f"{name} ")
    assert words in error
    assert not offers_to_unpack(at)


def test_what_was_left_out_is_said_when_the_data_set_is_there(flowers: Path, spawned: list[list[str]]) -> None:
    at = uploaded("pets.zip", raw_zip({b"a/1.jpg": b"x", b"b/1.jpg": b"x"}))
    at.button(key="dataset_unpack").click().run()
    tree(data_dir() / "pets", train__a=2, train__b=2, val__a=1, val__b=1)
    note = "Left out of pets.zip, hidden files: 3."
    write_json(cache_dir() / "jobs" / "unpack-pets.json", {"state": "finished", "notes": [note]})
    at.run()
    assert at.query_params["dataset"] in ("pets", ["pets"])
    assert note in text_of(at)


def test_a_name_is_free_again_after_a_failure(flowers: Path, spawned: list[list[str]]) -> None:
    at = uploaded("pets.zip", raw_zip({b"1.jpg": b"x"}))
    at.button(key="dataset_unpack").click().run()
    write_json(cache_dir() / "jobs" / "unpack-pets.json", {"state": "failed", "error": "pets.zip holds nothing."})
    at.run()
    assert "pets.zip holds nothing." in errors_of(at)
    at.button(key="dataset_unpack").click().run()
    assert "already" not in str(errors_of(at))
    assert len([each for each in spawned if each[1:3] == ["data", "unpack"]]) == 2


def test_an_encoding_that_nobody_guessed_shows_its_names_before_anything_is_unpacked(
    flowers: Path, spawned: list[list[str]]
) -> None:
    at = uploaded("flowers.zip", raw_zip({f"{name}/1.jpg".encode("cp037"): b"x" for name in ("äöü", "ßñå")}))
    typed = at.text_input(key="dataset_encoding_other")
    typed.set_value("klingon").run()
    assert "There is no encoding 'klingon'." in errors_of(at)
    assert not offers_to_unpack(at)
    at.text_input(key="dataset_encoding_other").set_value("latin-1").run()
    assert not errors_of(at)
    assert "They read as iso8859-1: " in text_of(at)
    at.button(key="dataset_unpack").click().run()
    (command,) = [each for each in spawned if each[1:3] == ["data", "unpack"]]
    assert command[-1] == "--encoding=iso8859-1"
