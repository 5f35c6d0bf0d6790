"""Grad-CAM and occlusion on networks whose answer is known, and on every variant that a run can have."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from alexcore.analysis.explanations import (
    Explanation,
    grad_cam,
    grad_cam_in_words,
    occlusion,
    occlusion_in_words,
    seen_picture,
)
from alexcore.analysis.prediction import Classifier
from alexcore.errors import DataError
from alexcore.nn import ACTIVATIONS, NETWORKS, NORMS
from tests.support.known_networks import SIDE, write_known
from tests.support.run_folders import tiny_config, write_checkpoint


@pytest.fixture(scope="module")
def colours(tmp_path_factory) -> Classifier:
    return Classifier(write_known(tmp_path_factory.mktemp("known") / "best.pt"))


@pytest.fixture(scope="module")
def corner(tmp_path_factory) -> Classifier:
    return Classifier(write_known(tmp_path_factory.mktemp("known") / "best.pt", quadrant=True))


def two_patches() -> Image.Image:
    """Red at the upper left, blue at the lower right, black elsewhere."""
    image = Image.new("RGB", (SIDE, SIDE))
    image.paste((255, 0, 0), (14, 14, 84, 84))
    image.paste((0, 0, 255), (140, 140, 210, 210))
    return image


def share_in(values: np.ndarray, rows: slice, columns: slice) -> float:
    return float(values[rows, columns].sum() / values.sum())


LEFT, RIGHT = slice(0, SIDE // 2), slice(SIDE // 2, SIDE)


def test_grad_cam_finds_the_patch_that_decides(colours):
    red, blue = (grad_cam(colours, two_patches(), target) for target in (0, 1))
    assert red.values.shape == (SIDE, SIDE)
    assert red.cells == (13, 13), "the last convolution's own grid"
    assert red.values.max() == 1
    assert red.values.min() >= 0
    assert share_in(red.values, LEFT, LEFT) > 0.95
    assert share_in(blue.values, RIGHT, RIGHT) > 0.95
    assert "strongest at the upper left" in grad_cam_in_words(red, "red")
    assert "strongest at the lower right" in grad_cam_in_words(blue, "blue")


def test_grad_cam_of_a_class_that_nothing_speaks_for_stays_empty(colours):
    image = Image.new("RGB", (SIDE, SIDE), (0, 0, 255))
    found = grad_cam(colours, image, 0)
    assert not found.values.any()
    assert grad_cam_in_words(found, "red").startswith("Nothing")


def test_occlusion_finds_the_patch_that_decides(colours):
    red = occlusion(colours, two_patches(), 0)
    assert np.unravel_index(red.values.argmax(), red.values.shape)[0] < SIDE // 2
    assert np.unravel_index(red.values.argmin(), red.values.shape)[0] > SIDE // 2, "blue there speaks against red"
    blue = occlusion(colours, two_patches(), 1)
    assert np.unravel_index(blue.values.argmax(), blue.values.shape)[0] > SIDE // 2
    words = occlusion_in_words(red, "red")
    assert "Covering the upper left lowers it most" in words
    assert "Covering the lower right raises it" in words


def test_occlusion_is_zero_where_the_network_does_not_look(corner):
    """A class that one quarter decides: no other place may have a value."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
    values = np.abs(occlusion(corner, image, 0).values)
    # The cells of the last map reach a little beyond the quarter, and a patch beyond the cells.
    far = values[SIDE * 3 // 4 :, :].max(), values[:, SIDE * 3 // 4 :].max()
    assert max(far) < 1e-6
    assert values[LEFT, LEFT].max() > 1e-3


def test_occlusion_by_hand(colours):
    """The value of a corner is the fall of the probability when the patch over it takes the mean colour."""
    image = two_patches()
    found = occlusion(colours, image, 0)
    batch = colours.transform(image).unsqueeze(0)
    covered = batch.clone()
    patch = -(-SIDE // 5)
    covered[:, :, :patch, :patch] = batch.mean(dim=(2, 3), keepdim=True)
    before, after = (float(colours.look(each)[0][0, 0]) for each in (batch, covered))
    assert found.probability == pytest.approx(before, abs=1e-6)
    assert found.values[0, 0] == pytest.approx(before - after, abs=1e-5)


@pytest.mark.parametrize(
    ("variant", "norm", "activation"),
    # Each variant with each norm and each activation, not all 27 of them.
    [
        (v, n, ACTIVATIONS[(i + j) % len(ACTIVATIONS)])
        for (i, v), (j, n) in product(enumerate(NETWORKS), enumerate(NORMS))
    ],
)
def test_every_kind_of_network_can_be_explained(tmp_path: Path, variant, norm, activation):
    torch.manual_seed(0)
    config = tiny_config(variant=variant, norm=norm, activation=activation, width=0.125, init="kaiming")
    write_checkpoint(tmp_path / "best.pt", config)
    classifier = Classifier(tmp_path / "best.pt")
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (50, 80, 3), dtype=np.uint8))
    before = classifier.probabilities([image])
    maps = [method(classifier, image, target) for method in (grad_cam, occlusion) for target in range(3)]
    for found in maps:
        assert found.values.shape == (64, 64)
        assert np.isfinite(found.values).all()
        assert found.probability == pytest.approx(float(before[0, found.target]), abs=1e-5)
    # After a sigmoid all values are positive, and all weights of a class may be negative.
    assert activation != "relu" or any(found.values.any() for found in maps[:3])
    # Nothing of a hook, a gradient or a mode stays behind.
    torch.testing.assert_close(classifier.probabilities([image]), before, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in classifier.model.parameters())
    assert not classifier.model.training
    assert not any(module._forward_hooks for module in classifier.model.modules())


@pytest.mark.parametrize("target", [-1, 2])
@pytest.mark.parametrize("method", [grad_cam, occlusion])
def test_a_class_that_is_not_there_is_a_sentence(colours, method, target):
    with pytest.raises(DataError, match=f"no class number {target}"):
        method(colours, two_patches(), target)


def test_what_the_network_saw_is_the_transformed_picture(colours, tmp_path):
    assert seen_picture(colours, two_patches()).tobytes() == two_patches().tobytes()
    write_checkpoint(tmp_path / "best.pt", tiny_config())
    seen = seen_picture(Classifier(tmp_path / "best.pt"), Image.new("RGB", (300, 20), (200, 100, 50)))
    assert seen.size == (64, 64)
    assert seen.getpixel((30, 30)) == (200, 100, 50), "Normalize is undone"


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [(0, 0, "upper left"), (0, 4, "top"), (4, 4, "middle"), (4, 8, "right"), (8, 4, "bottom"), (8, 8, "lower right")],
)
def test_places_in_words(row, column, words):
    values = np.zeros((9, 9), dtype=np.float32)
    values[row, column] = 1
    assert f"strongest at the {words};" in grad_cam_in_words(Explanation(values, 0, 0.5, (9, 9)), "x")


def test_an_occlusion_that_changes_nothing_says_so():
    found = Explanation(np.full((4, 4), 0.001, dtype=np.float32), 0, 0.5, (4, 4))
    assert "less than half a percentage point" in occlusion_in_words(found, "x")
