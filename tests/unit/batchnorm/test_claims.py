"""What an answer may claim, and what its numbers do not carry."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest

from alexcore.batchnorm.read.conclusion import answers_of
from alexcore.batchnorm.read.summary import ExperimentSummary
from alexcore.batchnorm.read.verdict import verdict
from alexcore.batchnorm.views import by_depth as depth
from alexcore.nn.norms import look_of
from tests.support.bn_experiments import read, write_experiment
from tests.support.bn_summaries import by_seed, summary


def said(number: int, **values: tuple[tuple[float, ...], tuple[float, ...]]) -> str:
    """The answer to a question, by its number from 1, with these values without and with batch norm."""
    return _with(summary(), **values)[number - 1].words.short


def _with(full: ExperimentSummary, **values):
    arms = {name: {"none": _five(none), "batch": _five(batch)} for name, (none, batch) in values.items()}
    return verdict(dataclasses.replace(full, values={**full.values, **arms}))


def _five(values: tuple[float, ...]) -> dict[int, float]:
    """Three values and those half-way between them: as many seeds as can decide."""
    return by_seed(*sorted([*values, *((one + other) / 2 for one, other in pairwise(values))]))


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
    assert "net, per step between two probes, the mean of a channel" in said(2)


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
