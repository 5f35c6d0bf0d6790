"""A data set of noisy stripes that a tiny network can learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_pictures(root: Path, classes: tuple[str, ...], per_split: dict[str, int], size: int = 72) -> Path:
    """Write an ImageFolder tree of noisy stripes; the classes differ in direction and width, so they can be learned."""
    rng = np.random.default_rng(0)
    for split, count in per_split.items():
        for label, name in enumerate(classes):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                rows, columns = np.mgrid[0:size, 0:size]
                wave = rows if label % 2 else columns
                stripes = 127 + 90 * np.sin(wave / (2.0 + 2 * (label // 2)) + rng.uniform(0, 6))
                pixels = stripes[..., None] + rng.normal(0, 20, (size, size, 3))
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{name}_{number:03d}.jpg")
    return root
