"""From operations as data to transforms of torchvision.transforms.v2, and one draw of them from one seed."""

from __future__ import annotations

import hashlib
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pkgutil import resolve_name

import torch
from PIL import Image
from torchvision.transforms import v2

from alexcore.augment.check import check_operation
from alexcore.augment.operations import OPERATIONS, Operation, active, arguments, for_batches, for_samples
from alexcore.errors import ConfigError

Transform = Callable[[Image.Image], torch.Tensor]
# Images (N, 3, H, W) and labels (N,) int64 -> images, and labels (N, C) float32 where pictures were mixed.
Mixing = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

# Pictures count from 0; orders and buffers of an epoch are drawn like the pictures -1, -2 ... So no two share a seed.
_BATCHES = -1_000_000
_GENERATOR = threading.Lock()


def build_step(operation: Operation) -> v2.Transform:
    """Make the transform of one operation that acts on a picture or a tensor.

    Raises:
        ConfigError: the operation is unknown or a parameter is illegal.
    """
    problems = check_operation(operation)
    if problems:
        raise ConfigError(" ".join(each.message for each in problems), " ".join(each.hint for each in problems))
    return _class_of(operation["op"])(**arguments(operation))


def _class_of(name: str) -> Callable[..., v2.Transform]:
    made_by = OPERATIONS[name].made_by
    return resolve_name(made_by) if made_by else getattr(v2, name)  # type: ignore[no-any-return]


def build_transform(operations: Sequence[Operation]) -> Transform:
    """Make the transform that turns an RGB picture of any size into a (3, H, W) float32 tensor.

    Operations that are switched off, and those on batches, are left out: see `build_mixing`.

    Raises:
        ConfigError: an operation is unknown or a parameter is illegal.
    """
    # First each by itself, because an unknown operation has no stage.
    for each in operations:
        build_step(each)
    return v2.Compose([build_step(each) for each in for_samples(active(operations))])  # type: ignore[no-any-return]


def build_mixing(operations: Sequence[Operation], num_classes: int) -> Mixing | None:
    """Make what MixUp and CutMix do to a batch, or None if there is neither; of both, each batch draws one.

    The operations are a legal pipeline; a mixed label has `num_classes` numbers.
    """
    steps = [
        _class_of(each["op"])(**arguments(each), num_classes=num_classes) for each in for_batches(active(operations))
    ]
    if len(steps) > 1:
        return v2.RandomChoice(steps)  # type: ignore[no-any-return]
    return steps[0] if steps else None


def sample_seed(seed: int, epoch: int, index: int) -> int:
    """The seed of one picture's draw: it depends on these three numbers alone, never on workers or order."""
    digest = hashlib.blake2b(struct.pack("<qqq", seed, epoch, index), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def batch_seed(seed: int, epoch: int, first: int) -> int:
    """The seed of a batch's mixing; `first` is the index of its first picture, in no other batch of the epoch."""
    return sample_seed(seed, epoch, _BATCHES - first)


@contextmanager
def drawing_from(seed: int) -> Iterator[None]:
    """Draw every chance from `seed` for a while, and leave torch's own random state as it was."""
    # There is one generator in a process, and a dashboard has a thread for each visitor.
    with _GENERATOR:
        state = torch.get_rng_state()
        # torch.manual_seed would also reach for every GPU; torchvision draws from the CPU's generator only.
        torch.default_generator.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_rng_state(state)


def draw(transform: Transform, image: Image.Image, seed: int) -> torch.Tensor:
    """Apply `transform` to an RGB picture, all its chances drawn from `seed`; returns (3, H, W) float32, normalised."""
    with drawing_from(seed):
        return transform(image)
