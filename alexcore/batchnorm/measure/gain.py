"""How much a small change of the input grows from layer to layer, and what the norms have learned to amplify."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from alexcore.batchnorm.measure.undisturbed import undisturbed
from alexcore.batchnorm.measure.weighted_layers import WeightedLayer, by_channel, layers_of
from alexcore.batchnorm.read.quantities import parallel, rounded
from alexcore.nn.listening import listening
from alexcore.nn.norms import norm_of

FIGURES = ("factor", "relative", "spread")


def layer_gain(
    model: nn.Module, images: Tensor, eps: float = 0.01, directions: int = 3, seed: int = 0
) -> dict[str, Any]:
    """Change every picture a little, and follow the change through the layers.

    Each picture x becomes x + eps ||x|| u, with u of length 1: drawn at random (`random`, several times), or pointing
    to the nearest other picture of the batch (`neighbour`). A layer is looked at where its activation gets its values
    h: behind the norm, where there is one. Lengths are root sums of squares over the whole batch.

        factor    ||change of h|| / ||change of h of the layer before||; for the first layer, of the input
        relative  (||change of h|| / ||h||) / (||change of x|| / ||x||): how many per cent one per cent becomes
        spread    the same, measured by how far pictures differ, ||h - mean picture of h||, in place of ||h||. Scaling
                  or shifting channels all alike does not alter it, so that a norm gains nothing by its mere scale

    Norms use the statistics of each batch, that of the changed pictures included. `directions + 2` passes forward
    without gradients; at the quick preset's size it takes 2.5 to 5 training steps.

    Args:
        model: Any network of weighted layers.
        images: (N, 3, H, W) float32 on the network's device, at least 2 for a neighbour.
        eps: Relative size of the change, small.
        directions: How many random changes; their median is returned.
        seed: Of the random changes, which are the same for all arms.

    Returns:
        {"eps", "layers", "random": {"factor", "relative", "spread"}, "neighbour": the same or None}, parallel lists;
        None where a length is 0 or no number.
    """
    layers = layers_of(model)
    generator = torch.Generator().manual_seed(seed)
    sizes = images.flatten(1).norm(dim=1)
    ways = [_unit(torch.randn(images.shape, generator=generator).to(images)) for _ in range(directions)]
    results: dict[str, list[dict[str, list[float]]]] = {"random": [], "neighbour": []}
    with undisturbed(model, train=True), torch.no_grad():
        before = _outputs(model, layers, images)
        towards = _to_neighbour(images)
        for kind, way in [*(("random", way) for way in ways), ("neighbour", towards)]:
            if way is None:
                continue
            changed = images + eps * _along(sizes, way)
            after = _outputs(model, layers, changed)
            results[kind].append(_follow(layers, images, changed, before, after))
    data: dict[str, Any] = {"eps": eps, "layers": [layer.name for layer in layers]}
    for kind, found in results.items():
        data[kind] = {figure: _median([each[figure] for each in found]) for figure in FIGURES} if found else None
    return rounded(data)


def learned_scales(model: nn.Module, images: Tensor) -> dict[str, Any]:
    """What each norm multiplies its channels by: gamma / sigma, and gamma alone, which is what training chooses.

    sigma is the deviation by which a norm divides, eps included: that of this batch, or the mean over the pictures for
    a norm that looks at one at a time. One pass forward without gradients; at the quick preset's size it takes less
    than one training step.

    Args:
        model: Any network.
        images: (N, 3, H, W) float32 on the network's device.

    Returns:
        Parallel lists over the layers with a norm that has gammas, empty without: {"layers", "gamma_mean", "gamma_low",
        "gamma_high": 5th and 95th percentile over the channels, "gamma_moved": mean |gamma - 1|, as gammas start at 1,
        "sigma": mean over the channels, "scale": mean |gamma| / sigma, "scale_low", "scale_high": its percentiles}.
    """
    norms = [(each.name, each.norm) for each in layers_of(model) if each.norm is not None]
    norms = [(name, norm) for name, norm in norms if isinstance(getattr(norm, "weight", None), Tensor)]
    divisors: dict[str, Tensor] = {}

    def heard(name: str, norm: nn.Module, given: tuple[Tensor, ...], _output: Tensor) -> None:
        divisors[name] = _divisor(norm, given[0])

    with undisturbed(model, train=True), torch.no_grad(), listening(norms, heard):
        model(images)
    rows = []
    for name, norm in norms:
        gamma, sigma = cast(Tensor, norm.weight).detach().float(), divisors[name]
        scale, moved = gamma.abs() / sigma, (gamma - 1).abs()
        rows.append((name, *_spans(gamma), moved.mean().item(), sigma.mean().item(), *_spans(scale)))
    of_gamma, of_scale = ("gamma_mean", "gamma_low", "gamma_high", "gamma_moved"), ("scale", "scale_low", "scale_high")
    return rounded(parallel(("layers", *of_gamma, "sigma", *of_scale), rows))


def _outputs(model: nn.Module, layers: list[WeightedLayer], images: Tensor) -> dict[str, Tensor]:
    """What the activation of each layer gets."""
    found: dict[str, Tensor] = {}

    def heard(name: str, _module: nn.Module, _given: object, output: Tensor) -> None:
        # A copy: an activation that works in place would overwrite it.
        found[name] = output.clone()

    with listening([(layer.name, layer.last) for layer in layers], heard):
        model(images)
    return found


def _follow(
    layers: list[WeightedLayer], images: Tensor, changed: Tensor, before: dict[str, Tensor], after: dict[str, Tensor]
) -> dict[str, list[float]]:
    change_before = (changed - images).norm()
    start, start_spread = change_before / images.norm(), change_before / _spread(images)
    found: dict[str, list[float]] = {figure: [] for figure in FIGURES}
    for layer in layers:
        here = before[layer.name]
        change = (after[layer.name] - here).norm()
        # 0 / 0 is nan, which is what becomes None.
        found["factor"].append((change / change_before).item())
        found["relative"].append((change / here.norm() / start).item())
        found["spread"].append((change / _spread(here) / start_spread).item())
        change_before = change
    return found


def _spread(values: Tensor) -> Tensor:
    """How far the pictures of a batch are from their mean."""
    apart: Tensor = values - values.mean(dim=0, keepdim=True)
    size: Tensor = torch.linalg.vector_norm(apart)
    return size


def _to_neighbour(images: Tensor) -> Tensor | None:
    """The direction from each picture to the nearest other one, of length 1; None with one picture alone."""
    if len(images) < 2:
        return None
    rows = images.flatten(1)
    apart = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    # Neither itself nor a copy of itself: there is no direction to either.
    apart[apart == 0] = torch.inf
    return _unit(images[apart.argmin(dim=1)] - images)


def _unit(change: Tensor) -> Tensor:
    sizes = change.flatten(1).norm(dim=1).clamp_min(torch.finfo(change.dtype).tiny)
    return _along(1 / sizes, change)


def _along(factors: Tensor, change: Tensor) -> Tensor:
    """Each picture's change times its own factor, (N,)."""
    return change * factors.view(-1, *[1] * (change.dim() - 1))


def _median(rows: list[list[float]]) -> list[float]:
    return torch.tensor(rows, dtype=torch.float64).median(dim=0).values.tolist()


def _spans(values: Tensor) -> list[float]:
    """Mean, 5th and 95th percentile."""
    ends = torch.quantile(values, torch.tensor([0.05, 0.95], device=values.device))
    return [values.mean().item(), *ends.tolist()]


def _divisor(norm: nn.Module, values: Tensor) -> Tensor:
    """The deviation by which a norm divides each channel, (C,)."""
    kind, channels = norm_of(norm), values.shape[1]
    assert kind is not None
    # A group norm that is not ours may have other groups than ours would.
    groups = getattr(norm, "num_groups", kind.groups(channels) if kind.groups else channels)
    sets = by_channel(values)[None] if kind.over_batch else values
    variance = sets.reshape(len(sets), groups, -1).var(dim=2, correction=0)
    divisors: Tensor = (variance + float(cast(Any, norm).eps)).sqrt().mean(dim=0)
    return divisors.repeat_interleave(channels // groups)
