"""What an answer may claim, and what its numbers do not carry."""

from __future__ import annotations

import dataclasses

import pytest

from alexcore.batchnorm.read.conclusion import answers_of
from alexcore.batchnorm.read.summary import ExperimentSummary, summarise
from alexcore.batchnorm.read.verdict import verdict
from alexcore.batchnorm.views import by_depth as depth
from alexcore.nn.norms import look_of
from tests.support.bn_experiments import read, write_experiment
from tests.support.bn_summaries import HIGH, LOW, by_seed, summary


def said(number: int, **values: tuple[tuple[float, ...], tuple[float, ...]]) -> str:
    """The answer to a question, by its number from 1, with these values without and with batch norm."""
    return _with(summary(), **values)[number - 1].words.short


def _with(full: ExperimentSummary, **values):
    arms = {name: {"none": by_seed(*none), "batch": by_seed(*batch)} for name, (none, batch) in values.items()}
    return verdict(dataclasses.replace(full, values={**full.values, **arms}))


def test_being_behind_is_not_called_more_than_slower():
    assert said(4).startswith("After 400 steps learning without BN is behind; whether it is merely slower")
    overlapping = (0.2, 0.5, 0.9), (0.3, 0.6, 0.95)
    assert "whether it is merely slower" in said(4, best_acc1=overlapping)


def test_behind_at_its_best_rate_is_not_merely_slower():
    assert "at each arm's own best rate, too, so it is not merely slower" in said(4, best_acc1=(LOW, HIGH))


def test_behind_and_flat_is_not_merely_slower():
    flat, rising = (0.0, 0.005, -0.01), (0.0, 0.005, 0.02)
    assert "in the second half it gained 0.5% at most), so it is not merely slower" in said(4, late_gain=(flat, LOW))
    assert "whether it is merely slower" in said(4, late_gain=(rising, LOW))
    assert "whether it is merely slower" in said(4, late_gain=(flat[:2], LOW))
    stuck = {"none": dict.fromkeys(range(3), "stuck"), "batch": dict.fromkeys(range(3), "learned")}
    answer = _with(summary(outcomes=stuck), late_gain=(flat, LOW))[3]
    assert "whether it is merely slower" in answer.words.short, "a plateau at the start is no end"


@pytest.mark.parametrize(
    ("accuracies", "gain"),
    [((0.2, 0.5, 0.6, 0.55, 0.605), 0.005), ((0.2, 0.3, 0.4, 0.5, 0.6), 0.2), ((0.2, 0.5, 0.6), None)],
)
def test_the_late_gain_is_that_of_the_best_accuracy(accuracies, gain):
    evals = [{"step": 10 * at, "train_loss": 0.1, "val_acc1": value} for at, value in enumerate(accuracies)]
    found = summarise({"classes": 5, "steps": 40, "lr": 0.1}, {}, {("none", 0): evals}, {}).of("late_gain", "none")
    assert found == ({} if gain is None else {0: pytest.approx(gain)})


@pytest.mark.parametrize(
    ("none", "batch", "words"),
    [
        ((0.2, 0.21, 0.22), (0.5, 0.51, 0.52), "shrinks, too, but less"),
        ((0.5, 0.51, 0.52), (0.2, 0.21, 0.22), "shrinks, too, and more"),
        ((2.0, 2.1, 2.2), (5.0, 5.1, 5.2), "grows, too, and more"),
        ((5.0, 5.1, 5.2), (2.0, 2.1, 2.2), "grows, too, but less"),
        ((1.0, 1.0, 1.0), (1.05, 1.06, 1.07), "keeps its size, too, a little above it"),
    ],
)
def test_less_and_more_fit_the_direction(none, batch, words):
    assert words in said(1, growth=(none, batch))


@pytest.mark.parametrize(
    ("none", "batch", "words"),
    [
        ((1.2, 1.21, 1.22), (1.8, 1.81, 1.82), "The network chooses by itself what to amplify"),
        ((1.0, 1.0, 1.0), (1.01, 1.01, 1.01), "The network hardly changed what it amplifies"),
        ((1.0, 1.0, 1.0), (1.8, 1.81, 1.82), "Only with BN the network chose clearly"),
        ((1.8, 1.81, 1.82), (1.0, 1.0, 1.0), "Only without BN the network chose clearly"),
    ],
)
def test_a_gain_that_hardly_changed_is_no_choice(none, batch, words):
    assert said(3, gain_change=(none, batch)).startswith(words)


def test_a_movement_between_probes_is_called_net():
    assert "net, per step between two probes, a channel's mean moves" in said(2)


def test_the_numbers_of_the_first_and_third_answer_are_drawn():
    folder = write_experiment("finished", "one")
    experiment = read(folder)
    answered = answers_of(experiment)
    spread = {
        each["arm"]: each["values"][0]["value"] for each in answered[0]["evidence"] if each["measure"] == "growth"
    }
    seen = depth.differences(experiment).figures["differences"].data
    assert all("linear1" not in line.x for line in seen)
    solid = {line.name.split(",")[0]: line.y[-1] for line in seen if line.line.dash == "solid"}
    assert solid["no norm"] == pytest.approx(spread["none"], rel=0.1)
    changed = {
        each["arm"]: [value["value"] for value in each["values"]]
        for each in answered[2]["evidence"]
        if each["measure"] == "gain_change"
    }
    said = depth.factors(experiment)
    assert said.figures
    for arm in ("none", "batch"):
        assert f"{look_of(arm).title} {changed[arm][0]:.3g}" in said.sentence
