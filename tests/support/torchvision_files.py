"""torchvision's data sets, tiny and in the exact forms of their files on the disk."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


PETS = ("Abyssinian", "american_bulldog", "Bengal")


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def write_jpeg(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (16, 16), (value % 256, 0, 0))
    image.paste((value % 256, 200, 0), (0, 8, 16, 16))  # a set of nothing but black would be refused
    image.save(path)


@pytest.fixture
def cifar10(tmp_path, monkeypatch) -> Path:
    """Five batches of 20 pictures and a test batch of 10; the red of the first pixel is the number of the picture."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / "root" / "cifar-10-batches-py"
    folder.mkdir(parents=True)

    def write(name: str, value: object) -> list[str]:
        (folder / name).write_bytes(pickle.dumps(value))
        return [name, md5(folder / name)]

    def batch(first: int, count: int) -> dict[str, object]:
        pixels = np.zeros((count, 3072), dtype=np.uint8)
        pixels[:, 0] = np.arange(first, first + count)
        pixels[:, 1536:2048] = 200  # the lower half is green: a set of nothing but black would be refused
        return {"data": pixels, "labels": [number % 10 for number in range(first, first + count)]}

    monkeypatch.setattr(CIFAR10, "train_list", [write(f"data_batch_{n + 1}", batch(20 * n, 20)) for n in range(5)])
    monkeypatch.setattr(CIFAR10, "test_list", [write("test_batch", batch(0, 10))])
    meta = write("batches.meta", {"label_names": list(CIFAR_CLASSES)})
    monkeypatch.setattr(CIFAR10, "meta", {"filename": meta[0], "key": "label_names", "md5": meta[1]})
    return tmp_path / "root"


@pytest.fixture
def pets(tmp_path) -> Path:
    """Three kinds, ten pictures of each for training and two for the test."""
    folder = tmp_path / "root" / "oxford-iiit-pet"
    (folder / "annotations").mkdir(parents=True)
    for part, numbers in (("trainval", range(1, 11)), ("test", range(100, 102))):
        lines = []
        for label, name in enumerate(PETS, start=1):
            for number in numbers:
                write_jpeg(folder / "images" / f"{name}_{number}.jpg", label)
                lines.append(f"{name}_{number} {label} 1 1")
        (folder / "annotations" / f"{part}.txt").write_text("\n".join(lines) + "\n")
    return tmp_path / "root"
