"""The arms of an experiment: networks that differ in their norm alone, and how one of them takes a step.

What makes the comparison fair, and where:
- the same initial weights: all arms of a seed draw theirs from the same state (`Network` draws convolutions and linear
  layers before anything that only some arms have)
- the same batches: a batch is read once, and handed to every arm of its seed
- the same dropout: before each step the generator is set from (seed, step), so every arm drops the same units, and
  nothing that happens between two steps can change which
- the same number of optimizer steps, at the same rates
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from alexcore.augment.pipeline import sample_seed
from alexcore.batchnorm.measure.weighted_layers import length
from alexcore.batchnorm.settings import BnConfig, arm_key, seeds_of
from alexcore.config import TrainConfig
from alexcore.findings.experiment import OtherOptimizer, ResponseNorm, WeightDecay
from alexcore.findings.finding import Finding
from alexcore.nn import Network
from alexcore.training.checkpoint import build_model
from alexcore.training.loader import Batch
from alexcore.training.objective import Objective
from alexcore.training.optim import build_optimizer, set_lr
from alexcore.training.step import train_step

# Dropout is drawn like a picture that does not exist; the order of an epoch is -1, shards use -2.
_DROPOUT = -3
_SUMS = ("logged", "validated", "total")


@dataclass
class Sums:
    """Training figures since some moment, a mean in the making; plain numbers, so that a checkpoint can hold them."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0
    step_s: float = 0.0
    steps: int = 0

    def add(self, loss: float, correct: int, images: int, step_s: float) -> None:
        """Count one step."""
        self.loss += loss * images
        self.correct += correct
        self.images += images
        self.step_s += step_s
        self.steps += 1

    @property
    def mean_loss(self) -> float:
        """Mean loss of a picture; nan before the first step."""
        return self.loss / self.images if self.images else math.nan

    @property
    def acc1(self) -> float:
        """Share of pictures answered rightly."""
        return self.correct / self.images if self.images else math.nan


@dataclass
class Arm:
    """One network of the experiment, in train mode, and what has to be remembered of it, with its own configuration.

    `diverged_at` is the step whose loss was not finite; from there on the arm stands still. `logged`, `validated` and
    `total` are sums since the last `arm_step` event, since the last `arm_eval` event and of the whole run; `memory` is
    what the probes remember of their last time: plain data. `paced` is whether the next step shall remember how long it
    is, for the probes that are due after it; that costs a copy of the weights.
    """

    norm: str
    seed: int
    config: TrainConfig
    model: Network
    optimizer: torch.optim.Optimizer
    diverged_at: int | None = None
    grad_norm: float = math.nan
    logged: Sums = field(default_factory=Sums)
    validated: Sums = field(default_factory=Sums)
    total: Sums = field(default_factory=Sums)
    memory: dict[str, Any] = field(default_factory=dict)
    paced: bool = False

    @property
    def key(self) -> str:
        """Its name in tables and on disk."""
        return arm_key(self.norm, self.seed)

    def step(
        self, window: Sequence[Batch], objective: Objective, lr: float, number: int, device: torch.device
    ) -> float | None:
        """Make one optimizer step.

        Args:
            window: The micro-batches of this step, the same for every arm of the seed.
            objective: The loss.
            lr: The rate of this step.
            number: How many steps were made before.
            device: Where the network is.

        Returns:
            The loss before the step, mean over the window; None if the arm has diverged, now or earlier.
        """
        if self.diverged_at is not None:
            return None
        self.memory.pop("gradients", None)
        self.memory.pop("walked", None)
        before = [each.detach().clone() for each in self.model.parameters()] if self.paced else []
        set_lr(self.optimizer, lr)
        torch.manual_seed(sample_seed(self.seed, number, _DROPOUT))
        began = time.perf_counter()
        result = train_step(
            self.model,
            self.optimizer,
            objective,
            window,
            device,
            torch.float32,
            self.config.grad_clip,
            channels_last=self.config.channels_last,
        )
        took = time.perf_counter() - began
        # train_step makes no step with a gradient that is not finite, so the weights are still those of before.
        if not (math.isfinite(result.loss) and math.isfinite(result.grad_norm)):
            self.diverged_at = number + 1
            return None
        self.grad_norm = result.grad_norm
        if self.paced:
            walked = length([now - then for now, then in zip(self.model.parameters(), before, strict=True)])
            self.memory["walked"] = [number + 1, walked, walked / (lr * result.grad_norm or math.nan)]
        for sums in (self.logged, self.validated, self.total):
            sums.add(result.loss, result.correct, result.images, took)
        return result.loss

    def as_dict(self) -> dict[str, Any]:
        """Everything that a resume needs, as tensors and plain data."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "diverged_at": self.diverged_at,
            "grad_norm": self.grad_norm,
            **{name: asdict(getattr(self, name)) for name in _SUMS},
            "memory": self.memory,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Put back what `as_dict` returned."""
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.diverged_at, self.grad_norm = saved["diverged_at"], saved["grad_norm"]
        self.logged, self.validated, self.total = (Sums(**saved[name]) for name in _SUMS)
        self.memory = saved["memory"]


def build_arm(config: TrainConfig, norm: str, seed: int, classes: int, device: torch.device) -> Arm:
    """One arm with fresh weights: those with which a run of this norm and seed begins."""
    own = config.model_copy(update={"norm": norm, "seed": seed})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_model(own, classes)
    order = torch.channels_last if config.channels_last else torch.contiguous_format
    model.to(device, memory_format=order)  # type: ignore[call-overload]
    model.train()
    return Arm(norm, seed, own, model, build_optimizer(model, own))


def build_arms(
    config: TrainConfig,
    bn: BnConfig,
    classes: int,
    device: torch.device,
    seeds: Sequence[int] = (),
    rates: Mapping[str, float] | None = None,
) -> list[Arm]:
    """All arms, or those of some seeds, seed by seed, in each seed norm by norm; `rates` by norm, else the run's."""
    own = {norm: config.model_copy(update={"lr": (rates or {}).get(norm, config.lr)}) for norm in bn.norms}
    chosen = seeds or seeds_of(config, bn)
    return [build_arm(own[norm], norm, seed, classes, device) for seed in chosen for norm in bn.norms]


def step_seconds(arms: Sequence[Arm]) -> dict[str, float]:
    """Seconds of an optimizer step by norm, mean over all steps and seeds; a norm without any step is left out."""
    steps: dict[str, Sums] = {}
    for arm in arms:
        sums = steps.setdefault(arm.norm, Sums())
        sums.step_s += arm.total.step_s
        sums.steps += arm.total.steps
    return {norm: round(sums.step_s / sums.steps, 5) for norm, sums in steps.items() if sums.steps}


def worth_saying(config: TrainConfig) -> list[Finding]:
    """What a reader of the comparison has to know about its settings."""
    found: list[Finding] = [WeightDecay(config.weight_decay, config.decay_all)]
    if config.optimizer != "sgd":
        found.append(OtherOptimizer(config.optimizer))
    if config.variant == "2012":
        found.append(ResponseNorm())
    return found
