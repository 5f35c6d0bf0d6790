"""The formula of batch norm, number by number, is torch's in train and in eval mode."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from alexcore.batchnorm.measure.formula_example import channel_example
from alexcore.batchnorm.read.channel_formula import channel_formula
from alexcore.errors import ConfigError, DataError
from alexcore.nn import Network
from tests.support.bn_networks import batch, tiny


@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_the_formula_is_torchs_in_both_modes(momentum):
    torch.manual_seed(0)
    values = torch.randn(4, 1, 3, 5) * 3 + 2
    norm = nn.BatchNorm2d(1, momentum=momentum, eps=1e-3)
    with torch.no_grad():
        norm.weight.fill_(1.7), norm.bias.fill_(-0.4), norm.running_mean.fill_(0.6), norm.running_var.fill_(2.5)
        norm.num_batches_tracked.fill_(3)
    places = [(0, 0, 0), (3, 2, 4)]
    found = channel_formula(
        values[:, 0].numpy(),
        gamma=1.7,
        beta=-0.4,
        eps=1e-3,
        momentum=momentum,
        running_mean=0.6,
        running_variance=2.5,
        updates=3,
        shown=places,
    )
    evaluated, trained = norm.eval()(values), norm.train()(values)
    for row, (picture, line, column) in zip(found["shown"], places, strict=True):
        assert (row["picture"], row["row"], row["column"]) == (picture, line, column)
        assert row["value"] == pytest.approx(values[picture, 0, line, column].item(), rel=1e-5)
        assert row["train"]["output"] == pytest.approx(trained[picture, 0, line, column].item(), rel=1e-4)
        assert row["eval"]["output"] == pytest.approx(evaluated[picture, 0, line, column].item(), rel=1e-4)
    assert found["running_mean_after"] == pytest.approx(norm.running_mean.item(), rel=1e-5)
    assert found["running_variance_after"] == pytest.approx(norm.running_var.item(), rel=1e-5)
    assert found["variance_unbiased"] == pytest.approx(values.var().item(), rel=1e-5)


def test_numbers_that_a_person_can_follow():
    found = channel_formula(
        np.array([[[1.0]], [[3.0]]]), gamma=2, beta=1, eps=0.0, running_mean=-1.0, shown=[(1, 0, 0)]
    )
    assert (found["mean"], found["variance"], found["deviation"], found["variance_unbiased"]) == (2, 1, 1, 2)
    assert found["shown"][0]["train"] == {"centred": 1, "normalised": 1, "output": 3}
    assert found["shown"][0]["eval"] == {"centred": 4, "normalised": 4, "output": 9}
    assert (found["running_mean_after"], found["running_variance_after"]) == (pytest.approx(-0.7), pytest.approx(1.1))
    assert found["lines_train"] == [
        "mean = sum of 2 values / 2 = 2",
        "variance = mean of (value - mean)² = 1",
        "deviation = √(variance + eps) = √(1 + 0e+00) = 1",
        "picture 1, row 0, column 0: value = 3",
        "normalised = (value - mean) / deviation = (3 - 2) / 1 = 1",
        "output = gamma · normalised + beta = 2 · 1 + 1 = 3",
        "running mean = (1 - m) · running mean + m · mean = 0.9 · (-1) + 0.1 · 2 = -0.7",
        "unbiased variance = variance · 2 / 1 = 2",
        "running variance = (1 - m) · running variance + m · unbiased variance = 0.9 · 1 + 0.1 · 2 = 1.1",
    ]
    assert found["lines_eval"] == [
        "running mean = -1, as training left it; this batch plays no part",
        "running deviation = √(running variance + eps) = √(1 + 0e+00) = 1",
        "picture 1, row 0, column 0: value = 3",
        "normalised = (value - running mean) / running deviation = (3 - (-1)) / 1 = 4",
        "output = gamma · normalised + beta = 2 · 4 + 1 = 9",
    ]


def test_one_value_has_no_variance():
    with pytest.raises(DataError, match="1 value of a channel has no variance"):
        channel_formula([[[1.0]]])


@pytest.mark.parametrize("train", [True, False])
def test_the_example_of_a_network_is_what_its_norm_gives(train):
    """A deep layer: what reaches it is that of train mode, and both columns are of these values."""
    model, (images, labels) = tiny("batch"), batch()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    found = channel_example(model.train(train), images, "conv2", 5)
    assert (found["layer"], found["channel"], found["count"], len(found["shown"])) == ("conv2", 5, 12 * 16, 6)
    norm = model[5]
    assert found["gamma"] == pytest.approx(norm.weight[5].item(), rel=1e-5)
    assert found["running_mean"] == pytest.approx(norm.running_mean[5].item(), rel=1e-5)
    seen: list[torch.Tensor] = []
    norm.register_forward_hook(lambda _m, given, output: seen.extend([given[0].detach(), output.detach()]))
    model.train()
    before = norm.running_mean.clone(), norm.running_var.clone()
    model(images)
    values, outputs = seen[:2]
    assert found["running_mean_after"] == pytest.approx(norm.running_mean[5].item(), rel=1e-4)
    assert found["running_variance_after"] == pytest.approx(norm.running_var[5].item(), rel=1e-4)
    norm.running_mean.copy_(before[0]), norm.running_var.copy_(before[1])
    evaluated = norm.eval()(values)
    for row in found["shown"]:
        place = (row["picture"], 5, row["row"], row["column"])
        assert (row["row"], row["column"]) == (2, 2)
        assert row["train"]["output"] == pytest.approx(outputs[place].item(), rel=1e-3, abs=1e-5)
        assert row["eval"]["output"] == pytest.approx(evaluated[place].item(), rel=1e-3, abs=1e-5)
    json.dumps(found, allow_nan=False)


def test_layers_and_channels_that_are_not_there_are_a_sentence():
    model = Network(3, norm="batch", width=0.1)
    images = torch.randn(2, 3, 64, 64)
    with pytest.raises(ConfigError, match=r"layer = 'linear1' has no batch norm.*conv1, conv2, conv3, conv4, conv5"):
        channel_example(model, images, "linear1")
    with pytest.raises(ConfigError, match="channel = 99 is not allowed: conv1 has the channels 0 to 7"):
        channel_example(model, images, "conv1", 99)
    with pytest.raises(ConfigError, match="has no batch norm"):
        channel_example(Network(3, norm="group", width=0.1), images)
