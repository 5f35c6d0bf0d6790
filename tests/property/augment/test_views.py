"""Whatever is cut, flipped, resized or normalised: the box and the picture that are shown are the true ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from alexcore.augment.operations import Operation
from alexcore.augment.preview import denormalise, to_picture
from alexcore.augment.trace import Tracer, crop_boxes, size_of
from tests.support.augment_pipelines import TENSOR, coordinates, legal_operations, pictures

SEEDS = st.integers(0, 2**63 - 1)


def seen(result: Image.Image | torch.Tensor) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the pixels that are still there, as the colours tell; the border left out."""
    values = np.asarray(result).reshape(-1, 3)
    there = values[values[:, 0] > 0]
    (left, top), (right, bottom) = there[:, :2].min(0) - 1, there[:, :2].max(0)
    return int(left), int(top), int(right), int(bottom)


@st.composite
def _cuts(draw: st.DrawFn, width: int, height: int) -> list[Operation]:
    """Flips and crops that resize nothing, of a picture of this size: each pixel stays what it is."""
    found: list[Operation] = []
    for kind in draw(st.lists(st.sampled_from(["flip", "turn over", "centre", "random", "border"]), max_size=6)):
        if kind in ("flip", "turn over"):
            name = "RandomHorizontalFlip" if kind == "flip" else "RandomVerticalFlip"
            found.append(draw(legal_operations(name)))
            continue
        border = draw(st.integers(1, 9)) if kind == "border" else 0
        height, width = draw(st.integers(1, height + 2 * border)), draw(st.integers(1, width + 2 * border))
        crop: Operation = {"op": "CenterCrop" if kind == "centre" else "RandomCrop", "size": [height, width]}
        found.append({**crop, "padding": border} if border else crop)
    return found


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Image.Image, list[Operation]]:
    width, height = draw(st.integers(1, 120)), draw(st.integers(1, 120))
    return coordinates(width, height), draw(_cuts(width, height))


@settings(max_examples=150, deadline=None)
@given(scene=scenes(), seed=SEEDS)
def test_a_box_holds_exactly_the_pixels_that_are_left(scene, seed):
    """The oracle is the picture itself: its pixels know where they come from."""
    image, operations = scene
    steps = Tracer(operations).draw(image, seed)
    boxes = crop_boxes(steps)
    crops = [step for step in steps if "Crop" in step.operation["op"]]
    assert len(boxes) == len(crops)
    # A border does not bring back what an earlier crop has cut off.
    least, most = (0.0, 0.0), (float(image.width), float(image.height))
    for step, (left, top, right, bottom) in zip(crops, boxes, strict=True):
        assert (right - left, bottom - top) == pytest.approx(size_of(step.result))
        if not np.asarray(step.result)[..., 0].any():
            continue  # nothing but border
        least, most = (max(left, least[0]), max(top, least[1])), (min(right, most[0]), min(bottom, most[1]))
        assert (*least, *most) == pytest.approx(seen(step.result))


@settings(max_examples=80, deadline=None)
@given(
    shape=st.tuples(st.integers(60, 200), st.integers(60, 200)),
    before=st.lists(
        st.sampled_from(["Resize", "RandomHorizontalFlip", "RandomVerticalFlip", "ColorJitter"]), max_size=3
    ),
    side=st.integers(40, 80),
    seed=SEEDS,
)
def test_boxes_are_found_through_resizes_and_nested_crops(shape, before, side, seed):
    """A picture of two ramps: the colours at the middle of what is left tell the middle of the box."""
    width, height = shape
    ys, xs = np.mgrid[0:height, 0:width]
    ramps = np.stack([xs * 255 / width, ys * 255 / height, 0 * xs], axis=-1).astype(np.uint8)
    operations = [{"op": name, **({"size": [90, 110]} if name == "Resize" else {})} for name in before]
    crop = {"op": "RandomResizedCrop", "size": [side, side], "scale": [0.3, 1.0]}
    operations += [crop, {"op": "RandomHorizontalFlip"}, {"op": "CenterCrop", "size": [side - 9, side - 20]}]
    steps = Tracer(operations).draw(Image.fromarray(ramps), seed)
    boxes = crop_boxes(steps)
    assert len(boxes) == 2
    outer, inner = boxes
    assert outer[0] - 1e-6 <= inner[0] <= inner[2] <= outer[2] + 1e-6
    assert outer[1] - 1e-6 <= inner[1] <= inner[3] <= outer[3] + 1e-6
    for (left, top, right, bottom), step in zip(boxes, (steps[-3], steps[-1]), strict=True):
        values = np.asarray(step.result, dtype=float)
        rows, columns = values.shape[0] // 2, values.shape[1] // 2
        middle = values[rows - 1 : rows + 1, columns - 1 : columns + 1].mean((0, 1))
        assert (left + right) / 2 == pytest.approx(middle[0] * width / 255, abs=0.04 * width)
        assert (top + bottom) / 2 == pytest.approx(middle[1] * height / 255, abs=0.04 * height)


@settings(max_examples=40, deadline=None)
@given(
    mean=st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    std=st.lists(st.floats(0.05, 4), min_size=3, max_size=3),
    image=pictures(30),
)
def test_denormalise_gives_the_picture_back(mean, std, image):
    normalize: Operation = {"op": "Normalize", "mean": mean, "std": std}
    plain, normalised = Tracer([TENSOR, normalize]).draw(image, 1)
    torch.testing.assert_close(denormalise(normalised.result, [TENSOR, normalize]), plain.result, atol=2e-5, rtol=0)
    assert to_picture(normalised.result, [TENSOR, normalize]).tobytes() == image.tobytes()
    switched_off = {**normalize, "on": False}
    assert torch.equal(denormalise(plain.result, [TENSOR, switched_off]), plain.result)
