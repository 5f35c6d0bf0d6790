"""A network of the table as a torch module: images (N, 3, H, W) in, logits (N, num_classes) out."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from alexcore.errors import DataError
from alexcore.nn.blueprints import describe
from alexcore.nn.choices import ACTIVATIONS, INITS, check_choice
from alexcore.nn.description import LayerSpec
from alexcore.nn.init import initialise


class Stage(NamedTuple):
    """One convolution with the layers that act on its output; what a probe or an explanation hooks."""

    name: str  # "conv1", "conv2", ...
    path: str  # name of the convolution in `named_modules()` and the state dict, e.g. "features.0"
    conv: nn.Conv2d
    norm: nn.Module | None
    activation: nn.Module


class Network(nn.Module):
    """Any network of `NETWORKS`, built from its description; whoever trains, explains or exports one asks this class.

    `convolutions` makes a map of a picture, the average over a grid brings it to one size, `head` is the last of the
    layers that follow and gives the logits. What these modules are called in the state dict is the network's affair.

    The arguments are as in `blueprints.describe`, and `init` as in `alexcore.nn.init`. `generator` is the source of the
    initial weights, on the CPU; None takes torch's global one. The same state gives the same convolution and linear
    weights, whatever the norm.

    Raises:
        ConfigError: an argument is out of range; the message names it, its value and the legal ones.
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
        check_choice("init", init, INITS)
        self.description = describe(variant, num_classes, norm, width, dropout, activation)
        self.num_classes, self.variant, self.minimum_size = num_classes, variant, self.description.minimum_size
        features, pool, classifier = self._parts = self.description.parts
        self.add_module(features, nn.Sequential(*map(_blank, self.description.features)))
        self.add_module(pool, GridAveragePool(self.description.grid))
        self.add_module(classifier, nn.Sequential(*map(_blank, self.description.classifier)))
        initialise(self, init, activation, generator)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (N, num_classes) of a batch (N, 3, H, W), normalised; softmax makes them probabilities.

        Raises:
            DataError: the shape or type of `images` is another, or they are too small.
        """
        return cast(Tensor, self._classifier(self._units(images)))

    def penultimate(self, images: Tensor) -> Tensor:
        """Return what the last layer reads, (N, units): the picture as this network describes it. In eval mode.

        `head` makes the logits of `forward` of it. Raises as `forward`.
        """
        return cast(Tensor, self._classifier[:-1](self._units(images)))

    @property
    def convolutions(self) -> nn.Module:
        """What makes maps of a picture: all layers before the average over the grid."""
        return cast(nn.Module, getattr(self, self._parts[0]))

    @property
    def head(self) -> nn.Linear:
        """The last layer, with an output a class."""
        return cast(nn.Linear, self._classifier[-1])

    @property
    def head_path(self) -> str:
        """Its name in `named_modules()` and the state dict, such as "classifier.6"."""
        return f"{self._parts[2]}.{len(self._classifier) - 1}"

    @property
    def _classifier(self) -> nn.Sequential:
        return cast(nn.Sequential, getattr(self, self._parts[2]))

    def _units(self, images: Tensor) -> Tensor:
        self._check(images)
        # (N, C, 6, 6) -> (N, C * 36): channel by channel, row by row.
        return torch.flatten(getattr(self, self._parts[1])(self.convolutions(images)), 1)

    def stages(self) -> list[Stage]:
        """Return the convolutions, in order, each with its norm (or None) and its activation."""
        found: list[dict[str, str]] = []
        for name, path, spec in self.description.places()[0]:
            if spec.stem == "conv":
                found.append({"name": name})
            if spec.stem in ("conv", "norm"):
                found[-1][spec.stem] = path
            elif spec.kind in ACTIVATIONS:
                found[-1]["activation"] = path
        # By their paths, so that a replaced layer (SyncBatchNorm) is found, too.
        return [
            Stage(
                each["name"],
                each["conv"],
                cast(nn.Conv2d, self.get_submodule(each["conv"])),
                self.get_submodule(each["norm"]) if "norm" in each else None,
                self.get_submodule(each["activation"]),
            )
            for each in found
        ]

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


def _blank(spec: LayerSpec) -> nn.Module:
    """Make a layer; one with weights of its own gets its memory unset, because `initialise` sets all of it.

    Layers made in the usual way would draw their default weights first, which takes a second for 61 million and
    moves torch's global generator on. The default device is asked, so that `with torch.device("meta")` works.
    """
    if not spec.weights:
        return spec.call.build()
    return spec.call.build(device="meta").to_empty(device=torch.get_default_device())


class GridAveragePool(nn.AdaptiveAvgPool2d):
    """`nn.AdaptiveAvgPool2d` to a square grid, skipped where it changes nothing and deterministic on request.

    On a map that already has the grid's size each window is one pixel, so the average is the map itself, bit by
    bit, forwards and backwards; it is then not computed at all. Where `torch.use_deterministic_algorithms` is on,
    the same averages come from two matrix products, because the backward pass of torch's kernel adds atomically
    on CUDA and refuses to run in that mode.
    """

    def __init__(self, grid: int) -> None:
        super().__init__((grid, grid))
        self.grid = grid

    def forward(self, features: Tensor) -> Tensor:
        """Average (N, C, H, W) float down, or repeat it up, to (N, C, grid, grid)."""
        height, width = features.shape[-2:]
        if height == self.grid and width == self.grid:
            return features
        if torch.are_deterministic_algorithms_enabled():
            rows = averaging_matrix(height, self.grid).to(features)
            columns = averaging_matrix(width, self.grid).to(features)
            return rows @ features @ columns.T
        return super().forward(features)


def averaging_matrix(size: int, grid: int) -> Tensor:
    """Return the (grid, size) float32 matrix whose row i averages window i of an adaptive pooling.

    Window i runs from floor(i * size / grid) to ceil((i + 1) * size / grid), the end not included; windows overlap
    where `grid` does not divide `size`.
    """
    matrix = torch.zeros(grid, size)
    for i in range(grid):
        start, end = i * size // grid, -(-(i + 1) * size // grid)
        matrix[i, start:end] = 1 / (end - start)
    return matrix
