"""What a run is at one moment, and how that travels into a checkpoint and back: no bit of it may be lost."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from alexcore.config import TrainConfig
from alexcore.nn import Network
from alexcore.training.evaluation import Evaluation
from alexcore.training.schedule import plateau
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
    # The epoch after which early stopping counts anew, because a resume has begun it again.
    patience_from: int = -1
    # What the schedule plateau has made of the validation losses.
    lr_scale: float = 1.0
    plateau_best: float = math.inf
    plateau_bad: int = 0
    # Steps of the whole run as a time budget has planned them; 0 without a plan.
    total_steps: int = 0
    # Seconds that the end of an epoch took: its validation and its checkpoint.
    ending_s: float = 0.0
    # What the watch over the run's health has seen and told.
    best_val_loss: float = math.inf
    train_loss_then: float = math.inf
    parted: int = 0
    told: list[str] = field(default_factory=list)

    @property
    def train_loss(self) -> float | None:
        """Mean training loss of a picture in the epoch so far; None where none counts."""
        return self.loss_sum / self.seen if self.seen else None

    def count_step(self, micro_batches: int, loss: float, correct: int, images: int) -> None:
        """Count a step that was made."""
        self.step += 1
        self.batch += micro_batches
        self.loss_sum += loss * images
        self.correct += correct
        self.seen += images

    def begin_anew(self, *, training: bool, validation: bool) -> None:
        """Go on with other pictures: an epoch that had begun begins anew, and what was the best is no longer known."""
        if training:
            self._forget_epoch()
        if validation:
            self.best_acc1, self.best_epoch = -1.0, -1
            self.plateau_best, self.plateau_bad = math.inf, 0
            self.best_val_loss, self.train_loss_then, self.parted = math.inf, math.inf, 0
            self.patience_from = self.epoch - 1

    def judge(self, evaluation: Evaluation, config: TrainConfig) -> bool:
        """Whether this validation is the best so far, which one of no image is not; `plateau` takes it in, too."""
        if evaluation.loss is None or evaluation.acc1 is None:
            return False
        if config.scheduler == "plateau":
            self.lr_scale, self.plateau_best, self.plateau_bad = plateau(
                self.lr_scale, self.plateau_best, self.plateau_bad, evaluation.loss, config
            )
        best = evaluation.acc1 > self.best_acc1
        if best:
            self.best_acc1, self.best_epoch = evaluation.acc1, self.epoch
        return best

    def out_of_patience(self, config: TrainConfig) -> bool:
        """Whether early stopping ends the run; to be asked after `begin_epoch`."""
        waited = self.epoch - 1 - max(self.best_epoch, self.patience_from)
        validated = self.best_acc1 >= 0
        return bool(config.early_stopping) and validated and waited >= config.early_stopping

    def begin_epoch(self) -> None:
        """Count the epoch that has ended and forget its sums."""
        self.epoch += 1
        self._forget_epoch()

    def _forget_epoch(self) -> None:
        self.batch, self.loss_sum, self.correct, self.seen = 0, 0.0, 0, 0


class TrainingState:
    """The parts of a run that change from step to step; `scaler` is for float16, `average` is of the weights."""

    def __init__(
        self,
        model: Network,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler | None = None,
        average: AveragedModel | None = None,
    ) -> None:
        self.model, self.optimizer, self.scaler, self.average = model, optimizer, scaler, average
        self.position = Position()

    @property
    def predictor(self) -> nn.Module:
        """The network to validate and predict with: the average, if there is one."""
        return self.average.module if self.average else self.model

    def as_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs, as tensors and plain data, with every generator's state.

        `model` is what one predicts with. Where that is the average, `trained` has the weights that it follows.
        """
        saved: dict[str, Any] = {
            "model": self.predictor.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "position": asdict(self.position),
            "rng": rng_state(),
        }
        if self.average:
            saved |= {"trained": self.model.state_dict(), "ema_updates": int(self.average.n_averaged)}
        if self.scaler:
            saved["scaler"] = self.scaler.state_dict()
        return saved

    def restore(self, saved: dict[str, Any]) -> None:
        """Put back what `as_dict` returned; the generators last, because nothing may draw after them."""
        self.model.load_state_dict(saved["trained" if self.average else "model"])
        if self.average:
            self.average.module.load_state_dict(saved["model"])
            self.average.n_averaged.fill_(saved["ema_updates"])
        if self.scaler:
            self.scaler.load_state_dict(saved["scaler"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.position = Position(**saved["position"])
        rng = saved["rng"]
        set_rng_state({**rng, "torch": rng["torch"].cpu(), "cuda": [each.cpu() for each in rng["cuda"]]})
