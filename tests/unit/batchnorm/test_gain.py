"""Gains of networks whose gains are known, and what norms have learned to multiply by."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from alexcore.batchnorm.measure.gain import layer_gain, learned_scales
from alexcore.nn import Network
from tests.support.bn_networks import batch, tiny


def linear(weight: torch.Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    layer.weight = nn.Parameter(weight)
    return layer


def rotation(size: int) -> torch.Tensor:
    return torch.linalg.qr(torch.randn(size, size, generator=torch.Generator().manual_seed(0)))[0]


def test_rotations_times_numbers_have_exactly_these_gains():
    model = nn.Sequential(linear(3 * rotation(6)), linear(0.5 * rotation(6)))
    found = layer_gain(model, torch.randn(8, 6))
    for kind in ("random", "neighbour"):
        assert found[kind]["factor"] == pytest.approx([3, 0.5], rel=1e-3)
        # Everything is scaled alike, the change as well as the pictures and their differences.
        assert found[kind]["relative"] == pytest.approx([1, 1], rel=1e-3)
        assert found[kind]["spread"] == pytest.approx([1, 1], rel=1e-3)


def test_the_gain_of_any_linear_layer_is_its_norm_ratio():
    weight = torch.randn(5, 7)
    images, eps = torch.randn(4, 7), 0.01
    found = layer_gain(nn.Sequential(linear(weight)), images, eps, directions=1, seed=3)
    noise = torch.randn(4, 7, generator=torch.Generator().manual_seed(3))
    change = eps * images.norm(dim=1, keepdim=True) * noise / noise.norm(dim=1, keepdim=True)
    factor = (change @ weight.T).norm() / change.norm()
    assert found["random"]["factor"] == pytest.approx([factor.item()], rel=1e-3)
    relative = (change @ weight.T).norm() / (images @ weight.T).norm() / (change.norm() / images.norm())
    assert found["random"]["relative"] == pytest.approx([relative.item()], rel=1e-3)
    outputs = images @ weight.T
    spread = (change @ weight.T).norm() / (outputs - outputs.mean(dim=0)).norm()
    spread = spread / (change.norm() / (images - images.mean(dim=0)).norm())
    assert found["random"]["spread"] == pytest.approx([spread.item()], rel=1e-3)


def test_the_way_to_the_neighbour():
    """Along the first axis the layer multiplies by 5, along the second by 1/5; the neighbours differ in the first."""
    images = torch.tensor([[1.0, 10.0], [2.0, 10.0], [1.0, -10.0], [2.0, -10.0]])
    found = layer_gain(nn.Sequential(linear(torch.diag(torch.tensor([5.0, 0.2])))), images)
    assert found["neighbour"]["factor"] == pytest.approx([5], rel=1e-3)
    assert 0.2 < found["random"]["factor"][0] < 5


def test_copies_of_a_picture_and_a_picture_alone():
    model = nn.Sequential(linear(2 * rotation(3)))
    alone = layer_gain(model, torch.ones(1, 3))
    assert alone["neighbour"] is None
    assert alone["random"]["factor"] == pytest.approx([2], rel=1e-3)
    # Pictures that do not differ have no spread and no way to each other.
    copies = layer_gain(model, torch.ones(4, 3))
    assert copies["random"]["spread"] == [None]
    assert copies["neighbour"]["factor"] == [None]


def test_the_spread_is_blind_to_a_common_scale_and_shift():
    model, (images, _) = tiny("none"), batch()
    before = layer_gain(model, images)
    with torch.no_grad():
        model[-1].weight.mul_(7)
        model[-1].bias.add_(100)
    after = layer_gain(model, images)
    assert after["random"]["spread"][2] == pytest.approx(before["random"]["spread"][2], rel=1e-2)
    assert after["random"]["factor"][2] == pytest.approx(7 * before["random"]["factor"][2], rel=1e-2)
    assert after["random"]["relative"][2] < 0.5 * before["random"]["relative"][2]


def test_gains_are_the_same_each_time_and_shaped_like_the_layers():
    model = Network(3, norm="batch", width=0.1, dropout=0.5, init="kaiming")
    images = torch.randn(4, 3, 64, 64)
    found = layer_gain(model, images)
    assert found == layer_gain(model, images)
    assert found != layer_gain(model, images, seed=1)
    assert {len(found[kind][figure]) for kind in ("random", "neighbour") for figure in found[kind]} == {8}


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_scales_are_what_the_norm_really_multiplies_by(norm):
    model, (images, _) = tiny(norm), batch()
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([0.5, 1, 2, 3, -1, 1]))
    found = learned_scales(model, images)
    assert found["layers"] == ["conv1", "conv2"]
    assert found["gamma_mean"] == pytest.approx([6.5 / 6, 1], rel=1e-5)
    assert found["gamma_moved"] == pytest.approx([5.5 / 6, 0], rel=1e-5)
    assert found["gamma_low"][0] < -0.5
    assert found["gamma_high"][0] > 2.5
    outputs: list[torch.Tensor] = []
    model[1].register_forward_hook(lambda _m, given, output: outputs.extend([given[0], output]))
    model.train()(images)
    given, output = outputs
    if norm == "batch":
        # The slope between what goes in and what comes out, channel by channel.
        slopes = output.std(dim=(0, 2, 3)) / given.std(dim=(0, 2, 3))
        assert found["scale"][0] == pytest.approx(slopes.mean().item(), rel=1e-3)
        assert found["sigma"][0] == pytest.approx(given.std(dim=(0, 2, 3), correction=0).mean().item(), rel=1e-3)
    else:
        groups = given.reshape(len(given), 2, -1).std(dim=2, correction=0)
        assert found["sigma"][0] == pytest.approx(groups.mean().item(), rel=1e-3)
        slopes = model[1].weight.abs() / groups.mean(dim=0).repeat_interleave(3)
        assert found["scale"][0] == pytest.approx(slopes.mean().item(), rel=1e-3)


def test_without_a_norm_there_are_no_scales():
    found = learned_scales(tiny("none"), batch()[0])
    assert all(value == [] for value in found.values())
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False), nn.Flatten(), nn.Linear(4 * 36, 2))
    assert learned_scales(plain, batch()[0])["layers"] == []
