"""Gradient accumulation is exact: however an effective batch is cut, the gradient is that of one large batch."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from alexcore.training.objective import Objective
from alexcore.training.step import train_step
from tests.support.accumulated_gradients import CPU, IMAGES, NETWORKS, effective_batch, error, gradient

WEIGHTS = torch.tensor([1.0, 2.0, 4.0])


def naive_gradient(norm: str, window: list) -> torch.Tensor:
    """What most tutorials do: the mean of each micro-batch divided by the number of micro-batches."""
    model = copy.deepcopy(NETWORKS[norm])
    for images, labels in window:
        (nn.functional.cross_entropy(model(images), labels, weight=WEIGHTS) / len(window)).backward()
    return torch.cat([parameter.grad.flatten().double() for parameter in model.parameters()])


def cut(images: torch.Tensor, labels: torch.Tensor, sizes: list[int]) -> list:
    return list(zip(images.split(sizes), labels.split(sizes), strict=True))


@st.composite
def splits(draw) -> list[int]:
    """Sizes of micro-batches that add up to the effective batch, also single pictures and a short last one."""
    ends = draw(st.sets(st.integers(1, IMAGES - 1), min_size=1))
    places = [0, *sorted(ends), IMAGES]
    return [end - begin for begin, end in pairwise(places)]


@settings(max_examples=15, deadline=None)
@given(
    norm=st.sampled_from(["none", "group"]),
    sizes=splits(),
    seed=st.integers(0, 1000),
    weighted=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.1]),
)
def test_any_split_gives_the_gradient_of_one_large_batch(norm, sizes, seed, weighted, smoothing):
    images, labels = effective_batch(seed)
    objective = Objective(WEIGHTS if weighted else None, smoothing)
    exact = gradient(norm, [(images, labels)], objective)
    assert error(gradient(norm, cut(images, labels, sizes), objective), exact) < 1e-6


@pytest.mark.parametrize("norm", ["none", "group"])
def test_averaging_means_would_not_pass(norm):
    """The oracle above can fail: the usual recipe misses its bound by more than three orders of magnitude."""
    images, labels = effective_batch(1)
    window = cut(images, labels, [4, 4, 3, 1])
    exact = gradient(norm, [(images, labels)], Objective(WEIGHTS))
    assert error(naive_gradient(norm, [(images, labels)]), exact) < 1e-6, "on one batch both are the same"
    assert error(naive_gradient(norm, window), exact) > 1e-3
    assert error(gradient(norm, window, Objective(WEIGHTS)), exact) < 1e-6


def test_batch_norm_is_no_large_batch_and_nobody_claims_it():
    images, labels = effective_batch(2)
    exact = gradient("batch", [(images, labels)], Objective())
    assert error(gradient("batch", cut(images, labels, [6, 6]), Objective()), exact) > 1e-2


@settings(max_examples=50, deadline=None)
@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=40),
    weight=st.none() | st.lists(st.floats(0.01, 100), min_size=5, max_size=5),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
    seed=st.integers(0, 1000),
)
def test_on_one_batch_it_is_torchs_cross_entropy(labels, weight, smoothing, seed):
    logits = 5 * torch.randn(len(labels), 5, generator=torch.Generator().manual_seed(seed))
    target = torch.tensor(labels)
    tensor = None if weight is None else torch.tensor(weight)
    objective = Objective(tensor, smoothing)
    theirs = nn.CrossEntropyLoss(weight=tensor, label_smoothing=smoothing)(logits, target)
    torch.testing.assert_close(objective(logits, target, objective.total_weight(target)), theirs, rtol=1e-5, atol=1e-6)


def test_the_loss_of_a_window_is_the_mean_over_its_pictures():
    images, labels = effective_batch(3)
    model = copy.deepcopy(NETWORKS["group"])
    expected = nn.functional.cross_entropy(model(images), labels, weight=WEIGHTS).item()
    right = (model(images).argmax(1) == labels).sum().item()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    loss, correct, _, _ = train_step(model, optimizer, Objective(WEIGHTS), cut(images, labels, [5, 5, 2]), CPU)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert correct == right


def test_half_precision_logits_lose_nothing_in_the_loss():
    logits, labels = torch.tensor([[1000.0, 0.0], [0.5, 0.25]]), torch.tensor([1, 0])
    objective = Objective()
    loss = objective(logits.bfloat16(), labels, objective.total_weight(labels))
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, nn.functional.cross_entropy(logits, labels))
