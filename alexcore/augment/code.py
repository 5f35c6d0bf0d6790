"""A pipeline as Python: lines of torchvision.transforms.v2 that do what `pipeline.build_transform` does."""

from __future__ import annotations

from collections.abc import Sequence

from alexcore.augment.operations import OPERATIONS, Operation, active, arguments, for_batches, for_samples


def python_code(training: Sequence[Operation], evaluation: Sequence[Operation], num_classes: int) -> str:
    """A module with `train_transform`, `eval_transform` and, where batches are mixed, `mix`.

    Args:
        training: A legal pipeline.
        evaluation: The matching one of `presets.evaluation_operations`.
        num_classes: Length of a mixed label.
    """
    lines = ["import torch", "from torchvision.transforms import v2", ""]
    lines += ["train_transform = " + _compose(training), "", "eval_transform = " + _compose(evaluation)]
    mix = mixing_code(training, num_classes)
    if mix:
        lines += ["", "# For whole batches: images, labels = mix(images, labels)", f"mix = {mix}"]
    return "\n".join(lines) + "\n"


def mixing_code(operations: Sequence[Operation], num_classes: int) -> str:
    """What `pipeline.build_mixing` makes of these operations; an empty text where batches are not mixed."""
    steps = [_call(each, f"num_classes={num_classes}") for each in for_batches(active(operations))]
    return f"v2.RandomChoice([{', '.join(steps)}])" if len(steps) > 1 else "".join(steps)


def _compose(operations: Sequence[Operation]) -> str:
    steps = [f"    {line}," for each in for_samples(active(operations)) for line in code_of(each)]
    return "\n".join(["v2.Compose([", *steps, "])"])


def code_of(operation: Operation) -> list[str]:
    """The transforms of one operation on a picture or a tensor, a line each."""
    code = OPERATIONS[operation["op"]].code
    return [line.format(**arguments(operation)) for line in code] or [_call(operation)]


def _call(operation: Operation, *more: str) -> str:
    given = [f"{name}={value!r}" for name, value in arguments(operation).items()]
    return f"v2.{operation['op']}({', '.join([*given, *more])})"
