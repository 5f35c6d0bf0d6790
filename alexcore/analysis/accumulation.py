"""Is an accumulated gradient that of one big batch? Measured on the user's own pictures, for each norm.

    exact   each micro-batch's summed loss is divided by the weight of the whole effective batch, as runs do it
    naive   the means of the micro-batches are averaged, as `loss / accumulation_steps` does it

A probe: networks of its own, fp32, and dropout off, because each pass would otherwise drop other units and no two
gradients could be compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from alexcore.augment.presets import training_operations
from alexcore.config import TrainConfig
from alexcore.data.sources import choice_of, open_checked
from alexcore.errors import DataError
from alexcore.nn.norms import NORMS, Norm
from alexcore.training.checkpoint import build_model
from alexcore.training.device import choose_device
from alexcore.training.objective import Objective, weights_for
from alexcore.training.plan import alone, make_plan
from alexcore.training.shard_loader import make_loader

# Pictures compared at most: the one big batch has to fit into memory, which is just what many machines cannot give it.
MOST = 64
Row = dict[str, Any]


def gradient(loss: Tensor, model: nn.Module) -> Tensor:
    """The gradient of `loss` for all weights, one vector, float64 so that comparing adds no rounding of its own."""
    parts = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([part.flatten() for part in parts]).double()


def accumulated(
    model: nn.Module, objective: Objective, images: Tensor, labels: Tensor, micro: int
) -> tuple[Tensor, Tensor]:
    """The gradients of an effective batch that passes in micro-batches: (exact, naive), each one float64 vector.

    `model` is in train mode; `images` (N, 3, H, W) and `labels` (N,) are cut into pieces of `micro`, the last may be
    less.
    """
    total = objective.total_weight(labels)
    parts = math.ceil(len(labels) / micro)
    exact = naive = torch.zeros(())
    for some_images, some_labels in zip(images.split(micro), labels.split(micro), strict=True):
        share = gradient(objective(model(some_images), some_labels, total), model)
        own = float(objective.total_weight(some_labels))
        exact = exact + share
        # The same gradient with the micro-batch's own divisor, and the mean over the micro-batches.
        # (nothing of it counts: neither has it a mean)
        naive = naive + share * (float(total) / own / parts if own else 0.0)
    return exact, naive


def compare(model: nn.Module, objective: Objective, images: Tensor, labels: Tensor, micros: Sequence[int]) -> list[Row]:
    """Compare accumulated gradients with that of one big batch, a row a size of micro-batch.

    Errors are ||accumulated - big|| / ||big||, cosines those of the angle between them.
    """
    big = gradient(objective(model(images), labels, objective.total_weight(labels)), model)
    rows = []
    for micro in micros:
        row: Row = {"micro_batch": micro, "micro_batches": math.ceil(len(labels) / micro)}
        for name, found in zip(("exact", "naive"), accumulated(model, objective, images, labels, micro), strict=True):
            row[f"{name}_error"] = float((found - big).norm() / big.norm())
            row[f"{name}_cosine"] = float(torch.dot(found, big) / (found.norm() * big.norm()))
        rows.append(row)
    return rows


def micro_sizes(batch: int, own: int) -> list[int]:
    """Sizes of micro-batches to compare: the run's own, and a half, an eighth and a 32nd of the effective batch."""
    return sorted({size for size in (own, batch // 2, batch // 8, batch // 32) if 2 <= size < batch}, reverse=True)


def prove(config: TrainConfig, on_progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Compare one big batch with the accumulated one on the training pictures of a configuration.

    The effective batch is that of the configuration, at most 64 pictures; weights and smoothing are those of its loss.
    `on_progress` is called with (comparisons done, in all).

    Returns:
        `pictures`, `micro_batch` (the run's own), `weights` (per class, or None), `rows` (norm, micro_batch,
        micro_batches, exact_error, exact_cosine, naive_error, naive_cosine) and `sentence`.

    Raises:
        AlexError: data or settings cannot be used, or there are fewer than 4 pictures to compare.
    """
    config = alone(config)
    index = open_checked(config.data, config.val, choice=choice_of(config), intensity=config.intensity)
    make_plan(config, index)
    weight = weights_for(config, index.counts()["train"].tolist())
    objective = Objective(weight, config.label_smoothing, config.ignore_index)
    operations = training_operations(config.augment, config.image_size)
    wanted = min(MOST, config.effective_batch, len(index.select("train")))
    if wanted < 4:
        raise DataError(
            f"An effective batch of {wanted} pictures cannot be cut into smaller ones of 2.",
            "Choose a larger batch_size or more accumulation_steps.",
        )
    loader = make_loader(index, "train", operations, batch_size=wanted, seed=config.seed, shuffle=True, num_workers=0)
    device = choose_device(config.device)
    images, labels = (part.to(device) for part in next(loader.epoch()))
    micros = micro_sizes(wanted, config.batch_size)
    rows: list[Row] = []
    # TF32 would round the products of a GPU to 10 bits, and its rounding would be all that is seen.
    exact_products = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with torch.random.fork_rng(), exact_products:
        # Norms that look at one picture at a time first: with them accumulating changes nothing.
        for number, norm in enumerate(sorted(NORMS, key=lambda name: NORMS[name].over_batch)):
            torch.manual_seed(config.seed)
            model = build_model(config.model_copy(update={"norm": norm, "dropout": 0.0}), len(index.classes))
            rows += [
                {"norm": norm, **row} for row in compare(model.to(device).train(), objective, images, labels, micros)
            ]
            if on_progress:
                on_progress(number + 1, len(NORMS))
    return {
        "pictures": wanted,
        "micro_batch": config.batch_size,
        "weights": None if weight is None else weight.tolist(),
        "rows": rows,
        "sentence": in_words(rows, wanted),
    }


def in_words(rows: Sequence[Row], pictures: int) -> str:
    """What the rows show, from their numbers."""
    alone = [norm for norm in NORMS.values() if not norm.over_batch]
    together = [norm for norm in NORMS.values() if norm.over_batch]
    exact, naive, bad = _worst(rows, alone, "exact"), _worst(rows, alone, "naive"), _worst(rows, together, "exact")
    same = "is the same, because all weights and sizes are equal" if naive < 1e-5 else f"is off by up to {naive:.1%}"
    return (
        f"Without a norm or with {_kinds(alone)}, micro-batches give the gradient of one batch of {pictures} pictures "
        f"to within {exact:.1e}; averaging their means {same}. With {_kinds(together)} the gradient is another one by "
        f"up to {bad:.0%}, whatever is divided: each micro-batch is normalised by its own statistics."
    )


def _kinds(norms: Sequence[Norm]) -> str:
    return " or ".join(norm.kind for norm in norms if norm.layer)


def _worst(rows: Sequence[Row], norms: Sequence[Norm], way: str) -> float:
    names = {norm.name for norm in norms}
    return max(float(row[f"{way}_error"]) for row in rows if row["norm"] in names)
