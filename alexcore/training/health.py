"""Signs that a run goes wrong, each told once in a sentence with what helps: a stuck loss, train and val that part."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence

import torch
from torch import nn

from alexcore.config import TrainConfig
from alexcore.findings.finding import Finding
from alexcore.findings.run import Overfitting, Stuck, StuckByDeadUnits, StuckBySmallGradients
from alexcore.nn import Network
from alexcore.nn.listening import listening
from alexcore.training.state import Position

# Steps over which the loss must not have moved, and by how much of ln C it may be away from there, or have fallen.
WINDOW = 50
NEAR, FALLEN = 0.03, 0.01
# A unit is dead if it is zero for every picture of a batch; some always are.
DEAD_SHARE = 0.9
# Length of the convolutions' gradient, measured by the error at the output. Fresh networks that learn have 0.7 (a norm,
# a quarter of the width) to 300 (init kaiming); those that stick have 0.1 to 0.6 (init torch, sigmoid).
FADED = 0.65
# Epochs in a row with a validation loss this much above the best, while the training loss falls.
PARTED_EPOCHS, PARTED = 3, 1.1

Warn = Callable[[Finding], None]


class Health:
    """Watches one run; what it has told is kept in the position, so that a resume does not tell it again."""

    def __init__(self, config: TrainConfig, counts: Sequence[int], steps_per_epoch: int, warn: Warn) -> None:
        """Make a watch; `counts` are the training pictures per class, and `warn` is called with each finding."""
        self.config, self.warn = config, warn
        self.first_step = max(steps_per_epoch, config.warmup_steps + WINDOW)
        self.losses: deque[float] = deque(maxlen=WINDOW)
        counted = [count for label, count in enumerate(counts) if count and label != config.ignore_index]
        shares = [count / sum(counted) for count in counted]
        self.classes, self.chance = len(shares), math.log(len(shares))
        # Whoever always answers with the shares of the classes has their entropy as a loss, which is lower.
        self.low = min(self.chance, -sum(share * math.log(share) for share in shares))

    def after_step(self, position: Position, loss: float, model: Network, images: torch.Tensor) -> None:
        """Judge the loss of a step; `images` (N, 3, H, W), on any device, are looked at only if it sticks."""
        self.losses.append(loss)
        if "stuck" in position.told or position.step < self.first_step or not self._stuck():
            return
        position.told.append("stuck")
        self.warn(self._reason(model, images))

    def after_epoch(self, position: Position, train_loss: float | None, val_loss: float | None) -> None:
        """Judge the losses of an epoch, if it has both."""
        if train_loss is None or val_loss is None:
            return
        if val_loss < position.best_val_loss:
            position.best_val_loss, position.train_loss_then, position.parted = val_loss, train_loss, 0
            return
        apart = val_loss > PARTED * position.best_val_loss and train_loss < position.train_loss_then
        position.parted = position.parted + 1 if apart else 0
        if position.parted >= PARTED_EPOCHS and "parted" not in position.told:
            position.told.append("parted")
            self.warn(Overfitting(PARTED_EPOCHS, train_loss, position.best_val_loss, val_loss))

    def _mean(self) -> float:
        return sum(self.losses) / len(self.losses)

    def _stuck(self) -> bool:
        if len(self.losses) < WINDOW:
            return False
        half = WINDOW // 2
        values = list(self.losses)
        fallen = (sum(values[:half]) - sum(values[half:])) / half
        near = (1 - NEAR) * self.low <= self._mean() <= (1 + NEAR) * self.chance
        return near and fallen < FALLEN * self.chance

    def _reason(self, model: Network, images: torch.Tensor) -> Finding:
        config, loss = self.config, (self._mean(), self.chance)
        layer, dead = most_dead(model, images)
        if dead > DEAD_SHARE:
            return StuckByDeadUnits(*loss, dead, layer, config.lr)
        reach = gradient_reach(model, self.classes, config.effective_batch)
        if reach < FADED:
            return StuckBySmallGradients(*loss, reach, config.init, config.activation, config.activation != "relu")
        return Stuck(*loss, dead, config.lr)


@torch.no_grad()
def most_dead(model: nn.Module, images: torch.Tensor) -> tuple[str, float]:
    """The activation layer with the largest share of units that are zero for every picture, and that share.

    The pass runs in eval mode: it draws no random number and moves no statistic.
    """
    worst: list[tuple[float, str]] = [(0.0, "")]

    def heard(name: str, _module: nn.Module, _given: object, output: torch.Tensor) -> None:
        # A unit of a convolution is a channel: it is dead only if it is zero everywhere.
        alive = (output != 0).transpose(0, 1).flatten(1).any(dim=1)
        worst.append((1 - alive.float().mean().item(), name))

    layers = [(name, each) for name, each in model.named_modules() if isinstance(each, nn.ReLU | nn.Tanh | nn.Sigmoid)]
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with listening(layers, heard):
            model(images.to(next(model.parameters()).device))
    finally:
        for module, training in modes:
            module.training = training
    share, name = max(worst)
    return name, share


def gradient_reach(model: Network, classes: int, pictures: int) -> float:
    """Length of the gradient of the convolutions, divided by the error at the output of a network that guesses.

    That error is sqrt((1 - 1/C) / N) for a random batch of N pictures in C classes: each has the length sqrt(1 - 1/C),
    and their mean is shorter by sqrt(N).

    Returns:
        The ratio; infinite if the convolutions are frozen.
    """
    grads = [each.grad for each in model.convolutions.parameters() if each.grad is not None]
    error = math.sqrt((1 - 1 / classes) / pictures)
    return nn.utils.get_total_norm(grads).item() / error if grads else math.inf
