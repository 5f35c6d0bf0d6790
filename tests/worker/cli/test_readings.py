"""How a folder is read, on the command line: said, refused, chosen, and kept by whatever is made of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from alexcore.config import load_config
from alexcore.export.card import model_card
from alexcore.export.source import exported_run
from alexcore.runs.store import read_run
from tests.support.command_line import done, refused

TINY = ["--image-size", "64", "--start-size", 0, "--width", "0.25", "--batch-size", "4", "--num-workers", "0"]
TINY += ["--device", "cpu", "--precision", "fp32", "--epochs", 1]


@pytest.fixture(scope="module")
def vehicles(stripes, tmp_path_factory) -> Path:
    """Class folders, or the splits train and val with two classes: both can be meant."""
    root = tmp_path_factory.mktemp("wild") / "vehicles"
    for folder in ("bus", "car", "train", "val"):
        for kind in ("fine", "wide"):
            source = stripes / ("val" if folder == "val" else "train") / kind
            target = root / folder / ("" if folder in ("bus", "car") else kind)
            target.mkdir(parents=True, exist_ok=True)
            for picture in sorted(source.iterdir())[:4]:
                shutil.copy(picture, target / f"{folder}-{picture.name}")
    return root


def test_info_says_how_splits_were_read(stripes, tmp_path):
    root = tmp_path / "set"
    shutil.copytree(stripes / "train", root / "Training")
    shutil.copytree(stripes / "val", root / "Testing")
    told = done("data", "info", root, "--json").json
    assert told["reading"]["splits"] == {"train": "Training", "test": "Testing"}
    reading = told["reading"]
    assert (reading["root"], reading["classes_from"], reading["alternatives"]) == (".", "folder", [])
    assert {split: sum(each.values()) for split, each in told["counts"].items()} == {"train": 30, "val": 6, "test": 12}
    assert "info: Read as splits: Training as train, Testing as test." in done("data", "info", root).out


def test_an_ambiguous_folder_is_refused_until_somebody_chooses(vehicles, tmp_path, home):
    for command in (["data", "info"], ["data", "scan"], ["data", "stats"], ["train", "--data"]):
        assert "add --layout classes or --layout splits" in refused(*command, vehicles)
    assert not list((home / "runs").glob("*"))
    info = done("data", "info", vehicles, "--layout", "splits")
    assert "It could also be read as 4 classes (bus 8, car 8, train 8, val 8): --layout classes" in info.out
    (other,) = done("data", "info", vehicles, "--layout", "splits", "--json").json["reading"]["alternatives"]
    assert (other["flags"], other["images"]) == ("--layout classes", 32)
    run = tmp_path / "run"
    done("train", "--data", vehicles, "--layout", "splits", "--run", run, *TINY)
    assert load_config(run / "config.json").layout == "splits"
    assert json.loads((run / "env.json").read_text())["reading"]["choice"]["layout"] == "splits"
    assert json.loads((run / "class_indices.json").read_text()) == {"0": "fine", "1": "wide"}
    assert done("evaluate", run, "--json").json["images"] == 8
    elsewhere = done("evaluate", run, "--data", vehicles, "--layout", "splits", "--split", "train", "--json")
    assert elsewhere.json["images"] == 8
    assert "add --layout" in refused("evaluate", run, "--data", vehicles)
    assert "says how another data set is read" in refused("evaluate", run, "--layout", "classes")
    assert done("resume", run, "--epochs", 2, "--json").json["epochs"] == 2
    card = model_card(exported_run(read_run(run)))
    assert "read as the splits train" in card
    assert "\\-\\-layout splits" in card or "--layout splits" in card
    done("export", run, "--to", tmp_path / "run.zip", "--format", "bundle")
    done("import", tmp_path / "run.zip", "--data", vehicles, "--name", "back")
    assert load_config(home / "runs" / "back" / "config.json").layout == "splits"


def test_what_derive_and_pack_write_has_the_classes_that_were_chosen(stripes, tmp_path):
    root = tmp_path / "flat"
    root.mkdir()
    for picture in (stripes / "train").rglob("*.jpg"):
        shutil.copy(picture, root / picture.name)
    assert "--classes-from name" in refused("data", "info", root)
    info = done("data", "info", root, "--classes-from", "name", "--json").json
    assert info["class_to_idx"] == {"fine": 0, "level": 1, "wide": 2}
    done("data", "derive", root, tmp_path / "list.csv", "--classes-from", "name")
    done("data", "pack", root, tmp_path / "shards", "--classes-from", "name")
    for path in (tmp_path / "list.csv", tmp_path / "shards"):
        again = done("data", "info", path, "--json").json
        assert (again["class_to_idx"], again["counts"]) == (info["class_to_idx"], info["counts"])
    assert again["reading"]["classes_from"] == "folder"
    assert "no choice of how to read it" in refused("data", "info", tmp_path / "list.csv", "--layout", "classes")


def test_a_choice_that_does_not_exist(vehicles):
    assert "one of auto, splits, classes, flat" in refused("data", "info", vehicles, "--layout", "round")
