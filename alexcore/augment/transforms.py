"""Transforms that torchvision.transforms.v2 lacks, or that must not do as its own; `operations` names them."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image
from torchvision.transforms import v2

from alexcore.errors import DataError

# As for a picture that is read.
MAX_PIXELS = 64_000_000


def to_tensor() -> v2.Transform:
    """What torchvision's older ToTensor did: (H, W, 3) uint8 becomes (3, H, W) float32 in [0, 1]."""
    return v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])


def auto_augment(policy: str) -> v2.Transform:
    """AutoAugment, by the name of its policy."""
    return v2.AutoAugment(v2.AutoAugmentPolicy(policy))


class RandomPerspective(v2.RandomPerspective):  # type: ignore[misc]
    """Leaves a picture alone if three drawn corners lie on a line, as they do on a picture one pixel wide."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the corners."""
        try:
            drawn: dict[str, Any] = super().make_params(flat_inputs)
        except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
            return {"coefficients": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]}
        return drawn


class Resize(v2.Resize):  # type: ignore[misc]
    """Refuses to blow a very thin picture up to gigabytes, which one number for the shorter side can ask for."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Bring a picture to the size."""
        if len(self.size) == 1 and isinstance(inpt, Image.Image):
            longer = self.size[0] * max(inpt.size) / min(inpt.size)
            if self.size[0] * longer > MAX_PIXELS:
                raise DataError(
                    f"Resize to {self.size[0]} px would make {self.size[0]} x {longer:.0f} pixels of a picture of "
                    f"{inpt.width} x {inpt.height}.",
                    "Give Resize height and width, or leave this picture out.",
                )
        return super().transform(inpt, params)
