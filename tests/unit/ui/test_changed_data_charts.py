"""Figures of data that have changed since are marked on every page and in the report."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from alexcore.export.report import _learning
from alexcore.findings.run import DataChanged
from alexcore.runs.comparison import places
from alexcore.runs.events import EventWriter
from alexcore.runs.series import Series
from ui.parts.run_charts import OTHER_DATA, VIEWS, learning
from ui.runs.compared_curves import Compared, curves

# 10 steps an epoch at first, 4 since the data set has changed within epoch 2, after step 15.
CHANGED = DataChanged(experiment=False, counted=True, step=15, train_changed=True, val_changed=True, anew=True, epoch=2)


def changed(path: Path) -> Series:
    writer = EventWriter(path / "events.jsonl")

    def steps(first: int, last: int, epoch: int) -> None:
        for step in range(first, last + 1):
            writer.write("step", step=step, epoch=epoch, loss=1.0, acc1=0.5, lr=0.1, wait_s=0.1)

    def ends(epoch: int, step: int, accuracy: float) -> None:
        both = {"train_loss": 1.0, "val_loss": 1.0, "train_acc1": 0.5, "val_acc1": accuracy}
        writer.write("epoch", epoch=epoch, step=step, **both, recall=[1.0, 0.5], confusion=[[1, 0], [1, 1]])

    writer.write("start", classes=["a", "b"], steps_per_epoch=10)
    steps(1, 10, 0)
    ends(0, 10, 0.9)
    steps(11, 15, 1)
    writer.write("warning", **CHANGED.as_event())
    writer.write("resume", epoch=1, step=15)
    writer.write("start", classes=["a", "b"], steps_per_epoch=4)
    steps(16, 19, 1)
    ends(1, 19, 0.6)
    steps(20, 23, 2)
    ends(2, 23, 0.7)
    writer.close()
    series = Series(path / "events.jsonl")
    series.refresh()
    return series


def test_curves_are_shaded_tables_say_it_and_sentences_compare_what_can_be_compared(tmp_path: Path) -> None:
    series = changed(tmp_path)
    view = learning(series)
    assert view.sentence.startswith("Figures up to step 15 are of other data")
    assert "70.0% after epoch 3; the best was 70.0% in epoch 3" in view.sentence, "not 90 % in epoch 1"
    remarks = view.table.groupby("of")["remark"].apply(list)
    assert remarks["epoch"] == [OTHER_DATA, "", ""]
    assert remarks["step"] == [OTHER_DATA] * 15 + [""] * 8
    for draw in VIEWS.values():
        for name, figure in draw(series).figures.items():
            marks = [each.text for each in figure.layout.annotations]
            assert (OTHER_DATA in marks) == (name != "confusion")


def test_epochs_of_another_length_keep_their_place(tmp_path: Path) -> None:
    series = changed(tmp_path)
    by_epoch = dict(zip((row["step"] for row in series.steps), places(series, series.steps, "epoch"), strict=True))
    assert by_epoch[5] == 0.5
    assert by_epoch[10] == by_epoch[10] == 1.0
    assert by_epoch[19] == 2.0
    assert by_epoch[23] == 3.0
    values = list(by_epoch.values())
    assert values == sorted(values)


def test_a_comparison_and_a_report_mark_it(tmp_path: Path) -> None:
    series = changed(tmp_path)
    view = curves([Compared("it", series)], "validation", "step", 0.0)
    assert "Figures of it up to step 15 are of other data." in view.sentence
    assert "best accuracy is 70.0%" in view.sentence
    assert view.table["other_data"].tolist() == [True, False, False]
    section = _learning(cast(Any, SimpleNamespace(history=series)), 2)
    assert "Figures up to step 15 are of other data" in section.sentence
    assert section.table is not None
    assert [row[-1] for row in section.table.rows] == ["other", "", ""]
    assert all('class="other"' in chart for chart in section.charts)
