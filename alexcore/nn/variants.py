"""The three AlexNets as data, and the names that a network can be built from.

    seed          the blog's: half of the paper's channels, one column, 2048 hidden units
    torchvision   torchvision.models.alexnet, after Krizhevsky 2014, "One weird trick ..."
    2012          Krizhevsky, Sutskever and Hinton 2012, with its two groups and its LRN

They differ only in the numbers below; `alexcore.nn.alexnet.AlexNet` builds any of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from alexcore.nn.arithmetic import conv_minimum_input_size
from alexcore.nn.choices import check_choice

# Overlapping max-pooling, the same in all variants: windows of 3 every 2 pixels (Krizhevsky 2012, section 3.4).
POOL_KERNEL, POOL_STRIDE = 3, 2
# Side of the feature map that the classifier reads: what 224 px give after the last pooling.
GRID = 6
MAXIMUM_WIDTH = 4.0


@dataclass(frozen=True)
class ConvSpec:
    """One convolution and what follows it: [norm], activation, [LRN], [max-pool]."""

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    lrn: bool = False
    pool: bool = False


@dataclass(frozen=True)
class Variant:
    """Everything in which one AlexNet differs from another, at width 1."""

    name: str
    title: str
    convs: tuple[ConvSpec, ...]
    hidden: tuple[int, ...]
    # Before each hidden linear layer (torchvision), or after its activation (the paper: "we use dropout in the
    # first two fully-connected layers", that is, on their outputs).
    dropout_before: bool = True

    def windows(self) -> Iterator[tuple[int, int, int]]:
        """Yield (kernel, stride, padding) of every convolution and pooling layer, in order."""
        for conv in self.convs:
            yield conv.kernel, conv.stride, conv.padding
            if conv.pool:
                yield POOL_KERNEL, POOL_STRIDE, 0


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        variant.name: variant
        for variant in (
            Variant(
                name="seed",
                title="The blog's AlexNet: half of the paper's width",
                convs=(
                    ConvSpec(48, 11, stride=4, padding=2, pool=True),
                    ConvSpec(128, 5, padding=2, pool=True),
                    ConvSpec(192, 3, padding=1),
                    ConvSpec(192, 3, padding=1),
                    ConvSpec(128, 3, padding=1, pool=True),
                ),
                hidden=(2048, 2048),
            ),
            Variant(
                name="torchvision",
                title="torchvision's AlexNet, for which ImageNet weights exist",
                convs=(
                    ConvSpec(64, 11, stride=4, padding=2, pool=True),
                    ConvSpec(192, 5, padding=2, pool=True),
                    ConvSpec(384, 3, padding=1),
                    ConvSpec(256, 3, padding=1),
                    ConvSpec(256, 3, padding=1, pool=True),
                ),
                hidden=(4096, 4096),
            ),
            Variant(
                name="2012",
                title="The paper's AlexNet: two groups and local response normalisation",
                # The paper says 224 px, but its 55 x 55 maps follow only from 227 without padding. Padding 2 on
                # 224 gives 55 as well, so every variant takes the same images.
                convs=(
                    ConvSpec(96, 11, stride=4, padding=2, lrn=True, pool=True),
                    ConvSpec(256, 5, padding=2, groups=2, lrn=True, pool=True),
                    ConvSpec(384, 3, padding=1),
                    ConvSpec(384, 3, padding=1, groups=2),
                    ConvSpec(256, 3, padding=1, groups=2, pool=True),
                ),
                hidden=(4096, 4096),
                dropout_before=False,
            ),
        )
    }
)


def scaled(units: int, width: float) -> int:
    """Return `units * width` rounded to the nearest multiple of 8 (halves up), at least 8.

    Multiples of 8 divide by every `groups` above, suit tensor cores, and leave group norm a choice.
    """
    return max(8, 8 * int(units * width / 8 + 0.5))


def minimum_input_size(variant: str) -> int:
    """Return the smallest image side, in pixels, from which every layer of a variant gets something to see.

    Computed from the last layer back: it must give one pixel, so the layer before it must give what that takes.
    The width plays no part.

    Raises:
        ConfigError: the variant is unknown.
    """
    size = 1
    for kernel, stride, padding in reversed(list(one_variant(variant).windows())):
        size = conv_minimum_input_size(size, kernel, stride, padding)
    return size


def one_variant(name: str) -> Variant:
    """Return the variant of that name.

    Raises:
        ConfigError: there is none.
    """
    check_choice("variant", name, VARIANTS)
    return VARIANTS[name]
