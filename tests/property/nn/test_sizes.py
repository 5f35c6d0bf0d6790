"""The arithmetic of sizes, held against torch's own layers over sizes that nobody would write down."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from alexcore.errors import ConfigError
from alexcore.nn import NETWORKS, minimum_input_size
from alexcore.nn.alexnet import AlexNet, ConvSpec, scaled
from alexcore.nn.arithmetic import conv_minimum_input_size, conv_output_size, window_span
from alexcore.nn.network import averaging_matrix
from alexcore.nn.norms import norm_groups

cheap = settings(max_examples=50, deadline=None)


layers = st.fixed_dictionaries(
    {
        "kernel": st.integers(1, 11),
        "stride": st.integers(1, 5),
        "padding": st.integers(0, 5),
        "dilation": st.integers(1, 3),
    }
)


def torch_conv(kernel, stride, padding, dilation) -> nn.Conv2d:
    return nn.Conv2d(1, 1, kernel, stride=stride, padding=padding, dilation=dilation, bias=False)


@cheap
@given(size=st.integers(1, 40), layer=layers)
def test_conv_output_size_is_torchs(size, layer):
    conv = torch_conv(**layer)
    try:
        ours = conv_output_size(size, **layer)
    except ConfigError:
        with pytest.raises(RuntimeError, match="greater than actual input size"):
            conv(torch.zeros(1, 1, size, size))
    else:
        assert conv(torch.zeros(1, 1, size, size)).shape == (1, 1, ours, ours)


@cheap
@given(size=st.integers(1, 40), kernel=st.integers(1, 7), stride=st.integers(1, 5), data=st.data())
def test_a_pooling_window_counts_like_a_kernel(size, kernel, stride, data):
    padding = data.draw(st.integers(0, kernel // 2))
    assume(size + 2 * padding >= kernel)
    pooled = nn.MaxPool2d(kernel, stride, padding)(torch.zeros(1, 1, size, size))
    assert pooled.shape[-1] == conv_output_size(size, kernel, stride, padding)


@cheap
@given(output=st.integers(1, 12), layer=layers)
def test_conv_minimum_input_size_is_the_smallest(output, layer):
    size = conv_minimum_input_size(output, **layer)
    assert conv_output_size(size, **layer) >= output
    # One pixel less must fail, unless there is no smaller input.
    if size > 1 and size - 1 + 2 * layer["padding"] >= window_span(layer["kernel"], layer["dilation"]):
        assert conv_output_size(size - 1, **layer) < output


conv_specs = st.lists(
    st.builds(
        lambda kernel, stride, padding, pool: (kernel, stride, min(padding, kernel // 2), pool),
        st.integers(1, 7),
        st.integers(1, 3),
        st.integers(0, 3),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


@cheap
@given(specs=conv_specs)
def test_minimum_input_size_of_any_stack_is_where_torch_stops(specs):
    """The function reads a table, so any table must do, not only the three that are published."""
    convs = tuple(
        ConvSpec(1, kernel, stride=stride, padding=padding, pool=pool) for kernel, stride, padding, pool in specs
    )
    stack = nn.Sequential()
    for conv in convs:
        stack.append(nn.Conv2d(1, 1, conv.kernel, conv.stride, conv.padding))
        if conv.pool:
            stack.append(nn.MaxPool2d(3, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(NETWORKS, "any", AlexNet("any", "", convs, ()))
        smallest = minimum_input_size("any")
    assert stack(torch.zeros(1, 1, smallest, smallest)).numel() >= 1
    if smallest > 1:
        with pytest.raises(RuntimeError):
            stack(torch.zeros(1, 1, smallest - 1, smallest - 1))


@cheap
@given(units=st.integers(1, 4096), width=st.floats(0.001, 4))
def test_scaled_is_the_nearest_multiple_of_8_and_group_norm_fits(units, width):
    channels = scaled(units, width)
    assert channels % 8 == 0
    assert channels >= 8
    assert channels == 8 or abs(channels - units * width) <= 4
    groups = norm_groups(channels)
    assert channels % groups == 0
    assert groups <= 32
    assert channels // groups >= 4


@cheap
@given(height=st.integers(1, 20), width=st.integers(1, 20), grid=st.integers(1, 8))
def test_averaging_by_matrices_is_adaptive_pooling(height, width, grid):
    maps = torch.randn(2, 3, height, width)
    ours = averaging_matrix(height, grid) @ maps @ averaging_matrix(width, grid).T
    torch.testing.assert_close(ours, nn.AdaptiveAvgPool2d(grid)(maps), rtol=1e-4, atol=1e-5)
