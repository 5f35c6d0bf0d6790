"""The table of layers against torch's own layers, its FLOP counter, published figures and the support of a gradient."""

from __future__ import annotations

from functools import reduce

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from alexcore.errors import ConfigError
from alexcore.nn import NETWORKS, NORMS, Network, minimum_input_size
from alexcore.nn.blueprints import describe
from alexcore.nn.description import Window
from alexcore.nn.layers import PIXEL, Field, layer_table, totals

few = settings(max_examples=20, deadline=None)


def test_torchvisions_alexnet_has_the_published_figures():
    """61,100,840 parameters (torchvision's documentation) and 714 million multiply-adds (its table: 0.71 GFLOPS)."""
    layers = layer_table("torchvision", 224, "none", 1.0, 1000)
    assert totals(layers) == (61_100_840, 714_188_480)
    by_name = {each.name: each for each in layers}
    assert by_name["conv1"].multiply_adds == 64 * 55 * 55 * 3 * 11 * 11
    assert by_name["linear1"].parameters == 4096 * (256 * 36 + 1)
    # Araujo, Norris and Sim 2019 name 195 px for AlexNet (v2, which is this one) at its last pooling.
    assert by_name["pool3"].field[:2] == (195, 32)
    assert [by_name[name].field.size for name in ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5")] == [
        11,
        19,
        51,
        67,
        99,
        131,
        163,
    ]
    assert by_name["pool3"].shape == "256 × 6 × 6"


def test_the_paper_has_60_million_parameters():
    assert totals(layer_table("2012", 224, "none", 1.0, 1000))[0] == 60_965_224


@few
@given(
    variant=st.sampled_from(sorted(NETWORKS)),
    norm=st.sampled_from(list(NORMS)),
    width=st.sampled_from([0.125, 0.25, 0.5]),
    classes=st.integers(1, 12),
    extra=st.integers(0, 200),
    activation=st.sampled_from(["relu", "tanh"]),
)
def test_every_row_is_a_layer_of_the_network_with_its_shape_and_numbers(
    variant, norm, width, classes, extra, activation
):
    size = minimum_input_size(variant) + extra
    model = Network(classes, variant, norm, width, activation=activation).eval()
    table = layer_table(variant, size, norm, width, classes, activation)
    shapes: dict[str, tuple[int, ...]] = {}
    hooks = [
        module.register_forward_hook(lambda _m, _i, out, name=name: shapes.__setitem__(name, tuple(out.shape[1:])))
        for name, module in model.named_modules()
        if "." in name or name == "avgpool"
    ]
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(torch.zeros(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    assert [each.path for each in table] == list(shapes), "the same layers in the same order"
    for layer in table:
        module = model.get_submodule(layer.path)
        expected = (layer.channels, layer.side, layer.side) if layer.side else (layer.channels,)
        assert shapes[layer.path] == expected, layer.name
        assert layer.parameters == sum(each.numel() for each in module.parameters()), layer.name
        if isinstance(module, nn.Conv2d):
            assert module.kernel_size == (layer.kernel, layer.kernel)
            assert module.stride == (layer.stride, layer.stride)
            assert module.padding == (layer.padding, layer.padding)
            assert module.groups == layer.groups
        if isinstance(module, nn.GroupNorm):
            assert module.num_groups == layer.groups
    assert 2 * totals(table)[1] == counter.get_total_flops()
    assert totals(table)[0] == describe(variant, classes, norm, width).parameters


windows = st.lists(
    st.builds(Window, st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(stack=windows)
def test_a_receptive_field_is_where_a_gradient_arrives(stack):
    """Weights of 1 and no activation: the gradient of one output pixel is not 0 exactly where the pixel looks."""
    field = reduce(Field.through, stack, PIXEL)
    size = 4 * field.size + 4 * field.jump + 8
    assume(size <= 700)
    layers = [
        nn.Conv1d(1, 1, window.kernel, window.stride, window.padding, window.dilation, bias=False, dtype=torch.float64)
        for window in stack
    ]
    for layer in layers:
        nn.init.ones_(layer.weight)
    picture = torch.zeros(1, 1, size, dtype=torch.float64, requires_grad=True)
    output = nn.Sequential(*layers)(picture)
    middle = output.shape[-1] // 2
    output[0, 0, middle].backward()
    assert picture.grad is not None
    seen = picture.grad[0, 0].nonzero().flatten()
    first, last = field.start + middle * field.jump, field.start + middle * field.jump + field.size - 1
    assume(first >= 0 and last < size)
    assert (int(seen.min()), int(seen.max())) == (first, last)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_the_field_of_the_last_pooling_is_where_a_networks_gradient_arrives(name):
    """In a whole network: average instead of max-pooling, because a maximum passes on one gradient only."""
    layers = layer_table(name, 512, "none", 0.125, 2)
    field = next(each.field for each in layers if each.name == "pool3")
    model = Network(2, name, "none", 0.125).double().eval()
    stack = [
        nn.AvgPool2d(3, 2) if isinstance(module, nn.MaxPool2d) else module
        for module in model.features
        if isinstance(module, nn.Conv2d | nn.MaxPool2d)
    ]
    for module in stack:
        if isinstance(module, nn.Conv2d):
            nn.init.ones_(module.weight)
    picture = torch.zeros(1, 3, 512, 512, dtype=torch.float64, requires_grad=True)
    output = nn.Sequential(*stack)(picture)
    at = output.shape[-1] // 2
    output[0, 0, at, at].backward()
    assert picture.grad is not None
    rows = picture.grad[0].abs().sum(dim=(0, 2)).nonzero().flatten()
    assert int(rows.max() - rows.min()) + 1 == field.size == 195
    assert int(rows.min()) == field.start + at * field.jump


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"size": 62}, "seed takes pictures from 63 to 1024 px"),
        ({"size": 5000}, "5000"),
        ({"width": 0}, "above 0 and at most 4"),
        ({"width": float("nan")}, "width = nan"),
        ({"num_classes": 0}, "classes = 0"),
        ({"variant": "vgg"}, "'vgg'"),
        ({"norm": "layer"}, "'layer'"),
    ],
)
def test_what_is_out_of_range_is_a_sentence(values, says):
    with pytest.raises(ConfigError, match=says):
        layer_table(**values)


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ConfigError, match=r"size = 1 .*width = 9 .*classes = 0 "):
        layer_table(size=1, width=9, num_classes=0)
