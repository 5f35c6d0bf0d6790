"""torch.compile where it works, the plain network where it does not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import cast

import torch
from torch import nn

from alexcore.config import TrainConfig
from alexcore.findings.run import NotCompiled


def compiled(
    model: nn.Module, config: TrainConfig, device: torch.device, on_failure: Callable[[NotCompiled], None]
) -> nn.Module:
    """Return a compiled view of `model`, which shares its weights, or `model` itself, and tell `on_failure` why.

    Whether compiling works shows only when the first batch goes forward and backward, so a copy tries it on an empty
    picture: neither the weights, nor the statistics of batch norm, nor any random number of the run are touched.
    """
    shape = (config.batch_size, 3, config.image_size, config.image_size)
    try:
        with torch.random.fork_rng():
            torch.compile(copy.deepcopy(model))(torch.zeros(shape, device=device)).sum().backward()
        view = cast(nn.Module, torch.compile(model))
    # A missing compiler, an unknown GPU or a bug of the compiler: each raises an error of its own.
    except Exception as error:  # noqa: BLE001
        lines = str(error).strip().splitlines()
        on_failure(NotCompiled(type(error).__name__, lines[0][:150] if lines else ""))
        return model
    return view
