"""What is handed over to be measured is measured: all of it, and nothing is drawn, written, guessed or made up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from alexcore.analysis.evaluation_store import evaluation_name
from alexcore.data.class_index import match_classes
from alexcore.data.given import NO_CLASS, open_given
from alexcore.data.reading import FolderChoice
from alexcore.errors import DataError
from alexcore.home import home
from tests.support.command_line import done, refused
from tests.support.run_folders import write_run
from tests.support.small_trees import tree


@pytest.fixture
def run(stripes: Path) -> Path:
    return write_run("finished", "measured", data=stripes, checkpoint=True)


@pytest.fixture
def flat(stripes: Path, tmp_path: Path) -> Path:
    """A test folder: the 4 pictures of each class's validation, and no splits."""
    return shutil.copytree(stripes / "val", tmp_path / "mine" / "pictures")


def evaluated(run: Path, data: Path, *more: object) -> dict:
    return done("evaluate", run, "--data", data, *more, "--json").json


def codes(report: dict) -> set[str]:
    return {each["code"] for each in report["said"]}


# Reading --------------------------------------------------------------------------------------------------------


def given(root: Path, *files: str, **more):
    found = open_given(tree(root, *files), ("daisy", "rose", "tulip"), **more)
    rows = found.index.files
    return list(zip(rows["path"], rows["split"], rows["label"], strict=True)), found


def test_every_picture_is_there_whatever_the_layout(tmp_path):
    flat, _ = given(tmp_path / "flat", "rose/1.jpg", "daisy/1.jpg", "daisy/2.jpg")
    assert flat == [("daisy/1.jpg", "", 0), ("daisy/2.jpg", "", 0), ("rose/1.jpg", "", 1)]
    alone, _ = given(tmp_path / "alone", "test/tulip/1.jpg", "test/daisy/1.jpg")
    assert alone == [("test/daisy/1.jpg", "test", 0), ("test/tulip/1.jpg", "test", 2)]
    # Nobody draws a validation from train here.
    two, _ = given(tmp_path / "two", *(f"train/rose/{n}.jpg" for n in range(5)), "test/rose/1.jpg")
    assert [split for _, split, _ in two] == ["train"] * 5 + ["test"]
    # A folder called like a class is that class, also where it stands alone.
    one, _ = given(tmp_path / "one", "daisy/daisy.1.jpg", "daisy/daisy.2.jpg")
    assert {label for _, _, label in one} == {0}


@pytest.mark.parametrize(
    "files", [("1.jpg", "2.jpg"), ("holiday/1.jpg", "holiday/2.jpg"), ("test/1.jpg", "test/2.jpg")]
)
def test_pictures_without_classes_have_none(tmp_path, files):
    rows, found = given(tmp_path / "set", *files)
    assert {label for _, _, label in rows} == {NO_CLASS}
    assert [each.code for each in found.index.problems] == ["evaluation.no-classes"]
    assert found.index.problems[0].named is False


def test_names_that_could_tell_classes_are_offered_and_not_believed(tmp_path):
    names = [f"{name}.{number}.jpg" for name in ("daisy", "rose") for number in range(3)]
    rows, found = given(tmp_path / "set", *names)
    assert {label for _, _, label in rows} == {NO_CLASS}
    assert "--classes-from name" in found.index.problems[0].sentence


def test_classes_are_matched_where_only_one_can_be_meant():
    assert match_classes(["cat", "Dog"], ["CAT", "dog"]) == {"CAT": 0, "dog": 1}
    assert match_classes(["cat"], ["cat", "Cat"]) == {"cat": 0}
    assert match_classes(["cat"], ["Cat", "CAT"]) == {}
    assert match_classes(["cat", "Cat"], ["CAT"]) == {}
    assert match_classes(["Käse"], ["Ka\u0308se", "wurst"]) == {"Ka\u0308se": 0}


