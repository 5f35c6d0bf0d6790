"""Pipelines as data: a list of operations, each `{"op": name, parameter: value}`.

A list like this is what a run stores and what a page shows; `pipeline.build_transform` makes the objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alexcore.augment.operations import Operation

_TENSOR: list[Operation] = [{"op": "ToTensor"}]
_HALF: list[Operation] = [{"op": "Normalize", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}]
_IMAGENET: list[Operation] = [{"op": "Normalize", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}]
# Name -> one sentence for whoever chooses.
PRESETS: dict[str, str] = {
    "none": "No chance at all: the whole picture, squeezed to the square.",
    "seed": "The blog's: a random part of the picture, mirrored half the time. A good start.",
    "imagenet": "The blog's and random light and colour, with the colours of ImageNet taken out.",
    "trivial-augment": "The blog's and one random change of shape or colour for each picture.",
    "rand-augment": "The blog's and two random changes of medium strength for each picture.",
    "strong": "One random change for each picture, and now and then a blank rectangle; for long runs.",
}


def training_operations(augment: str | Sequence[Operation], image_size: int) -> list[Operation]:
    """The operations of a preset for pictures of `image_size` x `image_size` px; a list of operations as it is.

    Raises:
        KeyError: there is no such preset; TrainConfig lets none through.
    """
    if not isinstance(augment, str):
        return list(augment)
    size = [image_size, image_size]
    crop: Operation = {"op": "RandomResizedCrop", "size": size}
    flip: Operation = {"op": "RandomHorizontalFlip", "p": 0.5}
    jitter: Operation = {"op": "ColorJitter", "brightness": 0.4, "contrast": 0.4, "saturation": 0.4}
    presets = {
        "none": [{"op": "Resize", "size": size}, *_TENSOR, *_HALF],
        "seed": [crop, flip, *_TENSOR, *_HALF],
        "imagenet": [crop, flip, jitter, *_TENSOR, *_IMAGENET],
        "trivial-augment": [crop, flip, {"op": "TrivialAugmentWide"}, *_TENSOR, *_HALF],
        "rand-augment": [crop, flip, {"op": "RandAugment", "num_ops": 2, "magnitude": 9}, *_TENSOR, *_HALF],
        "strong": [crop, flip, {"op": "TrivialAugmentWide"}, *_TENSOR, *_HALF, {"op": "RandomErasing", "p": 0.1}],
    }
    return presets[augment]


def resized(operations: Sequence[Operation], image_size: int, side: int) -> list[Operation]:
    """The same operations for pictures of `side` x `side` px instead of `image_size`: every length in pixels scaled."""

    def scaled(value: Any) -> Any:
        return [scaled(each) for each in value] if isinstance(value, list) else round(value * side / image_size)

    lengths = ("size", "padding")
    return [{key: scaled(value) if key in lengths else value for key, value in each.items()} for each in operations]


def evaluation_operations(augment: str | Sequence[Operation], image_size: int) -> list[Operation]:
    """The matching operations without chance: the whole picture, squeezed to the square, and the same Normalize."""
    normalise = [step for step in training_operations(augment, image_size) if step["op"] == "Normalize"]
    return [{"op": "Resize", "size": [image_size, image_size]}, *_TENSOR, *normalise]


def with_normalize(operations: Sequence[Operation], mean: Sequence[float], std: Sequence[float]) -> list[Operation]:
    """The same operations with this mean and deviation per channel (red, green, blue; of values in [0, 1])."""
    measured = {"mean": list(mean), "std": list(std)}
    return [{**each, **measured} if each["op"] == "Normalize" else each for each in operations]
