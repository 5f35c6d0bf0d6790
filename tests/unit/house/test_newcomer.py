"""What somebody does who has not read anything yet, on the command line; and what a file name may try to be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alexcore.cli import main
from alexcore.data.archives.incoming import named_pictures
from alexcore.data.decoding.images import check_decodable, read_picture
from alexcore.errors import DataError
from alexcore.home import runs_dir
from alexcore.names import JOINER
from alexcore.runs.about import read_about
from tests.support.run_folders import write_run
from tests.support.small_trees import tree
from ui.parts.text import plain


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    code = main([str(each) for each in arguments])
    return code, *capsys.readouterr()


def test_derive_writes_over_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tree(tmp_path / "data", train__a=2, train__b=2, train__c=2)
    target = tmp_path / "list.csv"
    assert said(capsys, "data", "derive", folder, target)[0] == 0
    before = target.read_text()
    for force in ((), ("--force",)):
        code, _, error = said(capsys, "data", "derive", target, target, "--keep", "a,b", *force)
        assert (code, "is the data set that is read" in error) == (2, True)
    code, _, error = said(capsys, "data", "derive", folder, target, "--keep", "a,b")
    assert (code, "--force" in error) == (2, True)
    assert target.read_text() == before
    assert said(capsys, "data", "derive", folder, target, "--keep", "a,b", "--force")[0] == 0
    assert target.read_text() != before


@pytest.mark.parametrize("text", ["bad", "=a+b", "new="])
def test_a_merge_that_is_none(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tree(tmp_path / "data", train__a=2, train__b=2)
    code, _, error = said(capsys, "data", "derive", folder, tmp_path / "list.csv", f"--merge={text}")
    assert code == 2
    assert repr(text) in error
    assert "NEW=OLD+OLD" in error


def test_json_of_a_run_has_no_nan(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run("finished", "r1")
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps({**status, "images_per_s": float("nan")}))
    with (folder / "events.jsonl").open("a") as file:
        file.write('{"type": "epoch", "epoch": 1, "step": 6, "val_acc1": NaN, "images_per_s": Infinity, "ts": NaN}\n')

    def strict(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    for arguments in (("runs", "list", "--json"), ("runs", "show", "r1", "--json"), ("runs", "show", "r1")):
        code, out, _ = said(capsys, *arguments)
        assert code == 0
        json.loads(out, parse_constant=strict)


def test_show_refuses_a_folder_that_is_no_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs_dir().mkdir(parents=True, exist_ok=True)
    code, out, error = said(capsys, "runs", "show", home)
    assert (code, out) == (2, "")
    assert "neither config.json nor status.json" in error


def test_a_note_is_not_lost_for_want_of_words(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run("finished", "r1")
    assert said(capsys, "runs", "note", "r1", "worth", "keeping")[0] == 0
    for arguments in ((), ("",), ("other", "--clear")):
        code, _, error = said(capsys, "runs", "note", "r1", *arguments)
        assert (code, "--clear" in error) == (2, True)
    assert read_about(folder).note == "worth keeping"
    assert said(capsys, "runs", "note", "r1", "--clear")[1] == "The note of r1 is gone.\n"
    assert read_about(folder).note == ""


def test_a_refused_run_leaves_no_folder(stripes: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = home / "odd"
    shutil.copytree(stripes, data)
    next((data / "train").glob("*/*")).unlink()
    count = len([each for each in (data / "train").glob("*/*")])
    asked = ("train", "--data", data, "--run", home / "r1", "--batch-size", count - 1, "--norm", "batch", "--epochs", 1)
    code, _, error = said(capsys, *asked)
    assert (code, "last batch of 1" in error) == (2, True)
    assert not (home / "r1").exists()


def test_an_error_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(*_: object, **_more: object) -> None:
        raise DataError("The classes differ:\n  a\n  b", "Choose another.")

    monkeypatch.setattr("alexcore.data.sources.open_source", refuse)
    code, _, error = said(capsys, "data", "derive", "x", "y.csv")
    assert (code, error) == (2, "error: The classes differ: a b Choose another.\n")


def test_a_picture_of_no_numbers_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "nan.tif"
    Image.fromarray(np.full((8, 8), np.nan, dtype=np.float32)).save(file)
    with pytest.raises(DataError, match=r"nan\.tif holds no number in any pixel"):
        read_picture(file)
    assert "no number" in check_decodable(file)
    Image.fromarray(np.array([[np.nan, 1.0]], dtype=np.float32)).save(file)
    assert check_decodable(file) == ""
    assert read_picture(file).image.mode == "RGB"


@pytest.mark.parametrize("content", [b"", bytes(100), b"PK\3\4 and no more"])
def test_a_damaged_zip_is_told_as_one(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "pictures.zip"
    file.write_bytes(content)
    (picture,) = named_pictures([str(file)]).pictures
    with pytest.raises(DataError, match=r"pictures\.zip is damaged") as caught:
        picture.read()
    assert "JPEG" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "forbidden"),
    [
        ("http://evil.x", "://"),
        ("HTTPS://evil.x", "://"),
        ("www.evil.com", "www."),
        ("a@evil.com", "@e"),
        (":material/home:", ":m"),
        (":smile:", ":s"),
        ("::smile:", ":s"),
        (":+1:", ":+"),
        (":red[x]", ":r"),
    ],
)
def test_plain_text_is_no_link_icon_or_emoji(text: str, forbidden: str) -> None:
    shown = plain(text).replace("\\", "")
    assert forbidden not in shown
    assert shown.replace(JOINER, "") == text


@pytest.mark.parametrize("text", ["C:/data", "step 3: done", "awww", "lr=0.1"])
def test_plain_text_is_left_alone_where_it_can_be(text: str) -> None:
    assert JOINER not in plain(text)
