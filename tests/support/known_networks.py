"""Networks whose answers are known by construction: every weight is set by hand."""

from __future__ import annotations

from pathlib import Path

import torch

from alexcore.nn.alexnet import GRID
from alexcore.training.checkpoint import build_model, save_checkpoint
from tests.support.run_folders import tiny_config

SIDE = 224
CLASSES = ("red", "blue")
# Without Normalize, so that the network reads the share of red and of blue, 0 to 1.
OPERATIONS = [{"op": "Resize", "size": [SIDE, SIDE]}, {"op": "ToTensor"}]


def write_known(path: Path, quadrant: bool = False) -> Path:
    """Write a checkpoint whose logits are 20 times the mean of the red and of the blue in a picture.

    Args:
        path: Where to.
        quadrant: Read the upper left quarter of the picture only.
    """
    config = tiny_config(norm="none", width=0.125, image_size=SIDE)
    model = build_model(config, len(CLASSES)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        for number, stage in enumerate(model.stages()):
            conv = stage.conv
            middle = conv.kernel_size[0] // 2
            for out, colour in ((0, 0), (1, 2 if number == 0 else 1)):
                conv.weight[out, colour, middle, middle] = 1.0
        first, second, last = (layer for layer in model.classifier if isinstance(layer, torch.nn.Linear))
        read = torch.zeros(GRID, GRID)
        read[: GRID // 2 if quadrant else GRID, : GRID // 2 if quadrant else GRID] = 1.0
        for unit in (0, 1):
            first.weight[unit, unit * GRID**2 : (unit + 1) * GRID**2] = (read / read.sum()).flatten()
            second.weight[unit, unit] = 1.0
            last.weight[unit, unit] = 20.0
    path.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(
        path,
        {
            "model": model.state_dict(),
            "config": config.model_dump(),
            "class_to_idx": {name: number for number, name in enumerate(CLASSES)},
            "evaluation_operations": OPERATIONS,
        },
    )
    return path
