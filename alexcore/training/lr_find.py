"""The learning-rate range test on a data set: one short training whose rate grows. It leaves no run behind."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch

from alexcore.config import TrainConfig
from alexcore.training.checkpoint import build_model
from alexcore.training.device import choose_device, choose_precision
from alexcore.training.loader import Batch
from alexcore.training.lr_curve import METHOD, STEPS, Sweep, sweep_config, swept_lr
from alexcore.training.objective import Objective, weights_for
from alexcore.training.optim import build_optimizer, set_lr
from alexcore.training.plan import alone
from alexcore.training.run_data import Silent, open_run_data
from alexcore.training.seeding import seed_everything
from alexcore.training.shard_loader import BatchSource
from alexcore.training.start_from import freeze, start_from, train_mode
from alexcore.training.step import train_step, windows

Progress = Callable[[int, int], None]


class _Opening(Silent):
    """Watches the opening of the data, and wants nothing."""

    def __init__(self, on_progress: Progress) -> None:
        super().__init__()
        self._on_progress = on_progress

    def progress(self, phase: str, done: int, total: int, **fields: Any) -> None:  # noqa: ARG002
        """Pass it on."""
        self._on_progress(done, total)


def lr_find(
    config: TrainConfig, on_progress: Progress = lambda _done, _total: None, steps: int = STEPS
) -> dict[str, Any]:
    """Train for `steps` steps with a growing rate, until the loss diverges.

    Args:
        config: Of the run to come; its rate, schedule and warm-up do not matter.
        on_progress: Called with (done, total).
        steps: Optimizer steps from the smallest to the largest rate.

    Returns:
        {"suggestion": rate or None, "points": [[rate, smoothed loss], ...], "reason": sentence, "method": sentence}.

    Raises:
        AlexError: data or settings cannot be used.
    """
    config = alone(sweep_config(config))
    device = choose_device(config.device)
    precision = choose_precision(config.precision, device)
    data = open_run_data(config, _Opening(on_progress), pin_memory=device.type == "cuda")
    seed_everything(config.seed, config.deterministic, config.cudnn_benchmark)
    model = build_model(config, len(data.index.classes))
    if config.start_from:
        start_from(model, config, data.index.classes)
    if config.freeze_features:
        freeze(model)
    order = torch.channels_last if config.channels_last else torch.contiguous_format
    model.to(device, memory_format=order)  # type: ignore[call-overload]
    train_mode(model, config.freeze_features)
    optimizer = build_optimizer(model, config)
    objective = Objective(weights_for(config, data.counts), config.label_smoothing, config.ignore_index)
    scaler = torch.amp.GradScaler(device.type) if precision == torch.float16 else None
    sweep, going = Sweep(), True
    each_window = _endless(data.train, config.accumulation_steps)
    for step in range(steps):
        lr = swept_lr(step, steps)
        set_lr(optimizer, lr)
        result = train_step(
            model,
            optimizer,
            objective,
            next(each_window),
            device,
            precision,
            config.grad_clip,
            scaler=scaler,
            channels_last=config.channels_last,
        )
        on_progress(step + 1, steps)
        going = sweep.add(lr, result.loss)
        if not going:
            break
    on_progress(steps, steps)
    curve = sweep.result(stopped=not going)
    return {
        "suggestion": curve.suggestion,
        "points": [list(point) for point in curve.points],
        "reason": curve.reason,
        "method": METHOD,
    }


def _endless(source: BatchSource, accumulation_steps: int) -> Iterator[list[Batch]]:
    for epoch in itertools.count():
        yield from windows(source.epoch(epoch), accumulation_steps)
