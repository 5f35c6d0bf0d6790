"""Data sets for benchmarks: many files from a few hundred small pictures, or real photographs, fewer of them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES, DISTINCT = 10, 300


def write_pictures(root: Path, images: int) -> Path:
    """Make a tree of links to a few hundred different JPEGs of 64 px; every fifth picture is for validation."""
    originals = root.with_name(f"{root.name}-originals")
    originals.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(min(DISTINCT, images)):
        coarse = Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8))
        coarse.resize((64 + number % 32, 64), Image.Resampling.BICUBIC).save(originals / f"{number}.jpg", quality=80)
    for label in range(CLASSES):
        for split in ("train", "val"):
            (root / split / f"class_{label}").mkdir(parents=True)
    for number in range(images):
        split = "val" if number // CLASSES % 5 == 0 else "train"
        target = root / split / f"class_{number % CLASSES}" / f"picture_{number * 7919 % 1_000_003:07d}.jpg"
        os.link(originals / f"{number % DISTINCT}.jpg", target)
    return root


def subset(data: Path, images: int, folder: Path) -> Path:
    """Links to `images` training pictures and as many validation pictures as there are for them, class by class."""
    for split in ("train", "val"):
        classes = sorted(path for path in (data / split).iterdir() if path.is_dir())
        everything = {each.name: sorted(each.iterdir()) for each in classes}
        total = sum(map(len, everything.values()))
        share = min(1.0, images / total) if split == "train" else min(1.0, images / 10 / total)
        for name, files in everything.items():
            (folder / split / name).mkdir(parents=True)
            for file in files[: max(1, round(len(files) * share))]:
                (folder / split / name / file.name).symlink_to(file.resolve())
    return folder
