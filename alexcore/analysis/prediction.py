"""What a network answers: a trained run's, of which nothing but the checkpoint is needed, or one yet untrained."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn

from alexcore.augment.operations import Operation
from alexcore.augment.pipeline import build_transform
from alexcore.config import TrainConfig
from alexcore.data.decoding.levels import Rendering
from alexcore.doubt.channels import channels_heard
from alexcore.doubt.kept import weights_key
from alexcore.training.checkpoint import build_model, load_checkpoint, renamed, restore_model


@dataclass(frozen=True)
class ClassProbability:
    """One class and the probability that the network gives it, 0 to 1."""

    name: str
    index: int
    probability: float


@dataclass(frozen=True)
class HowTrained:
    """How far the training of a network had come when its weights were saved."""

    epochs: int  # complete ones
    of_epochs: int
    steps: int
    most_steps: int  # 0 where epochs alone say how long it trains

    @classmethod
    def of(cls, position: Mapping[str, Any], config: TrainConfig) -> HowTrained:
        """Read it from the position in a checkpoint."""
        epochs, steps = (int(position.get(name) or 0) for name in ("epoch", "step"))
        return cls(epochs, config.epochs, steps, config.max_steps)

    @property
    def in_words(self) -> str:
        """As a sentence ends with it: "after 0 of 3 epochs (0 steps)"."""
        if self.most_steps:
            return f"after {self.steps:,} of {self.most_steps:,} steps ({self.epochs:,} complete epochs)"
        return f"after {self.epochs:,} of {self.of_epochs:,} epochs ({self.steps:,} steps)"


class Classifier:
    """A trained network with its classes and the evaluation transform that it was validated with.

    Several sessions may share one: whoever hooks the network (an explanation does) holds `lock` meanwhile, and so
    does everybody who runs pictures through it.
    """

    def __init__(self, checkpoint: Path, device: torch.device | str = "cpu") -> None:
        """Load a checkpoint.

        Raises:
            CheckpointError: it is missing, damaged, or does not fit together.
        """
        self._build(load_checkpoint(checkpoint, device), checkpoint, device)

    @classmethod
    def of_state(cls, state: dict[str, Any], name: str) -> Classifier:
        """Make one of a checkpoint that has been read already, on the CPU; `name` is what errors call it.

        Raises:
            CheckpointError: its parts do not fit together.
        """
        made = cls.__new__(cls)
        made._build(state, Path(name), "cpu")
        return made

    def _build(self, state: dict[str, Any], checkpoint: Path, device: torch.device | str) -> None:
        self.checkpoint = checkpoint
        self.device = torch.device(device)
        self.model, self.config, self.classes = restore_model(state, checkpoint)
        self.notes = renamed(state, checkpoint)
        self.model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.operations: list[Operation] = state["evaluation_operations"]
        self.transform = build_transform(self.operations)
        self.rendering = Rendering.of(state.get("rendering"))
        # Of the data set that it was trained on; empty where the checkpoint does not say.
        self.fingerprint = str(state.get("fingerprint", ""))
        self.trained = HowTrained.of(state.get("position") or {}, self.config)
        self.lock = threading.RLock()

    @torch.no_grad()
    def look(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Run transformed pictures (N, 3, H, W) through the network.

        Returns:
            Probabilities (N, C) and features (N, units), what the last layer reads; float32 on the CPU.
        """
        with self.lock:
            features = self.model.penultimate(batch.to(self.device, memory_format=torch.channels_last))
            logits = self.model.head(features)
        return torch.softmax(logits.float(), dim=1).cpu(), features.float().cpu()

    @torch.no_grad()
    def look_closely(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """As `look`, and with how each channel of the convolutions responds: (N, D), see `channels_heard`."""
        with self.lock, channels_heard(self.model) as heard:
            probabilities, features = self.look(batch)
        return probabilities, features, torch.cat(heard, dim=1).cpu()

    @cached_property
    def weights(self) -> str:
        """A name for its weights, by which is known what was measured for them."""
        return weights_key((name, each.cpu().numpy()) for name, each in self.model.state_dict().items())

    @torch.no_grad()
    def probabilities(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """Return the probability of each class, (N, C) float32 on the CPU, for N RGB pictures of any size."""
        batch = torch.stack([self.transform(image) for image in images])
        with self.lock:
            logits = self.model(batch.to(self.device, memory_format=torch.channels_last))
        return torch.softmax(logits.float(), dim=1).cpu()

    def classify(self, images: Sequence[Image.Image], top_k: int = 5) -> list[list[ClassProbability]]:
        """Return for each RGB picture its `top_k` most probable classes, best first."""
        return [best_of(row, self.classes, top_k) for row in self.probabilities(images)]


def best_of(probabilities: Any, classes: Sequence[str], top_k: int) -> list[ClassProbability]:
    """The `top_k` most probable classes of one picture, best first; `probabilities` is (C,), a tensor or an array."""
    values, indices = torch.as_tensor(probabilities).topk(min(top_k, len(classes)))
    return [ClassProbability(classes[i], i, p) for p, i in zip(values.tolist(), indices.tolist(), strict=True)]


def untrained(config: TrainConfig, num_classes: int) -> nn.Module:
    """The network that a run of this configuration starts from, in eval mode; no generator outside is moved on."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        return build_model(config, num_classes).eval()


@torch.no_grad()
def logits_of(model: nn.Module, operations: Sequence[Operation], image: Image.Image) -> list[float]:
    """The logits of one RGB picture, one number a class; `operations` are the evaluation's."""
    batch = build_transform(operations)(image).unsqueeze(0)
    return [float(each) for each in model(batch)[0]]
