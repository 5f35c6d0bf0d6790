"""A trained network from the inside: its layers' outputs are torch's, its pictures what the numbers say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from alexcore.analysis.inside import (
    channel_order,
    enlarged,
    filter_pictures,
    layer_outputs,
    layers_of,
    map_pictures,
    spread_of,
    weights_of,
)
from alexcore.analysis.prediction import Classifier
from tests.support.run_folders import CLASSES, tiny_config, write_checkpoint


@pytest.fixture(params=[("seed", "batch"), ("2012", "none"), ("torchvision", "group")], ids="-".join)
def classifier(request, tmp_path: Path) -> Classifier:
    variant, norm = request.param
    torch.manual_seed(0)
    write_checkpoint(tmp_path / "best.pt", tiny_config(variant=variant, norm=norm, image_size=96, init="kaiming"))
    return Classifier(tmp_path / "best.pt")


@pytest.fixture
def image() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (120, 100, 3), dtype=np.uint8))


def test_the_last_output_is_the_networks_and_every_shape_is_the_tables(classifier: Classifier, image: Image.Image):
    outputs = layer_outputs(classifier, image)
    layers = layers_of(classifier, 96)
    assert list(outputs) == ["input", *(each.name for each in layers)]
    for layer in layers:
        expected = (layer.channels, layer.side, layer.side) if layer.side else (layer.channels,)
        assert outputs[layer.name].shape == expected, layer.name
    with torch.no_grad():
        logits = classifier.model(classifier.transform(image)[None])[0].numpy()
    assert np.array_equal(outputs["linear3"], logits)
    assert len(logits) == len(CLASSES)
    assert (outputs["relu1"] >= 0).all()
    names = list(outputs)
    assert np.array_equal(outputs["relu1"], np.maximum(outputs[names[names.index("relu1") - 1]], 0))


def test_looking_changes_nothing(classifier: Classifier, image: Image.Image):
    before = {name: value.clone() for name, value in classifier.model.state_dict().items()}
    first = layer_outputs(classifier, image)
    again = layer_outputs(classifier, image)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert all(torch.equal(before[name], value) for name, value in classifier.model.state_dict().items())
    assert not classifier.model.training


def test_weights_are_the_layers(classifier: Classifier):
    first = layers_of(classifier, 96)[0]
    weights = weights_of(classifier, first.path)
    assert weights.shape == (first.channels, 3, 11, 11)
    assert np.array_equal(weights, classifier.model.features[0].weight.detach().numpy())


def test_a_filter_becomes_a_picture_over_its_own_range():
    weights = np.zeros((2, 3, 2, 2), dtype=np.float32)
    weights[0, 0, 0, 0], weights[0, 2, 1, 1] = -1.0, 3.0
    red, flat = filter_pictures(weights)
    assert red.mode == "RGB"
    assert red.getpixel((0, 0)) == (0, 64, 64)
    assert red.getpixel((1, 1)) == (64, 64, 255)
    assert flat.getextrema() == ((0, 0), (0, 0), (0, 0))


def test_maps_share_a_scale_or_not():
    maps = np.stack([np.array([[0.0, 1.0]]), np.array([[0.0, 4.0]])]).astype(np.float32)
    own, shared = map_pictures(maps), map_pictures(maps, one_scale=True)
    assert [each.getpixel((1, 0)) for each in own] == [255, 255]
    assert [each.getpixel((1, 0)) for each in shared] == [64, 255]
    assert channel_order(maps, strongest=True) == [1, 0]
    assert channel_order(maps, strongest=False) == [0, 1]
    assert enlarged(own[0], 8).size == (8, 4)
    assert enlarged(Image.new("L", (300, 200)), 100).size == (300, 200)


def test_a_spread_counts_every_value():
    spread = spread_of(np.array([-1.0, 0.0, 0.0, 3.0], dtype=np.float32))
    assert (spread.count, int(spread.counts.sum()), spread.low, spread.high) == (4, 4, -1.0, 3.0)
    assert (spread.mean, spread.zeros) == (0.5, 0.75)
    flat = spread_of(np.zeros(5, dtype=np.float32))
    assert int(flat.counts.sum()) == 5
