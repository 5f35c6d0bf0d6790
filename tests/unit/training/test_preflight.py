"""What is said before a run starts: weights, the loss taken apart, parameters, disk, time, all without torch."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from alexcore.config import make_config
from alexcore.nn import Network
from alexcore.nn.blueprints import describe
from alexcore.training.checkpoint import build_model
from alexcore.training.loss_terms import loss_terms
from alexcore.training.objective import Objective, weights_for
from alexcore.training.optim import build_optimizer
from alexcore.training.plan import Plan, batch_in_words, estimated_seconds
from alexcore.training.room import checkpoint_bytes, free_bytes
from alexcore.training.weighting import scheme_weights, weight_table, weights_in_words
from tests.support.run_folders import tiny_config

CLASSES = ("daisy", "rose", "tulip")
LOGITS = [1.5, -0.25, 0.75]


@pytest.mark.parametrize("variant", ["seed", "torchvision", "2012"])
@pytest.mark.parametrize(("norm", "width"), [("none", 1.0), ("batch", 0.5), ("group", 0.3)])
def test_parameters_are_those_of_the_network(variant, norm, width):
    with torch.device("meta"):
        model = Network(7, variant=variant, norm=norm, width=width)
    assert describe(variant, 7, norm, width).parameters == sum(each.numel() for each in model.parameters())


def test_torchvisions_alexnet_has_its_61_million():
    assert describe("torchvision", 1000, "none").parameters == 61_100_840


@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 1.25]])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_the_loss_taken_apart_is_torchs(weights, smoothing, label):
    found = loss_terms(LOGITS, label, CLASSES, weights, smoothing)
    logits, labels = torch.tensor([LOGITS], dtype=torch.float64), torch.tensor([label])
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    both = [
        F.cross_entropy(logits, labels, weight=weight, label_smoothing=smoothing, reduction=how).item()
        for how in ("sum", "mean")
    ]
    assert [found.total, found.loss] == pytest.approx(both, rel=1e-12)
    assert found.table["term"].sum() == pytest.approx(found.total)
    assert found.table["softmax"].sum() == pytest.approx(1)
    assert found.table["target"].sum() == pytest.approx(1)
    assert f"{found.loss:.6f}" in found.lines[-1]


def test_two_pictures_share_numerator_and_divisor():
    """What the page says of a batch: terms are added, divisors are added, then one division."""
    weights, others = [0.5, 2.0, 1.25], [0.0, 3.0, -1.0]
    first, second = loss_terms(LOGITS, 0, CLASSES, weights, 0.1), loss_terms(others, 1, CLASSES, weights, 0.1)
    objective = Objective(torch.tensor(weights), 0.1)
    labels = torch.tensor([0, 1])
    batch = objective(torch.tensor([LOGITS, others]), labels, objective.total_weight(labels)).item()
    assert (first.total + second.total) / (first.divisor + second.divisor) == pytest.approx(batch, rel=1e-6)


def test_large_logits_and_a_class_that_does_not_count():
    found = loss_terms([2000.0, 0.0, -2000.0], 2, CLASSES)
    assert found.loss == pytest.approx(4000)
    none = loss_terms(LOGITS, 0, CLASSES, [0.0, 1.0, 1.0])
    assert math.isnan(none.loss)
    assert "weight 0" in none.lines[-1]


@pytest.mark.parametrize("counts", [[10, 40, 100], [3, 0, 5], [700, 700, 700]])
@pytest.mark.parametrize("scheme", ["none", "inverse", "effective"])
def test_the_preview_shows_the_weights_of_the_loss(scheme, counts):
    used = weights_for(make_config(class_weights=scheme), counts)
    weights = scheme_weights(scheme, counts)
    table = weight_table(CLASSES, counts, weights)
    assert table["share"].sum() == pytest.approx(1)
    if used is None:
        assert weights is None
        assert table["share"].tolist() == pytest.approx([count / sum(counts) for count in counts])
        return
    assert weights == pytest.approx(used.tolist(), rel=1e-6)
    # A mean of 1 over the pictures: the size of the loss stays comparable.
    assert (table["weight"] * table["pictures"]).sum() == pytest.approx(sum(counts))
    if scheme == "inverse":
        assert set(table.loc[table["pictures"] > 0, "share"].round(9)) == {round(1 / sum(c > 0 for c in counts), 9)}


def test_the_sentence_on_weights_comes_from_the_numbers():
    counts = [10, 40, 100]
    assert weights_in_words(weight_table(CLASSES, counts, scheme_weights("inverse", counts))).startswith(
        "A picture of daisy counts 10.0 times as much as one of tulip"
    )
    assert "tulip has the largest share of the loss, 67%" in weights_in_words(weight_table(CLASSES, counts, None))
    assert "tulip does not count" in weights_in_words(weight_table(CLASSES, counts, [1.0, 1.0, 0.0]))


def test_the_batch_in_words():
    def say(norm: str, steps: int) -> str:
        return batch_in_words(make_config(batch_size=8, accumulation_steps=steps, norm=norm))

    assert say("batch", 8).startswith("Effective batch 64 for the gradient, 8 for BatchNorm's statistics")
    assert "exactly that of one batch of 64" in say("none", 8)
    assert "exactly that of one batch of 64" in say("group", 8)
    assert say("batch", 1) == "Batch 8 for the gradient and for BatchNorm's statistics."
    assert say("none", 1) == "Batch 8 for the gradient."


@pytest.mark.parametrize(("optimizer", "momentum"), [("adamw", 0.9), ("sgd", 0.9), ("sgd", 0.0)])
def test_a_checkpoint_is_as_large_as_said(tmp_path: Path, optimizer, momentum):
    config = tiny_config(optimizer=optimizer, momentum=momentum)
    model = build_model(config, 3)
    made = build_optimizer(model, config)
    model(torch.zeros(2, 3, 64, 64)).sum().backward()
    made.step()
    torch.save({"model": model.state_dict(), "optimizer": made.state_dict()}, tmp_path / "last.pt")
    assert checkpoint_bytes(config, 3) == pytest.approx((tmp_path / "last.pt").stat().st_size, rel=0.02)


def test_free_space_is_that_of_a_folder_yet_to_be_made(tmp_path: Path):
    assert free_bytes(tmp_path / "not" / "there") == pytest.approx(free_bytes(tmp_path), rel=0.01)


def test_the_time_of_a_run_follows_from_a_step():
    plan = Plan(train_images=80, val_images=20, micro_batches=10, steps_per_epoch=5, total_steps=15, last_batch=8)
    config = make_config(batch_size=8, accumulation_steps=2, epochs=3, start_size=0)
    # 15 steps of 2 s, and 3 validations of 20 pictures at a third of a picture's training time (2 s / 16).
    assert estimated_seconds(config, plan, {"step_s": 2.0}) == pytest.approx(30 + 3 * 20 * (2 / 16) / 3)
    # Pictures of 112, 176 and 224 px: the work of a step grows with their area.
    growing = config.model_copy(update={"start_size": 112})
    steps = 10 * ((112 / 224) ** 2 + (176 / 224) ** 2 + 1)
    assert estimated_seconds(growing, plan, {"step_s": 2.0}) == pytest.approx(steps + 3 * 20 * (2 / 16) / 3)
