"""What tests share: a home of their own, a tiny data set, and the real photographs where they are present."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# Before anything imports torch: its threads spin otherwise, and tests of tiny networks take ten times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

REPOSITORY = Path(__file__).resolve().parents[1]
PHOTOGRAPHS = Path(os.environ.get("ALEXCORE_TEST_FLOWERS", REPOSITORY.parent / "shared" / "data" / "flowers"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own ALEXCORE_HOME, and may open data anywhere in the temporary folders."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("ALEXCORE_HOME", str(folder))
    monkeypatch.setenv("ALEXCORE_DATA_ROOTS", os.pathsep.join([str(tmp_path.parent.parent), str(PHOTOGRAPHS)]))
    return folder


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


@pytest.fixture(scope="session")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A read-only data set of 3 classes, 12 training and 4 validation pictures each, 72 px."""
    return write_pictures(tmp_path_factory.mktemp("stripes"), ("fine", "level", "wide"), {"train": 12, "val": 4})


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The real flowers; a test that needs them skips, with the reason, where they are missing."""
    if not PHOTOGRAPHS.is_dir():
        pytest.skip(f"the flower photographs are not at {PHOTOGRAPHS}; set ALEXCORE_TEST_FLOWERS")
    return PHOTOGRAPHS
