"""The gap between training and evaluation that batch norm's running statistics open, and how to close it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from alexcore.errors import TrainingError
from alexcore.nn.norms import norm_of
from alexcore.training.evaluation import Evaluation, evaluate

_BatchNorm = nn.modules.batchnorm._BatchNorm
Batches = Iterable[tuple[Tensor, Tensor]]


def batch_norms(model: nn.Module) -> list[_BatchNorm]:
    """The batch norms of a network that keep running statistics."""
    kinds = ((each, norm_of(each)) for each in model.modules())
    found = [cast(_BatchNorm, each) for each, kind in kinds if kind and kind.running]
    return [each for each in found if each.running_mean is not None]


@torch.no_grad()
def recalibrate(model: nn.Module, batches: Batches) -> None:
    """Measure the running statistics anew, with the weights as they are now.

    They are reset, and one pass makes them plain means over the batches, each weighted by its pictures: for equal sizes
    just what torch's `momentum=None` gives, and for others exactly the mean over all pictures. The variance is the mean
    of the variances within the batches, as ever in batch norm. Weights, modes, momenta and generators stay; dropout
    is off. A batch of one picture is left out, because its statistics are those of that picture alone.

    One pass forward over the batches.

    Args:
        model: Any network; without batch norm nothing happens.
        batches: (images, labels), from training, in random order.

    Raises:
        TrainingError: no batch had two pictures; the running statistics are then as they were.
    """
    norms = batch_norms(model)
    if not norms:
        return
    seen = 0
    modes = [(module, module.training) for module in model.modules()]
    momenta = [norm.momentum for norm in norms]
    device = next(model.parameters()).device
    order = _memory_format(model)
    try:
        model.eval()
        for norm in norms:
            norm.train()
        for images, _ in batches:
            if len(images) < 2:
                continue
            if not seen:
                for norm in norms:
                    norm.reset_running_stats()
            seen += len(images)
            for norm in norms:
                norm.momentum = len(images) / seen
            model(images.to(device, memory_format=order))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for module, mode in modes:
            module.training = mode
    if not seen:
        raise TrainingError(
            "The running statistics of batch norm cannot be measured anew: no batch had two pictures.",
            "Choose a batch_size of at least 2.",
        )


@contextmanager
def batch_statistics(model: nn.Module) -> Iterator[None]:
    """Within it, batch norm in eval mode normalises with the batch at hand, and its running statistics rest."""
    norms = batch_norms(model)
    kept = [(norm.running_mean, norm.running_var) for norm in norms]
    try:
        for norm in norms:
            # torch's own rule: without running statistics, eval mode takes the batch's.
            norm.running_mean = norm.running_var = None
        yield
    finally:
        for norm, (mean, variance) in zip(norms, kept, strict=True):
            norm.running_mean, norm.running_var = mean, variance


def evaluate_with_batch_statistics(
    model: nn.Module, batches: Batches, num_classes: int, device: torch.device, **options: Any
) -> Evaluation | None:
    """`evaluate`, with batch norm normalising by each validation batch: what it can do if no statistics lag.

    The batches have to be shuffled over the classes and of one size: in the order of an index, each would hold one
    class, and normalising by it would take away what tells the class. A batch of one picture is left out.

    One pass forward over the batches.

    Args:
        model: Any network; without batch norm this is `evaluate`.
        batches: (images, labels).
        num_classes: C.
        device: Where to compute.
        options: Passed on to `evaluate`.

    Returns:
        The evaluation, None if `on_batch` stopped it.
    """
    if batch_norms(model):
        batches = (batch for batch in batches if len(batch[0]) > 1)
    with batch_statistics(model):
        return evaluate(model, batches, num_classes, device, **options)


def _memory_format(model: nn.Module) -> torch.memory_format:
    """The order of the pictures' memory that suits the network's convolutions."""
    weights = [each for each in model.parameters() if each.dim() == 4]
    last = bool(weights) and all(each.is_contiguous(memory_format=torch.channels_last) for each in weights)
    return torch.channels_last if last else torch.contiguous_format
