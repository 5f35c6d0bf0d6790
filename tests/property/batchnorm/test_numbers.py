"""What holds for any numbers: of the verdict, the tolerance, the formula and the loss surface."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from alexcore.batchnorm.measure.loss_surface import loss_surface
from alexcore.batchnorm.read.channel_formula import channel_formula, statistics_lag
from alexcore.batchnorm.read.tolerance import classify, width
from alexcore.batchnorm.read.verdict import compare, verdict
from tests.support.bn_networks import Point
from tests.support.bn_summaries import by_seed, summary

cheap = settings(max_examples=50, deadline=None)
numbers = st.floats(-1e3, 1e3, allow_nan=False)
seeds = st.lists(numbers, min_size=1, max_size=5).map(lambda values: by_seed(*values))
accuracies = st.lists(st.floats(0, 1), min_size=3, max_size=3)


@cheap
@given(plain=seeds, normed=seeds)
def test_comparing_the_other_way_round_says_the_opposite(plain, normed):
    there, back = compare(plain, normed), compare(normed, plain)
    opposite = {"lower": "higher", "higher": "lower"}
    assert back.state == opposite.get(there.state, there.state)
    assert back.lean == opposite.get(there.lean, there.lean)
    if there.decided:
        assert len(plain) >= 3
        assert len(normed) >= 3
        assert there.lean == there.state
        assert max(min(plain.values()), min(normed.values())) > min(max(plain.values()), max(normed.values()))


@cheap
@given(none=accuracies, batch=accuracies)
def test_there_are_always_five_sentences_and_undecided_ones_say_so(none, batch):
    for answer in verdict(summary(tuple(none), tuple(batch))):
        assert answer.words.short.endswith(".")
        assert answer.words.short.startswith("Not decided by this experiment") == (not answer.decided)


@cheap
@given(
    rates=st.lists(st.floats(1e-4, 10), min_size=1, max_size=8, unique=True),
    data=st.data(),
)
def test_the_width_is_never_negative_and_holds_the_best(rates, data):
    values = data.draw(st.lists(st.floats(0, 1), min_size=len(rates), max_size=len(rates)))
    found = width(rates, values)
    assert found.width >= 0
    assert found.lowest <= found.best_rate <= found.highest
    assert found.best_accuracy == max(values)
    assert found.width == pytest.approx(math.log10(found.highest / found.lowest))
    # Another unit of the rate moves the range and leaves its width.
    assert width([10 * rate for rate in rates], values).width == pytest.approx(found.width)


@cheap
@given(final=st.floats(allow_nan=True), losses=st.lists(st.floats(), max_size=4), classes=st.integers(2, 1000))
def test_every_training_has_one_of_three_words(final, losses, classes):
    word = classify(final, losses, classes)
    assert word in ("learned", "stuck", "diverged")
    if not all(map(math.isfinite, [final, *losses])):
        assert word == "diverged"


@cheap
@given(
    values=arrays(np.float32, (3, 2, 2), elements=st.floats(-100, 100, width=32)),
    gamma=st.floats(-3, 3),
    beta=st.floats(-3, 3),
    momentum=st.floats(0.01, 1),
)
def test_the_formula_is_torchs_for_any_channel(values, gamma, beta, momentum):
    norm = nn.BatchNorm2d(1, momentum=momentum, eps=1e-3).double()
    with torch.no_grad():
        norm.weight.fill_(gamma), norm.bias.fill_(beta)
    places = [(0, 0, 0), (2, 1, 1)]
    found = channel_formula(values, gamma=gamma, beta=beta, eps=1e-3, momentum=momentum, shown=places)
    outputs = norm(torch.from_numpy(values).double().unsqueeze(1))
    for row, place in zip(found["shown"], places, strict=True):
        wanted = outputs[place[0], 0, place[1], place[2]].item()
        assert row["train"]["output"] == pytest.approx(wanted, rel=1e-4, abs=1e-5)
    assert found["running_mean_after"] == pytest.approx(norm.running_mean.item(), rel=1e-4, abs=1e-6)
    assert found["running_variance_after"] == pytest.approx(norm.running_var.item(), rel=1e-4, abs=1e-6)


@cheap
@given(
    curvatures=st.lists(st.floats(0.01, 10), min_size=2, max_size=5),
    lr=st.floats(1e-3, 1),
)
def test_beta_of_a_quadratic_lies_between_its_curvatures(curvatures, lr):
    bends = torch.tensor(curvatures, dtype=torch.float64)
    theta = torch.ones(len(curvatures), dtype=torch.float64)
    found = loss_surface(
        Point(theta), torch.zeros(1), torch.zeros(1), lr, criterion=lambda point, _: 0.5 * (bends * point**2).sum()
    )
    assert min(curvatures) * (1 - 1e-4) <= found["Q7"]["beta"] <= max(curvatures) * (1 + 1e-4)
    assert found["Q5"]["min"] <= found["Q5"]["max"]
    assert -1 <= found["Q6r"]["cosmin"] <= 1 + 1e-6


@cheap
@given(momentum=st.floats(0.001, 0.999), updates=st.integers(0, 500), parts=st.integers(1, 16))
def test_the_lag_halves_in_its_half_life_and_accumulates(momentum, updates, parts):
    found = statistics_lag(momentum, updates, parts)
    assert (1 - momentum) ** found["half_life"] == pytest.approx(0.5, rel=1e-3)
    assert found["curve"] == sorted(found["curve"], reverse=True)
    assert found["curve"][-1] == found["weight"]
    assert found["effective_momentum"] == pytest.approx(1 - (1 - momentum) ** parts, rel=1e-4)
