"""One draw, watched: after each operation what came out, what was really drawn, and where on the original crops lie.

The transforms and their random numbers are those of `pipeline.draw`; only their methods that hand the drawn numbers on
are listened to, so the last result is the same to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torchvision.transforms import v2

from alexcore.augment.operations import OPERATIONS, Operation, active, for_samples
from alexcore.augment.pipeline import build_step, drawing_from

Result = Image.Image | torch.Tensor
# left, top, right, bottom in px of the original.
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Step:
    """One operation of one draw.

    Attributes:
        operation: As in the pipeline.
        result: What came out: an RGB picture, or a (3, H, W) float32 tensor.
        drawn: What was drawn, by torchvision's names; for the automatic ones each change and its magnitude.
        applied: False where chance has left the picture alone.
        size_before: Width and height in px of what went in.
    """

    operation: Operation
    result: Result
    size_before: tuple[int, int]
    drawn: tuple[tuple[str, Any], ...] = ()
    applied: bool = True

    @property
    def in_words(self) -> str:
        """What was drawn, as `drawn` says it; empty where there was nothing to draw."""
        return OPERATIONS[self.operation["op"]].words(self.drawn, self.applied)


class Tracer:
    """A pipeline that can be drawn from again and again, and tells about each draw. Not for two threads at once."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = for_samples(active(operations))
        self._drawn: list[dict[str, Any]] = []
        self._steps = [build_step(each) for each in self.operations]
        for each in self._steps:
            _listen(each, self._drawn.append)

    def draw(self, image: Image.Image, seed: int) -> list[Step]:
        """Draw once from `seed`; the last step's result is what `pipeline.draw` returns."""
        steps: list[Step] = []
        result: Result = image
        with drawing_from(seed):
            for operation, transform in zip(self.operations, self._steps, strict=True):
                self._drawn.clear()
                before = size_of(result)
                result = transform(result)
                drawn = tuple(pair for each in self._drawn for pair in each.items())
                # RandomErasing gives up, with no value to erase by, if ten rectangles in turn do not fit.
                gave_up = operation["op"] == "RandomErasing" and dict(drawn).get("v") is None
                applied = (bool(self._drawn) and not gave_up) or not OPERATIONS[operation["op"]].random
                steps.append(Step(operation, result, before, drawn, applied))
        return steps


def _listen(transform: v2.Transform, tell: Callable[[dict[str, Any]], None]) -> None:
    """Have `transform` tell what it draws; a transform that leaves a picture alone tells nothing."""
    make_params = transform.make_params

    def told(flat_inputs: list[Any]) -> dict[str, Any]:
        found: dict[str, Any] = make_params(flat_inputs)
        tell(found)
        return found

    transform.make_params = told
    # The automatic ones draw elsewhere: this method applies each change that they have drawn.
    apply = getattr(transform, "_apply_image_or_video_transform", None)
    if apply is None:
        return

    def applied(image: Any, transform_id: str, magnitude: float, *rest: Any, **named: Any) -> Any:
        tell({transform_id: magnitude})
        return apply(image, transform_id, magnitude, *rest, **named)

    transform._apply_image_or_video_transform = applied


def size_of(result: Result) -> tuple[int, int]:
    """Width and height in px."""
    if isinstance(result, torch.Tensor):
        return int(result.shape[-1]), int(result.shape[-2])
    return result.size


def crop_boxes(steps: Sequence[Step]) -> list[Box]:
    """The parts that the crops have cut out, each as a box on the original picture.

    Crops after a turn or a tilt are left out: their part is no upright box.
    """
    boxes: list[Box] = []
    # A coordinate of the current picture on the original: scale * x + shift, for each axis.
    scale_x, shift_x, scale_y, shift_y = 1.0, 0.0, 1.0, 0.0
    for step in steps:
        name = step.operation["op"]
        width, height = size_of(step.result)
        if name == "Resize":
            part = (0, 0, *step.size_before)
        elif name in ("RandomResizedCrop", "RandomCrop", "CenterCrop"):
            part = _part(step)
        elif name in ("RandomHorizontalFlip", "RandomVerticalFlip"):
            if step.applied and name == "RandomHorizontalFlip":
                scale_x, shift_x = -scale_x, shift_x + scale_x * width
            elif step.applied:
                scale_y, shift_y = -scale_y, shift_y + scale_y * height
            continue
        elif OPERATIONS[name].in_place or not step.applied:
            continue
        else:
            break
        left, top, part_width, part_height = part
        xs = sorted((scale_x * left + shift_x, scale_x * (left + part_width) + shift_x))
        ys = sorted((scale_y * top + shift_y, scale_y * (top + part_height) + shift_y))
        if name != "Resize":
            boxes.append((xs[0], ys[0], xs[1], ys[1]))
        shift_x, scale_x = scale_x * left + shift_x, scale_x * part_width / width
        shift_y, scale_y = scale_y * top + shift_y, scale_y * part_height / height
    return boxes


def _part(step: Step) -> tuple[int, int, int, int]:
    """Left, top, width and height in px of the picture before the crop."""
    width, height = size_of(step.result)
    if step.operation["op"] == "CenterCrop":
        before = step.size_before
        # As torchvision rounds it.
        return round((before[0] - width) / 2.0), round((before[1] - height) / 2.0), width, height
    drawn = dict(step.drawn)
    if step.operation["op"] == "RandomResizedCrop":
        return drawn["left"], drawn["top"], drawn["width"], drawn["height"]
    border_left, border_top = drawn["padding"][:2] if drawn["needs_pad"] else (0, 0)
    return drawn["left"] - border_left, drawn["top"] - border_top, width, height
