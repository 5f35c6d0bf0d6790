"""The convolution workbench: sizes, windows and numbers against torch, over a grid that nobody would write down."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from alexcore.analysis.convolution_check import check_with_torch
from alexcore.errors import ConfigError
from alexcore.nn.arithmetic import conv_output_size
from alexcore.nn.convolution import (
    Convolution,
    Pair,
    Sides,
    convolve,
    padded_input,
    products,
    read_numbers,
    read_pair,
    sample_input,
    sample_weights,
)

pairs = st.builds(Pair, st.integers(1, 4), st.integers(1, 4))
sides = st.builds(Sides, *[st.integers(0, 3)] * 4)
sizes = st.builds(Pair, st.integers(1, 12), st.integers(1, 12))
layers = st.fixed_dictionaries(
    {
        "size": sizes,
        "in_channels": st.integers(1, 3),
        "out_channels": st.integers(1, 3),
        "kernel": pairs,
        "stride": pairs,
        "dilation": pairs,
        "padding": sides,
    }
)


@settings(max_examples=150, deadline=None)
@given(values=layers)
def test_the_workbench_is_torch(values):
    module = nn.Sequential(
        nn.ZeroPad2d(values["padding"]),
        nn.Conv2d(
            values["in_channels"],
            values["out_channels"],
            values["kernel"],
            values["stride"],
            dilation=values["dilation"],
            dtype=torch.float64,
        ),
    )
    try:
        conv = Convolution(**values)
    except ConfigError:
        with pytest.raises(RuntimeError):
            module(torch.zeros(1, values["in_channels"], *values["size"], dtype=torch.float64))
        return
    with torch.no_grad():
        module[1].weight.copy_(torch.from_numpy(sample_weights(conv)))
        module[1].bias.zero_()
        result = module(torch.from_numpy(sample_input(conv)).double()[None])[0, 0]
    assert tuple(result.shape) == conv.output
    assert np.array_equal(result.numpy(), convolve(conv))
    assert conv.parameters == sum(each.numel() for each in module.parameters())
    assert conv.multiply_adds == conv.positions * module[1].weight.numel()
    checked = check_with_torch(conv)
    assert (checked.same, checked.output, checked.parameters) == (True, conv.output, conv.parameters)
    for line, size in zip(conv.formulas(), conv.output, strict=True):
        inside = line.split(": ", 1)[1].split(" = ")
        assert [eval(part, {"floor": math.floor}) for part in inside] == [size] * len(inside)


@settings(max_examples=60, deadline=None)
@given(values=layers)
def test_the_code_that_is_shown_builds_the_layer(values):
    try:
        conv = Convolution(**values)
    except ConfigError:
        return
    module = eval(conv.code(), {"nn": nn})
    with torch.no_grad():
        assert tuple(module(torch.zeros(1, conv.in_channels, *conv.size)).shape[2:]) == conv.output
    assert sum(each.numel() for each in module.parameters()) == conv.parameters


def test_the_seeds_layer():
    """nn.Conv2d(3, 48, kernel_size=11, stride=4, padding=2) on 224 px, as far as the workbench goes: 64 px."""
    conv = Convolution(Pair(64, 64), 3, 48, Pair(11, 11), Pair(4, 4), padding=Sides(2, 2, 2, 2))
    assert conv.code() == "nn.Conv2d(3, 48, kernel_size=11, stride=4, padding=2)"
    assert conv.output.height == conv_output_size(64, 11, 4, 2) == 15
    assert conv.parameters == 48 * (3 * 121 + 1)
    assert (
        conv.formulas()[0] == "height: floor((64 + 2 + 2 - 1*(11 - 1) - 1) / 4) + 1 = floor(57 / 4) + 1 = 14 + 1 = 15"
    )


def test_a_tuple_pads_height_first_and_zeropad2d_left_first():
    """The seed: padding=(1, 2) adds a row above and below, and two columns left and right."""
    conv = Convolution(Pair(5, 5), padding=Sides(2, 2, 1, 1))
    assert conv.padded == (7, 9)
    assert "padding=(1, 2)" in conv.code()
    uneven = Convolution(Pair(5, 5), padding=Sides(left=1, right=0, top=2, bottom=0))
    assert "nn.ZeroPad2d((1, 0, 2, 0))" in uneven.code()
    assert uneven.padded == (7, 6)
    assert not uneven.inside(Pair(1, 3))
    assert uneven.inside(Pair(2, 1))
    assert padded_input(uneven)[0, :2].sum() == padded_input(uneven)[0, :, 0].sum() == 0


def test_each_step_reads_its_taps():
    conv = Convolution(Pair(5, 6), kernel=Pair(2, 2), stride=Pair(2, 3), dilation=Pair(2, 1))
    assert conv.output == (2, 2)
    assert conv.taps(0) == [(0, 0), (0, 1), (2, 0), (2, 1)]
    assert conv.taps(3) == [(2, 3), (2, 4), (4, 3), (4, 4)]
    assert conv.place(3) == (1, 1)
    for position in range(conv.positions):
        assert sum(a * b for a, b in products(conv, position)) == convolve(conv)[conv.place(position)]


@pytest.mark.parametrize(("text", "pair"), [("3", (3, 3)), ("3, 5", (3, 5)), ("(2;4)", (2, 4)), (" [1 7] ", (1, 7))])
def test_one_number_or_two(text, pair):
    assert read_pair(text, "kernel", 1, 16) == pair


@pytest.mark.parametrize("text", ["", "0", "17", "1, 2, 3", "a", "1.5", "-1", "1e2", "9" * 40, "½"])
def test_anything_else_is_a_sentence(text):
    with pytest.raises(ConfigError, match=r"kernel = .* is not allowed: it must be 1 whole number or 2 whole numbers"):
        read_pair(text, "kernel", 1, 16)


def test_four_sides():
    assert read_numbers("1, 0, 2, 0", "padding", (4,), 0, 16) == (1, 0, 2, 0)
    with pytest.raises(ConfigError, match="4 whole numbers from 0 to 16"):
        read_numbers("1, 2", "padding", (4,), 0, 16)


def test_a_window_that_does_not_fit_is_a_sentence():
    with pytest.raises(ConfigError, match="spans 9 pixels of width, but the padded input has only 7"):
        Convolution(Pair(20, 5), kernel=Pair(1, 5), dilation=Pair(1, 2), padding=Sides(1, 1))
