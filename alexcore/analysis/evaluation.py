"""Evaluate a trained run on its own or another data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alexcore.analysis.prediction import Classifier
from alexcore.data.class_index import require_same_mapping
from alexcore.data.sources import open_checked
from alexcore.errors import DataError
from alexcore.training.device import choose_device
from alexcore.training.evaluation import Evaluation, evaluate
from alexcore.training.shard_loader import make_loader


def evaluate_run(
    checkpoint: Path, data: str = "", on_progress: Callable[[str, int, int], None] | None = None
) -> tuple[Evaluation, tuple[str, ...]]:
    """Evaluate a checkpoint on the validation split of a data set.

    Args:
        checkpoint: A run's best.pt or last.pt.
        data: Another data set's folder; empty for the one that the run was trained on.
        on_progress: Called with (phase, done, total).

    Returns:
        The evaluation and the class names in the order of their numbers.

    Raises:
        CheckpointError: there is no usable checkpoint, or the data set has another mapping.
        DataError: the data set cannot be used.
    """
    report = on_progress or (lambda _phase, _done, _total: None)
    device = choose_device()
    classifier = Classifier(checkpoint, device)
    val = "" if data else classifier.config.val
    index = open_checked(
        data or classifier.config.data, val, lambda done, total: report("checking pictures", done, total)
    )
    require_same_mapping(classifier.classes, index.classes)
    loader = make_loader(index, "val", classifier.operations, batch_size=max(32, classifier.config.batch_size))
    total = len(index.select("val"))
    if not total:
        raise DataError(f"{index.root} has no readable picture in its val split.", "Choose a data set that has one.")

    def on_batch(done: int) -> bool:
        report("evaluating", done, total)
        return True

    result = evaluate(
        classifier.model, loader.epoch(), len(index.classes), device, on_batch,
        classifier.config.ignore_index,
    )  # fmt: skip
    assert result is not None
    return result, index.classes
