"""AlexNet in three variants, built from one table: images (N, 3, H, W) in, logits (N, num_classes) out."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from alexcore.errors import ConfigError, DataError
from alexcore.nn.choices import ACTIVATIONS, INITS, check_choice
from alexcore.nn.init import initialise
from alexcore.nn.norms import Norm, one_norm
from alexcore.nn.pooling import GridAveragePool
from alexcore.nn.variants import (
    GRID,
    MAXIMUM_WIDTH,
    POOL_KERNEL,
    POOL_STRIDE,
    ConvSpec,
    minimum_input_size,
    one_variant,
    scaled,
)

_ACTIVATION_CLASSES: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


class Stage(NamedTuple):
    """One convolution with the layers that act on its output; what a probe or an explanation hooks."""

    name: str
    """"conv1" to "conv5"."""
    path: str
    """Name of the convolution in `named_modules()` and the state dict, e.g. "features.0"."""
    conv: nn.Conv2d
    norm: nn.Module | None
    activation: nn.Module


class AlexNet(nn.Module):
    """An AlexNet: five convolutions (`features`), then three linear layers (`classifier`).

    Each convolution is followed by its norm, if any, then the activation, LRN (variant 2012 without a norm) and
    max-pooling (after the first, second and last). A convolution that a norm follows has no bias: the norm
    subtracts it again, and its own shift takes that place. In the variant 2012 a norm replaces LRN, because both
    normalise, and the comparison of norms would otherwise be of one norm with two.

    With `norm="none"` the variants seed and torchvision have the keys of torchvision's state dict,
    `features.0.weight` ... `classifier.6.bias`. A norm moves the later indices in `features` on, and so does LRN in
    2012, whose linear layers are `classifier.0`, `.3` and `.6`. `conv_layers()` finds the convolutions in any case.

    Images of other than 224 px give another size of feature map, which `avgpool` brings to the 6 x 6 that the
    classifier reads. At 224 px the map is 6 x 6 already and `avgpool` is exactly the identity.

    Args:
        num_classes: Outputs of the last layer, at least 1. `width` leaves it alone.
        variant: One of `VARIANTS`.
        norm: "none", "batch" or "group" (number of groups: see `norm_groups`).
        width: Factor in (0, 4] on all channels and hidden units, rounded to multiples of 8, at least 8.
        dropout: Share in [0, 1) of units set to zero in training, around the hidden linear layers.
        init: One of `INITS`; see `alexcore.nn.init`.
        activation: One of `ACTIVATIONS`.
        generator: Source of the initial weights, a generator on the CPU; None takes torch's global one. The same
            state gives the same convolution and linear weights, whatever the norm.

    Raises:
        ConfigError: an argument is out of range; the message names it, its value and the legal ones.

    Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural
    networks"; per variant see `alexcore.nn.variants`.
    """

    def __init__(
        self,
        num_classes: int = 5,
        variant: str = "seed",
        norm: str = "batch",
        width: float = 1.0,
        dropout: float = 0.5,
        init: str = "seed",
        activation: str = "relu",
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        spec = one_variant(variant)
        chosen = one_norm(norm)
        check_choice("init", init, INITS)
        check_choice("activation", activation, ACTIVATIONS)
        if num_classes < 1:
            raise ConfigError(f"num_classes = {num_classes!r} is not allowed: it must be at least 1.")
        # Written so that NaN fails, too.
        if not 0 < width <= MAXIMUM_WIDTH:
            raise ConfigError(f"width = {width!r} is not allowed: it must be above 0 and at most {MAXIMUM_WIDTH:g}.")
        if not 0 <= dropout < 1:
            raise ConfigError(f"dropout = {dropout!r} is not allowed: it must be from 0 and below 1.")

        self.num_classes, self.variant, self.norm, self.activation = num_classes, variant, norm, activation
        self.minimum_size = minimum_input_size(variant)

        layers: list[nn.Module] = []
        # Places in `features` rather than the modules, so that a replaced layer (SyncBatchNorm) is found, too.
        self._places: list[tuple[int, int | None, int]] = []
        channels = 3
        for conv in spec.convs:
            first = len(layers)
            layers += _conv_stage(channels, conv, chosen, activation, width)
            self._places.append((first, None if norm == "none" else first + 1, first + 1 + (norm != "none")))
            channels = scaled(conv.channels, width)
        self.features = nn.Sequential(*layers)

        self.avgpool = GridAveragePool(GRID)

        layers = []
        units = channels * GRID * GRID
        for hidden in (scaled(each, width) for each in spec.hidden):
            linear = [_blank_linear(units, hidden), _ACTIVATION_CLASSES[activation]()]
            drop = nn.Dropout(dropout)
            layers += [drop, *linear] if spec.dropout_before else [*linear, drop]
            units = hidden
        self.classifier = nn.Sequential(*layers, _blank_linear(units, num_classes))

        initialise(self, init, activation, generator)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of a batch.

        Args:
            images: (N, 3, H, W) float, normalised by the run's transform; H and W at least `minimum_size`.

        Returns:
            Logits (N, num_classes); softmax makes them probabilities.

        Raises:
            DataError: the shape or type of `images` is another, or they are too small.
        """
        self._check(images)
        # (N, C, 6, 6) -> (N, C * 36): channel by channel, row by row.
        return cast(Tensor, self.classifier(torch.flatten(self.avgpool(self.features(images)), 1)))

    def penultimate(self, images: Tensor) -> Tensor:
        """Return what the last layer reads, (N, units): the picture as this network describes it. In eval mode.

        `classifier[-1]` makes the logits of `forward` of it. Raises as `forward`.
        """
        self._check(images)
        return cast(Tensor, self.classifier[:-1](torch.flatten(self.avgpool(self.features(images)), 1)))

    def stages(self) -> list[Stage]:
        """Return the five convolutions, in order, each with its norm (or None) and its activation."""
        return [
            Stage(
                name=f"conv{number}",
                path=f"features.{conv}",
                conv=cast(nn.Conv2d, self.features[conv]),
                norm=None if norm is None else self.features[norm],
                activation=self.features[activation],
            )
            for number, (conv, norm, activation) in enumerate(self._places, start=1)
        ]

    def conv_layers(self) -> list[tuple[str, nn.Conv2d]]:
        """Return (name in `named_modules()`, convolution) for the five convolutions, in order."""
        return [(stage.path, stage.conv) for stage in self.stages()]

    def _check(self, images: Tensor) -> None:
        # Only shapes and the type are read, so this costs no synchronisation with a GPU.
        shape = tuple(images.shape)
        if images.ndim != 4 or shape[1] != 3:
            raise DataError(
                f"Images of shape {shape} are no batch of colour images: it must be (N, 3, H, W).",
                "Convert images to RGB, and add the batch dimension with unsqueeze(0) to a single one.",
            )
        if min(shape[2:]) < self.minimum_size:
            raise DataError(
                f"Images of {shape[2]} x {shape[3]} pixels are too small for the variant {self.variant}: "
                f"each side must be at least {self.minimum_size}.",
                "Use a larger image_size.",
            )
        if not images.is_floating_point():
            raise DataError(
                f"Images of type {images.dtype} cannot be classified: it must be floating point.",
                "Convert them with the run's transform first.",
            )


