"""One draw, watched: after each operation what came out, and what was really drawn.

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
