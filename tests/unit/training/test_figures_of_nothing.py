"""A figure of nothing is none: no accuracy of no image, no checkpoint of no number."""

from __future__ import annotations

from pathlib import Path

import pytest

from alexcore import cli
from alexcore.batchnorm.comparable import make_experiment
from alexcore.batchnorm.measure.experiment_parts import prepare
from alexcore.data.sources import open_source
from alexcore.errors import ConfigError, TrainingError
from alexcore.runs.run_list import summarised
from alexcore.runs.series import Series
from alexcore.runs.store import create_run, read_run
from alexcore.runs.worker import execute
from alexcore.training import run_parts
from alexcore.training.plan import validation_counts
from alexcore.training.session import Session
from tests.support.interrupted_runs import Watcher
from tests.support.run_folders import tiny_config
from tests.support.striped_pictures import write_pictures
from ui.parts.run_charts import learning, stretches_without


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Validation has only images of the third class, which the run ignores."""
    root = write_pictures(tmp_path_factory.mktemp("of-one") / "set", ("fine", "level", "wide"), {"train": 8})
    return write_pictures(root, ("wide",), {"val": 4})


def test_a_validation_that_counts_nothing_has_no_figures_no_best_and_no_early_stop(data, capsys):
    config = tiny_config(data, epochs=3, ignore_index=2, early_stopping=1, scheduler="plateau")
    folder = create_run(config)
    assert execute(folder) == "finished"
    series = Series(folder / "events.jsonl")
    series.refresh()
    assert [(row["val_loss"], row["val_acc1"]) for row in series.epochs] == [(None, None)] * 3
    assert not (folder / "checkpoints" / "best.pt").exists()
    assert series.warnings[-1]["code"] == "run.validation-counts-nothing"
    assert (series.outcome or {})["code"] == "run.all-epochs"
    assert {row["lr"] for row in series.steps} == {config.lr}, "the plateau has nothing to judge by"
    summary = summarised(read_run(folder))
    assert (summary.val_acc1, summary.best_val_acc1) == (None, None)
    assert cli.main(["runs", "show", str(folder), "--json"]) == 0
    assert '"best_val_acc1": null' in capsys.readouterr().out

    # Epochs without a loss are marked in curves and table.
    view = learning(series)
    assert "No epoch has a validation accuracy" in view.sentence
    epochs = view.table[view.table["of"] == "epoch"]
    assert epochs["remark"].tolist() == ["no value"] * 3
    assert [(each.x0, each.x1) for each in view.figures["loss"].layout.shapes] == [(0, 9)]


def test_it_is_said_before_the_start(data):
    index = open_source(data)
    (said,) = validation_counts(tiny_config(data, ignore_index=2), index)
    assert "all 4 are of wide" in said.message
    assert "no best.pt and no early stopping" in said.message
    assert not validation_counts(tiny_config(data, ignore_index=1), index)
    assert not validation_counts(tiny_config(data), index)


@pytest.mark.parametrize(
    ("missing", "found"),
    [([], []), ([1], [(10, 20)]), ([0, 1], [(0, 20)]), ([0, 2, 3], [(0, 10), (20, 40)])],
)
def test_stretches_of_epochs_without_a_figure(missing, found):
    rows = [{"step": 10 * (n + 1), "train_loss": 1.0, "val_loss": None if n in missing else 1.0} for n in range(4)]
    assert stretches_without(rows, ["train_loss", "val_loss"]) == found


@pytest.mark.parametrize(
    ("ema", "name", "value"), [(0.0, "running_var", "inf"), (0.0, "running_mean", "nan"), (0.9, "running_var", "nan")]
)
def test_a_running_statistic_that_is_no_number_never_replaces_a_checkpoint(data, ema, name, value):
    config = tiny_config(data, norm="batch", ema_decay=ema)
    folder = create_run(config)
    run = run_parts.prepare(config, Session(folder, Watcher()), resume=False)
    run_parts.save("last.pt", run)
    before = (folder / "checkpoints" / "last.pt").read_bytes()
    network = run.state.predictor
    next(each for key, each in network.named_buffers() if key.endswith(name)).fill_(float(value))
    with pytest.raises(TrainingError, match=rf"After step 0 .*{name} is not finite, so no checkpoint.*is still good"):
        run_parts.save("last.pt", run)
    assert (folder / "checkpoints" / "last.pt").read_bytes() == before


def test_an_experiment_needs_a_validation_that_counts(data):
    shared = {"data": str(data), "ignore_index": 2, "batch_size": 8, "image_size": 64, "width": 0.25, "num_workers": 0}
    config, bn = make_experiment(**shared, steps=2)
    with pytest.raises(ConfigError, match="No validation image counts"):
        prepare(config, bn, Session(create_run(config), Watcher()), resume=False)
