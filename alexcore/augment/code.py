"""A pipeline as Python: lines of torchvision.transforms.v2 that do what `pipeline.build_transform` does."""

from __future__ import annotations

from collections.abc import Sequence

from alexcore.augment.operations import OPERATIONS, Operation, active, arguments, for_batches, for_samples


def python_code(training: Sequence[Operation], evaluation: Sequence[Operation], num_classes: int) -> str:
    """A module with `train_transform`, `eval_transform` and, where batches are mixed, `mix`, of legal pipelines.

    `evaluation` is the matching one of `presets.evaluation_operations`; a mixed label has `num_classes` numbers.
    """
    lines = ["import torch", "from torchvision.transforms import v2", ""]
    lines += ["train_transform = " + _compose(training), "", "eval_transform = " + _compose(evaluation)]
    # As `pipeline.build_mixing` makes it.
    mixing = [_call(each, f"num_classes={num_classes}") for each in for_batches(active(training))]
    if mixing:
        mix = f"v2.RandomChoice([{', '.join(mixing)}])" if len(mixing) > 1 else mixing[0]
        lines += ["", "# For whole batches: images, labels = mix(images, labels)", f"mix = {mix}"]
    return "\n".join(lines) + "\n"


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
