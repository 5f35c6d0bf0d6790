"""The learning rate as a pure function of the step: a resumed run needs no state, a form can draw the curve.

Only `plateau` cannot know its future: its factor is a count of disappointments (`Plateau`), kept in the checkpoint.
"""

from __future__ import annotations

import math

from alexcore.config import PRESETS, TrainConfig, make_config
from alexcore.fields import numbers_in

# torch's threshold: a validation loss has improved only if it fell by more than this share.
PLATEAU_THRESHOLD = 1e-4
# The batch size that the presets' rates were chosen for.
BASE_BATCH = 32


def lr_factor(
    config: TrainConfig, step: int, total_steps: int, steps_per_epoch: int = 1, epoch: int | None = None
) -> float:
    """What `lr` is multiplied by in a step.

    With g = `lr_gamma`, and e the `epoch` of the step, counted from 0, which follows from the steps of one if all have
    the same:
    constant, plateau: 1. step: g ** (e // lr_step_epochs). multistep: g ** (number of milestones that are <= e).
    exponential: g ** t, cosine: (1 + cos(pi t)) / 2, where t goes from 0 after the warm-up to 1 at the end.
    onecycle: up from 1/25 over the first 30 % of the run, then down to 0, both along a cosine (Smith 2018).
    During the warm-up the factor is also multiplied by (step + 1) / warmup_steps. Steps are those of the optimizer, and
    `step` is 0 for the first of them.
    """
    warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    epoch = step // steps_per_epoch if epoch is None else epoch
    begin = min(config.warmup_steps, total_steps - 1)
    if config.scheduler == "step":
        return float(warm * config.lr_gamma ** (epoch // config.lr_step_epochs))
    if config.scheduler == "multistep":
        passed = sum(epoch >= milestone for milestone in numbers_in(config.lr_milestones, int))
        return float(warm * config.lr_gamma**passed)
    if config.scheduler == "exponential":
        # The last step has exactly lr * gamma; there is no loss in that, as there would be in a last step of rate 0.
        return float(warm * config.lr_gamma ** (max(0, step - begin) / max(1, total_steps - 1 - begin)))
    if config.scheduler == "cosine":
        return warm * _falling(max(0, step - begin) / max(1, total_steps - begin))
    if config.scheduler == "onecycle":
        peak = max(1, round(0.3 * total_steps))
        if step < peak:
            return warm * (1 - (1 - 1 / 25) * _falling(step / peak))
        return warm * _falling((step - peak) / max(1, total_steps - peak))
    return warm


def image_side(config: TrainConfig, epoch: int, steps_per_epoch: int = 0) -> int:
    """Side of the training pictures in an epoch, counted from 0, in px.

    With `start_size` it grows evenly, in steps of 16 px, and has reached `image_size` after 60 % of the epochs, at the
    latest in the last one (progressive resizing: Howard 2018, "Training Imagenet in 3 hours for $25"). With the steps
    of an epoch, 0 if not known, `max_steps` may make another epoch the last one.
    """
    if not 0 < config.start_size < config.image_size or config.time_budget_s:
        return config.image_size
    share = epoch / max(1.0, 0.6 * config.epochs)
    if share >= 1 or epoch >= last_epoch(config, steps_per_epoch):  # a multiple of 16 may fall short of it
        return config.image_size
    side = config.start_size + share * (config.image_size - config.start_size)
    return min(config.image_size, max(config.start_size, 16 * round(side / 16)))


def last_epoch(config: TrainConfig, steps_per_epoch: int = 0) -> int:
    """The last epoch of a run without a time budget, counted from 0, `max_steps` considered where steps are known."""
    if config.max_steps and steps_per_epoch:
        return min(config.epochs, math.ceil(config.max_steps / steps_per_epoch)) - 1
    return config.epochs - 1


def work_ahead(config: TrainConfig, epoch: int, steps_per_epoch: int = 0) -> tuple[float, float]:
    """Work of a picture in the epochs from this one on, and of one that is validated; this epoch's is 1.

    The work grows with the area of the picture.
    """
    now = image_side(config, epoch, steps_per_epoch)
    end = max(last_epoch(config, steps_per_epoch), epoch) + 1
    sides = [image_side(config, each, steps_per_epoch) for each in range(epoch, end)]
    return sum((side / now) ** 2 for side in sides) / len(sides), (config.image_size / now) ** 2


def _falling(t: float) -> float:
    """Half a cosine: 1 at t = 0, 0 at t = 1."""
    return (1 + math.cos(math.pi * t)) / 2


def plateau(
    scale: float, best: float, bad_epochs: int, val_loss: float, config: TrainConfig
) -> tuple[float, float, int]:
    """Judge an epoch as torch's ReduceLROnPlateau does; returns the new scale, best and bad_epochs.

    `scale` is the factor so far, 1 at the start; `best` the lowest validation loss so far; `bad_epochs` counts since it
    improved or the rate fell.
    """
    if val_loss < best * (1 - PLATEAU_THRESHOLD):
        return scale, val_loss, 0
    if bad_epochs + 1 > config.plateau_patience:
        return scale * config.lr_gamma, best, 0
    return scale, best, bad_epochs + 1


def rates(config: TrainConfig, total_steps: int, steps_per_epoch: int, points: int = 200) -> list[tuple[int, float]]:
    """The curve of the rate, to be drawn before a run: (step counted from 1, rate), the first and last step included.

    A plateau is not known beforehand: its curve is the rate as long as the validation loss improves.
    """
    count = min(points, total_steps)
    steps = sorted({round(number * (total_steps - 1) / max(1, count - 1)) for number in range(count)})
    return [(step + 1, config.lr * lr_factor(config, step, total_steps, steps_per_epoch)) for step in steps]


def suggested_lr(config: TrainConfig, preset: str = "default") -> float | None:
    """The preset's rate, scaled linearly from 32 pictures to the effective batch (Goyal et al. 2017, section 2.1).

    A suggestion and no law: it holds for batches that are not large, with a warm-up, and best for SGD.

    Returns:
        The rate, or None if the preset has another optimizer, whose rates say nothing about this one.
    """
    base = make_config(preset if preset in PRESETS else "default")
    if base.optimizer != config.optimizer:
        return None
    return base.lr * config.effective_batch / BASE_BATCH
