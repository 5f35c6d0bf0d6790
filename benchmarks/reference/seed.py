"""The blog's recipe in its plainest form: `python benchmarks/reference/seed.py DATA [--epochs 1] [--images N]`.

AlexNet as the post writes it, ImageFolder, DataLoader with min(cores, 8) processes, RandomResizedCrop and flip, batch
32, Adam with 2e-4, float32, `.item()` in each step. Nothing of alexcore is used: it is what benchmarks compare with.
Prints a line an epoch; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms


class AlexNet(nn.Module):
    """The post's network: AlexNet with half of the channels."""

    def __init__(self, num_classes: int = 5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 48, kernel_size=11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(48, 128, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(128, 192, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(192, 192, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(192, 128, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(p=0.5),
            nn.Linear(128 * 6 * 6, 2048),
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.5),
            nn.Linear(2048, 2048),
            nn.ReLU(inplace=True),
            nn.Linear(2048, num_classes),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.constant_(module.bias, 0)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.constant_(module.bias, 0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits, (N, num_classes)."""
        return self.classifier(torch.flatten(self.features(images), start_dim=1))


def first(dataset: Any, images: int) -> Any:
    """The data set, or `images` pictures from all over it."""
    if not images or images >= len(dataset):
        return dataset
    return Subset(dataset, [place * len(dataset) // images for place in range(images)])


def run(data: Path, epochs: int = 1, images: int = 0, seed: int = 0, validate: bool = True) -> dict[str, Any]:
    """Train, and return the seconds and validation accuracy of each epoch.

    Args:
        data: A folder with train/CLASS and val/CLASS.
        epochs: Passes over the training pictures.
        images: Training pictures to use; 0 for all.
        seed: Of torch.
        validate: Measure the accuracy after each epoch.
    """
    torch.manual_seed(seed)
    to_input = [transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))]
    train_set = datasets.ImageFolder(
        str(data / "train"),
        transforms.Compose([transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), *to_input]),
    )
    val_set = datasets.ImageFolder(str(data / "val"), transforms.Compose([transforms.Resize((224, 224)), *to_input]))
    batch_size = 32
    workers = min(os.cpu_count() or 1, batch_size if batch_size > 1 else 0, 8)
    used = first(train_set, images)
    train_loader = DataLoader(used, batch_size=batch_size, shuffle=True, num_workers=workers)
    val_loader = DataLoader(val_set, batch_size=batch_size, shuffle=False, num_workers=workers)
    net = AlexNet(len(train_set.classes))
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=0.0002)
    result: list[dict[str, float]] = []
    began = time.perf_counter()
    for epoch in range(epochs):
        net.train()
        epoch_began, running_loss = time.perf_counter(), 0.0
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            loss = loss_function(net(inputs), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        train_s = time.perf_counter() - epoch_began
        row = {"train_s": train_s, "images_per_s": len(used) / train_s, "train_loss": running_loss / len(train_loader)}
        if validate:
            net.eval()
            with torch.no_grad():
                right = sum(int((net(x).argmax(dim=1) == y).sum()) for x, y in val_loader)
            row["val_acc1"] = right / len(val_set)
        row["seconds"] = time.perf_counter() - began
        result.append(row)
        print(f"epoch {epoch + 1}: " + ", ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
    return {"epochs": result, "images": len(used)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--images", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-validation", action="store_true")
    arguments = parser.parse_args()
    result = run(arguments.data, arguments.epochs, arguments.images, arguments.seed, not arguments.no_validation)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
