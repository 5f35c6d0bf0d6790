"""The same network, data and batch in Lightning: `python benchmarks/reference/lightning_reference.py DATA [--bf16]`.

A LightningModule with the blog's loader (min(cores, 8) processes), Adam with 2e-4 and Trainer's defaults, but without
files. `--bf16` is its precision "bf16-mixed". Needs requirements-bench.txt. Prints images per second of the second
epoch as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import lightning
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

sys.path.insert(0, str(Path(__file__).resolve().parent))

from seed import AlexNet


class Classifier(lightning.LightningModule):
    """The network with its loss and optimizer; notes how long each epoch takes."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.net = AlexNet(classes)
        self.seconds: list[float] = []

    def training_step(self, batch: list[torch.Tensor], _number: int) -> torch.Tensor:
        """Return the loss of a batch."""
        images, labels = batch
        return F.cross_entropy(self.net(images), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The blog's."""
        return torch.optim.Adam(self.parameters(), lr=2e-4)

    def on_train_epoch_start(self) -> None:
        """The pass begins."""
        self.began = time.perf_counter()

    def on_train_epoch_end(self) -> None:
        """The pass has ended."""
        self.seconds.append(time.perf_counter() - self.began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--bf16", action="store_true")
    arguments = parser.parse_args()
    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ]
    )
    pictures = datasets.ImageFolder(str(arguments.data / "train"), transform)
    workers = min(os.cpu_count() or 1, 8)
    loader = DataLoader(pictures, batch_size=32, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    model = Classifier(len(pictures.classes))
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        precision="bf16-mixed" if arguments.bf16 else "32-true",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, loader)
    print(json.dumps({"images_per_s": len(pictures) / model.seconds[1]}))


if __name__ == "__main__":
    main()
