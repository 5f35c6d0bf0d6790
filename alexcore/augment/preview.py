"""What the network gets, made visible: pictures of tensors, their values counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw

from alexcore.augment.operations import Operation, arguments
from alexcore.augment.trace import Box, Result
from alexcore.palette import YELLOW

# With a dark edge it shows on any picture.
BOX_COLOUR, EDGE = YELLOW, "#000000"
BINS = 64


@dataclass(frozen=True)
class ChannelHistograms:
    """Of each channel (red, green, blue): mean, standard deviation, least and greatest value, and a histogram.

    `edges` has one number more than `counts`, (3, bins), has columns.
    """

    mean: list[float]
    std: list[float]
    low: float
    high: float
    edges: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]


def moments(tensor: torch.Tensor, bins: int = BINS) -> ChannelHistograms:
    """Count the values of a (3, H, W) or (N, 3, H, W) float tensor; deviations are over all pixels."""
    values = tensor.detach().double().movedim(-3, 0).reshape(3, -1).numpy()
    low, high = float(values.min()), float(values.max())
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    counts = np.stack([np.histogram(channel, edges)[0] for channel in values])
    return ChannelHistograms(values.mean(1).tolist(), values.std(1).tolist(), low, high, edges, counts)


def denormalise(tensor: torch.Tensor, operations: Sequence[Operation]) -> torch.Tensor:
    """Undo the Normalize of these operations: (..., 3, H, W) back to [0, 1] for the eye."""
    for each in operations:
        if each["op"] == "Normalize" and each.get("on", True):
            mean, std = (torch.tensor(arguments(each)[name]).view(3, 1, 1) for name in ("mean", "std"))
            tensor = tensor * std + mean
    return tensor.clamp(0, 1)


def to_picture(result: Result, operations: Sequence[Operation] = ()) -> Image.Image:
    """A picture of what an operation has yielded, after the Normalize among `operations` is undone."""
    if isinstance(result, Image.Image):
        return result
    values = (denormalise(result, operations) * 255).round().to(torch.uint8)
    return Image.fromarray(values.permute(1, 2, 0).numpy())


def with_boxes(image: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    """A copy on which the boxes are drawn."""
    copy = image.copy()
    pen, width = ImageDraw.Draw(copy), max(2, min(image.size) // 100)
    for left, top, right, bottom in boxes:
        # A crop with a border reaches beyond the picture.
        corners = (max(left, 0), max(top, 0), min(right, image.width) - 1, min(bottom, image.height) - 1)
        if corners[0] <= corners[2] and corners[1] <= corners[3]:
            pen.rectangle(corners, outline=EDGE, width=width + 1)
            pen.rectangle(corners, outline=BOX_COLOUR, width=width)
    return copy


def encoded(image: Image.Image, longest: int = 0) -> bytes:
    """The picture as a JPEG, its longer side brought down to `longest` px if that is not 0."""
    if longest and max(image.size) > longest:
        image = image.copy()
        image.thumbnail((longest, longest))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
