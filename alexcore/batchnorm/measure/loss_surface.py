"""The loss around the present weights: along the gradient, at equal distances, and at any rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from alexcore.batchnorm.measure.gradient_step import CROSS_ENTROPY, Criterion, Origin, cosine, gradient
from alexcore.batchnorm.measure.undisturbed import undisturbed
from alexcore.batchnorm.measure.weighted_layers import length
from alexcore.batchnorm.read import quantities
from alexcore.batchnorm.read.quantities import rounded

# Steps along the gradient, in learning rates (Santurkar et al. 2018 went from 1/2 to 4).
MULTIPLES = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
# Steps of equal length for all arms, in lengths of the weights.
DISTANCES = (1e-4, 10**-3.5, 1e-3, 10**-2.5, 1e-2)
# Three rates a decade from 1e-4 to 10.
RATES = tuple(10 ** (-4 + number / 3) for number in range(16))
# Bjorck et al. 2018 call a loss this many times the old one a divergence.
DIVERGED = 1e3


class _Tried(NamedTuple):
    """What was found after each of several steps."""

    losses: list[float]
    differences: list[float]
    cosines: list[float]


def loss_surface(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    lr: float,
    *,
    multiples: Sequence[float] = MULTIPLES,
    distances: Sequence[float] = DISTANCES,
    criterion: Criterion = CROSS_ENTROPY,
) -> dict[str, Any]:
    """Look along the gradient g of the loss L of one batch, at two series of distances.

    The first series are steps of `multiples` of the rate: what training would do. But there a network that hardly
    moves looks smooth. The second are steps of equal relative length rho, eta = rho ||theta|| / ||g||: they compare
    arms.

    `len(multiples) + len(distances) + 1` passes forward and backward, with the defaults 14; at the quick preset's size
    it takes 13 to 20 training steps.

    Args:
        model: Any network; norms use the statistics of the batch.
        images: (N, 3, H, W) float32 on the network's device: B, the same for all arms and all probes.
        labels: (N,) int64.
        lr: Rate of the training, above 0.
        multiples: Steps along the gradient, in rates.
        distances: Relative lengths rho of the steps of the second series.
        criterion: The loss.

    Returns:
        {LOSS_ALONG_GRADIENT: {"loss", "lr", "steps", "losses", "min", "max", "range"}, loss in nats;
        GRADIENT_PREDICTIVENESS: {"steps", "distances", "min", "max"}, distances D_j = ||g - g_j||;
        SMOOTHNESS: {"beta", "grad_norm"}, beta = max_j D_j / (eta_j ||g||);
        LOSS_AT_EQUAL_STEPS: {"loss", "rhos", "losses", "min", "max", "range"};
        GRADIENT_AT_EQUAL_STEPS: {"rhos", "relative", "cosines", "rel", "cosmin"}, rel = max_j D_j / ||g||,
        cosmin = min_j cos(g_j, g);
        SCALE_FREE_SMOOTHNESS: {"beta", "weight_norm", "grad_norm"}, beta = max_j (D_j / ||g||) / rho_j}.
        Where a step leads to a loss that is no number, it and everything made of it is None.

    Source: Santurkar et al. 2018, "How does batch normalization help optimization?", section 3.
    """
    with undisturbed(model, train=True):
        origin = Origin(model, images, labels, criterion)
        weight_norm, grad_norm = length(origin.values), length(origin.gradient)
        steps = [lr * each for each in multiples]
        along = _try(origin, steps, model, images, labels, criterion)
        # Without a gradient there is no direction, and every distance is 0.
        equal = [rho * weight_norm / grad_norm if grad_norm else 0.0 for rho in distances]
        far = _try(origin, equal, model, images, labels, criterion)
    relative = [_ratio(each, grad_norm) for each in far.differences]
    bends = [_ratio(apart, step * grad_norm) for apart, step in zip(along.differences, steps, strict=True)]
    sharpness = [_ratio(change, rho) for change, rho in zip(relative, distances, strict=True)]
    turned = {"rel": _largest(relative), "cosmin": -_largest([-each for each in far.cosines])}
    rhos = list(distances)
    return rounded(
        {
            quantities.LOSS_ALONG_GRADIENT: {
                "loss": origin.loss,
                "lr": lr,
                "steps": steps,
                **_band(along.losses, "losses", with_range=True),
            },
            quantities.GRADIENT_PREDICTIVENESS: {"steps": steps, **_band(along.differences, "distances")},
            quantities.SMOOTHNESS: {"beta": _largest(bends), "grad_norm": grad_norm},
            quantities.LOSS_AT_EQUAL_STEPS: {
                "loss": origin.loss,
                "rhos": rhos,
                **_band(far.losses, "losses", with_range=True),
            },
            quantities.GRADIENT_AT_EQUAL_STEPS: {"rhos": rhos, "relative": relative, "cosines": far.cosines, **turned},
            quantities.SCALE_FREE_SMOOTHNESS: {
                "beta": _largest(sharpness),
                "weight_norm": weight_norm,
                "grad_norm": grad_norm,
            },
        }
    )


def relative_loss(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    rates: Sequence[float] = RATES,
    *,
    criterion: Criterion = CROSS_ENTROPY,
) -> dict[str, Any]:
    """The loss after one gradient step of each rate, divided by the loss before it.

    One pass forward and backward and one forward a rate, with the defaults 16; at the quick preset's size
    it takes 8 to 11 training steps.

    Args:
        model: Any network; norms use the statistics of the batch.
        images: (N, 3, H, W) float32 on the network's device.
        labels: (N,) int64.
        rates: Learning rates, growing.
        criterion: The loss.

    Returns:
        {"loss", "rates", "ratios", "diverged", "first_diverged", "largest_safe"}: a ratio above 1e3, or none at all
        (None), has diverged; `first_diverged` is the smallest such rate, `largest_safe` the largest one up to which no
        ratio is above 1; each may be None.

    Source: Bjorck et al. 2018, "Understanding batch normalization", section 3.1.
    """
    with undisturbed(model, train=True):
        origin = Origin(model, images, labels, criterion)
        ratios = []
        with torch.no_grad():
            for rate in rates:
                origin.step(rate)
                ratios.append(_ratio(criterion(model(images), labels).item(), origin.loss))
    diverged = [not each <= DIVERGED for each in ratios]  # written so that nan has diverged, too
    safe = list(takewhile(lambda tried: tried[1] <= 1, zip(rates, ratios, strict=True)))
    return rounded(
        {
            "loss": origin.loss,
            "rates": list(rates),
            "ratios": ratios,
            "diverged": diverged,
            "first_diverged": next((rate for rate, bad in zip(rates, diverged, strict=True) if bad), None),
            "largest_safe": safe[-1][0] if safe else None,
        }
    )


def _try(
    origin: Origin, steps: Sequence[float], model: nn.Module, images: Tensor, labels: Tensor, criterion: Criterion
) -> _Tried:
    """Take each step from the same point, measure there, and go back."""
    tried, grad_norm = _Tried([], [], []), length(origin.gradient)
    for step in steps:
        origin.step(step)
        loss, there = gradient(model, images, labels, criterion)
        apart = length([a - b for a, b in zip(there, origin.gradient, strict=True)])
        tried.losses.append(loss)
        tried.differences.append(apart)
        tried.cosines.append(cosine(grad_norm, length(there), apart))
    origin.back()
    return tried


def _band(values: Sequence[float], name: str, *, with_range: bool = False) -> dict[str, Any]:
    low, high = -_largest([-each for each in values]), _largest(values)
    return {name: list(values), "min": low, "max": high, **({"range": high - low} if with_range else {})}


def _largest(values: Sequence[float]) -> float:
    """The largest, nan if one is nan: a step that led nowhere must not look like a small one."""
    return math.nan if any(math.isnan(each) for each in values) else max(values, default=math.nan)


def _ratio(value: float, by: float) -> float:
    return value / by if by else math.nan
