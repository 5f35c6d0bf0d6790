"""Loss surface, predictiveness, smoothness and covariate shift against closed forms and by definition."""

from __future__ import annotations

import copy
import json
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from alexcore.batchnorm.measure.gradients import internal_covariate_shift
from alexcore.batchnorm.measure.loss_surface import DISTANCES, RATES, loss_surface, relative_loss
from alexcore.nn import Network
from tests.support.bn_networks import Point, batch, tiny

CURVATURES = torch.tensor([1.0, 3.0, 0.5], dtype=torch.float64)
THETA = torch.tensor([2.0, -1.0, 4.0], dtype=torch.float64)


def bowl(theta: torch.Tensor, _labels: torch.Tensor) -> torch.Tensor:
    return 0.5 * (CURVATURES * theta**2).sum()


def nothing() -> torch.Tensor:
    return torch.zeros(1)


def test_a_quadratic_loss_has_exactly_these_values():
    g = CURVATURES * THETA
    found = loss_surface(Point(THETA), nothing(), nothing(), 0.1, criterion=bowl)
    norm, change = g.norm().item(), (CURVATURES * g).norm().item()
    steps = [0.1 * each for each in (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4)]
    losses = [bowl(THETA - eta * g, nothing()).item() for eta in steps]
    assert found["Q5"]["steps"] == pytest.approx(steps)
    assert found["Q5"]["losses"] == pytest.approx(losses, rel=1e-5)
    assert found["Q5"]["min"] == pytest.approx(min(losses), rel=1e-5)
    assert found["Q5"]["range"] == pytest.approx(max(losses) - min(losses), rel=1e-5)
    # grad L(theta - eta g) = A theta - eta A A theta, so the difference is eta ||A g|| and beta the same everywhere.
    assert found["Q6"]["distances"] == pytest.approx([eta * change for eta in steps], rel=1e-5)
    assert (found["Q6"]["min"], found["Q6"]["max"]) == pytest.approx((0.05 * change, 0.4 * change), rel=1e-5)
    assert found["Q7"] == pytest.approx({"beta": change / norm, "grad_norm": norm}, rel=1e-5)


def test_the_scale_free_versions_of_a_quadratic_loss():
    g = CURVATURES * THETA
    found = loss_surface(Point(THETA), nothing(), nothing(), 0.1, criterion=bowl)
    norm, change, weights = g.norm().item(), (CURVATURES * g).norm().item(), THETA.norm().item()
    steps = [rho * weights / norm for rho in DISTANCES]
    there = [g - eta * CURVATURES * g for eta in steps]
    assert found["Q5r"]["losses"] == pytest.approx([bowl(THETA - e * g, nothing()).item() for e in steps], rel=1e-5)
    assert found["Q6r"]["relative"] == pytest.approx([eta * change / norm for eta in steps], rel=1e-5)
    assert found["Q6r"]["rel"] == pytest.approx(steps[-1] * change / norm, rel=1e-5)
    cosines = [F.cosine_similarity(g, each, dim=0).item() for each in there]
    assert found["Q6r"]["cosines"] == pytest.approx(cosines, rel=1e-6)
    assert found["Q6r"]["cosmin"] == pytest.approx(min(cosines), rel=1e-6)
    assert found["Q7r"]["beta"] == pytest.approx(change * weights / norm**2, rel=1e-5)
    # Another unit for the weights changes the raw beta a hundredfold, and these not at all.
    scaled = loss_surface(
        Point(THETA * 10), nothing(), nothing(), 0.1, criterion=lambda theta, labels: bowl(theta / 10, labels)
    )
    assert scaled["Q6r"]["rel"] == pytest.approx(found["Q6r"]["rel"], rel=1e-5)
    assert scaled["Q7r"]["beta"] == pytest.approx(found["Q7r"]["beta"], rel=1e-5)
    assert scaled["Q7"]["beta"] == pytest.approx(found["Q7"]["beta"] / 100, rel=1e-5)


def test_a_linear_loss_is_perfectly_predictable():
    found = loss_surface(Point(THETA), nothing(), nothing(), 0.1, criterion=lambda theta, _: theta.sum() + 100)
    assert found["Q6"]["max"] == found["Q7"]["beta"] == found["Q6r"]["rel"] == 0
    assert found["Q6r"]["cosmin"] == 1


