"""Pages on runs whose files somebody has damaged or edited: they show what is left, and never a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from alexcore.files import write_json
from alexcore.runs.comparison import AXES, places
from alexcore.runs.run_list import forget, summaries
from alexcore.runs.series import Series
from tests.support.opened_pages import errors_of, open_page, text_of
from tests.support.run_folders import write_run
from ui.parts.run_charts import VIEWS
from ui.parts.run_live import waiting_in_words
from ui.parts.run_rows import ReadableSeries, moment, number, share, whole
from ui.runs.compared_curves import GROUPS, Compared, curves
from ui.runs.runs_table import rows_of

RUNS, TRAIN = "pages/runs.py", "pages/train.py"
HUGE = 10**40
EPOCH = {"type": "epoch", "epoch": 1, "step": 8, "train_loss": 1.0, "val_loss": 1.0, "train_acc1": 0.5, "val_acc1": 0.5}

BAD: dict[str, list[Any]] = {
    "clock of no calendar": [{"type": "start", "ts": 1e300, "classes": ["a"]}],
    "clock that is none": [{"type": "start", "ts": float("nan")}, {"type": "step", "step": 9, "ts": "noon"}],
    "step missing": [{"type": "step", "epoch": 1, "loss": 0.5}, {"type": "epoch", "epoch": 1}, {"type": "resume"}],
    "step null": [{"type": "step", "step": None}, {**EPOCH, "step": None}, {"type": "resume", "step": []}],
    "classes null": [{"type": "start", "classes": None, "steps_per_epoch": None}],
    "classes a number": [{"type": "start", "classes": 3, "steps_per_epoch": "many"}],
    "epoch null": [{**EPOCH, "epoch": None}, {"type": "step", "step": 9, "epoch": None, "loss": 1.0}],
    "numbers beyond tables": [
        {"type": "step", "step": HUGE, "loss": HUGE},
        {"type": "step", "step": 9, "loss": HUGE, "lr": -HUGE},
        {**EPOCH, "train_loss": HUGE, "images_per_s": HUGE, "seconds": HUGE},
    ],
    "numbers that are none": [
        {"type": "step", "step": 9, "loss": float("nan"), "lr": float("inf"), "grad_norm": "long", "acc1": [1]},
        {**EPOCH, "val_loss": float("inf"), "val_acc1": float("nan"), "recall": [float("nan")] * 3},
    ],
    "words for numbers": [{"type": "step", "step": "nine", "loss": "low"}, {**EPOCH, "val_acc1": "good", "epoch": "x"}],
    "ragged parts": [
        {**EPOCH, "recall": [1.0], "confusion": [[1, 2], [3]], "worst": [{"label": "x"}, 3]},
        {**EPOCH, "epoch": 2, "step": 9, "recall": "all", "confusion": [[HUGE]], "worst": {"a": 1}},
    ],
    "messages that are none": [{"type": "warning", "message": [1]}, {"type": "note", "message": None}, {"type": "end"}],
    "end with odd words": [{"type": "end", "seconds": "long", "ts": None, "state": 7}],
}


@pytest.fixture(autouse=True)
def store(home: Path) -> Iterator[None]:
    st.cache_data.clear()
    st.cache_resource.clear()
    forget()
    yield
    forget()


def damaged(events: list[Any], *, first: bool = False) -> Path:
    folder = write_run("finished", "bad")
    file = folder / "events.jsonl"
    lines = "".join(f"{json.dumps(each)}\n" for each in events)
    file.write_text(lines + file.read_text() if first else file.read_text() + lines)
    return folder


def calm(at: AppTest) -> AppTest:
    assert errors_of(at) == ""
    return at


@pytest.mark.parametrize("first", [False, True], ids=["at the end", "at the beginning"])
@pytest.mark.parametrize("kind", list(BAD))
def test_every_view_of_a_damaged_history_is_drawn(kind: str, first: bool) -> None:
    series = ReadableSeries(damaged(BAD[kind], first=first) / "events.jsonl")
    series.refresh()
    assert waiting_in_words(series) == "" or "waiting for data" in waiting_in_words(series)
    drawn = [draw(series) for draw in VIEWS.values()]
    drawn += [curves([Compared("bad", series)], group, axis, 0.5) for group in GROUPS for axis in AXES]
    for view in drawn:
        pa.Table.from_pandas(view.table)  # as it travels to the browser
        for figure in view.figures.values():
            figure.to_json()
    pa.Table.from_pandas(rows_of(summaries()))


def test_pages_on_damaged_runs(home: Path) -> None:
    damaged([each for events in BAD.values() for each in events])
    folder = write_run("running", "odd")
    status = json.loads((folder / "status.json").read_text())
    write_json(folder / "status.json", {**status, **dict.fromkeys(("step", "total_steps", "images_per_s"), HUGE)})
    calm(open_page(RUNS, run="bad"))
    calm(open_page(TRAIN, run="odd"))
    calm(open_page(RUNS, compare="bad,odd", curves="epochs", x="time"))


def test_an_epoch_or_a_step_without_its_place_has_none(tmp_path: Path) -> None:
    series = Series(tmp_path / "events.jsonl")
    series.start = {"type": "start", "steps_per_epoch": 5}
    rows = [
        {"type": "epoch", "epoch": None},
        {"type": "step"},
        {"type": "epoch", "epoch": 1},
        {"type": "step", "step": 5},
    ]
    assert places(series, rows, "epoch") == [None, None, 2.0, 1.0]


def test_good_events_come_back_as_they_are() -> None:
    folder = write_run("finished", "good")
    plain, readable = Series(folder / "events.jsonl"), ReadableSeries(folder / "events.jsonl")
    plain.refresh()
    readable.refresh()
    assert readable.steps == plain.steps
    assert [each["val_acc1"] for each in readable.epochs] == [each["val_acc1"] for each in plain.epochs]
    assert readable.start == plain.start


def test_conversions() -> None:
    assert [number(each) for each in (1, 0.5, True, "1", float("nan"), HUGE, None)] == [1, 0.5] + [None] * 5
    assert [whole(each) for each in (3, 3.0, 3.5, -1, HUGE)] == [3, 3, None, None, None]
    assert [moment(each) for each in (None, 1e300, float("nan"))] == [None] * 3
    assert [share(*each) for each in ((1, 2), (3, 2), (1, 0), (HUGE, 2), (1, float("nan")))] == [0.5, 1.0] + [None] * 3


def test_people_count_epochs_from_one(home: Path) -> None:
    folder = write_run("finished", "good")
    series = ReadableSeries(folder / "events.jsonl")
    series.refresh()
    for name in ("Loss and accuracy", "Train against val", "Recall"):
        assert VIEWS[name](series).table["epoch"].min() == 1, name


# What stands beside them ----------------------------------------------------------------------------------------------


def experiment(name: str = "exp") -> Path:
    folder = write_run("finished", name, data="somewhere")
    write_json(folder / "experiment.json", {})
    return folder


def test_an_experiment_has_no_norm_and_no_checkpoint_of_its_own(home: Path) -> None:
    experiment()
    at = calm(open_page(RUNS))
    assert at.dataframe[0].value["norm"].tolist() == ["several"]
    at = calm(open_page(RUNS, run="exp", runs_section="Evaluation"))
    assert "each of its networks (its arms) has one" in text_of(at)
    assert "Start would train one network" in text_of(open_page(TRAIN, clone="exp"))


def test_many_unknown_runs_are_one_sentence(home: Path) -> None:
    write_run("finished", "good")
    at = open_page(RUNS, compare=",".join(["good", *(f"gone{each}" for each in range(300))]))
    assert len(at.error) == 1
    assert "gone7 and 292 more" in errors_of(at)


def test_the_sidebar_does_not_go_stale(home: Path) -> None:
    write_run("queued", "waits")
    at = open_page(RUNS)
    links = [each.proto.label for each in at.sidebar.get("page_link")]
    assert links == ["waits: active"]
