"""The evaluation of a run: its answers are of the right pictures, its figures follow, and it is found again."""

from __future__ import annotations

import json
import math
import os
import shutil
import warnings
from pathlib import Path

import pandas as pd
import pytest
import torch

from alexcore.analysis.evaluation_store import (
    evaluation_name,
    evaluation_time,
    known_evaluation,
    remember_evaluation,
)
from alexcore.analysis.prediction import Classifier
from alexcore.analysis.run_evaluation import answer_pictures, report_of
from alexcore.data.decoding.images import read_picture
from alexcore.data.pack import pack
from alexcore.data.sources import open_source
from alexcore.errors import CheckpointError, DataError
from alexcore.files import read_json, write_json
from alexcore.home import cache_dir
from alexcore.training.evaluation import evaluate
from alexcore.training.shard_loader import make_loader
from tests.support.command_line import done, refused
from tests.support.run_folders import CLASSES, write_run


@pytest.fixture
def run(stripes: Path) -> Path:
    torch.manual_seed(3)
    return write_run("finished", "a-run", data=stripes, checkpoint=True)


def test_each_answer_is_that_of_its_picture(run: Path, stripes: Path):
    checkpoint = run / "checkpoints" / "best.pt"
    table = answer_pictures(checkpoint).table
    assert len(table) == 12
    classifier = Classifier(checkpoint)
    for row in table.itertuples():
        image = read_picture(stripes / row.path).image
        (probabilities,) = classifier.probabilities([image])
        assert CLASSES[row.label] == Path(row.path).parts[1]
        assert row.predicted == int(probabilities.argmax())
        assert row.probability == pytest.approx(float(probabilities.max()), abs=1e-5)
        assert row.label_probability == pytest.approx(float(probabilities[row.label]), abs=1e-5)
        assert row.loss == pytest.approx(-math.log(float(probabilities[row.label])), abs=1e-4)
        assert row.top_index == probabilities.argsort(descending=True).tolist()
        assert row.top_probability == pytest.approx(sorted(probabilities.tolist(), reverse=True), abs=1e-5)


def test_the_figures_are_those_that_training_counts(run: Path, stripes: Path):
    checkpoint = run / "checkpoints" / "best.pt"
    classifier = Classifier(checkpoint)
    loader = make_loader(open_source(stripes), "val", classifier.operations, batch_size=32, num_workers=0)
    expected = evaluate(classifier.model, loader.epoch(), 3, torch.device("cpu"))
    report = report_of(answer_pictures(checkpoint))
    assert report["acc1"] == expected.acc1
    assert report["loss"] == pytest.approx(expected.loss, abs=1e-6)
    assert report["confusion"] == expected.confusion
    assert list(report["recall"].values()) == pytest.approx(expected.recall)
    assert report["acc1_low"] < report["acc1"] < report["acc1_high"] or report["acc1"] in (0, 1)
    assert tuple(report["classes"]) == CLASSES
    table = answer_pictures(checkpoint).table.set_index("position")
    assert [each["path"] for each in report["top_losses"]] == [table.path[each.position] for each in expected.worst]
    json.dumps(report, allow_nan=False)


def test_shards_are_evaluated_like_the_files_that_they_hold(run: Path, stripes: Path, tmp_path: Path):
    pack(open_source(stripes), tmp_path / "shards", images_per_shard=5)
    checkpoint = run / "checkpoints" / "best.pt"
    files, shards = answer_pictures(checkpoint).table, answer_pictures(checkpoint, str(tmp_path / "shards")).table
    names = files.assign(name=files["path"].str.split("/").str[-1]).set_index("name")
    packed = shards.assign(name=shards["path"].str.replace(r".*!(.*/)?[0-9]+_", "", regex=True)).set_index("name")
    assert set(names.index) == set(packed.index)
    together = names.join(packed.add_suffix("_packed"))
    assert (together["label"] == together["label_packed"]).all()
    assert together["loss"].to_list() == pytest.approx(together["loss_packed"].to_list(), abs=1e-5)


def test_a_class_that_does_not_count_is_left_out(stripes: Path):
    folder = write_run("finished", "ignoring", data=stripes, checkpoint=True)
    state = torch.load(folder / "checkpoints" / "best.pt", weights_only=True)
    state["config"]["ignore_index"] = 1
    torch.save(state, folder / "checkpoints" / "best.pt")
    answers = answer_pictures(folder / "checkpoints" / "best.pt")
    assert set(answers.table["label"]) == {0, 2}
    assert (len(answers.table), answers.ignored) == (8, 4)
    assert report_of(answers)["per_class"][1]["recall"] is None


