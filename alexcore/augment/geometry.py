"""Where on the original picture the crops of a draw lie."""

from __future__ import annotations

from collections.abc import Sequence

from alexcore.augment.operations import OPERATIONS
from alexcore.augment.trace import Step, size_of

# left, top, right, bottom in px of the original.
Box = tuple[float, float, float, float]


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
