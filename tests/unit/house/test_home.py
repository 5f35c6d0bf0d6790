"""Where things lie, and that a browser user can open the data roots and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alexcore.errors import DataError
from alexcore.home import SYNTHETIC, cache_dir, data_dir, data_roots, home, known_data_sets, open_path, runs_dir


@pytest.fixture
def root(tmp_path: Path, monkeypatch) -> Path:
    """The only data root, with a data set in it; beside it lies a folder that nobody may see."""
    inside = tmp_path / "root"
    (inside / "flowers").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    monkeypatch.setenv("ALEXCORE_DATA_ROOTS", os.pathsep.join([str(inside), str(data_dir())]))
    return inside


def refused(text: str) -> str:
    with pytest.raises(DataError) as caught:
        open_path(text)
    assert caught.value.hint
    return caught.value.message


def test_everything_lies_in_one_home(tmp_path, monkeypatch):
    monkeypatch.setenv("ALEXCORE_HOME", str(tmp_path))
    assert (home(), data_dir(), runs_dir()) == (tmp_path, tmp_path / "data", tmp_path / "runs")
    assert cache_dir().is_relative_to(data_dir())
    monkeypatch.delenv("ALEXCORE_HOME")
    monkeypatch.chdir(tmp_path)
    assert home() == tmp_path


def test_the_default_roots(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for value in (None, ""):
        monkeypatch.delenv("ALEXCORE_DATA_ROOTS", raising=False)
        if value is not None:
            monkeypatch.setenv("ALEXCORE_DATA_ROOTS", value)
        assert data_roots() == [data_dir(), tmp_path, Path.home().resolve()]


def test_what_lies_inside_can_be_opened(root):
    assert open_path(str(root)) == root
    assert open_path(f"  {root}/flowers \n") == root / "flowers"
    assert open_path(f"{root}/flowers/../flowers/.") == root / "flowers"


def test_a_name_means_a_folder_in_data(root):
    (data_dir() / "roses").mkdir(parents=True)
    assert open_path("roses") == data_dir() / "roses"
    assert "There is no folder" in refused(SYNTHETIC)


@pytest.mark.parametrize("blank", ["", "   ", "\n"])
def test_nothing_typed(blank):
    assert refused(blank) == "No folder is given."


def test_missing_and_file(root):
    (root / "notes.txt").touch()
    assert refused(f"{root}/tulips") == f"There is no folder {root}/tulips."
    assert refused(f"{root}/notes.txt") == f"{root}/notes.txt is a file."


def test_a_manifest_is_opened_like_a_folder(root, tmp_path):
    for name in ("list.csv", "list.JSON"):
        (root / name).touch()
        assert open_path(f"{root}/{name}") == root / name
    assert refused(f"{root}/none.csv") == f"There is no file {root}/none.csv."
    (tmp_path / "secret" / "list.csv").touch()
    (root / "door.csv").symlink_to(tmp_path / "secret" / "list.csv")
    assert "lies outside" in refused(f"{root}/door.csv")


def test_outside_nothing_is_said_about_what_exists(root, tmp_path):
    """Symptom: a visitor maps the server's disk by typing paths and reading the answers."""
    (tmp_path / "secret" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    told = {
        refused(str(tmp_path / name)).replace(str(tmp_path / name), "IT")
        for name in ("secret", "nothing", "secret/file", "link", "secret/file/below", "x" * 90, "root/../secret")
    }
    assert len(told) == 1
    assert next(iter(told)).startswith("IT lies outside the folders that may be opened (")
    # The disk is not even asked: it would complain of a name this long.
    assert "lies outside" in refused(str(tmp_path / ("x" * 300)))


@pytest.mark.parametrize(
    "typed", ["{root}/../secret", "{root}/flowers/../../secret", "{root}-evil", "{root}/door", "/"]
)
def test_no_way_leads_out(root, tmp_path, typed):
    (root / "door").symlink_to(tmp_path / "secret")
    (tmp_path / "root-evil").mkdir()
    message = refused(typed.format(root=root))
    assert "lies outside" in message
    assert message.startswith(typed.format(root=root)), "where a link leads is nobody's business"


def test_a_link_into_a_root_is_fine(root, tmp_path):
    (tmp_path / "way in").symlink_to(root / "flowers")
    assert open_path(str(tmp_path / "way in")) == root / "flowers"


@pytest.mark.parametrize(
    "typed", ["a\0b", "{root}/a\0b", "{root}/" + "x" * 300, "~nobody-of-this-name/x", "{root}/loop"]
)
def test_what_is_no_path_at_all(root, typed):
    (root / "loop").symlink_to(root / "loop")
    assert refused(typed.format(root=root))


def test_the_built_in_data_set_comes_first():
    assert known_data_sets() == [SYNTHETIC]
    for name in ("zinnias", "asters", SYNTHETIC, ".cache"):
        (data_dir() / name).mkdir(parents=True)
    for name in ("notes.txt", "merged.csv", ".hidden.json"):
        (data_dir() / name).touch()
    assert known_data_sets() == [SYNTHETIC, "asters", "merged.csv", "zinnias"]
    assert open_path("merged.csv") == data_dir() / "merged.csv"