def test_another_split_and_what_it_lacks(run: Path):
    checkpoint = run / "checkpoints" / "best.pt"
    assert len(answer_pictures(checkpoint, split="train").table) == 36
    with pytest.raises(DataError, match="no readable picture in its test split"):
        answer_pictures(checkpoint, split="test")


def test_top_losses_are_wrong_answers_the_highest_loss_first(run: Path):
    answers = answer_pictures(run / "checkpoints" / "best.pt")
    top = report_of(answers)["top_losses"]
    losses = [each["loss"] for each in top]
    assert losses == sorted(losses, reverse=True)
    assert all(each["label"] != each["predicted"] for each in top)
    wrong = answers.table[answers.table["label"] != answers.table["predicted"]]
    assert len(top) == min(12, len(wrong)) > 0
    assert top[0]["loss"] == wrong["loss"].max()


def test_the_command_keeps_its_result_where_a_page_looks_for_it(run: Path, stripes: Path):
    told = done("evaluate", run, "--json").json
    assert {"run", "images", "loss", "acc1", "recall", "confusion"} <= set(told), "the contract's keys"
    name = evaluation_name(run / "checkpoints" / "best.pt", str(stripes))
    known = known_evaluation(name)
    assert known is not None
    assert known.report == {key: value for key, value in told.items() if key != "run"}
    assert known.classes == list(CLASSES)
    assert len(known.answers) == 12
    assert list(known.answers["top_index"].iloc[0])
    assert "95 % interval" in done("evaluate", run).out


def test_on_another_data_set_with_the_same_classes(run: Path, stripes: Path, tmp_path: Path):
    other = tmp_path / "other"
    shutil.copytree(stripes, other)
    (other / "val" / "fine" / "fine_000.jpg").unlink()
    assert done("evaluate", run, "--data", other, "--json").json["images"] == 11
    checkpoint = run / "checkpoints" / "best.pt"
    assert known_evaluation(evaluation_name(checkpoint, str(other)))
    assert known_evaluation(evaluation_name(checkpoint, str(stripes))) is None
    shutil.rmtree(other / "train" / "wide")
    # What is to be measured needs nothing to train on.
    assert done("evaluate", run, "--data", other, "--json").json["images"] == 11
    assert "invalid choice" in refused("evaluate", run, "--split", "half")


def test_a_new_checkpoint_and_changed_data_are_another_evaluation(run: Path, stripes: Path, tmp_path: Path):
    data = tmp_path / "data"
    shutil.copytree(stripes, data)
    checkpoint = run / "checkpoints" / "best.pt"
    name = evaluation_name(checkpoint, str(data))
    assert evaluation_name(checkpoint, str(data)) == name
    assert evaluation_name(checkpoint, str(data), split="train") != name
    os.utime(checkpoint, ns=(1, 1))
    assert evaluation_name(checkpoint, str(data)) != name
    name = evaluation_name(checkpoint, str(data))
    shutil.copy(data / "val" / "fine" / "fine_000.jpg", data / "val" / "fine" / "new.jpg")
    assert evaluation_name(checkpoint, str(data)) != name
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        evaluation_name(tmp_path / "none.pt", str(data))


def test_damaged_files_are_no_evaluation(run: Path):
    answers = answer_pictures(run / "checkpoints" / "best.pt")
    assert known_evaluation("x") is None
    assert evaluation_time("x") == 0
    remember_evaluation("x", report_of(answers), answers.table)
    assert evaluation_time("x") > 0
    folder = cache_dir() / "evaluations"
    whole = (folder / "x.parquet").read_bytes()
    (folder / "x.parquet").write_bytes(whole[: len(whole) // 2])
    assert known_evaluation("x") is None
    (folder / "x.parquet").write_bytes(whole)
    assert known_evaluation("x") is not None
    pd.read_parquet(folder / "x.parquet").head(3).to_parquet(folder / "x.parquet")
    assert known_evaluation("x") is None, "a table of another evaluation"
    report = read_json(folder / "x.json")
    write_json(folder / "x.json", {key: value for key, value in report.items() if key != "classes"})
    assert known_evaluation("x") is None


def test_torchmetrics_brings_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from torchmetrics.functional.classification import multiclass_precision

    assert float(multiclass_precision(torch.tensor([0, 1]), torch.tensor([0, 1]), num_classes=2)) == 1.0
