"""A checkpoint is all that a prediction needs: probabilities, their order, and a mapping that must agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from alexcore.analysis.prediction import Classifier
from alexcore.augment.pipeline import build_transform
from alexcore.augment.presets import evaluation_operations
from alexcore.config import make_config
from alexcore.data.class_index import require_same_mapping
from alexcore.errors import AlexError, CheckpointError
from alexcore.training.checkpoint import build_model, save_checkpoint

CLASSES = ("daisy", "roses", "tulips")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """A small network with random weights large enough that its answers differ."""
    torch.manual_seed(0)
    config = make_config(width=0.125, image_size=64, init="kaiming", augment="imagenet")
    model = build_model(config, len(CLASSES))
    path = tmp_path_factory.mktemp("run") / "best.pt"
    state = {
        "model": model.state_dict(),
        "config": config.model_dump(),
        "class_to_idx": {name: number for number, name in enumerate(CLASSES)},
        "evaluation_operations": evaluation_operations("imagenet", 64),
    }
    save_checkpoint(path, state)
    return path


@pytest.fixture(scope="module")
def classifier(checkpoint) -> Classifier:
    return Classifier(checkpoint)


def pictures(*sizes: tuple[int, int]) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)) for w, h in sizes]


def test_probabilities_of_pictures_of_any_size(classifier):
    values = classifier.probabilities(pictures((64, 64), (300, 20), (1, 1)))
    assert (values.shape, values.dtype, values.device.type) == ((3, 3), torch.float32, "cpu")
    assert (values >= 0).all()
    torch.testing.assert_close(values.sum(dim=1), torch.ones(3))
    assert len({tuple(row) for row in values.tolist()}) == 3


def test_it_is_the_stored_network_behind_the_stored_transform(classifier, checkpoint):
    """By hand, from the file: softmax of the network's logits of the transformed picture."""
    state = torch.load(checkpoint, weights_only=True)
    model = build_model(make_config(**state["config"]), 3)
    model.load_state_dict(state["model"])
    (image,) = pictures((100, 80))
    with torch.no_grad():
        logits = model.eval()(build_transform(state["evaluation_operations"])(image)[None])
    torch.testing.assert_close(classifier.probabilities([image]), logits.softmax(dim=1))


def test_a_picture_is_answered_the_same_alone_and_in_company(classifier):
    images = pictures((64, 64), (50, 90), (70, 70), (64, 64))
    together = classifier.probabilities(images)
    alone = torch.cat([classifier.probabilities([image]) for image in images])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(classifier.probabilities(images), together, rtol=0, atol=0)


@pytest.mark.parametrize(("top_k", "length"), [(1, 1), (2, 2), (3, 3), (50, 3)])
def test_the_best_come_first(classifier, top_k, length):
    images = pictures((64, 64), (50, 90))
    results = classifier.classify(images, top_k)
    for answers, row in zip(results, classifier.probabilities(images), strict=True):
        assert [answer.index for answer in answers] == row.argsort(descending=True)[:length].tolist()
        assert [answer.name for answer in answers] == [CLASSES[answer.index] for answer in answers]
        assert [answer.probability for answer in answers] == pytest.approx(sorted(row.tolist(), reverse=True)[:length])
    assert len(results) == 2


def test_all_answers_add_up_to_1(classifier):
    (answers,) = classifier.classify(pictures((64, 64)), 3)
    assert sum(answer.probability for answer in answers) == pytest.approx(1)
    assert {answer.name for answer in answers} == set(CLASSES)


def test_a_damaged_run_is_an_expected_error(checkpoint, tmp_path):
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        Classifier(tmp_path / "none.pt")
    state = torch.load(checkpoint, weights_only=True)
    for changes in ({"evaluation_operations": [{"op": "Melt"}]}, {"class_to_idx": {"daisy": 0}}):
        torch.save({**state, **changes}, tmp_path / "bad.pt")
        with pytest.raises(AlexError):
            Classifier(tmp_path / "bad.pt")


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (
            ("daisy", "tulips", "roses"),
            ["1: the run has roses, the data set tulips", "2: the run has tulips, the data set roses"],
        ),
        (("daisy", "roses"), ["2: the run has tulips, the data set (none)"]),
        (("daisy", "roses", "tulips", "weeds"), ["3: the run has (none), the data set weeds"]),
        ((), [f"{number}: the run has {name}, the data set (none)" for number, name in enumerate(CLASSES)]),
    ],
)
def test_another_mapping_is_shown_line_by_line(data, lines):
    with pytest.raises(CheckpointError) as caught:
        require_same_mapping(CLASSES, data)
    assert caught.value.message.splitlines() == [
        "The data set numbers its classes differently from the run.",
        *lines,
    ]
    assert caught.value.hint


def test_the_same_mapping_passes():
    require_same_mapping(CLASSES, list(CLASSES))
