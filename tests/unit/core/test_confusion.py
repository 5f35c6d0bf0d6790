"""The confusion matrix in an event: whole of few classes, kilobytes of many, and never believed blindly."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from alexcore.confusion import WHOLE, confusion_as_event, confusion_of
from alexcore.runs.events import EventWriter
from ui.parts.run_charts import confusion
from ui.parts.run_rows import ReadableSeries


def matrix_of(classes: int, images: int) -> list[list[int]]:
    chance, found = random.Random(classes), [[0] * classes for _ in range(classes)]
    for number in range(images):
        found[number % classes][chance.randrange(classes)] += 1
    return found


@pytest.mark.parametrize("classes", [2, WHOLE, WHOLE + 1, 800])
def test_it_comes_back_as_it_was(classes: int) -> None:
    matrix = matrix_of(classes, 4 * classes)
    told = json.loads(json.dumps(confusion_as_event(matrix)))
    assert isinstance(told, list) == (classes <= WHOLE), "few classes are readable by any script"
    assert confusion_of(told) == matrix


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        "all",
        [[1, 2], [3]],
        [[1, -2], [3, 4]],
        [[1, 2.5], [3, 4]],
        {},
        {"classes": 2, "places": [4], "counts": [1]},
        {"classes": 2, "places": [-1], "counts": [1]},
        {"classes": 2, "places": [0, 1], "counts": [1]},
        {"classes": 10**9, "places": [], "counts": []},
        {"classes": 2, "places": {}, "counts": []},
    ],
)
def test_what_no_worker_has_written_is_none(told: Any) -> None:
    assert confusion_of(told) is None


def test_an_epoch_of_800_classes_takes_kilobytes_and_a_look_at_it_milliseconds(tmp_path: Path) -> None:
    classes = 800
    writer, told = EventWriter(tmp_path / "events.jsonl"), confusion_as_event(matrix_of(classes, 4 * classes))
    writer.write("start", classes=[f"class {number}" for number in range(classes)])
    figures = {"train_loss": 1.0, "train_acc1": 0.5, "val_loss": 1.0, "val_acc1": 0.5, "recall": [0.25] * classes}
    for epoch in range(20):
        writer.write("epoch", epoch=epoch, step=epoch + 1, **figures, confusion=told, worst=[])
    series = ReadableSeries(tmp_path / "events.jsonl")
    series.refresh()
    assert (tmp_path / "events.jsonl").stat().st_size < 20 * 60_000
    writer.write("epoch", epoch=20, step=21, **figures, confusion=told, worst=[])
    writer.close()
    began = time.process_time()
    series.refresh()
    assert time.process_time() - began < 0.1, "measured: 2 ms; a busy machine takes longer"
    assert len(series.epochs) == 21
    assert "class" in confusion(series).sentence
