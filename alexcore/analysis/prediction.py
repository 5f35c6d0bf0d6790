"""Classify pictures with a trained run. Needs nothing but the run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from alexcore.augment.operations import Operation
from alexcore.augment.pipeline import build_transform
from alexcore.training.checkpoint import load_checkpoint, restore_model


@dataclass(frozen=True)
class Answer:
    """One class and the probability that the network gives it, 0 to 1."""

    name: str
    index: int
    probability: float


class Classifier:
    """A trained network with its classes and the evaluation transform that it was validated with."""

    def __init__(self, checkpoint: Path, device: torch.device | str = "cpu") -> None:
        """Load a checkpoint.

        Raises:
            CheckpointError: it is missing, damaged, or does not fit together.
        """
        state = load_checkpoint(checkpoint, device)
        self.checkpoint = checkpoint
        self.device = torch.device(device)
        self.model, self.config, self.classes = restore_model(state, checkpoint)
        self.model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.operations: list[Operation] = state["evaluation_operations"]
        self.transform = build_transform(self.operations)

    @torch.no_grad()
    def probabilities(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """Return the probability of each class, (N, C) float32 on the CPU, for N RGB pictures of any size."""
        batch = torch.stack([self.transform(image) for image in images])
        logits = self.model(batch.to(self.device, memory_format=torch.channels_last))
        return torch.softmax(logits.float(), dim=1).cpu()

    def classify(self, images: Sequence[Image.Image], top_k: int = 5) -> list[list[Answer]]:
        """Return for each RGB picture its `top_k` most probable classes, best first."""
        values, indices = self.probabilities(images).topk(min(top_k, len(self.classes)), dim=1)
        return [
            [Answer(self.classes[i], i, p) for p, i in zip(row_p, row_i, strict=True)]
            for row_p, row_i in zip(values.tolist(), indices.tolist(), strict=True)
        ]
