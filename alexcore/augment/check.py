"""Whether a pipeline can work: legal parameters, a legal order, crops that fit, one size at the end.

Every problem is a finding that belongs to one operation, so that a page can show it beside its controls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alexcore.augment.operations import OPERATIONS, Operation, arguments
from alexcore.errors import ConfigError
from alexcore.findings import augment as findings
from alexcore.findings.augment import PipelineProblem

# A pipeline may come from a URL: nobody needs more, and each operation costs time.
MAX_OPERATIONS = 40


@dataclass(frozen=True)
class _Extent:
    """What is known of a picture's size in px: the least height and width, and whether they are the size itself."""

    height: int = 1
    width: int = 1
    exact: bool = False


def require_legal(operations: Any, image_size: int | None = None) -> list[Operation]:
    """Return the operations, from anywhere, if they make a pipeline for training with pictures of `image_size` px.

    Raises:
        ConfigError: something is wrong; the message tells all of it.
    """
    problems = check_pipeline(operations)
    if problems:
        # One about the whole pipeline stands behind its end.
        count = len(operations) if isinstance(operations, list) else 0
        where = [f"Operation {each.position + 1}: " if each.position < count else "" for each in problems]
        message = " ".join(part + each.message for part, each in zip(where, problems, strict=True))
        raise ConfigError(message, " ".join(each.hint for each in problems))
    found: list[Operation] = list(operations)
    side = output_side(found)
    if image_size is not None and side != image_size:
        raise findings.OtherSide(side, image_size).refusal(ConfigError)
    return found


def check_pipeline(operations: Any) -> list[PipelineProblem]:
    """Everything that is wrong with a training pipeline, in its order; an empty list if nothing is."""
    if not isinstance(operations, list):
        return [findings.NoList(0)]
    if len(operations) > MAX_OPERATIONS:
        return [findings.TooManyOperations(MAX_OPERATIONS, count=len(operations), most=MAX_OPERATIONS)]
    own = [problem for position, each in enumerate(operations) for problem in check_operation(each, position)]
    # Order and sizes mean something only once each operation is legal by itself.
    return own or _order_problems(operations) or _size_problems(operations)


def output_side(operations: Sequence[Operation]) -> int:
    """Side in px of the square that a legal pipeline yields."""
    extent = _Extent()
    for each in operations:
        extent = _after(each, extent) if each.get("on", True) else extent
    return extent.height


def check_operation(operation: Any, position: int = 0) -> list[PipelineProblem]:
    """What is wrong with one operation by itself."""
    if not isinstance(operation, dict):
        return [findings.NoOperation(position, _shown(operation))]
    name: Any = operation.get("op")
    spec = OPERATIONS.get(name) if isinstance(name, str) else None
    if spec is None:
        return [findings.UnknownOperation(position, _shown(name), tuple(OPERATIONS))]
    found: list[PipelineProblem] = []
    if not isinstance(operation.get("on", True), bool):
        found.append(findings.IllegalSwitch(position, _shown(operation["on"])))
    known = tuple(each.name for each in spec.parameters)
    for key in operation:
        if key not in ("op", "on", *known):
            found.append(findings.UnknownParameter(position, name, _shown(key), known, none=not known))
    for each in spec.parameters:
        if each.name not in operation:
            if each.required:
                found.append(findings.MissingParameter(position, name, each.name, each.legal))
        elif not each.accepts(operation[each.name]):
            found.append(findings.IllegalValue(position, name, each.name, _shown(operation[each.name]), each.legal))
    return found


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    # A number of thousands of digits, or lists within lists without end.
    except (ValueError, RecursionError):
        return f"something too long to show ({type(value).__name__})"
    return text if len(text) <= 60 else f"{text[:59]}…"


def _order_problems(operations: list[Operation]) -> list[PipelineProblem]:
    found: list[PipelineProblem] = []
    reached, seen = 0, set()
    for position, each in enumerate(operations):
        if not each.get("on", True):
            continue
        name = each["op"]
        stage = OPERATIONS[name].rank
        if name in seen and stage > 0:
            found.append(findings.Repeated(position, name))
        elif stage > 1 and "ToTensor" not in seen:
            found.append(findings.NeedsTensor(position, name))
        elif stage < reached:
            too_late = findings.AfterMixing if stage else findings.NeedsPicture
            found.append(too_late(position, name))
        else:
            reached = stage
        seen.add(name)
    if "ToTensor" not in seen:
        found.append(findings.NeverTensors(len(operations)))
    return found


def _size_problems(operations: list[Operation]) -> list[PipelineProblem]:
    found: list[PipelineProblem] = []
    extent = _Extent()
    for position, each in enumerate(operations):
        if each.get("on", True):
            found += _fit_problems(position, each, extent)
            extent = _after(each, extent)
    end = len(operations)
    if not found and not extent.exact:
        found.append(findings.DifferentSizes(end))
    elif not found and extent.height != extent.width:
        found.append(findings.NotSquare(end, extent.height, extent.width))
    return found


def _fit_problems(position: int, operation: Operation, extent: _Extent) -> list[PipelineProblem]:
    name, values = operation["op"], arguments(operation)
    side = min(extent.height, extent.width)
    if name == "GaussianBlur" and values["kernel_size"] // 2 >= side:
        return [findings.BlurTooWide(position, values["kernel_size"], side)]
    if name not in ("CenterCrop", "RandomCrop"):
        return []
    height, width = values["size"]
    border = 2 * values.get("padding", 0)
    if values.get("pad_if_needed") or (height <= extent.height + border and width <= extent.width + border):
        return []
    crop = (position, name, height, width, max(height, width), name == "RandomCrop")
    if extent == _Extent():
        return [findings.CropOfUnknownSize(*crop)]
    return [findings.CropTooLarge(*crop, extent.height, extent.width, extent.exact)]


def _after(operation: Operation, extent: _Extent) -> _Extent:
    size = operation.get("size")
    if size is None:
        return extent
    if not isinstance(size, int):
        return _Extent(size[0], size[1], True)
    square = extent.exact and extent.height == extent.width
    return _Extent(size, size, square)
