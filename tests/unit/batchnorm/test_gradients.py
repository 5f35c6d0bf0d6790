"""Summands and sizes of gradients against sums over every picture and position, and the zero that batch norm makes."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from alexcore.batchnorm.measure.gradients import gradient_magnitude, gradient_summands
from alexcore.nn import Network
from tests.support.bn_networks import batch, tiny


def test_summands_of_a_linear_layer_worked_out():
    """L = sum of outputs, so dL/dO = 1 and the summand of weight (o, i) and picture b is x[b, i]."""
    model = nn.Linear(2, 3)
    x = torch.tensor([[1.0, 2.0], [-3.0, 4.0]])
    found = gradient_summands(nn.Sequential(model), x, torch.zeros(1), criterion=lambda output, _: output.sum())
    # sum |d| = 4, 6 and |sum d| = 2, 6 for the two inputs, for each of the three outputs.
    assert found["layers"] == ["linear1"]
    assert (found["absolute"], found["signed"]) == ([5], [4])
    assert found["ratio"] == [1.25]
    assert found["ratio_median"] == [1]
    # The bias adds up 1 for 2 pictures: a vector of three twos; all pull the same way.
    assert found["bias_gradient"] == pytest.approx([2 * 3**0.5], rel=1e-5)
    assert found["bias_relative"] == [1]


@pytest.mark.parametrize(("stride", "padding", "groups"), [(1, 0, 1), (2, 1, 1), (1, 2, 2)])
def test_summands_of_a_convolution_by_brute_force(stride, padding, groups):
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 4, 3, stride=stride, padding=padding, groups=groups)
    images = torch.randn(3, 2, 6, 6)
    flow = torch.randn_like(conv(images))
    found = gradient_summands(
        nn.Sequential(conv), images, flow, criterion=lambda output, wanted: (output * wanted).sum()
    )
    padded = F.pad(images, [padding] * 4)
    absolute, signed = [], []
    for out in range(4):
        for channel in range(2 // groups):
            source = channel + (out // (4 // groups)) * (2 // groups)
            for row in range(3):
                for column in range(3):
                    summands = [
                        flow[b, out, y, x] * padded[b, source, y * stride + row, x * stride + column]
                        for b in range(3)
                        for y in range(flow.shape[2])
                        for x in range(flow.shape[3])
                    ]
                    absolute.append(sum(map(abs, summands)).item())
                    signed.append(abs(sum(summands)).item())
    assert found["absolute"][0] == pytest.approx(sum(absolute) / len(absolute), rel=1e-4)
    assert found["signed"][0] == pytest.approx(sum(signed) / len(signed), rel=1e-4)
    assert found["ratio"][0] == pytest.approx(sum(absolute) / sum(signed), rel=1e-4)
    ratios = torch.tensor(absolute) / torch.tensor(signed)
    assert found["ratio_median"][0] == pytest.approx(ratios.median().item(), rel=1e-3)


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.ReLU(inplace=True)], ids=["copying", "in place"])
def test_an_activation_in_place_changes_nothing(activation):
    model, (images, labels) = tiny("none"), batch()
    expected = gradient_summands(model, images, labels)
    model[1] = model[4] = activation
    assert gradient_summands(model, images, labels) == expected


def test_signed_sums_are_the_gradient_that_training_uses():
    model, (images, labels) = tiny("group"), batch()
    found = gradient_summands(model, images, labels)
    F.cross_entropy(model.train()(images), labels).backward()
    weights = [model[0].weight, model[4].weight, model[-1].weight]
    assert found["signed"] == pytest.approx([each.grad.abs().mean().item() for each in weights], rel=1e-4)
    assert found["bias_gradient"][-1] == pytest.approx(model[-1].bias.grad.norm().item(), rel=1e-4)
    assert all(ratio >= 1 for ratio in found["ratio"])


def test_behind_a_batch_norm_the_gradient_of_a_bias_is_zero():
    images, labels = batch()
    found = {norm: gradient_summands(tiny(norm), images, labels) for norm in ("none", "batch", "group")}
    assert max(found["batch"]["bias_relative"][:2]) < 1e-6
    assert max(found["batch"]["bias_gradient"][:2]) < 1e-6
    # Not without it, nor with group norm, nor where no norm follows.
    assert min(found["none"]["bias_relative"]) > 1e-3
    assert min(found["group"]["bias_relative"]) > 1e-3
    assert found["batch"]["bias_relative"][2] > 1e-3


def test_a_real_bias_before_a_batch_norm_learns_nothing():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 36, 4))
    images, labels = batch()
    F.cross_entropy(model(images), labels).backward()
    assert model[0].bias.grad.abs().max() < 1e-6
    assert gradient_summands(model, images, labels)["bias_gradient"][0] < 1e-6


def test_frozen_layers_have_summands_too():
    model, (images, labels) = tiny("batch"), batch()
    expected = gradient_summands(model, images, labels)
    frozen = copy.deepcopy(model)
    for parameter in frozen.parameters():
        parameter.requires_grad_(False)
    assert gradient_summands(frozen, images, labels) == expected
    assert not any(parameter.requires_grad for parameter in frozen.parameters())


def test_sizes_of_the_last_gradients():
    model = Network(3, norm="batch", width=0.1)
    assert gradient_magnitude(model, 0.1)["norm"] == [None] * 8
    for stage in model.stages():
        stage.conv.weight.grad = torch.full_like(stage.conv.weight, 2.0)
    found = gradient_magnitude(model, 0.1)
    conv = model.stages()[1].conv.weight
    assert found["layers"][1] == "conv2"
    assert found["norm"][1] == pytest.approx(2 * conv.numel() ** 0.5, rel=1e-5)
    assert found["weight_norm"][1] == pytest.approx(conv.norm().item(), rel=1e-5)
    assert found["relative"][1] == pytest.approx(0.1 * 2 * conv.numel() ** 0.5 / conv.norm().item(), rel=1e-5)
    assert found["relative"][-1] is None
    assert (conv.grad == 2).all()