def _conv_stage(in_channels: int, spec: ConvSpec, norm: Norm, activation: str, width: float) -> list[nn.Module]:
    """Return the layers of one stage: convolution, [norm], activation, [LRN], [max-pool]."""
    channels = scaled(spec.channels, width)
    layers: list[nn.Module] = [
        _blank(
            nn.Conv2d(
                in_channels,
                channels,
                kernel_size=spec.kernel,
                stride=spec.stride,
                padding=spec.padding,
                groups=spec.groups,
                bias=norm.layer is None,
                device="meta",
            )
        )
    ]
    if norm.layer:
        layers.append(norm.layer(channels).build())
    # Never in place: a hook on the layer before (Grad-CAM, the activation probes) must find what that layer gave,
    # not what the activation made of it.
    layers.append(_ACTIVATION_CLASSES[activation]())
    if spec.lrn and norm.layer is None:
        size = 5
        # The paper's alpha = 1e-4 multiplies the sum over the window; torch's multiplies the mean.
        layers.append(nn.LocalResponseNorm(size, alpha=1e-4 * size, beta=0.75, k=2.0))
    if spec.pool:
        layers.append(nn.MaxPool2d(POOL_KERNEL, POOL_STRIDE))
    return layers


def _blank_linear(in_features: int, out_features: int) -> nn.Module:
    return _blank(nn.Linear(in_features, out_features, device="meta"))


def _blank(layer: nn.Module) -> nn.Module:
    """Give a layer without memory its memory, unset: `initialise` sets all of it.

    Layers made in the usual way would draw their default weights first, which takes a second for 61 million and
    moves torch's global generator on. The default device is asked, so that `with torch.device("meta")` works.
    """
    return layer.to_empty(device=torch.get_default_device())