def test_a_list_and_shards_need_no_training_rows(tmp_path):
    tree(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    (tmp_path / "test.csv").write_text("path,label,split\na.jpg,Rose,test\nb.jpg,daisy,test\nc.jpg,cactus,test\n")
    found = open_given(tmp_path / "test.csv", ("daisy", "rose"))
    assert list(found.index.files["split"]) == ["test", "test"]
    assert list(found.index.files["label"]) == [0, 1]
    assert found.extra == {"cactus": 1}
    with pytest.raises(DataError, match="is no folder"):
        open_given(tmp_path / "test.csv", ("daisy", "rose"), choice=FolderChoice(layout="flat"))
    (tmp_path / "all.csv").write_text("path,label\n" + "".join(f"{name}.jpg,rose\n" for name in "abc"))
    assert list(open_given(tmp_path / "all.csv", ("daisy", "rose")).index.files["split"]) == ["", "", ""]


def test_no_class_of_the_run_is_a_refusal_that_names_both(tmp_path):
    with pytest.raises(DataError, match="it has cats, dogs, the run daisy, rose, tulip"):
        given(tmp_path / "pets", "cats/1.jpg", "dogs/1.jpg")


# Evaluating -----------------------------------------------------------------------------------------------------


def test_a_flat_folder_is_evaluated_whole_and_nothing_is_written_beside_it(run, flat):
    shutil.copytree(flat / "wide", flat / "cactus")
    (flat / "level").rename(flat / "LEVEL")
    shutil.rmtree(flat / "wide")
    before = sorted(flat.parent.rglob("*"))
    report = evaluated(run, flat)
    assert (report["images"], report["labelled"], report["split"]) == (8, 8, "all")
    assert report["missing_classes"] == ["wide"]
    assert report["extra_classes"] == {"cactus": 4}
    assert report["recall"]["wide"] is None
    told = {"not-split", "classes-missing", "classes-extra", "classes-matched"}
    assert codes(report) == {f"evaluation.{each}" for each in told}
    assert sorted(flat.parent.rglob("*")) == before
    assert not list((home() / "data").glob("splits/*"))
    text = done("evaluate", run, "--data", flat).out
    assert "all 8 images are evaluated" in text
    assert "cactus (4)" in text
    assert "after 0 of 2 epochs (0 steps)" in text
    assert evaluation_name(run / "checkpoints" / "best.pt", str(flat), split="all") != evaluation_name(
        run / "checkpoints" / "best.pt", str(flat)
    )


def test_without_classes_predictions_are_counted_and_no_number_is_made_up(run, stripes, tmp_path):
    root = tmp_path / "loose"
    root.mkdir()
    for number, file in enumerate(sorted((stripes / "val").rglob("*.jpg"))):
        shutil.copy(file, root / f"{number}.jpg")
    report = evaluated(run, root)
    assert (report["images"], report["labelled"]) == (12, 0)
    assert [report[name] for name in ("acc1", "acc1_low", "loss", "confusion", "ece", "macro_f1")] == [None] * 6
    assert sum(report["answers"].values()) == 12
    assert codes(report) == {"evaluation.not-split", "evaluation.no-classes"}
    assert "no accuracy is known" in done("evaluate", run, "--data", root).out


def test_which_part_is_evaluated_follows_from_what_there_is(run, flat, stripes, tmp_path):
    test = shutil.copytree(flat, tmp_path / "set" / "test")
    assert evaluated(run, test.parent)["images"] == 12
    shutil.copytree(stripes / "train" / "fine", test.parent / "train" / "fine")
    report = evaluated(run, test.parent)
    assert (report["split"], report["images"]) == ("test", 12)
    assert "evaluation.other-split" in codes(report)
    assert evaluated(run, test.parent, "--split", "all")["images"] == 24
    assert "no readable picture in its val split" in refused("evaluate", run, "--data", test.parent, "--split", "val")
    # Of the run's own data, too, where nothing says what it has learned.
    assert done("evaluate", run, "--split", "all", "--json").json["images"] == 48


def test_every_share_has_its_number_and_its_interval(run):
    report = done("evaluate", run, "--json").json
    assert report["trained_epochs"] == 0
    for row in report["per_class"]:
        assert row["recall_low"] <= row["recall"] <= row["recall_high"]
        if row["answers"]:
            assert row["precision_low"] <= row["precision"] <= row["precision_high"]
    full = [each for each in report["calibration"] if each["images"]]
    assert sum(each["images"] for each in full) == report["labelled"] == 12
    assert all(each["acc1_low"] <= each["acc1"] <= each["acc1_high"] for each in full)


def test_a_prediction_says_how_trained_the_network_is(run, stripes):
    file = stripes / "val" / "fine" / "fine_000.jpg"
    assert done("predict", run, file, "--json").json["trained_epochs"] == 0
    assert "after 0 of 2 epochs (0 steps)" in done("predict", run, file).err


def test_what_there_is_to_say_of_the_checkpoint_is_said(run, flat):
    checkpoint = run / "checkpoints" / "best.pt"
    state = torch.load(checkpoint, weights_only=True)
    torch.save({**state, "model": {f"module.{name}": each for name, each in state["model"].items()}}, checkpoint)
    assert "run.names-stripped" in codes(evaluated(run, flat))
