"""When an experiment measures, and the pictures on which it does."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from alexcore.augment.presets import evaluation_operations
from alexcore.batchnorm.measure.arm_validation import ValBatches, even_size
from alexcore.batchnorm.measure.batches import joined, probe_set, recalibration_batches, windows_from
from alexcore.batchnorm.measure.probe_schedule import (
    PLAN_AT,
    SHARE,
    WEIGHTS,
    Schedule,
    dense_at_start,
    evaluation_steps,
)
from alexcore.data.sources import open_checked
from alexcore.training.run_data import open_run_data
from tests.support.bn_experiments import tiny_experiment

COSTS = {"layers": 2.0, "surface": 5.0, "gradients": 0.3, "shift": 0.5, "gain": 0.6, "relative": 0.6}


def test_steps_grow_apart():
    steps = dense_at_start(100, 5)
    assert steps == [0, 6, 25, 56, 100]
    assert dense_at_start(100, 1) == [0]
    assert dense_at_start(3, 60) == [0, 1, 2, 3]


@given(st.integers(1, 5000), st.integers(0, 500))
def test_the_first_and_the_last_step_are_always_validated(steps, every):
    found = evaluation_steps(steps, every)
    assert (found[0], found[-1]) == (0, steps)
    assert found == sorted(set(found))
    if not every:
        assert len(found) <= 26


def planned_s(schedule: Schedule, costs: dict[str, float]) -> float:
    return sum(costs[group] * len(schedule.due[group]) for group in [*WEIGHTS, "relative"])


@given(st.integers(20, 3000), st.floats(0.1, 10), st.floats(300, 1e5))
def test_the_plan_keeps_to_its_share(steps, factor, other_s):
    schedule = Schedule(steps, 0)
    costs = {group: cost * factor for group, cost in COSTS.items()}
    least = planned_s(schedule, costs)
    schedule.plan(costs, other_s)
    planned = planned_s(schedule, costs)
    # A step more a group than planned can come from the last one.
    slack = sum(costs[group] for group in WEIGHTS)
    assert planned <= max(least, other_s * SHARE / (1 - SHARE)) + slack
    for group in WEIGHTS:
        assert {0, steps} <= set(schedule.due[group])
        assert not set(schedule.due[group]) & set(range(1, PLAN_AT + 1)) - {steps}


def test_there_is_always_a_first_and_a_last_probe_however_dear():
    schedule = Schedule(50, 0)
    schedule.plan(dict.fromkeys(COSTS, 1e9), 1.0)
    assert all(schedule.due[group] == [0, 50] for group in WEIGHTS)
    assert schedule.due["relative"] == [0, 20, 50]


def test_an_interval_that_was_asked_for_is_kept():
    schedule = Schedule(10, 4)
    assert schedule.planned
    assert schedule.due["layers"] == [0, 4, 8, 10]
    assert schedule.groups_at(8) == ["layers", "surface", "gradients", "shift", "gain"]
    assert schedule.groups_at(3) == []
    assert schedule.left("layers", 4) == 2


def test_a_probe_that_would_take_too_large_a_share_is_left_out():
    schedule = Schedule(100, 0)
    costs = dict.fromkeys(WEIGHTS, 1.0)
    # Five groups at the end and one now, after 21 seconds of probes: 27 of 100 seconds.
    assert schedule.affordable("layers", costs, 21.0, 73.01)
    assert not schedule.affordable("layers", costs, 21.0, 72.9)
    assert not schedule.affordable("layers", {**costs, "layers": 3.0}, 21.0, 73.01)


def test_a_plan_survives_a_checkpoint():
    schedule, again = Schedule(100, 0), Schedule(100, 0)
    schedule.plan(COSTS, 500.0)
    again.restore(schedule.as_dict())
    assert (again.due, again.planned) == (schedule.due, True)


@given(st.integers(1, 3000), st.integers(2, 300))
def test_the_last_validation_batch_is_never_a_small_one(pictures, least):
    size = even_size(pictures, least)
    assert size >= 1
    if pictures > least:
        assert size >= least
        assert pictures % size == 0 or pictures % size >= size / 2


class Quiet:
    def event(self, kind, **fields): ...

    def progress(self, phase, done, total, **fields): ...

    def request(self):
        return ""

    def moved(self): ...

    def paused(self, paused): ...


def test_windows_go_on_from_any_step(stripes):
    config, _ = tiny_experiment(stripes, accumulation_steps=2)
    data = open_run_data(config, Quiet(), pin_memory=False)
    assert data.plan.steps_per_epoch == 3
    whole = windows_from(data.train, config, data.plan, 0)
    straight = [next(whole) for _ in range(8)]
    for step in (1, 3, 5):
        for number, window in zip(range(step, 8), windows_from(data.train, config, data.plan, step), strict=False):
            assert len(window) == len(straight[number])
            for (images, labels), (others, theirs) in zip(window, straight[number], strict=True):
                assert torch.equal(images, others)
                assert torch.equal(labels, theirs)


def test_the_probe_pictures_are_fixed_mixed_and_not_more_than_there_are(stripes):
    config, _ = tiny_experiment(stripes)
    index = open_checked(config.data, "")
    operations = evaluation_operations(config.augment, config.image_size)
    images, labels = probe_set(index, operations, 20, 3)
    again, _ = probe_set(index, operations, 20, 3)
    other, _ = probe_set(index, operations, 20, 4)
    assert images.shape == (20, 3, 64, 64)
    assert torch.equal(images, again)
    assert not torch.equal(images, other)
    assert len(labels.unique()) == 3
    assert len(probe_set(index, operations, 500, 3)[1]) == 36
    assert len({image.sum().item() for image in images}) == 20


def test_validation_pictures_are_all_there_mixed_and_the_same_each_time(stripes):
    config, _ = tiny_experiment(stripes)
    index = open_checked(config.data, "")
    # In the order of the index each batch of 4 would hold one class.
    val = ValBatches(index, evaluation_operations(config.augment, 64), 64, batch_size=4, seed=0)
    first, second = list(val), list(val)
    assert sorted(label for _, labels in first for label in labels.tolist()) == sorted(index.select("val")["label"])
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, second, strict=True))
    assert all(len(labels.unique()) > 1 for _, labels in first)


def test_a_validation_split_too_large_for_the_memory_is_drawn_from(stripes, monkeypatch):
    config, _ = tiny_experiment(stripes)
    monkeypatch.setattr("alexcore.batchnorm.measure.arm_validation.KEPT_BYTES", 7 * 3 * 64 * 64 * 4)
    index = open_checked(config.data, "")
    val = ValBatches(index, evaluation_operations(config.augment, 64), 64, batch_size=4, seed=0)
    assert (val.in_all > 7, val.images) == (True, 7)
    assert [sum(len(labels) for _, labels in val) for _ in range(2)] == [7, 7]


@pytest.mark.parametrize(("wanted", "batches"), [(16, 2), (1, 1), (0, 4), (1000, 4)])
def test_recalibration_takes_whole_batches_that_no_step_has_seen(stripes, wanted, batches):
    config, _ = tiny_experiment(stripes)
    data = open_run_data(config, Quiet(), pin_memory=False)
    found = list(recalibration_batches(data, config, wanted))
    assert [len(labels) for _, labels in found] == [8] * batches
    assert not torch.equal(found[0][0], next(iter(data.train.epoch(0)))[0])


def test_joined_cuts_at_the_count():
    batches = [(torch.full((3, 1), float(n)), torch.full((3,), n)) for n in range(4)]
    images, labels = joined(iter(batches), 5)
    assert labels.tolist() == [0, 0, 0, 1, 1]
    assert len(images) == 5
