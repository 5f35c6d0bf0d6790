"""The network as a graph, without its Python code: ONNX and torch.export, each checked before it is handed out."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from alexcore.errors import RunError
from alexcore.export.source import Source, Trained

# Two ways to compute the same sums differ in the last bits; more than this would be another network.
LARGEST_DIFFERENCE = 1e-4
_CHECKED_BATCHES = (1, 2, 5)


class Packed(nn.Module):
    """Images (N, 3, S, S) in [0, 1] -> [normalise] -> network -> [softmax] -> (N, C)."""

    def __init__(self, trained: Trained, normalize: bool, softmax: bool) -> None:
        super().__init__()
        self.network, self.normalize, self.softmax = trained.model, normalize, softmax
        mean, std = trained.mean_std
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=normalize)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=normalize)

    def forward(self, images: Tensor) -> Tensor:
        """Return probabilities, or logits without the softmax."""
        if self.normalize:
            images = (images - cast(Tensor, self.mean)) / cast(Tensor, self.std)
        outputs = cast(Tensor, self.network(images))
        return torch.softmax(outputs, dim=1) if self.softmax else outputs


def packed(trained: Trained, normalize: bool = True, softmax: bool = True) -> Packed:
    """The network of a run, in eval mode, with what shall be inside the graph."""
    return Packed(trained, normalize, softmax).eval()


def _about(source: Source, trained: Trained, normalize: bool, softmax: bool) -> dict[str, Any]:
    expects = "RGB from 0 to 1" if normalize else "RGB from 0 to 1, minus mean, divided by std"
    return {**trained.about(source), "input": expects, "output": "probabilities" if softmax else "logits"}


def _exported(module: Packed, side: int) -> torch.export.ExportedProgram:
    example = torch.zeros(2, 3, side, side)
    # The batch may have any size: an example of 1 would be taken for a constant.
    return torch.export.export(module, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))


def as_exported_program(
    source: Source, trained: Trained, normalize: bool = True, softmax: bool = True
) -> tuple[bytes, float]:
    """A .pt2 file for `torch.export.load`, and the largest difference found.

    Raises:
        RunError: it answers otherwise than the network.
    """
    module, side = packed(trained, normalize, softmax), source.config.image_size
    file = io.BytesIO()
    about = json.dumps(_about(source, trained, normalize, softmax), ensure_ascii=False)
    torch.export.save(_exported(module, side), file, extra_files={"about.json": about})
    file.seek(0)
    loaded = torch.export.load(file).module()
    return file.getvalue(), _checked("torch.export program", module, lambda images: loaded(images), side)


def as_onnx(source: Source, trained: Trained, normalize: bool = True, softmax: bool = True) -> tuple[bytes, float]:
    """An .onnx file with one input, `images`, and the largest difference between onnxruntime and PyTorch.

    Raises:
        RunError: it answers otherwise than the network.
    """
    import onnx_ir
    import onnxruntime  # type: ignore[import-untyped]

    module, side = packed(trained, normalize, softmax), source.config.image_size
    output = "probabilities" if softmax else "logits"
    program = torch.onnx.export(
        _exported(module, side), input_names=["images"], output_names=[output], dynamo=True, verbose=False
    )
    assert program is not None
    for name, value in _about(source, trained, normalize, softmax).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        program.model.metadata_props[name] = text
    program.model.graph.inputs[0].shape = onnx_ir.Shape(["batch", 3, side, side])
    program.model.graph.outputs[0].shape = onnx_ir.Shape(["batch", len(trained.classes)])
    data = cast(bytes, program.model_proto.SerializeToString())
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"images": images.numpy()})[0])

    return data, _checked("ONNX file", module, run, side)


@torch.no_grad()
def _checked(what: str, module: Packed, run: Callable[[Tensor], Tensor], side: int) -> float:
    """Compare on random pictures, in batches of several sizes; the largest difference."""
    generator = torch.Generator().manual_seed(0)
    worst = 0.0
    for size in _CHECKED_BATCHES:
        images = torch.rand(size, 3, side, side, generator=generator)
        worst = max(worst, float((run(images) - module(images)).abs().max()))
    if not worst < LARGEST_DIFFERENCE:  # written so that nan fails, too
        raise RunError(
            f"The {what} answers otherwise than the network: by {worst:.2g}, and {LARGEST_DIFFERENCE:g} is allowed.",
            "Nothing was written. Export the weights instead.",
        )
    return worst
