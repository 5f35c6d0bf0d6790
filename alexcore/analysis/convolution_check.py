"""Hold the convolution workbench against torch: the same numbers through `nn.ZeroPad2d` and `nn.Conv2d`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import nn

from alexcore.nn.convolution import Convolution, Pair, convolve, sample_input, sample_weights


@dataclass(frozen=True)
class Checked:
    """What torch says of a convolution, and whether all of the first output channel's numbers agree."""

    output: Pair
    parameters: int
    same: bool
    largest_difference: float


@torch.no_grad()
def check_with_torch(conv: Convolution) -> Checked:
    """Build the layer and run it on the workbench's picture, in float64, where whole numbers are exact."""
    with torch.device("meta"):  # the weights are not drawn: they are set or only counted
        layer = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel, conv.stride, dilation=conv.dilation)
    parameters = sum(each.numel() for each in layer.parameters())
    # One kernel is enough for the numbers; 512 of them would take a second.
    one = replace(conv, out_channels=1)
    first = nn.Conv2d(
        one.in_channels, 1, one.kernel, one.stride, dilation=one.dilation, bias=False, dtype=torch.float64
    )
    first.weight.copy_(torch.from_numpy(sample_weights(one)))
    picture = torch.from_numpy(sample_input(one)).double()[None]
    result = first(nn.ZeroPad2d(one.padding)(picture))[0, 0]
    ours = torch.from_numpy(convolve(one)).double()
    same = result.shape == ours.shape
    difference = float((result - ours).abs().max()) if same else float("inf")
    return Checked(Pair(*result.shape), parameters, same and difference < 1e-6, difference)
