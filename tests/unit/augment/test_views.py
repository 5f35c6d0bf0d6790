"""What the page shows of a draw is what happened: boxes, words, the trace, and the figures of the tensor."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from alexcore.augment.code import python_code
from alexcore.augment.drawn import happened
from alexcore.augment.operations import OPERATIONS, Operation, OperationSpec, new_operation
from alexcore.augment.parameters import Parameter
from alexcore.augment.pipeline import build_transform, draw, sample_seed
from alexcore.augment.preview import BOX_COLOUR, denormalise, encoded, moments, to_picture, with_boxes
from alexcore.augment.trace import Step, Tracer, crop_boxes, size_of
from tests.support.augment_pipelines import TENSOR, coordinates, picture

# Boxes --------------------------------------------------------------------------------------------------------


def test_a_crop_after_a_turn_has_no_upright_box():
    crop: Operation = {"op": "RandomResizedCrop", "size": [16, 16]}
    for turn in ("RandomRotation", "RandomAffine", "TrivialAugmentWide"):
        steps = Tracer([crop, {"op": turn}, crop]).draw(picture(), 1)
        assert len(crop_boxes(steps)) == 1, turn
    unturned, turned = ([crop, {"op": "RandomPerspective", "p": p}, crop] for p in (0, 1))
    assert len(crop_boxes(Tracer(unturned).draw(picture(), 1))) == 2
    assert len(crop_boxes(Tracer(turned).draw(picture(), 1))) == 1


def test_boxes_are_drawn_on_a_copy_and_never_outside():
    image = Image.new("RGB", (40, 30))
    marked = with_boxes(image, [(5, 5, 20, 20), (-50, -50, 200, 200), (60, 60, 90, 90)])
    assert image.getbbox() is None, "the original was drawn on"
    assert marked.size == image.size
    colour = tuple(bytes.fromhex(BOX_COLOUR[1:]))
    assert {marked.getpixel((5, 10)), marked.getpixel((0, 15)), marked.getpixel((39, 15))} == {colour}
    assert marked.getpixel((30, 15)) == (0, 0, 0)


# The trace and its words --------------------------------------------------------------------------------------


def traced(operation: Operation, seed: int, size: tuple[int, int] = (60, 45)) -> Step:
    steps = Tracer([operation] if OPERATIONS[operation["op"]].stage == "picture" else [TENSOR, operation])
    return steps.draw(picture(*size), seed)[-1]


def words(step: Step) -> str:
    return step.in_words


@pytest.mark.parametrize("name", [name for name, spec in OPERATIONS.items() if spec.stage in ("picture", "tensor")])
def test_every_operation_has_words_if_it_draws_and_none_if_not(name):
    operation = new_operation(name, 30)
    if name == "RandomErasing":
        operation["scale"] = [0.1, 0.2]
    texts, applied = set(), set()
    for seed in range(12):
        step = traced(operation, seed)
        texts.add(words(step))
        applied.add(step.applied)
        assert step.size_before == (60, 45)
    assert (texts == {""}) == (not OPERATIONS[name].random)
    chance = OPERATIONS[name].parameter("p") is not None
    assert applied == ({True, False} if chance or name == "AutoAugment" else {True})


@pytest.mark.parametrize("name", [name for name, spec in OPERATIONS.items() if spec.parameter("p")])
def test_words_say_whether_it_has_happened(name):
    never, always = (traced({**new_operation(name, 30), "p": p}, 1) for p in (0, 1))
    assert (never.applied, always.applied) == (False, True)
    assert words(never) != words(always)
    before = picture() if OPERATIONS[name].stage == "picture" else traced(TENSOR, 1).result
    assert np.array_equal(np.asarray(never.result), np.asarray(before))


@pytest.mark.parametrize("seed", range(5))
def test_a_rectangle_that_never_fits_has_not_erased(seed):
    """Symptom: "erased 60 × 45 at 0, 0" under a whole picture."""
    step = traced({"op": "RandomErasing", "p": 1, "scale": [1, 1]}, seed)
    assert (step.applied, words(step)) == (False, "not erased")


@pytest.mark.parametrize("seed", range(5))
def test_the_words_of_an_erasing_and_of_a_crop_are_where_they_say(seed):
    step = traced({"op": "RandomErasing", "p": 1, "scale": [0.1, 0.3]}, seed)
    before = traced(TENSOR, seed).result
    ys, xs = np.nonzero((np.asarray(step.result) != np.asarray(before)).any(0))
    width, height = int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1
    assert words(step) == f"erased {width} × {height} at {xs.min()}, {ys.min()}"
    crop: Operation = {"op": "RandomCrop", "size": [20, 30], "padding": 7}
    (cut,) = Tracer([crop]).draw(coordinates(40, 25), seed)
    ((left, top, _, _),) = crop_boxes([cut])
    assert words(cut) == f"part at {left:.0f}, {top:.0f}"


def test_words_by_hand():
    assert words(traced({"op": "RandomRotation", "degrees": 0}, 1)) == "turned 0.0°"
    still: Operation = {"op": "RandomAffine", "degrees": 0, "translate": [0, 0], "scale": [1, 1]}
    assert words(traced(still, 1)) == "turned 0.0°, moved 0, 0 px, scaled × 1.00"
    assert words(traced({**still, "shear": 30}, 1)).startswith("turned 0.0°, moved 0, 0 px, scaled × 1.00, slanted ")
    assert words(traced({"op": "ColorJitter"}, 1)) == "no change"
    assert words(traced({"op": "ColorJitter", "hue": 0.1}, 1))[:5] in ("hue +", "hue -")
    assert words(traced({"op": "GaussianBlur", "sigma": [1.5, 1.5]}, 1)) == "blur 1.50 px"
    assert (
        words(traced({"op": "RandomResizedCrop", "size": [30, 30], "scale": [1, 1], "ratio": [4 / 3, 4 / 3]}, 1))
        == "part 60 × 45 at 0, 0"
    )
    assert words(traced({"op": "RandAugment", "num_ops": 3}, 1)).count(",") == 2


def test_a_step_tells_what_came_out():
    operations: list[Operation] = [
        {"op": "Resize", "size": [30, 50]},
        {"op": "ColorJitter", "on": False},
        TENSOR,
        {"op": "Normalize"},
        {"op": "MixUp"},
    ]
    resized, tensor, normalised = Tracer(operations).draw(picture(60, 45), 1)
    assert isinstance(resized.result, Image.Image)
    assert (resized.size_before, size_of(resized.result)) == ((60, 45), (50, 30))
    assert isinstance(tensor.result, torch.Tensor)
    assert (tensor.size_before, size_of(tensor.result)) == ((50, 30), (50, 30))
    assert normalised.operation == {"op": "Normalize"}
    assert normalised.result.min() < 0 <= tensor.result.min()


def test_one_tracer_serves_many_draws():
    operations = [{"op": "RandomResizedCrop", "size": [24, 24]}, {"op": "RandAugment"}, TENSOR, {"op": "RandomErasing"}]
    tracer, transform = Tracer(operations), build_transform(operations)
    for index in (0, 1, 2, 1, 0):
        seed = sample_seed(3, 1, index)
        assert torch.equal(tracer.draw(picture(), seed)[-1].result, draw(transform, picture(), seed))
    first, again = tracer.draw(picture(), 7), tracer.draw(picture(), 7)
    assert [words(step) for step in first] == [words(step) for step in again]


# The tensor ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 20, 30), (4, 3, 10, 8), (3, 1, 1)])
def test_moments_are_numpys(shape):
    tensor = torch.randn(*shape, generator=torch.Generator().manual_seed(3)) * 2 + 1
    found = moments(tensor, bins=16)
    channels = np.moveaxis(tensor.numpy().astype(np.float64), -3, 0).reshape(3, -1)
    np.testing.assert_allclose(found.mean, channels.mean(1), rtol=1e-12)
    np.testing.assert_allclose(found.std, channels.std(1), rtol=1e-12, atol=1e-15)
    assert (found.low, found.high) == (channels.min(), channels.max())
    assert found.counts.shape == (3, 16)
    assert found.counts.sum(1).tolist() == [channels.shape[1]] * 3, "a value fell out of the histogram"
    for channel, counts in zip(channels, found.counts, strict=True):
        expected, _ = np.histogram(channel, 16, (found.edges[0], found.edges[-1]))
        assert counts.tolist() == expected.tolist()


def test_moments_of_one_value():
    found = moments(torch.full((3, 4, 4), 0.25))
    assert (found.mean, found.std, found.low, found.high) == ([0.25] * 3, [0.0] * 3, 0.25, 0.25)
    assert found.counts.sum() == 48
    assert np.diff(found.edges).min() > 0


def test_what_lies_outside_is_clipped_for_the_eye():
    assert denormalise(torch.tensor([-3.0, 0.5, 7.0]).view(3, 1, 1), []).flatten().tolist() == [0, 0.5, 1]
    image = picture(8, 6)
    assert to_picture(image) is image


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [((60, 45), 0, (60, 45)), ((60, 45), 30, (30, 22)), ((45, 60), 30, (22, 30)), ((20, 10), 30, (20, 10))],
)
def test_a_picture_for_the_page(size, longest, expected):
    image = picture(*size)
    with Image.open(BytesIO(encoded(image, longest))) as opened:
        assert opened.format == "JPEG"
        assert opened.size == pytest.approx(expected, abs=1)
    assert image.size == size


def test_a_batch_is_denormalised_picture_by_picture():
    normalize: dict[str, Any] = {"op": "Normalize", "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    batch = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)) - 0.5
    whole = denormalise(batch, [normalize])
    assert torch.equal(whole, torch.stack([denormalise(each, [normalize]) for each in batch]))


# An operation of one's own ------------------------------------------------------------------------------------


class Negative(v2.RandomInvert):
    """Something that torchvision has under another name."""


def test_an_operation_from_outside_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = OperationSpec(
        "Turns light and dark around.",
        (Parameter("p", "float", 1.0, "The chance.", 0, 1),),
        words=happened("negative", "as it was"),
        in_place=True,
        made_by=f"{__name__}:Negative",
        code=("v2.RandomInvert(p={p!r})",),
    )
    monkeypatch.setitem(OPERATIONS, "Negative", entry)
    operations = [new_operation("Negative", 8), {"op": "CenterCrop", "size": [8, 8]}, TENSOR]
    (step, crop, last) = Tracer(operations).draw(coordinates(10, 8), 3)
    assert step.in_words == "negative"
    assert crop_boxes([step, crop]) == [(1.0, 0.0, 9.0, 8.0)]
    assert torch.equal(last.result, draw(build_transform(operations), coordinates(10, 8), 3))
    assert "v2.RandomInvert(p=1.0)," in python_code(operations, [TENSOR], 2)
