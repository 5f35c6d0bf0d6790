"""Training with every probe between its steps is, to the bit, training without them."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from alexcore.batchnorm.measure.loss_surface import loss_surface
from alexcore.batchnorm.measure.undisturbed import undisturbed
from alexcore.nn import Network
from tests.support.bn_networks import batch, tiny
from tests.support.bn_probes import LR, every_probe, everything


def train(model: nn.Module, probed: bool, steps: int = 4, **options: float) -> dict[str, object]:
    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), LR, **options)
    size = 64 if isinstance(model, Network) else 8
    images = torch.randn(6, 3, size, size)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    for _ in range(steps):
        # What a step draws must not depend on the probes: pictures, dropout.
        step_images = images + 0.1 * torch.randn_like(images) + random.random() + float(np.random.rand())
        if probed:
            every_probe(model, images, labels)
        optimizer.zero_grad()
        F.cross_entropy(model(step_images), labels).backward()
        if probed:
            every_probe(model, images, labels)
        optimizer.step()
        if probed:
            every_probe(model, images, labels)
    return everything(model, optimizer)


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
@pytest.mark.parametrize("options", [{}, {"momentum": 0.9, "weight_decay": 0.01}], ids=["plain", "momentum"])
def test_a_probed_training_is_the_same_to_the_bit(norm, options):
    model = tiny(norm, dropout=0.5)
    assert train(copy.deepcopy(model), True, **options) == train(model, False, **options)


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_a_probed_alexnet_is_the_same_to_the_bit(norm):
    model = Network(3, norm=norm, width=0.1, dropout=0.5, init="kaiming")
    frozen = next(model.parameters())
    frozen.requires_grad_(False)
    assert train(copy.deepcopy(model), True, 2, momentum=0.9) == train(model, False, 2, momentum=0.9)


def test_modes_of_parts_and_frozen_norms_come_back():
    model, (images, labels) = tiny("batch", dropout=0.5).train(), batch()
    model[1].eval()
    optimizer = torch.optim.SGD(model.parameters(), LR)
    before = everything(model, optimizer)
    every_probe(model, images, labels)
    assert everything(model, optimizer) == before
    assert [each.training for each in model][:3] == [True, False, True]


def test_the_guard_restores_after_an_error_and_keeps_the_very_tensors():
    model = tiny("batch")
    F.cross_entropy(model(batch()[0]), batch()[1]).backward()
    optimizer = torch.optim.SGD(model.parameters(), LR)
    before, places = everything(model, optimizer), [each.data_ptr() for each in model.parameters()]
    gradients = [each.grad for each in model.parameters()]

    def spoil() -> None:
        with undisturbed(model, train=True):
            assert all(each.grad is None for each in model.parameters())
            torch.rand(3), random.random(), np.random.rand()
            model(batch()[0])
            with torch.no_grad():
                for each in model.parameters():
                    each.mul_(0)
                    each.requires_grad_(False)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        spoil()
    assert everything(model, optimizer) == before
    assert [each.data_ptr() for each in model.parameters()] == places
    assert all(each.grad is old for each, old in zip(model.parameters(), gradients, strict=True))


def test_within_the_guard_norms_and_dropout_are_as_a_probe_needs_them():
    model = tiny("batch", dropout=0.5)
    for train_mode in (True, False):
        with undisturbed(model, train=train_mode):
            assert [each.training for each in model if isinstance(each, nn.BatchNorm2d)] == [train_mode] * 2
            assert not any(each.training for each in model if isinstance(each, nn.Dropout))


def test_probes_work_where_nobody_wants_gradients_and_under_autocast():
    model, (images, labels) = tiny("batch"), batch()
    expected = loss_surface(model, images, labels, LR)
    with torch.no_grad():
        assert loss_surface(model, images, labels, LR) == expected
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert loss_surface(model, images, labels, LR) == expected


def test_a_network_that_has_diverged_can_be_probed():
    model, (images, labels) = tiny("batch"), batch()
    with torch.no_grad():
        model[0].weight.fill_(float("nan"))
    every_probe(model, images, labels)
    assert loss_surface(model, images, labels, LR)["Q5"]["max"] is None
