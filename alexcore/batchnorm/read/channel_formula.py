"""The arithmetic of batch norm: one channel, number by number, in both modes; how slowly running statistics follow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alexcore.batchnorm.read.quantities import rounded
from alexcore.errors import ConfigError, DataError

Place = tuple[int, int, int]
MOST_POINTS = 201
LEFT = "as training left it; this batch plays no part"


def channel_formula(
    values: npt.ArrayLike,
    *,
    gamma: float = 1.0,
    beta: float = 0.0,
    eps: float = 1e-5,
    momentum: float | None = 0.1,
    running_mean: float = 0.0,
    running_variance: float = 1.0,
    updates: int = 0,
    statistics: str = LEFT,
    shown: Sequence[Place] = ((0, 0, 0),),
) -> dict[str, Any]:
    """Normalise the values of one channel step by step.

    Args:
        values: (N, H, W): what the layer before gives for this channel, for every picture and position.
        gamma: The learned scale.
        beta: The learned shift.
        eps: Added to the variance, so that a constant channel is not divided by 0.
        momentum: Share of the batch in the running statistics; None makes them plain means.
        running_mean: As it is before this batch.
        running_variance: Likewise.
        updates: Batches seen before; only a momentum of None asks.
        statistics: Where the running statistics come from, in words.
        shown: Places (picture, row, column) whose values are followed.

    Returns:
        {"count", "mean", "variance" (divisor n), "variance_unbiased" (divisor n - 1), "eps", "deviation", "gamma",
        "beta", "momentum", "running_mean", "running_variance", "running_mean_after", "running_variance_after", "shown":
        [{"picture", "row", "column", "value", "train": {"centred", "normalised", "output"}, "eval": the same}],
        "lines_train": [text], "lines_eval": [text]}. The numbers of eval come from the running statistics as they are
        before the batch.

    Raises:
        DataError: there are fewer than two values: train mode has no variance then.

    Source: Ioffe and Szegedy 2015, "Batch normalization", algorithm 1; the running statistics as torch keeps them.
    """
    array = np.asarray(values, dtype=np.float64)
    count = array.size
    if count < 2:
        raise DataError(
            f"{count} value of a channel has no variance: batch norm cannot train on it.",
            "Use a batch of at least 2 pictures, or larger pictures.",
        )
    mean, variance = float(array.mean()), float(array.var())
    unbiased = variance * count / (count - 1)
    share = 1 / (updates + 1) if momentum is None else momentum
    mean_after = (1 - share) * running_mean + share * mean
    variance_after = (1 - share) * running_variance + share * unbiased
    deviation, running_deviation = math.sqrt(variance + eps), math.sqrt(running_variance + eps)

    def steps(value: float, centre: float, by: float) -> dict[str, float]:
        normalised = (value - centre) / by
        return {"centred": value - centre, "normalised": normalised, "output": gamma * normalised + beta}

    rows = []
    for place in shown:
        value = float(array[place])
        rows.append(
            {
                **dict(zip(("picture", "row", "column"), place, strict=True)),
                "value": value,
                "train": steps(value, mean, deviation),
                "eval": steps(value, running_mean, running_deviation),
            }
        )
    train = [
        f"mean = sum of {count:,} values / {count:,} = {mean:.4g}",
        f"variance = mean of (value - mean)² = {variance:.4g}",
        f"deviation = √(variance + eps) = √({variance:.4g} + {eps:.0e}) = {deviation:.4g}",
        *_lines(rows, "train", ("mean", mean), ("deviation", deviation), gamma, beta),
        _update("mean", share, running_mean, mean, mean_after),
        f"unbiased variance = variance · {count:,} / {count - 1:,} = {unbiased:.4g}",
        _update("variance", share, running_variance, unbiased, variance_after),
    ]
    evaluated = [
        f"running mean = {running_mean:.4g}, {statistics}",
        f"running deviation = √(running variance + eps) = √({running_variance:.4g} + {eps:.0e}) = "
        f"{running_deviation:.4g}",
        *_lines(rows, "eval", ("running mean", running_mean), ("running deviation", running_deviation), gamma, beta),
    ]
    return rounded(
        {
            "count": count,
            "mean": mean,
            "variance": variance,
            "variance_unbiased": unbiased,
            "eps": eps,
            "deviation": deviation,
            "gamma": gamma,
            "beta": beta,
            "momentum": momentum,
            "running_mean": running_mean,
            "running_variance": running_variance,
            "running_mean_after": mean_after,
            "running_variance_after": variance_after,
            "shown": rows,
            "lines_train": train,
            "lines_eval": evaluated,
        }
    )


def _lines(
    rows: list[dict[str, Any]], mode: str, centre: tuple[str, float], by: tuple[str, float], gamma: float, beta: float
) -> list[str]:
    """The steps of the first shown value, a line each."""
    if not rows:
        return []
    row, steps = rows[0], rows[0][mode]
    centred = f"({row['value']:.4g} - {_bracketed(centre[1])})"
    return [
        f"picture {row['picture']}, row {row['row']}, column {row['column']}: value = {row['value']:.4g}",
        f"normalised = (value - {centre[0]}) / {by[0]} = {centred} / {by[1]:.4g} = {steps['normalised']:.4g}",
        f"output = gamma · normalised + beta = {gamma:.4g} · {_bracketed(steps['normalised'])} + {_bracketed(beta)} = "
        f"{steps['output']:.4g}",
    ]


def _update(what: str, share: float, before: float, batch: float, after: float) -> str:
    name = "mean" if what == "mean" else "unbiased variance"
    return (
        f"running {what} = (1 - m) · running {what} + m · {name} = {1 - share:.4g} · {_bracketed(before)} + "
        f"{share:.4g} · {_bracketed(batch)} = {after:.4g}"
    )


def _bracketed(value: float) -> str:
    """A number that may stand behind an operator."""
    return f"({value:.4g})" if value < 0 else f"{value:.4g}"


def statistics_lag(momentum: float | None, updates: int, accumulation: int = 1) -> dict[str, Any]:
    """What the initial values still weigh in the running statistics: (1 - m)^n after n updates.

    With accumulation, every optimizer step brings k updates, so that a step counts with 1 - (1 - m)^k;
    1 - (1 - m)^(1/k) would give m a step again. That mends the running statistics alone, not the gradient: each
    micro-batch is still normalised by its own.

    Args:
        momentum: Of batch norm, 0 to 1; None is the plain mean of all batches.
        updates: Batches seen in train mode, at least 0.
        accumulation: Micro-batches an optimizer step, k.

    Returns:
        {"momentum", "updates", "weight": 0 to 1, "half_life": updates until it is a half, "effective_momentum",
        "compensated_momentum", "curve": weights after 0 to `updates` of them (at most 201 points), "curve_updates"}.
        `half_life` is None for a momentum of 0, which never forgets, and with None for the plain mean, which has
        forgotten after its first batch, the momenta are None, too.

    Raises:
        ConfigError: momentum, updates or accumulation are out of range.
    """
    if momentum is not None and not 0 <= momentum <= 1:
        raise ConfigError(f"momentum = {momentum!r} is not allowed: it must be from 0 to 1.")
    if updates < 0:
        raise ConfigError(f"updates = {updates!r} is not allowed: it must be at least 0.")
    if accumulation < 1:
        raise ConfigError(f"accumulation = {accumulation!r} is not allowed: it must be at least 1.")

    def weight(count: int) -> float:
        return float(count == 0) if momentum is None else float((1 - momentum) ** count)

    points = sorted({round(number * updates / (MOST_POINTS - 1)) for number in range(MOST_POINTS)})
    return rounded(
        {
            "momentum": momentum,
            "updates": updates,
            "weight": weight(updates),
            "half_life": half_life(momentum),
            "effective_momentum": None if momentum is None else 1 - (1 - momentum) ** accumulation,
            "compensated_momentum": None if momentum is None else 1 - (1 - momentum) ** (1 / accumulation),
            "curve": [weight(count) for count in points],
            "curve_updates": points,
        }
    )


def half_life(momentum: float | None) -> float | None:
    """Updates until the initial value weighs a half: 6.6 for 0.1. None if that is never, or without a momentum."""
    if momentum is None or momentum == 0:
        return None
    return 0.0 if momentum == 1 else math.log(0.5) / math.log1p(-momentum)
