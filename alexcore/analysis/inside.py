"""What happens inside a trained network on one picture, layer by layer, and how its weights are spread.

The layers are called one after the other by their paths in the network; no hook is set, because a page's
visitors share one network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from alexcore.analysis.prediction import Classifier
from alexcore.nn.layers import Layer, layers_of_description

BINS = 61
Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Spread:
    """How numbers are spread: a histogram and what one says of it."""

    edges: npt.NDArray[np.float64]  # one number more than `counts`
    counts: npt.NDArray[np.int64]
    count: int
    mean: float
    std: float
    low: float
    high: float
    zeros: float  # share of numbers that are exactly 0, or smaller: what a ReLU lets nothing of through


def layers_of(classifier: Classifier, size: int) -> list[Layer]:
    """The layers of a classifier's network for pictures of this side, in px."""
    return layers_of_description(classifier.model.description, size)


@torch.no_grad()
def layer_outputs(classifier: Classifier, image: Image.Image) -> dict[str, Values]:
    """What each layer gives for one RGB picture: name -> (C, H, W) or (units,) float32, in the order they act.

    The first entry, "input", is what the network sees: the transformed picture, (3, H, W).
    """
    values = classifier.transform(image)[None].to(classifier.device)
    found = {"input": _numpy(values)}
    for layer in layers_of(classifier, values.shape[-1]):
        if not layer.side and values.dim() > 2:  # the first layer of units reads the map as one row
            values = torch.flatten(values, 1)
        values = classifier.model.get_submodule(layer.path)(values)
        found[layer.name] = _numpy(values)
    return found


def _numpy(values: torch.Tensor) -> Values:
    return np.ascontiguousarray(values[0].float().cpu().numpy())


def weights_of(classifier: Classifier, path: str) -> Values:
    """The weights of one layer, as torch holds them."""
    weight = classifier.model.get_submodule(path).weight
    assert isinstance(weight, torch.Tensor)
    return np.ascontiguousarray(weight.detach().float().cpu().numpy())


def spread_of(values: Values) -> Spread:
    """Count values in 61 bins of equal width over their whole range."""
    flat = values.reshape(-1).astype(np.float64)
    low, high = float(flat.min()), float(flat.max())
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    counts = np.histogram(flat, edges)[0].astype(np.int64)
    return Spread(edges, counts, flat.size, float(flat.mean()), float(flat.std()), low, high, float((flat <= 0).mean()))


def filter_pictures(weights: Values) -> list[Image.Image]:
    """The first layer's filters, (O, 3, k, k), as RGB pictures, each over its own range from black to white.

    Only a layer that sees red, green and blue can be shown so.
    """
    return [_picture(kernel.transpose(1, 2, 0), float(kernel.min()), float(kernel.max())) for kernel in weights]


def map_pictures(maps: Values, one_scale: bool = False) -> list[Image.Image]:
    """Feature maps, (C, H, W), as grey pictures.

    With `one_scale` black and white are the least and greatest value of the whole layer, so that channels can be
    compared; else of each channel, so that weak ones can be seen.
    """
    low, high = float(maps.min()), float(maps.max())
    return [
        _picture(each, low, high) if one_scale else _picture(each, float(each.min()), float(each.max()))
        for each in maps
    ]


def _picture(values: Values, low: float, high: float) -> Image.Image:
    scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return Image.fromarray(np.rint(scaled * 255).astype(np.uint8))


def enlarged(image: Image.Image, side: int) -> Image.Image:
    """A copy whose pixels have become squares, at least `side` px wide if it was smaller."""
    factor = max(1, round(side / max(image.size)))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST).convert("RGB")


def channel_order(maps: Values, strongest: bool) -> list[int]:
    """Channels by number, or by the mean of their map, the highest first."""
    numbers = list(range(len(maps)))
    means = maps.reshape(len(maps), -1).mean(axis=1)
    return sorted(numbers, key=lambda each: -float(means[each])) if strongest else numbers
