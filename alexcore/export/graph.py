"""The network as a graph, without its Python code: ONNX and torch.export, each checked before it is handed out."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from alexcore.errors import RunError
from alexcore.export.formats import Wish, Written
from alexcore.export.source import Source, Trained, load_trained

# Two ways to compute the same sums differ in the last bits; more than this would be another network.
LARGEST_DIFFERENCE = 1e-4
_CHECKED_BATCHES = (1, 2, 5)


class Packed(nn.Module):
    """Images (N, 3, S, S) in [0, 1] -> [normalise] -> network -> [softmax] -> (N, C)."""

    def __init__(self, trained: Trained, wish: Wish) -> None:
        super().__init__()
        self.network, self.normalize, self.softmax = trained.model, wish.normalize, wish.softmax
        mean, std = trained.mean_std
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=wish.normalize)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=wish.normalize)

    def forward(self, images: Tensor) -> Tensor:
        """Return probabilities, or logits without the softmax."""
        if self.normalize:
            images = (images - cast(Tensor, self.mean)) / cast(Tensor, self.std)
        outputs = cast(Tensor, self.network(images))
        return torch.softmax(outputs, dim=1) if self.softmax else outputs


def _about(source: Source, trained: Trained, wish: Wish) -> dict[str, Any]:
    expects = "RGB from 0 to 1" if wish.normalize else "RGB from 0 to 1, minus mean, divided by std"
    return {**trained.about(source), "input": expects, "output": "probabilities" if wish.softmax else "logits"}


def _exported(module: Packed, side: int) -> torch.export.ExportedProgram:
    example = torch.zeros(2, 3, side, side)
    # The batch may have any size: an example of 1 would be taken for a constant.
    return torch.export.export(module, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))


def write_exported_program(source: Source, file: Path, wish: Wish) -> Written:
    """A .pt2 file for `torch.export.load`.

    Raises:
        RunError: it answers otherwise than the network.
    """
    trained, side = load_trained(source), source.config.image_size
    module, packed = Packed(trained, wish).eval(), io.BytesIO()
    about = json.dumps(_about(source, trained, wish), ensure_ascii=False)
    torch.export.save(_exported(module, side), packed, extra_files={"about.json": about})
    packed.seek(0)
    loaded = torch.export.load(packed).module()
    difference = _checked("torch.export program", module, lambda images: loaded(images), side)
    file.write_bytes(packed.getvalue())
    return Written(difference)


def write_onnx(source: Source, file: Path, wish: Wish) -> Written:
    """An .onnx file with one input, `images`, compared in onnxruntime.

    Raises:
        RunError: it answers otherwise than the network.
    """
    import onnx_ir
    import onnxruntime  # type: ignore[import-untyped]

    trained, side = load_trained(source), source.config.image_size
    module, about = Packed(trained, wish).eval(), _about(source, trained, wish)
    program = torch.onnx.export(
        _exported(module, side), input_names=["images"], output_names=[about["output"]], dynamo=True, verbose=False
    )
    assert program is not None
    for name, value in about.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        program.model.metadata_props[name] = text
    program.model.graph.inputs[0].shape = onnx_ir.Shape(["batch", 3, side, side])
    program.model.graph.outputs[0].shape = onnx_ir.Shape(["batch", len(trained.classes)])
    data = cast(bytes, program.model_proto.SerializeToString())
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"images": images.numpy()})[0])

    difference = _checked("ONNX file", module, run, side)
    file.write_bytes(data)
    return Written(difference)


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
