"""From operations as data to transforms of torchvision.transforms.v2, and one draw of them from one seed."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image
from torchvision.transforms import v2

from alexcore.augment.presets import Operation
from alexcore.errors import ConfigError

Transform = Callable[[Image.Image], torch.Tensor]


def _to_tensor() -> v2.Transform:
    # What torchvision's older ToTensor did: (H, W, 3) uint8 becomes (3, H, W) float32 in [0, 1].
    return v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])


REGISTRY: dict[str, Callable[..., v2.Transform]] = {
    "Resize": v2.Resize,
    "RandomResizedCrop": v2.RandomResizedCrop,
    "RandomHorizontalFlip": v2.RandomHorizontalFlip,
    "ColorJitter": v2.ColorJitter,
    "TrivialAugmentWide": v2.TrivialAugmentWide,
    "ToTensor": _to_tensor,
    "Normalize": v2.Normalize,
    "RandomErasing": v2.RandomErasing,
}


def build_transform(operations: Sequence[Operation]) -> Transform:
    """Make the transform that turns an RGB picture of any size into a (3, H, W) float32 tensor.

    Raises:
        ConfigError: an operation is unknown or its parameters are refused by torchvision.
    """
    steps = []
    for operation in operations:
        parameters: dict[str, Any] = dict(operation)
        name = parameters.pop("op", None)
        if name not in REGISTRY:
            raise ConfigError(f"There is no augmentation {name!r}.", f"Choose among {', '.join(REGISTRY)}.")
        try:
            steps.append(REGISTRY[name](**parameters))
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"{name} cannot be built from {parameters}: {error}.", "Correct its parameters."
            ) from error
    return v2.Compose(steps)  # type: ignore[no-any-return]


def sample_seed(seed: int, epoch: int, index: int) -> int:
    """The seed of one picture's draw: it depends on these three numbers alone, never on workers or order."""
    digest = hashlib.blake2b(struct.pack("<qqq", seed, epoch, index), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def draw(transform: Transform, image: Image.Image, seed: int) -> torch.Tensor:
    """Apply `transform` with all its chances drawn from `seed`, leaving torch's own random state as it was.

    Args:
        transform: From `build_transform`.
        image: RGB.
        seed: From `sample_seed`.

    Returns:
        (3, H, W) float32, normalised.
    """
    state = torch.get_rng_state()
    # torch.manual_seed would also reach for every GPU; torchvision draws from the CPU's generator only.
    torch.default_generator.manual_seed(seed)
    try:
        return transform(image)
    finally:
        torch.set_rng_state(state)
