"""Runs beside each other: ids in a URL, differing settings, axes, smoothing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexcore.augment.presets import training_operations
from alexcore.runs.comparison import differing, ids_as_text, ids_in, in_words, places, smooth
from alexcore.runs.series import Series
from tests.support.run_folders import tiny_config


@given(st.lists(st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable()), unique=True, max_size=8))
def test_any_ids_survive_the_url(ids):
    assert ids_in(ids_as_text(ids)) == ids


def test_ids_are_taken_once_and_empty_ones_not_at_all():
    assert ids_in("a,,b,a,") == ["a", "b"]
    assert ids_in("") == []
    assert ids_as_text(["a", "b,c"]) == "a,b%2Cc"


def test_exactly_the_settings_that_differ_are_listed():
    one, two = tiny_config("/x", lr=0.01, seed=3), tiny_config("/x", lr=0.02, norm="none", seed=3)
    found = differing([one.model_dump(), two.model_dump()])
    assert {each.name: each.values for each in found} == {"lr": ("0.01", "0.02"), "norm": ("batch", "none")}
    assert next(each.title for each in found if each.name == "norm") == "Normalisation"
    assert differing([one.model_dump()] * 3) == []
    assert differing([one.model_dump()]) == []


def test_a_setting_that_an_older_run_lacks_had_its_default():
    new = tiny_config().model_dump()
    old = {name: value for name, value in new.items() if name != "dropout"}
    assert differing([old, new]) == []
    assert differing([old, {**new, "dropout": 0.1}])[0].values == ("0.5", "0.1")


def test_two_pipelines_that_differ_in_a_number_look_different():
    first = training_operations("seed", 64)
    second = [{**each, "p": 0.125} if "p" in each else each for each in first]
    assert first != second
    assert in_words(first) != in_words(second)
    assert in_words("") == "(none)"


# Smoothing -------------------------------------------------------------------------------------------------------


def test_no_weight_changes_nothing():
    values = [3.0, None, -1.5, 1e9]
    assert smooth(values, 0.0) == values


def test_smoothing_by_hand():
    # Weights of the past halve: (1) 4; (2) (2*0.5*1 + ...) / 0.75
    assert smooth([4.0, 1.0, 7.0], 0.5) == pytest.approx(
        [4.0, (4 * 0.25 + 1 * 0.5) / 0.75, (4 / 8 + 1 / 4 + 7 / 2) / (7 / 8)]
    )


@given(st.floats(-1e6, 1e6), st.floats(0, 0.99), st.integers(1, 50))
def test_a_constant_stays_what_it_is_from_the_first_point(value, weight, count):
    assert smooth([value] * count, weight) == pytest.approx([value] * count)


@given(st.lists(st.one_of(st.none(), st.floats(-1e3, 1e3)), max_size=40), st.floats(0, 0.99))
def test_smoothed_values_lie_within_what_was_seen_and_gaps_stay(values, weight):
    seen: list[float] = []
    for value, smoothed in zip(values, smooth(values, weight), strict=True):
        assert (value is None) == (smoothed is None)
        if value is not None and smoothed is not None:
            seen.append(value)
            assert min(seen) - 1e-6 <= smoothed <= max(seen) + 1e-6


@pytest.mark.parametrize("weight", [-0.1, 1.0, 2.0, math.nan])
def test_a_weight_that_means_nothing_is_refused(weight):
    with pytest.raises(ValueError, match="is not from 0 to below 1"):
        smooth([1.0], weight)


# Axes ------------------------------------------------------------------------------------------------------------


def series_of(tmp_path: Path, *events: dict) -> Series:
    text = "".join(json.dumps({"v": 1, "seq": n, **each}) + "\n" for n, each in enumerate(events))
    (tmp_path / "events.jsonl").write_text(text)
    series = Series(tmp_path / "events.jsonl")
    series.refresh()
    return series


def step(number: int, ts: float, **more: object) -> dict:
    return {"type": "step", "step": number, "epoch": (number - 1) // 5, "ts": ts, **more}


def test_an_epoch_ends_where_the_next_begins(tmp_path):
    series = series_of(
        tmp_path,
        {"type": "start", "ts": 0.0, "steps_per_epoch": 5},
        step(1, 1.0),
        step(5, 5.0),
        {"type": "epoch", "epoch": 0, "step": 5, "ts": 6.0},
        step(10, 11.0),
    )
    assert places(series, series.steps, "epoch") == [0.2, 1.0, 2.0]
    assert places(series, series.epochs, "epoch") == [1.0]
    assert places(series, series.steps, "step") == [1, 5, 10]


def test_without_a_plan_steps_have_no_place_among_epochs(tmp_path):
    series = series_of(tmp_path, step(1, 1.0), {"type": "epoch", "epoch": 2, "step": 15, "ts": 6.0})
    assert places(series, series.steps, "epoch") == [None]
    assert places(series, series.epochs, "epoch") == [3.0]
    assert places(series, series.epochs, "time") == [5.0]


def test_working_time_leaves_out_the_night_and_what_was_undone(tmp_path):
    series = series_of(
        tmp_path,
        {"type": "start", "ts": 100.0},
        step(1, 101.0),
        step(5, 105.0),
        step(7, 107.0),  # killed; the last checkpoint was at step 5
        {"type": "resume", "step": 5, "ts": 9000.0},
        {"type": "start", "ts": 9000.5},
        step(6, 9001.5),
        step(10, 9006.5),
        {"type": "resume", "step": 10, "ts": 20000.0},
        {"type": "start", "ts": 20000.0},
        step(11, 20002.0),
    )
    assert [row["step"] for row in series.steps] == [1, 5, 6, 10, 11]
    assert places(series, series.steps, "time") == [1.0, 5.0, 6.0, 11.0, 13.0]


def test_a_resume_from_an_earlier_checkpoint_than_the_one_before(tmp_path):
    series = series_of(
        tmp_path,
        {"type": "start", "ts": 0.0},
        step(2, 2.0),
        step(4, 4.0),
        step(10, 10.0),
        {"type": "resume", "step": 10, "ts": 100.0},
        {"type": "start", "ts": 100.0},
        step(12, 103.0),
        {"type": "resume", "step": 4, "ts": 500.0},
        {"type": "start", "ts": 500.0},
        step(6, 501.0),
        step(10, 507.0),
    )
    assert [row["step"] for row in series.steps] == [2, 4, 6, 10]
    assert places(series, series.steps, "time") == [2.0, 4.0, 5.0, 11.0]


def test_no_history_has_no_places(tmp_path):
    series = series_of(tmp_path)
    assert [places(series, series.steps, axis) for axis in ("step", "epoch", "time")] == [[], [], []]
