"""The table of norms: what may follow a convolution, each one entry that everybody reads.

A new norm is one more entry, `NORMS["mine"] = Norm("mine", ...)`, in this file or from outside: the form, the command
line, networks, experiments, charts and exports then have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from alexcore.nn.call import Call
from alexcore.nn.choices import check_choice
from alexcore.palette import BLUE, GREEN, GUIDE, VERMILION

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Norm:
    """One norm."""

    name: str  # the value of the setting `norm`, and the arm of an experiment
    title: str  # in headings and charts, such as "BatchNorm"
    kind: str = ""  # within a sentence, such as "batch norm"
    colour: str = GUIDE  # of its curves, like dash and symbol
    dash: str = "solid"  # of its lines
    symbol: str = "x"  # of its points
    # From the number of channels to the layer; None: there is none, and convolutions keep their bias. Its
    # `reset_parameters` sets what it starts with, and its `eps` is added to the variance.
    layer: Callable[[int], Call] | None = None
    classes: tuple[str, ...] = ()  # what its layers are recognised by in any network, each "module:Class"
    per_channel: int = 2  # numbers that it learns for each channel
    over_batch: bool = False  # whether its mean and deviation are taken over the batch, and not over each picture alone
    # From the number of channels to that of the groups which share a mean and a deviation; None: each channel has its
    # own.
    groups: Callable[[int], int] | None = None
    running: bool = False  # whether it keeps running statistics for evaluation, by the names of torch's batch norm


def norm_groups(channels: int) -> int:
    """Return the number of groups for a group norm over `channels` channels.

    The largest divisor of `channels` that is at most 32, the paper's default (Wu and He 2018), and leaves at
    least 4 channels in a group; 1 if there is none. With one channel a group it would be instance norm, which
    forgets how strong a channel is in an image. 48 channels: 12 groups; 128: 32; 8: 2.
    """
    return max(groups for groups in range(1, max(1, min(32, channels // 4)) + 1) if channels % groups == 0)


# In the order in which forms list them and experiments compare them.
NORMS: dict[str, Norm] = {
    each.name: each
    for each in (
        Norm("none", "no norm", colour=VERMILION, dash="dash", symbol="circle"),
        Norm(
            "batch",
            "BatchNorm",
            "batch norm",
            colour=BLUE,
            symbol="diamond",
            layer=lambda channels: Call("torch.nn:BatchNorm2d", (channels,)),
            # Also that over all processes, into which torch converts it.
            classes=("torch.nn.modules.batchnorm:_BatchNorm",),
            over_batch=True,
            running=True,
        ),
        Norm(
            "group",
            "GroupNorm",
            "group norm",
            colour=GREEN,
            dash="dot",
            symbol="square",
            layer=lambda channels: Call("torch.nn:GroupNorm", (norm_groups(channels), channels)),
            classes=("torch.nn:GroupNorm",),
            groups=norm_groups,
        ),
    )
}


def one_norm(name: str) -> Norm:
    """Return the norm of that name.

    Raises:
        ConfigError: there is none.
    """
    check_choice("norm", name, NORMS)
    return NORMS[name]


def look_of(name: str) -> Norm:
    """Title and colours of a norm; one that is not registered here, such as a later version's, keeps its name."""
    return NORMS.get(name) or Norm(name, name)


def norm_of(layer: nn.Module) -> Norm | None:
    """The norm that a layer of a network is, if it is one."""
    for norm in NORMS.values():
        if any(isinstance(layer, resolve_name(each)) for each in norm.classes):
            return norm
    return None
