"""The three AlexNets as data.

    seed          the blog's: half of the paper's channels, one column, 2048 hidden units
    torchvision   torchvision.models.alexnet, after Krizhevsky 2014, "One weird trick ..."
    2012          Krizhevsky, Sutskever and Hinton 2012, with its two groups and its LRN

They differ only in the numbers below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from alexcore.nn import description as layer
from alexcore.nn.description import Description, Design, LayerSpec, Window

# Overlapping max-pooling, the same in all variants: windows of 3 every 2 pixels (Krizhevsky 2012, section 3.4).
POOL_KERNEL, POOL_STRIDE = 3, 2
# Side of the feature map that the classifier reads: what 224 px give after the last pooling.
GRID = 6


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
class AlexNet:
    """An AlexNet at width 1: five convolutions (`features`), then three linear layers (`classifier`).

    Each convolution is followed by its norm, if any, then the activation, LRN (variant 2012 without a norm) and
    max-pooling (after the first, second and last). A convolution that a norm follows has no bias: the norm
    subtracts it again, and its own shift takes that place. In the variant 2012 a norm replaces LRN, because both
    normalise, and the comparison of norms would otherwise be of one norm with two.

    With `norm="none"` the variants seed and torchvision have the keys of torchvision's state dict,
    `features.0.weight` ... `classifier.6.bias`. A norm moves the later indices in `features` on, and so does LRN in
    2012, whose linear layers are `classifier.0`, `.3` and `.6`.

    Images of other than 224 px give another size of feature map, which `avgpool` brings to the 6 x 6 that the
    classifier reads. At 224 px the map is 6 x 6 already and `avgpool` is exactly the identity.

    Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks".
    """

    class_name: ClassVar[str] = "AlexNet"
    name: str
    title: str
    convs: tuple[ConvSpec, ...]
    hidden: tuple[int, ...]
    # Before each hidden linear layer (torchvision), or after its activation (the paper: "we use dropout in the
    # first two fully-connected layers", that is, on their outputs).
    dropout_before: bool = True

    def describe(self, design: Design) -> Description:
        """The layers with these settings; the width acts on all channels and hidden units."""
        features: list[LayerSpec] = []
        channels = 3
        for conv in self.convs:
            inputs, channels = channels, scaled(conv.channels, design.width)
            window = Window(conv.kernel, conv.stride, conv.padding)
            plain = design.norm.layer is None
            features += [layer.convolution(inputs, channels, window, conv.groups, bias=plain)]
            features += [*layer.norm_layer(design.norm, channels), layer.activation(design.activation)]
            features += [layer.local_response()] * (conv.lrn and plain)
            features += [layer.max_pooling(POOL_KERNEL, POOL_STRIDE)] * conv.pool
        classifier: list[LayerSpec] = []
        units = channels * GRID**2
        for each in self.hidden:
            hidden, drop = scaled(each, design.width), layer.dropout(design.dropout)
            layers = [layer.linear(units, hidden), layer.activation(design.activation)]
            classifier += [drop, *layers] if self.dropout_before else [*layers, drop]
            units = hidden
        return Description(tuple(features), GRID, (*classifier, layer.linear(units, design.num_classes)))


VARIANTS: Mapping[str, AlexNet] = MappingProxyType(
    {
        variant.name: variant
        for variant in (
            AlexNet(
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
            AlexNet(
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
            AlexNet(
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
