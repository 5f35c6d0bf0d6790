"""The figures of a comparison: what is drawn, what is said about it, and the table below it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alexcore.home import runs_dir
from alexcore.runs.comparison import AXES, MOST
from alexcore.runs.events import EventWriter
from alexcore.runs.run_list import Summary, forget, summaries
from alexcore.runs.series import Series
from alexcore.runs.status import Status
from tests.support.run_folders import tiny_config, write_run
from ui.runs.compared_curves import GROUPS, LINES, MARKS, POINTS, STYLES, Compared, curves
from ui.runs.parallel_coordinates import MOST_AXES, SHADES, axes_of, in_one_sentence, parallel_figure
from ui.runs.runs_table import Filters, rows_of
from ui.runs.selection import labels


def compared(
    path: Path, label: str, *, steps: int = 20, epochs: int = 2, best: float = 0.5, lr: float = 0.1
) -> Compared:
    writer = EventWriter(path / f"{label}.jsonl")
    writer.write("start", classes=["a", "b"], steps_per_epoch=10)
    for step in range(1, steps + 1):
        writer.write("step", step=step, epoch=(step - 1) // 10, loss=float(step % 2), acc1=0.5, lr=lr, grad_norm=1.0)
    for epoch in range(epochs):
        writer.write(
            "epoch",
            epoch=epoch,
            step=10 * (epoch + 1),
            val_acc1=best - 0.1 * epoch,
            val_loss=1.0,
            train_acc1=0.9,
            train_loss=0.1,
        )
    writer.close()
    series = Series(path / f"{label}.jsonl")
    series.refresh()
    return Compared(label, series)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("group", GROUPS)
def test_every_group_on_every_axis_and_every_history(tmp_path, group, axis):
    runs = [
        compared(tmp_path, "nothing", steps=0, epochs=0),
        compared(tmp_path, "steps", epochs=0),
        compared(tmp_path, "whole"),
    ]
    view = curves(runs, group, axis, 0.9)
    assert view.sentence.endswith(".")
    for figure in view.figures.values():
        assert figure.layout.title.text
        assert figure.layout.xaxis.title.text == AXES[axis]
        assert figure.layout.yaxis.title.text
        assert {trace.name for trace in figure.data} >= {"whole"}
        assert all(len(trace.x) == len(trace.y) for trace in figure.data)
    assert curves(runs[:1], group, axis, 0.0).table.empty


def test_smoothing_leaves_the_values_visible_behind_it_and_off_means_off(tmp_path):
    runs = [compared(tmp_path, "one")]
    raw = [float(step % 2) for step in range(1, 21)]
    (line,) = curves(runs, "training", "step", 0.0).figures["loss"].data
    assert list(line.y) == raw
    behind, smoothed = curves(runs, "training", "step", 0.9).figures["loss"].data
    assert list(behind.y) == raw
    assert behind.opacity < 0.5
    assert behind.showlegend is False
    assert max(abs(a - b) for a, b in zip(smoothed.y, smoothed.y[1:], strict=False)) < 0.6
    table = curves(runs, "training", "step", 0.9).table
    assert table["loss"].tolist() == raw
    assert table["loss_smoothed"].tolist() == list(smoothed.y)


def test_smoothing_happens_before_thinning(tmp_path):
    runs = [compared(tmp_path, f"run-{number}", steps=5000 if number == 0 else 20) for number in range(MOST)]
    figure = curves(runs, "training", "step", 0.5).figures["loss"]
    assert sum(len(trace.x) for trace in figure.data) <= 2 * (POINTS + MOST)
    table = curves(runs, "training", "step", 0.5).table
    assert (table["run"] == "run-0").sum() == 5000, "the table has all"
    whole = table[table["run"] == "run-0"].set_index("step")["loss_smoothed"]
    drawn = next(trace for trace in figure.data if trace.name == "run-0")
    assert [whole[x] for x in drawn.x] == list(drawn.y)


def test_eight_runs_can_be_told_apart_without_colour():
    assert len(LINES) == len(STYLES) == len(MARKS) == MOST
    assert len(set(LINES)) == len(set(MARKS)) == MOST
    assert len(set(zip(STYLES, MARKS, strict=True))) == MOST


def test_the_sentences_come_from_the_numbers(tmp_path):
    runs = [compared(tmp_path, "good", best=0.8, lr=0.2), compared(tmp_path, "bad", best=0.55)]
    assert curves(runs, "validation", "step", 0).sentence == (
        "good reached the best validation accuracy, 80.0% in epoch 1; bad the least, 55.0%: 25.0 percentage points "
        "apart."
    )
    assert "farthest ahead in bad: 45.0% above" in curves(runs, "epochs", "step", 0).sentence
    assert curves(runs, "rate", "step", 0).sentence == (
        "The highest learning rate is 0.2, of good; bad never had more than 0.1."
    )
    assert "0.5 nats" in curves(runs, "training", "step", 0).sentence
    alone = [compared(tmp_path, "alone"), compared(tmp_path, "young", epochs=0)]
    assert "Only alone has been validated so far" in curves(alone, "validation", "step", 0).sentence


# Parallel coordinates ----------------------------------------------------------------------------------------------


def run(number: int, best: float | None, **settings: Any) -> Summary:
    values = tiny_config(**settings).model_dump(mode="json")
    return Summary(f"run-{number}", Status("finished"), settings=values, best_val_acc1=best)


def test_a_line_goes_through_its_own_values():
    found = [run(0, 0.2, lr=0.001, norm="none"), run(1, 0.8, lr=0.1, norm="batch"), run(2, 0.5, lr=0.01, norm="batch")]
    axes = axes_of(found)
    assert set(axes) == {"lr", "norm"}
    figure = parallel_figure(found, axes)
    lines = {trace.text[0].split(":")[0]: list(trace.y) for trace in figure.data}
    order = [*axes].index("lr")
    assert [lines[f"run-{number}"][order] for number in range(3)] == pytest.approx([0.0, 1.0, 0.5]), "by factors"
    assert [lines[f"run-{number}"][1 - order] for number in range(3)] == [1.0, 0.0, 0.0], "in alphabetical order"
    assert [lines[f"run-{number}"][2] for number in range(3)] == pytest.approx([0.0, 1.0, 0.5])
    assert figure.data[0].line.color == SHADES[0]
    assert figure.data[-1].line.color == SHADES[-1]
    words = [note.text for note in figure.layout.annotations]
    assert {"0.001", "0.1", "none", "batch", "20%", "80%"} <= set(words)


def test_many_runs_are_few_traces_and_few_axes():
    found = [
        run(
            number,
            number / 500,
            seed=number,
            epochs=number % 7 + 1,
            lr=0.001 * (number + 1),
            dropout=number / 1000,
            weight_decay=number / 1e4,
            batch_size=number % 3 + 1,
            warmup_steps=number % 5,
            momentum=0.5 + number / 2e3,
            image_size=64 + number % 4,
            width=0.25 + 0.25 * (number % 2),
            label_smoothing=number % 9 / 20,
        )
        for number in range(500)
    ]
    axes = axes_of(found)
    assert len(axes) == MOST_AXES
    assert "seed" not in axes, "every run has its own, so it groups nothing"
    figure = parallel_figure(found, axes)
    assert len(figure.data) <= len(SHADES)
    assert len(figure.to_json()) < 1_000_000


def test_the_sentence_names_the_best_and_what_went_with_it():
    found = [run(0, 0.2, norm="none"), run(1, 0.3, norm="none"), run(2, 0.8), run(3, 0.7), run(4, 0.75, epochs=5)]
    words = in_one_sentence(found, axes_of(found))
    assert words.startswith("The best of 5 runs, run-2 with 80.0%, has Normalisation batch, Epochs 2.")
    assert "Mean accuracy differs most by Normalisation: 50.0 percentage points, best with batch." in words
    assert "no proof of a cause" in words


def test_names_are_escaped_in_a_figure():
    found = [run(0, 0.1), run(1, 0.2, epochs=3)]
    named = [Summary(**{**vars(found[0]), "name": "<b>x</b>"}), found[1]]
    texts = {text for trace in parallel_figure(named, axes_of(named)).data for text in trace.text}
    assert "&lt;b&gt;x&lt;/b&gt;: 10.0%" in texts


# Rows and labels ----------------------------------------------------------------------------------------------------


def test_two_runs_of_one_name_are_told_apart():
    one, two, three = (
        Summary(str(number), Status("finished"), name=name) for number, name in enumerate(("a", "a", "b"))
    )
    assert labels([one, two, three]) == ["a (0)", "a (1)", "b"]


def test_rows_have_the_units_that_their_columns_say():
    write_run("finished", "it", data="/x/flowers")
    forget()
    row = rows_of(summaries()).iloc[0]
    assert (row["run"], row["best val"], row["time (s)"], row["data set"]) == ("it", 0.75, 12.0, "flowers")
    assert row["progress"] == 0.7
    assert row["disk"] == sum(p.stat().st_size for p in (runs_dir() / "it").rglob("*") if p.is_file())


def test_filters_are_joined_by_and_and_their_values_by_or():
    found = [run(0, 0.1, norm="none"), run(1, 0.1), run(2, 0.1, norm="group")]
    assert [each.id for each in Filters(norms=("none", "group")).of(found)] == ["run-0", "run-2"]
    assert [each.id for each in Filters(norms=("none", "group"), text="run-2").of(found)] == ["run-2"]
    assert Filters(norms=("none",), states=("failed",)).of(found) == []
    assert Filters().of(found) == found
