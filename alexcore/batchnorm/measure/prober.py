"""Which probes belong together, and what they are made on: between the schedule and the functions.

| group | quantities | made on |
|---|---|---|
| layers | values, moments, drift, zero and saturated units, size of gradients (of the last step) | all probe pictures |
| surface | loss and gradient along the gradient, and at equal distances | the first batch of them, for all arms |
| relative | loss after one step | that batch |
| gradients | agreement of summands | that batch |
| shift | internal covariate shift | that batch |
| gain | gain, scales | that batch |
| formula | formula | that batch; of batch norm only |
| accumulation | lag of the statistics, error of accumulation | that batch, once at the end |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from alexcore.analysis.accumulation import compare, micro_sizes
from alexcore.batchnorm.measure.arms import Arm
from alexcore.batchnorm.measure.formula_example import channel_example
from alexcore.batchnorm.measure.gain import layer_gain, learned_scales
from alexcore.batchnorm.measure.gradients import gradient_magnitude, gradient_summands, internal_covariate_shift
from alexcore.batchnorm.measure.loss_surface import loss_surface, relative_loss
from alexcore.batchnorm.measure.moments import drift, layer_statistics
from alexcore.batchnorm.measure.recalibration import batch_norms
from alexcore.batchnorm.measure.undisturbed import undisturbed
from alexcore.batchnorm.read import quantities
from alexcore.batchnorm.read.channel_formula import statistics_lag
from alexcore.batchnorm.read.quantities import rounded
from alexcore.config import TrainConfig
from alexcore.training.objective import Objective

Found = Iterator[tuple[str, dict[str, Any]]]
# Measured along lr x gradient, which is not what an optimizer with momentum walks.
ALONG_RATE = (
    quantities.LOSS_ALONG_GRADIENT,
    quantities.GRADIENT_PREDICTIVENESS,
    quantities.SMOOTHNESS,
    quantities.COVARIATE_SHIFT,
)


class Prober:
    """Makes the probes of one experiment; `images` are all probe pictures, (N, 3, H, W), with `labels`, (N,).

    `channels` are, per layer, those that are kept one by one.
    """

    def __init__(
        self, config: TrainConfig, images: Tensor, labels: Tensor, channels: dict[str, list[int]], objective: Objective
    ) -> None:
        order = torch.channels_last if config.channels_last else torch.contiguous_format
        self.config, self.images, self.labels = config, images.contiguous(memory_format=order), labels
        size = max(2, config.batch_size * config.accumulation_steps)
        self.batch, self.batch_labels = self.images[:size], labels[:size]
        self.objective, self.channels = objective, channels

    def probe(self, group: str, arm: Arm, lr: float, step: int) -> Found:
        """Measure one arm at `step`, quantity by quantity; it is left as it was, to the bit, but for its `memory`.

        Those of ALONG_RATE have beside their own figures, but before the first step, the length of the step that the
        arm has just made, `real_step`, and how many times as long as lr x gradient that was, `real_by_gradient`.
        """
        at, walked, by_gradient = arm.memory.get("walked") or (-1, None, None)
        real = rounded({"real_step": walked, "real_by_gradient": by_gradient}) if at == step else {}
        for quantity, data in self._measure(group, arm, lr, step):
            yield quantity, {**data, **real} if quantity in ALONG_RATE else data

    def _measure(self, group: str, arm: Arm, lr: float, step: int) -> Found:
        model, batch = arm.model, (self.batch, self.batch_labels)
        if group == "layers":
            yield from self._layers(arm, lr, step)
        elif group == "surface":
            yield from loss_surface(model, *batch, lr).items()
        elif group == "relative":
            yield quantities.RELATIVE_LOSS, relative_loss(model, *batch)
        elif group == "gradients":
            yield quantities.GRADIENT_SUMMANDS, gradient_summands(model, *batch)
        elif group == "shift":
            yield quantities.COVARIATE_SHIFT, internal_covariate_shift(model, *batch, lr)
        elif group == "gain":
            yield quantities.GAIN, layer_gain(model, self.batch)
            yield quantities.LEARNED_SCALES, learned_scales(model, self.batch)
        elif group == "formula" and batch_norms(model):
            yield quantities.FORMULA, channel_example(model, self.batch, "conv1", self._shown_channel(arm))
        elif group == "accumulation":
            yield from self._accumulation(arm, step)

    def _layers(self, arm: Arm, lr: float, step: int) -> Found:
        found, moments = layer_statistics(arm.model, self.images, self.channels)
        yield from found.items()
        # A probe that is made again after a stop in its midst is measured against the same one as before.
        if "now" in arm.memory and arm.memory["now"][0] != step:
            arm.memory["before"] = arm.memory["now"]
        arm.memory["now"] = [step, moments]
        if "before" in arm.memory:
            earlier, before = arm.memory["before"]
            yield quantities.DRIFT, drift(before, moments, step - earlier)
        kept = arm.memory.pop("gradients", None)
        if _has_gradients(arm):
            yield quantities.GRADIENT_SIZE, gradient_magnitude(arm.model, lr)
        elif kept is not None and kept[0] == step:
            yield quantities.GRADIENT_SIZE, kept[1]

    def keep_gradients(self, arm: Arm, lr: float, step: int) -> None:
        """Remember how large gradients are over a stop in the midst of a measurement: no checkpoint holds any."""
        if arm.diverged_at is None and _has_gradients(arm):
            arm.memory["gradients"] = [step, gradient_magnitude(arm.model, lr)]

    def _shown_channel(self, arm: Arm) -> int:
        """A channel of median deviation, the same at the start and at the end."""
        if "shown" not in arm.memory:
            deviations = arm.memory["now"][1]["deviation"]["conv1"]
            arm.memory["shown"] = int(deviations.argsort()[(len(deviations) - 1) // 2])
        return int(arm.memory["shown"])

    def _accumulation(self, arm: Arm, step: int) -> Found:
        parts = self.config.accumulation_steps
        norms = batch_norms(arm.model)
        if norms:
            yield quantities.STATISTICS_LAG, statistics_lag(norms[0].momentum, step * parts, parts)
        pictures = len(self.batch_labels)
        sizes = micro_sizes(pictures, self.config.batch_size)
        with undisturbed(arm.model, train=True):
            rows = compare(arm.model, self.objective, self.batch, self.batch_labels, sizes)
        yield quantities.ACCUMULATION, rounded({"pictures": pictures, "rows": rows})


def _has_gradients(arm: Arm) -> bool:
    return any(each.grad is not None for each in arm.model.parameters())
