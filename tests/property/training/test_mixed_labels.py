"""The loss on mixed labels is torch's, and is accumulated exactly."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from alexcore.training.objective import Objective
from tests.support.accumulated_gradients import error, gradient
from tests.support.augment_pipelines import SIDE

# A machine of few cores warns of loader processes; newer Pythons warn of a fork beside torch's threads.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:This process .* is multi-threaded"),
]


@st.composite
def mixed_labels(draw: st.DrawFn) -> torch.Tensor:
    rows = st.lists(st.floats(0.01, 1), min_size=4, max_size=4)
    values = torch.tensor(draw(st.lists(rows, min_size=1, max_size=12)))
    return values / values.sum(1, keepdim=True)


@settings(max_examples=50, deadline=None)
@given(
    labels=mixed_labels(),
    weight=st.none() | st.lists(st.floats(0.01, 100), min_size=4, max_size=4),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
    seed=st.integers(0, 1000),
)
def test_on_mixed_labels_it_is_torchs_cross_entropy(labels, weight, smoothing, seed):
    logits = 5 * torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(seed))
    tensor = None if weight is None else torch.tensor(weight)
    objective = Objective(tensor, smoothing)
    theirs = nn.CrossEntropyLoss(weight=tensor, label_smoothing=smoothing)(logits, labels)
    torch.testing.assert_close(objective(logits, labels, objective.total_weight(labels)), theirs, rtol=1e-5, atol=1e-5)


@settings(max_examples=8, deadline=None)
@given(cut=st.integers(1, 11), weighted=st.booleans(), smoothing=st.sampled_from([0.0, 0.1]), seed=st.integers(0, 99))
def test_two_mixed_micro_batches_are_one_batch(cut, weighted, smoothing, seed):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(12, 3, SIDE, SIDE, generator=generator)
    labels = torch.rand(12, 3, generator=generator)
    labels = labels / labels.sum(1, keepdim=True)
    objective = Objective(torch.tensor([1.0, 2.0, 4.0]) if weighted else None, smoothing)
    exact = gradient("group", [(images, labels)], objective)
    parts = [(images[:cut], labels[:cut]), (images[cut:], labels[cut:])]
    assert error(gradient("group", parts, objective), exact) < 1e-6