def test_a_flat_loss_and_a_loss_that_is_no_number_are_told_as_such():
    flat = loss_surface(Point(THETA), nothing(), nothing(), 0.1, criterion=lambda theta, _: 0 * theta.sum() + 1)
    assert flat["Q5"]["range"] == 0
    assert flat["Q7"]["beta"] is None
    assert flat["Q6r"]["rel"] is None
    # A logarithm that the larger steps leave behind: a step that leads nowhere must not look like a small one.
    log = loss_surface(Point(torch.ones(1)), nothing(), nothing(), 0.4, criterion=lambda theta, _: theta.log().sum())
    assert log["Q5"]["losses"][0] == pytest.approx(math.log(0.8), rel=1e-5)
    assert log["Q5"]["losses"][-1] is log["Q5"]["max"] is log["Q7"]["beta"] is None
    json.dumps(log, allow_nan=False)


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_the_surface_of_a_network_by_brute_force(norm):
    """A copy takes the step and is differentiated the usual way."""
    model, (images, labels) = tiny(norm), batch()
    found = loss_surface(model, images, labels, 0.5)

    def usual(network: nn.Module) -> tuple[float, list[torch.Tensor]]:
        network.zero_grad()
        loss = F.cross_entropy(network.train()(images), labels)
        loss.backward()
        return loss.item(), [each.grad.clone() for each in network.parameters()]

    loss, start = usual(copy.deepcopy(model))
    norm_g = torch.cat([each.flatten() for each in start]).norm().item()
    assert found["Q5"]["loss"] == pytest.approx(loss, rel=1e-5)
    assert found["Q7"]["grad_norm"] == pytest.approx(norm_g, rel=1e-5)
    ratios = []
    for number, eta in enumerate(found["Q5"]["steps"]):
        moved = copy.deepcopy(model)
        with torch.no_grad():
            for parameter, gradient in zip(moved.parameters(), start, strict=True):
                parameter -= eta * gradient
        there_loss, there = usual(moved)
        distance = torch.cat([(a - b).flatten() for a, b in zip(there, start, strict=True)]).norm().item()
        assert found["Q5"]["losses"][number] == pytest.approx(there_loss, rel=1e-4)
        assert found["Q6"]["distances"][number] == pytest.approx(distance, rel=1e-3)
        ratios.append(distance / (eta * norm_g))
    assert found["Q7"]["beta"] == pytest.approx(max(ratios), rel=1e-3)


def test_relative_loss_of_a_quadratic_and_where_it_diverges():
    # L = theta^2 / 2 and g = theta: the ratio is (1 - eta)^2.
    found = relative_loss(
        Point(torch.ones(1, dtype=torch.float64)),
        nothing(),
        nothing(),
        criterion=lambda theta, _: 0.5 * (theta**2).sum(),
    )
    assert found["rates"] == pytest.approx(list(RATES), rel=1e-5)
    assert (found["rates"][0], found["rates"][-1]) == (1e-4, 10)
    assert found["ratios"] == pytest.approx([(1 - eta) ** 2 for eta in RATES], rel=1e-4, abs=1e-9)
    assert found["first_diverged"] is None
    assert found["largest_safe"] == pytest.approx(1)
    steep = relative_loss(
        Point(torch.ones(1, dtype=torch.float64)),
        nothing(),
        nothing(),
        [0.001, 0.01, 1.0],
        criterion=lambda theta, _: 50 * (theta**2).sum(),
    )
    assert steep["ratios"] == pytest.approx([0.81, 0, 9801], abs=1e-9)
    assert steep["diverged"] == [False, False, True]
    assert (steep["first_diverged"], steep["largest_safe"]) == (1.0, 0.01)
    blown = relative_loss(
        Point(torch.ones(1)), nothing(), nothing(), [3.0], criterion=lambda theta, _: theta.log().sum() + 1
    )
    assert (blown["ratios"], blown["diverged"], blown["largest_safe"]) == ([None], [True], None)


def test_covariate_shift_of_two_linear_layers_worked_out():
    """y = W2 W1 x with L = y: dL/dW1 = W2^T x^T and dL/dW2 = (W1 x)^T; the shift of layer 2 is lr |W2| x^T x."""
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False)).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 2.0], [0.5, -1.0]]))
        model[1].weight.copy_(torch.tensor([[3.0, -4.0]]))
    x = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    lr = 0.1
    found = internal_covariate_shift(model, x, nothing(), lr, criterion=lambda output, _: output.sum())
    before = torch.tensor([5.0, -1.5])
    after = before - lr * torch.tensor([3.0, -4.0]) * 5
    assert (found["lr"], found["layers"]) == (lr, ["linear2"])
    assert found["grad_norm"] == pytest.approx([before.norm().item()], rel=1e-5)
    assert found["shift"] == pytest.approx([lr * 5 * 5], rel=1e-5)
    assert found["relative"] == pytest.approx([2.5 / before.norm().item()], rel=1e-5)
    assert found["cosine"] == pytest.approx([F.cosine_similarity(before, after, dim=0).item()], rel=1e-5)


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_covariate_shift_by_definition(norm):
    model, (images, labels) = tiny(norm), batch()
    found = internal_covariate_shift(model, images, labels, 0.1)
    assert found["layers"] == ["conv2", "linear1"]
    for number, place in enumerate((4 if norm != "none" else 3, len(model) - 1)):
        copied = copy.deepcopy(model).train()
        F.cross_entropy(copied(images), labels).backward()
        here = copied[place].weight.grad.clone()
        with torch.no_grad():
            for layer in list(copied)[:place]:
                for parameter in layer.parameters():
                    parameter -= 0.1 * parameter.grad
        copied.zero_grad()
        F.cross_entropy(copied(images), labels).backward()
        there = copied[place].weight.grad
        assert found["shift"][number] == pytest.approx((here - there).norm().item(), rel=1e-3)
        assert found["relative"][number] == pytest.approx(((here - there).norm() / here.norm()).item(), rel=1e-3)
        cosine = F.cosine_similarity(here.flatten(), there.flatten(), dim=0).item()
        assert found["cosine"][number] == pytest.approx(cosine, abs=1e-5)


def test_no_rate_no_shift_and_alexnet_has_all_its_layers():
    model = Network(4, norm="batch", width=0.1, init="kaiming", dropout=0.5)
    found = internal_covariate_shift(model, torch.randn(4, 3, 64, 64), torch.tensor([0, 1, 2, 3]), 0.0)
    assert found["layers"] == ["conv2", "conv3", "conv4", "conv5", "linear1", "linear2", "linear3"]
    assert found["shift"] == [0.0] * 7
    assert found["cosine"] == pytest.approx([1.0] * 7)
