"""Values, moments, drift, dead and saturated units against numbers worked out by hand or by hooks."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from alexcore.batchnorm.measure import moments as module
from alexcore.batchnorm.measure.moments import channel_percentiles, drift, layer_statistics
from alexcore.batchnorm.measure.weighted_layers import fan_channels, layers_of
from alexcore.batchnorm.read.channel_formula import half_life, statistics_lag
from alexcore.batchnorm.read.quantities import TITLES, rounded
from alexcore.errors import ConfigError
from alexcore.nn import Network
from tests.support.bn_networks import batch, tiny


def hooked(model: nn.Module, images: torch.Tensor, wanted: list[nn.Module]) -> list[torch.Tensor]:
    outputs = []
    hooks = [each.register_forward_hook(lambda _m, _i, output: outputs.append(output.detach())) for each in wanted]
    with torch.no_grad():
        model(images)
    for hook in hooks:
        hook.remove()
    return outputs


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_layers_are_found_with_their_norm_and_activation(norm):
    layers = layers_of(tiny(norm))
    assert [layer.name for layer in layers] == ["conv1", "conv2", "linear1"]
    assert [layer.norm is None for layer in layers] == [norm == "none", norm == "none", True]
    assert [type(layer.activation).__name__ for layer in layers] == ["ReLU", "ReLU", "NoneType"]
    assert [layer.channels for layer in layers] == [6, 8, 4]
    alexnet = Network(5, norm=norm, width=0.1)
    found = layers_of(alexnet)
    assert [layer.name for layer in found] == [
        "conv1",
        "conv2",
        "conv3",
        "conv4",
        "conv5",
        "linear1",
        "linear2",
        "linear3",
    ]
    for stage, layer in zip(alexnet.stages(), found, strict=False):
        assert (layer.weighted, layer.norm, layer.activation) == (stage.conv, stage.norm, stage.activation)
        assert layer.path == stage.path
    assert found[-1].activation is None


def test_moments_are_those_of_the_hooked_outputs():
    model, (images, _) = tiny("batch"), batch()
    data, moments = layer_statistics(model, images)
    conv1, norm1, relu1, conv2 = hooked(model, images, [*list(model)[:3], model[4]])
    assert moments["mean"]["conv1"].tolist() == pytest.approx(conv1.mean(dim=(0, 2, 3)).tolist(), abs=1e-6)
    assert moments["deviation"]["conv2"].tolist() == pytest.approx(
        conv2.transpose(0, 1).flatten(1).std(dim=1, correction=0).tolist(), rel=1e-5
    )
    q2 = data["Q2"]
    assert q2["layers"] == ["conv1", "conv2", "linear1"]
    assert q2["mean_abs"][0] == pytest.approx(conv1.mean(dim=(0, 2, 3)).abs().mean().item(), rel=1e-4)
    assert q2["normed_mean_abs"][0] == pytest.approx(norm1.mean(dim=(0, 2, 3)).abs().mean().item(), abs=1e-6)
    # A norm that has not trained yet makes every deviation 1, by the batch's statistics, not by the running ones.
    assert q2["normed_deviation"] == [pytest.approx(1, rel=1e-3), pytest.approx(1, rel=1e-3), None]
    assert q2["channels"]["conv1"] == list(range(6))
    assert q2["sigma"]["conv1"] == pytest.approx(moments["deviation"]["conv1"].tolist(), rel=1e-5)
    assert data["Q12"]["zero"][0] == pytest.approx((relu1 == 0).float().mean().item(), rel=1e-5)
    json.dumps(data, allow_nan=False)


def test_percentiles_are_numpys_over_pictures_and_positions():
    model, (images, _) = tiny("batch"), batch()
    data, _ = layer_statistics(model, images, {"conv1": [4, 1], "conv2": [7]})
    conv1, norm1, conv2 = hooked(model, images, [model[0], model[1], model[4]])
    fan = data["Q1"]["conv1"]
    assert (fan["channels"], fan["percentiles"]) == ([4, 1], [15, 50, 85])
    for row, normed, channel in zip(fan["output"], fan["normed"], [4, 1], strict=True):
        assert row == pytest.approx(np.percentile(conv1[:, channel].numpy(), [15, 50, 85]).tolist(), rel=1e-4)
        assert normed == pytest.approx(np.percentile(norm1[:, channel].numpy(), [15, 50, 85]).tolist(), rel=1e-4)
    last = data["Q1"]["conv2"]
    assert last["percentiles"] == [1, 15, 20, 50, 80, 85, 99]
    expected = np.percentile(conv2[:, 7].numpy(), last["percentiles"]).tolist()
    assert last["output"][0] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert data["Q1"]["linear1"] == {"channels": [], "percentiles": [15, 50, 85], "output": [], "normed": None}


def test_many_values_are_thinned_over_all_positions(monkeypatch):
    monkeypatch.setattr(module, "MOST_VALUES", 100)
    # 6 x 6 positions: a stride of 18 would see but two of them; each position has a value of its own.
    values = torch.arange(36.0).view(1, 1, 6, 6).repeat(50, 2, 1, 1)
    found = channel_percentiles(values, [1], [0, 50, 100])[0]
    assert found == pytest.approx([0, 17.5, 35], abs=1.5)


def moments_of(mean, deviation):
    """Those of a convolution without a norm."""
    own = {"mean": {"conv1": torch.tensor(mean)}, "deviation": {"conv1": torch.tensor(deviation)}}
    return {**own, "normed_mean": {}, "normed_deviation": {}}


def test_drift_by_definition_and_for_known_moves():
    before = moments_of([0.0, 1.0], [1.0, 2.0])
    now = moments_of([0.5, -1.0], [math.e, 2.0])
    found = drift(before, now, 7)
    assert (found["steps"], found["layers"]) == (7, ["conv1"])
    assert found["mean"] == pytest.approx([(0.5 / 1 + 2 / 2) / 2])
    assert found["log_deviation"] == pytest.approx([0.5])
    assert found["normed_mean"] == found["normed_log_deviation"] == [None]
    assert drift(before, before, 1)["mean"] == [0]
    constant = moments_of([1.0], [0.0])
    assert drift(constant, constant, 1)["log_deviation"] == [None]


def test_drift_of_a_network_whose_weights_were_doubled():
    model, (images, _) = tiny("batch"), batch()
    _, before = layer_statistics(model, images)
    with torch.no_grad():
        model[0].weight.mul_(2)
        model[1].bias.add_(0.5)
    found = drift(before, layer_statistics(model, images)[1], 1)
    assert found["log_deviation"][0] == pytest.approx(math.log(2), rel=1e-4)
    # The norm takes the factor away again and shows the shift of beta alone, in deviations, which are 1.
    assert found["normed_log_deviation"][0] == pytest.approx(0, abs=1e-3)
    assert found["normed_mean"][0] == pytest.approx(0.5, rel=1e-3)
    assert found["normed_mean"][2] is None


def test_moments_survive_a_checkpoint(tmp_path):
    _, moments = layer_statistics(tiny("batch"), batch()[0])
    torch.save(moments, tmp_path / "moments.pt")
    again = torch.load(tmp_path / "moments.pt", weights_only=True)
    assert drift(moments, again, 1)["mean"] == [0, 0, 0]


def test_dead_and_zero_units_of_constructed_weights():
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0], [-1, 0], [0, 0], [0, 1]]))
        model[0].bias.copy_(torch.tensor([0.0, 0, -1, 0]))
    images = torch.tensor([[1.0, 1], [-1, 1], [1, -1], [2, 1]])
    q12 = layer_statistics(model, images)[0]["Q12"]
    # Unit 1 is zero once, unit 2 thrice, unit 3 always (dead), unit 4 once: 9 of 16 outputs.
    assert q12["zero"] == [9 / 16, None]
    assert q12["dead"] == [1 / 4, None]


@pytest.mark.parametrize(("activation", "edge"), [(nn.Tanh, math.atanh(0.97)), (nn.Sigmoid, math.log(0.97 / 0.03))])
def test_saturated_outputs_of_constructed_weights(activation, edge):
    model = nn.Sequential(nn.Linear(1, 3, bias=False), activation(), nn.Linear(3, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0], [0.5], [100.0]]))
    images = torch.tensor([[edge + 0.01], [edge - 0.01], [-edge - 0.01], [-edge + 0.01]])
    data = layer_statistics(model, images)[0]
    # The first unit is saturated twice, the second never, the third always.
    assert data["Q13"]["saturated"] == pytest.approx([6 / 12, None])
    assert data["Q13"]["saturated_channels"] == [pytest.approx(1 / 3, rel=1e-5), None]
    assert data["Q12"] == {"layers": ["linear1", "linear2"], "zero": [None, None], "dead": [None, None]}


def test_channels_are_evenly_spaced_and_bounded():
    chosen = fan_channels(Network(5, norm="batch", width=1.0), most=32)
    assert len(chosen["conv1"]) == 32
    assert chosen["conv2"] == list(range(0, 128, 4))
    assert len(chosen["linear1"]) == 8
    assert chosen["linear3"] == [0, 1, 2, 3, 4]
    assert fan_channels(tiny())["conv1"] == [0, 1, 2, 3, 4, 5]


def test_rounding_keeps_six_digits_and_what_json_has():
    assert rounded({"a": [1.23456789e-9, float("nan")], "b": (float("inf"), 3, True, "x", None)}) == {
        "a": [1.23457e-9, None],
        "b": [None, 3, True, "x", None],
    }
    assert len(set(TITLES.values())) == len(TITLES) == 23


def test_the_lag_is_one_minus_m_to_the_n():
    found = statistics_lag(0.1, 50, accumulation=4)
    assert found["weight"] == pytest.approx(0.9**50, rel=1e-5)
    assert found["half_life"] == pytest.approx(6.57881, rel=1e-5)
    assert found["curve"][:3] == pytest.approx([1, 0.9, 0.81])
    assert found["curve_updates"] == list(range(51))
    assert found["effective_momentum"] == pytest.approx(1 - 0.9**4)
    assert 1 - (1 - found["compensated_momentum"]) ** 4 == pytest.approx(0.1, rel=1e-5)
    assert len(statistics_lag(0.1, 100_000)["curve"]) <= 201
    assert (half_life(1.0), half_life(0.0), half_life(None)) == (0.0, None, None)
    assert statistics_lag(None, 1)["weight"] == 0


def test_the_lag_is_what_torch_does():
    norm = nn.BatchNorm2d(1)
    norm.running_mean.fill_(1.0)
    for _ in range(9):
        norm(torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1))
    assert norm.running_mean.item() == pytest.approx(statistics_lag(0.1, 9)["weight"], rel=1e-5)


@pytest.mark.parametrize(("arguments", "value"), [((1.5, 3), "1.5"), ((0.1, -1), "-1"), ((0.1, 3, 0), "0")])
def test_a_lag_out_of_range_is_a_sentence(arguments, value):
    with pytest.raises(ConfigError, match=f"= {value} is not allowed"):
        statistics_lag(*arguments)
