"""The learned numbers of a run, with what is needed to use them."""

from __future__ import annotations

import io
import json

import torch

from alexcore.export.source import Source, Trained


def as_pt(source: Source, trained: Trained) -> bytes:
    """A .pt file: a dict whose `state_dict` is what it says, beside class_to_idx, input_size, mean, std and more.

    Tensors and plain data only, so it loads with `weights_only=True`.
    """
    file = io.BytesIO()
    torch.save({"state_dict": _weights(trained), **trained.about(source)}, file)
    return file.getvalue()


def as_safetensors(source: Source, trained: Trained) -> bytes:
    """A .safetensors file; its metadata hold the same facts, each as JSON, because they may only be text."""
    from safetensors.torch import save

    facts = {name: json.dumps(value, ensure_ascii=False) for name, value in trained.about(source).items()}
    return save(_weights(trained), metadata={"format": "pt", **facts})


def _weights(trained: Trained) -> dict[str, torch.Tensor]:
    # A run may have kept its kernels channels-last; a file for everybody has the usual order.
    return {name: value.detach().contiguous().clone() for name, value in trained.model.state_dict().items()}
