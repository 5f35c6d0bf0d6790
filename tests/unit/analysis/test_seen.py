"""No network is measured on pictures that it has learned, wherever they lie now, unless somebody wants that."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from alexcore.analysis.evaluation_store import evaluation_name, known_evaluation
from alexcore.data.content_hashes import SEEN, remember_seen
from alexcore.data.sources import open_checked
from tests.support.command_line import call, done
from tests.support.run_folders import write_run


def trained(stripes: Path, data: Path | None = None) -> Path:
    """A run that was trained on a data set, by default the stripes."""
    torch.manual_seed(3)
    run = write_run("finished", "a-run", data=data or stripes, checkpoint=True)
    index = open_checked(data or stripes)
    for name in ("best.pt", "last.pt"):
        file = run / "checkpoints" / name
        torch.save({**torch.load(file, weights_only=True), "fingerprint": index.fingerprint()}, file)
    remember_seen(run, index.select("train")["path"], index.hashes)
    return run


@pytest.fixture
def mixed(stripes, tmp_path) -> Path:
    """Another data set, whose validation has 2 of the 12 stripes of each class that were trained on, renamed."""
    root = shutil.copytree(stripes, tmp_path / "mixed")
    for name in ("fine", "level", "wide"):
        for number in range(2):
            old = root / "train" / name / f"{name}_{number:03}.jpg"
            old.rename(root / "val" / name / f"renamed{number}.jpg")
    return root


def test_what_was_trained_on_is_left_out_of_other_data(stripes, mixed):
    run = trained(stripes)
    told = done("evaluate", run, "--data", mixed, "--json").json
    assert (told["images"], told["left_out_seen"], told["seen"]) == (12, 6, 0)
    assert "6 of 18 images were in this run's training set: left out." in done("evaluate", run, "--data", mixed).out
    own = done("evaluate", run, "--json").json
    assert told["confusion"] == own["confusion"], "what is left are the pictures of its own validation"
    answers = known_evaluation(evaluation_name(run / "checkpoints" / "best.pt", str(mixed))).answers
    assert not [path for path in answers["path"] if "renamed" in path]
    # Another wish, another result: one does not take the place of the other.
    kept = done("evaluate", run, "--data", mixed, "--include-seen", "--json").json
    assert (kept["images"], kept["left_out_seen"], kept["seen"]) == (18, 0, 6)
    assert len(known_evaluation(evaluation_name(run / "checkpoints" / "best.pt", str(mixed))).answers) == 12


def test_all_of_the_own_data_is_what_it_has_not_learned(stripes):
    told = done("evaluate", trained(stripes), "--split", "all", "--json").json
    assert (told["images"], told["left_out_seen"]) == (12, 36)


def test_where_nothing_is_left_that_is_said(stripes, mixed):
    run = trained(stripes)
    refused = call("evaluate", run, "--data", mixed, "--split", "train")
    assert refused.code == 2
    assert "All 30 pictures in the train split" in refused.err
    assert "--include-seen" in refused.err


def test_the_runs_own_data_is_evaluated_as_it_was(stripes, tmp_path):
    """Its own training split is asked for to see what was learned by heart, and a copy of a set is that set."""
    run = trained(stripes)
    for split, images in (("train", 36), ("val", 12)):
        own = done("evaluate", run, "--split", split, "--json").json
        assert (own["images"], own["left_out_seen"]) == (images, 0)
    copy = shutil.copytree(stripes, tmp_path / "copy")
    assert done("evaluate", run, "--data", copy, "--json").json["images"] == 12


def test_a_picture_in_both_splits_of_the_own_data_counts_and_is_named(stripes, tmp_path):
    root = shutil.copytree(stripes, tmp_path / "doubled")
    shutil.copy(root / "train" / "fine" / "fine_000.jpg", root / "val" / "fine")
    run = trained(stripes, root)
    said = done("evaluate", run, "--json")
    assert (said.json["images"], said.json["left_out_seen"], said.json["seen"]) == (12, 0, 1)
    assert "1 of 12 images were in this run's training set, and count" in done("evaluate", run).out


def test_own_data_that_has_changed_is_not_what_it_was_trained_on(stripes, tmp_path):
    """Symptom: the set was split anew on another machine, and the network was tested on what it had learned."""
    root = shutil.copytree(stripes, tmp_path / "data")
    run = trained(stripes, root)
    for name in ("fine", "level", "wide"):
        (root / "train" / name / f"{name}_000.jpg").rename(root / "val" / name / "moved.jpg")
    told = done("evaluate", run, "--json").json
    assert (told["images"], told["left_out_seen"]) == (12, 3)


def test_a_run_of_an_earlier_version_is_evaluated_as_before(stripes, mixed):
    run = trained(stripes)
    (run / SEEN).unlink()
    told = done("evaluate", run, "--data", mixed, "--json").json
    assert (told["images"], told["left_out_seen"]) == (18, 0)
