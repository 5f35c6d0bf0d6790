"""The views of a run: at most 500 points a line, sentences from the numbers, every view on every history."""

from __future__ import annotations

from pathlib import Path

import pytest

from alexcore.runs.events import EventWriter
from alexcore.runs.series import Series
from ui.parts.run_charts import MOST_CELLS, MOST_LINES, VIEWS, confusion, gap, learning, rate, recall, speed
from ui.parts.run_live import waiting_in_words


def history(path: Path, *, steps: int = 40, classes: int = 3, epochs: int = 2, norms: bool = True) -> Series:
    writer = EventWriter(path / "events.jsonl")
    writer.write("start", classes=[f"kind {number}" for number in range(classes)])
    for step in range(1, steps + 1):
        more = {"grad_norm": float(step)} if norms else {}
        writer.write("step", step=step, epoch=0, loss=1 / step, acc1=0.5, lr=0.1 / step, wait_s=0.3, **more)
    matrix = [[2 if truth == answer else 0 for answer in range(classes)] for truth in range(classes)]
    matrix[1][0] = 5
    for epoch in range(epochs):
        writer.write(
            "epoch",
            epoch=epoch,
            step=(epoch + 1) * steps // epochs,
            train_loss=0.5,
            val_loss=0.8 - 0.1 * epoch,
            train_acc1=0.9,
            val_acc1=0.6,
            confusion=matrix,
            recall=[row[number] / sum(row) for number, row in enumerate(matrix)],
        )
    writer.close()
    series = Series(path / "events.jsonl")
    series.refresh()
    # Events of a test are written within a millisecond; a second lies between them in a run.
    for number, event in enumerate(series.steps):
        event["ts"] = float(number)
    return series


@pytest.mark.parametrize("draw", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("case", ["nothing", "first step", "steps", "whole", "many"])
def test_every_view_on_every_history(tmp_path: Path, draw, case):
    sizes = {
        "nothing": (0, 3, 0),
        "first step": (1, 3, 0),
        "steps": (9, 3, 0),
        "whole": (40, 3, 2),
        "many": (5000, 60, 3),
    }
    steps, classes, epochs = sizes[case]
    series = history(tmp_path, steps=steps, classes=classes, epochs=epochs)
    view = draw(series)
    assert view.sentence or case == "nothing"
    for figure in view.figures.values():
        assert figure.layout.title.text
        assert figure.layout.xaxis.title.text
        assert figure.layout.yaxis.title.text
        assert all(len(trace.x) <= 501 for trace in figure.data)
        assert len(figure.data) <= MOST_LINES
    assert case not in ("whole", "many") or (len(view.table) and view.figures)


def test_a_resume_is_a_mark_on_every_curve(tmp_path: Path):
    series = history(tmp_path)
    series.resumes.append(17)
    for draw in (learning, rate, gap, recall, speed):
        for figure in draw(series).figures.values():
            assert [shape.x0 for shape in figure.layout.shapes] == [17]
            assert figure.layout.shapes[0].line.dash == "dot"


def test_the_sentences_come_from_the_numbers(tmp_path: Path):
    series = history(tmp_path)
    assert rate(series).sentence == (
        "The rate is 0.0025 now; the highest so far was 0.1. "
        "The gradient's length is 40, its median 21, its largest 40."
    )
    assert "30.0% above validation accuracy; validation loss was lowest in epoch 2." in gap(series).sentence
    assert recall(series).sentence == "kind 1 is recognised least, 29% of its pictures; kind 2 most, 100%."
    assert "epoch 2: 5 pictures of kind 1 taken for kind 0." in confusion(series).sentence
    assert speed(series).sentence.startswith("Steps spend 30% of their time waiting for pictures.")


def test_a_run_of_an_older_version_has_no_gradient_norm(tmp_path: Path):
    view = rate(history(tmp_path, norms=False))
    assert list(view.figures) == ["rate"]
    assert "gradient" not in view.sentence


def test_of_many_classes_the_weakest_are_drawn_and_all_are_in_the_table(tmp_path: Path):
    series = history(tmp_path, classes=60)
    assert recall(series).figures["recall"].data[0].name == "kind 1"
    assert recall(series).table.shape == (2, 61)
    (heat,) = confusion(series).figures["confusion"].data
    assert len(heat.z) == len(heat.x) == len(heat.y) == MOST_CELLS
    assert "kind 1" in heat.y
    assert confusion(series).table.shape == (60, 61)


def test_tables_have_what_the_charts_show(tmp_path: Path):
    series = history(tmp_path)
    table = learning(series).table
    assert (table["of"] == "step").sum() == 40
    assert table[table["of"] == "epoch"]["val_loss"].tolist() == pytest.approx([0.8, 0.7])
    assert rate(series).table["grad_norm"].tolist()[-1] == 40


def test_the_progress_line_says_how_long_the_last_steps_waited(tmp_path: Path):
    series = history(tmp_path, steps=50)
    assert waiting_in_words(series) == ", 30% of it waiting for data"
    series.steps = series.steps[:1]
    assert waiting_in_words(series) == ""
