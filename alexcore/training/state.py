"""What a run is at one moment, and how that travels into a checkpoint and back: no bit of it may be lost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from alexcore.training.seeding import rng_state, set_rng_state


@dataclass
class Position:
    """How far a run is: everything that the loop counts, and so a part of the checkpoint."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seen: int = 0
    seconds: float = 0.0
    best_acc1: float = -1.0
    best_epoch: int = -1

    def begin_epoch(self) -> None:
        """Count the epoch that has ended and forget its sums."""
        self.epoch += 1
        self.batch, self.loss_sum, self.correct, self.seen = 0, 0.0, 0, 0


class TrainingState:
    """The parts of a run that change from step to step.

    Attributes:
        model: The network.
        optimizer: Of the network's parameters.
        position: How far the run is.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.model, self.optimizer = model, optimizer
        self.position = Position()

    def as_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs, as tensors and plain data, with every generator's state."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "position": asdict(self.position),
            "rng": rng_state(),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Put back what `as_dict` returned; the generators last, because nothing may draw after them."""
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.position = Position(**saved["position"])
        rng = saved["rng"]
        set_rng_state({**rng, "torch": rng["torch"].cpu(), "cuda": [each.cpu() for each in rng["cuda"]]})
