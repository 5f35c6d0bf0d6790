"""Strategies for Hypothesis: legal pipelines of any operations in any legal order, and pictures to go through them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from alexcore.augment.operations import OPERATIONS, Operation
from alexcore.augment.parameters import Parameter

# Every operation that does not change the size of a picture, and needs no least size.
FREE = tuple(
    name
    for name, spec in OPERATIONS.items()
    if spec.stage == "picture" and spec.parameter("size") is None and name != "GaussianBlur"
)
# A border costs time, and the code does not care how broad it is.
BROADEST = 40


def picture(width: int = 60, height: int = 45, seed: int = 0) -> Image.Image:
    """RGB noise: every pixel differs from its neighbours."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def pictures(longest: int = 120) -> st.SearchStrategy[Image.Image]:
    """Pictures of 1 to `longest` px a side."""
    side = st.integers(1, longest)
    return st.builds(picture, side, side, st.integers(0, 2**31 - 1))


def legal_values(parameter: Parameter) -> st.SearchStrategy[Any]:
    """All values that the parameter declares legal; of a size or a border only the small ones."""
    if parameter.kind == "bool":
        return st.booleans()
    if parameter.kind == "choice":
        return st.sampled_from(parameter.choices)
    if parameter.kind in ("int", "side", "sides"):
        least, most = int(parameter.minimum), int(parameter.maximum)
        whole = st.integers(least, most if parameter.name != "padding" else BROADEST)
        if parameter.odd:
            whole = whole.map(lambda value: value | 1)
        pair = st.lists(st.integers(8, 64), min_size=2, max_size=2)
        return {"int": whole, "side": st.integers(8, 64) | pair, "sides": pair}[parameter.kind]
    number = st.floats(parameter.minimum, parameter.maximum, exclude_min=parameter.above)
    number |= st.integers(int(parameter.minimum) + 1, int(max(parameter.maximum, parameter.minimum + 1)))
    if parameter.kind == "float":
        return number.filter(parameter.accepts)
    count = 3 if parameter.kind == "channels" else 2
    several = st.lists(number, min_size=count, max_size=count)
    return (several.map(sorted) if parameter.kind == "range" else several).filter(parameter.accepts)


@st.composite
def legal_operations(draw: st.DrawFn, name: str, **given: Any) -> Operation:
    """An operation with legal parameters, `given` or any; each of the others may be left out."""
    found: Operation = {"op": name}
    for parameter in OPERATIONS[name].parameters:
        if parameter.name in given:
            found[parameter.name] = given[parameter.name]
        elif parameter.required or draw(st.booleans()):
            found[parameter.name] = draw(legal_values(parameter))
    return found


@st.composite
def _crops(draw: st.DrawFn, height: int, width: int) -> Operation:
    """A crop that fits into a picture of at least this height and width."""
    size = [draw(st.integers(1, height)), draw(st.integers(1, width))]
    return draw(legal_operations(draw(st.sampled_from(("CenterCrop", "RandomCrop"))), size=size))


@st.composite
def pipelines(draw: st.DrawFn, side: int | None = None, batches: bool = True) -> list[Operation]:
    """A legal pipeline that yields squares of `side` px, or of 8 to 64 px.

    Args:
        draw: Hypothesis'.
        side: If it matters.
        batches: Whether there may be MixUp and CutMix.
    """
    height = width = 1
    found: list[Operation] = []
    for kind in draw(st.lists(st.sampled_from(("free", "free", "sized", "crop", "blur")), max_size=4)):
        if kind == "free":
            found.append(draw(legal_operations(draw(st.sampled_from(FREE)))))
        elif kind == "blur":
            radius = draw(st.integers(0, min(min(height, width) - 1, 49)))
            found.append(draw(legal_operations("GaussianBlur", kernel_size=2 * radius + 1)))
        else:
            name = draw(st.sampled_from(("Resize", "RandomResizedCrop", "RandomCrop")))
            given = {"pad_if_needed": True} if name == "RandomCrop" else {}
            sized = draw(_crops(height, width) if kind == "crop" else legal_operations(name, **given))
            height, width = [sized["size"]] * 2 if isinstance(sized["size"], int) else sized["size"]
            found.append(sized)
    side = side or draw(st.integers(8, 64))
    names = ["Resize", "RandomResizedCrop"] + ["CenterCrop", "RandomCrop"] * (side <= min(height, width))
    found.append(draw(legal_operations(draw(st.sampled_from(names)), size=[side, side])))
    found += [draw(legal_operations(name)) for name in draw(st.lists(st.sampled_from(FREE), max_size=1))]
    found.append({"op": "ToTensor"})
    tensor = st.lists(st.sampled_from(("Normalize", "RandomErasing")), unique=True)
    batch = st.lists(st.sampled_from(("MixUp", "CutMix")), unique=True) if batches else st.just([])
    found += [draw(legal_operations(name)) for name in [*draw(tensor), *draw(batch)]]
    for operation in found:
        if operation["op"] in FREE and draw(st.integers(0, 4)) == 0:
            operation["on"] = draw(st.booleans())
    return found


SIDE = 64


NORMALIZE = {"op": "Normalize", "mean": [0.3, 0.4, 0.5], "std": [0.2, 0.3, 0.4]}


PIPELINE = [
    {"op": "RandomResizedCrop", "size": [SIDE, SIDE]},
    {"op": "RandomAffine"},
    {"op": "RandAugment"},
    {"op": "ToTensor"},
    {"op": "RandomErasing", "p": 0.5},
    NORMALIZE,
    {"op": "MixUp", "alpha": 1},
    {"op": "CutMix"},
]


TENSOR = {"op": "ToTensor"}


def coordinates(width: int, height: int) -> Image.Image:
    """A picture whose every pixel says where it is: red is x + 1, green is y + 1. A black border is (0, 0)."""
    ys, xs = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([xs + 1, ys + 1, np.zeros_like(xs)], axis=-1).astype(np.uint8))
