"""Whether a pipeline can work: legal parameters, a legal order, crops that fit, one size at the end.

Every problem is a sentence that belongs to one operation, so that a page can show it beside its controls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alexcore.augment.operations import OPERATIONS, Operation, arguments
from alexcore.errors import ConfigError

# A pipeline may come from a URL: nobody needs more, and each operation costs time.
MAX_OPERATIONS = 40
_STAGES = ("picture", "convert", "tensor", "batch")


@dataclass(frozen=True)
class PipelineProblem:
    """What is wrong with the operation at `position` (counted from 0, the switched-off ones included), and what to do.

    A position one past the end means that something is missing.
    """

    position: int
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


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
        where = [f"Operation {each.position + 1}: " if _is_there(each, operations) else "" for each in problems]
        message = " ".join(part + each.message for part, each in zip(where, problems, strict=True))
        raise ConfigError(message, " ".join(each.hint for each in problems))
    found: list[Operation] = list(operations)
    side = output_side(found)
    if image_size is not None and side != image_size:
        raise ConfigError(
            f"The augmentation ends with pictures of {side} x {side} px, but image_size is {image_size}.",
            f"Set image_size to {side}, or the sizes in the augmentation to {image_size}.",
        )
    return found


def check_pipeline(operations: Any) -> list[PipelineProblem]:
    """Everything that is wrong with a training pipeline, in its order; an empty list if nothing is."""
    if not isinstance(operations, list):
        return [PipelineProblem(0, "A pipeline must be a list of operations.", 'Write [{"op": "Resize", ...}, ...].')]
    if len(operations) > MAX_OPERATIONS:
        return [
            PipelineProblem(
                MAX_OPERATIONS, f"There are {len(operations)} operations.", f"Use at most {MAX_OPERATIONS}."
            )
        ]
    own = [problem for position, each in enumerate(operations) for problem in _own_problems(position, each)]
    # Order and sizes mean something only once each operation is legal by itself.
    return own or _order_problems(operations) or _size_problems(operations)


def _is_there(problem: PipelineProblem, operations: Any) -> bool:
    return isinstance(operations, list) and problem.position < len(operations)


def check_operation(operation: Any) -> list[PipelineProblem]:
    """What is wrong with one operation by itself; positions are 0."""
    return _own_problems(0, operation)


def output_side(operations: Sequence[Operation]) -> int:
    """Side in px of the square that a legal pipeline yields."""
    extent = _Extent()
    for each in operations:
        extent = _after(each, extent) if each.get("on", True) else extent
    return extent.height


def _own_problems(position: int, operation: Any) -> list[PipelineProblem]:
    if not isinstance(operation, dict):
        return [
            PipelineProblem(position, f"{_shown(operation)} is no operation.", 'Write {"op": NAME, PARAMETER: VALUE}.')
        ]
    name = operation.get("op")
    spec = OPERATIONS.get(name) if isinstance(name, str) else None
    if spec is None:
        message = f"There is no operation {_shown(name)}."
        return [PipelineProblem(position, message, f"Choose among {', '.join(OPERATIONS)}.")]
    found = []
    if not isinstance(operation.get("on", True), bool):
        found.append(
            PipelineProblem(position, f"on = {_shown(operation['on'])} is not allowed.", "Write true or false.")
        )
    for key in operation:
        if key not in ("op", "on") and spec.parameter(str(key)) is None:
            known = ", ".join(each.name for each in spec.parameters) or "it has none"
            found.append(
                PipelineProblem(position, f"{name} has no parameter {_shown(key)}.", f"Its parameters: {known}.")
            )
    for each in spec.parameters:
        if each.name not in operation:
            if each.required:
                found.append(PipelineProblem(position, f"{name} lacks its {each.name}.", f"Give {each.legal}."))
        elif not each.accepts(operation[each.name]):
            message = f"{name}: {each.name} = {_shown(operation[each.name])} is not allowed."
            found.append(PipelineProblem(position, message, f"It must be {each.legal}."))
    return found


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    # A number of thousands of digits, or lists within lists without end.
    except (ValueError, RecursionError):
        return f"something too long to show ({type(value).__name__})"
    return text if len(text) <= 60 else f"{text[:59]}…"


def _order_problems(operations: list[Operation]) -> list[PipelineProblem]:
    found, reached, seen = [], 0, set()
    for position, each in enumerate(operations):
        if not each.get("on", True):
            continue
        name = each["op"]
        stage = _STAGES.index(OPERATIONS[name].stage)
        if name in seen and OPERATIONS[name].stage != "picture":
            found.append(PipelineProblem(position, f"{name} stands here a second time.", "Remove one of them."))
        elif stage > 1 and "ToTensor" not in seen:
            found.append(PipelineProblem(position, f"{name} needs a tensor.", "Move it below ToTensor."))
        elif stage < reached:
            found.append(PipelineProblem(position, f"{name} comes too late.", _where(name)))
        else:
            reached = stage
        seen.add(name)
    if "ToTensor" not in seen:
        hint = "Add ToTensor after the operations on pictures."
        found.append(PipelineProblem(len(operations), "The pictures never become tensors.", hint))
    return found


def _where(name: str) -> str:
    if OPERATIONS[name].stage == "picture":
        return "Move it above ToTensor: it works on pictures."
    return "Move it above MixUp and CutMix, which work on finished batches."


def _size_problems(operations: list[Operation]) -> list[PipelineProblem]:
    found = []
    extent = _Extent()
    for position, each in enumerate(operations):
        if not each.get("on", True):
            continue
        problem = _fit_problem(each, extent)
        if problem:
            found.append(PipelineProblem(position, *problem))
        extent = _after(each, extent)
    end = len(operations)
    if not found and not extent.exact:
        message = "The pictures leave in different sizes, and so cannot form a batch."
        found.append(PipelineProblem(end, message, "Add a crop, or a Resize to height and width."))
    elif not found and extent.height != extent.width:
        message = f"The pictures leave with {extent.height} x {extent.width} px; the network takes squares."
        found.append(PipelineProblem(end, message, "Give the last Resize or crop the same height and width."))
    return found


def _fit_problem(operation: Operation, extent: _Extent) -> tuple[str, str] | None:
    name, values = operation["op"], arguments(operation)
    if name == "GaussianBlur" and values["kernel_size"] // 2 >= min(extent.height, extent.width):
        side = min(extent.height, extent.width)
        message = f"GaussianBlur of {values['kernel_size']} px needs more than a picture whose side may be {side} px."
        return message, "Put a Resize or a crop above it, or make kernel_size smaller."
    if name not in ("CenterCrop", "RandomCrop"):
        return None
    height, width = values["size"]
    border = 2 * values.get("padding", 0)
    if values.get("pad_if_needed") or (height <= extent.height + border and width <= extent.width + border):
        return None
    if extent == _Extent():
        message = f"{name} of {height} x {width} px may be larger than a picture."
    else:
        known = f"{'' if extent.exact else 'at least '}{extent.height} x {extent.width} px"
        message = f"{name} of {height} x {width} px is larger than the picture, {known}."
    hint = f"Put a Resize to at least {max(height, width)} px above it, or make the crop smaller."
    return message, hint + (" pad_if_needed helps too." if name == "RandomCrop" else "")


def _after(operation: Operation, extent: _Extent) -> _Extent:
    size = operation.get("size")
    if size is None:
        return extent
    if not isinstance(size, int):
        return _Extent(size[0], size[1], True)
    square = extent.exact and extent.height == extent.width
    return _Extent(size, size, square)
