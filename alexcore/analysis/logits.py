"""What a network says about one picture before softmax: a trained one's logits, or those of a network yet untrained."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import nn

from alexcore.augment.operations import Operation
from alexcore.augment.pipeline import build_transform
from alexcore.config import TrainConfig
from alexcore.training.checkpoint import build_model


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
