"""The learned numbers of a run, with what is needed to use them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import torch

from alexcore.export.formats import Wish, Written
from alexcore.export.source import Source, Trained, load_trained


def saved(value: Any) -> bytes:
    """What torch.save writes; into a file it would also write the name of that file."""
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def write_pt(source: Source, file: Path, _: Wish) -> Written:
    """A .pt file: a dict whose `state_dict` is what it says, beside class_to_idx, input_size, mean, std and more.

    Tensors and plain data only, so it loads with `weights_only=True`.
    """
    trained = load_trained(source)
    file.write_bytes(saved({"state_dict": _weights(trained), **trained.about(source)}))
    return Written()


def write_safetensors(source: Source, file: Path, _: Wish) -> Written:
    """A .safetensors file; its metadata hold the same facts, each as JSON, because they may only be text."""
    from safetensors.torch import save

    trained = load_trained(source)
    facts = {name: json.dumps(value, ensure_ascii=False) for name, value in trained.about(source).items()}
    file.write_bytes(save(_weights(trained), metadata={"format": "pt", **facts}))
    return Written()


def _weights(trained: Trained) -> dict[str, torch.Tensor]:
    # A run may have kept its kernels channels-last; a file for everybody has the usual order.
    return {name: value.detach().contiguous().clone() for name, value in trained.model.state_dict().items()}
