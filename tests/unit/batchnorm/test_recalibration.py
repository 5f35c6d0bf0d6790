"""Running statistics measured anew are those of the pictures together, and nothing else changes."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from alexcore.batchnorm.measure.recalibration import batch_statistics, evaluate_with_batch_statistics, recalibrate
from alexcore.errors import TrainingError
from alexcore.training.evaluation import evaluate
from tests.support.bn_networks import batch, tiny

CPU = torch.device("cpu")


def norm_alone() -> nn.Sequential:
    """A network that is one batch norm, and a convolution without effect, so that it has weights."""
    return nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1))


def cut(images: torch.Tensor, sizes: list[int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(part, torch.zeros(len(part), dtype=torch.int64)) for part in images.split(sizes)]


@pytest.mark.parametrize("sizes", [[4, 4, 4], [5, 4, 3]], ids=["equal", "unequal"])
def test_the_mean_is_that_of_all_pictures_together(sizes):
    images = batch()[0] * 3 + 5
    model = norm_alone()
    recalibrate(model, cut(images, sizes))
    assert model[0].num_batches_tracked == 3
    assert model[0].running_mean.tolist() == pytest.approx(images.mean(dim=(0, 2, 3)).tolist(), rel=1e-5)


def test_equal_batches_of_one_distribution_give_the_statistics_of_all():
    """The same pictures in every batch: then the variance within the batches is that of all of them, too."""
    images = batch(6)[0] * 3 + 5
    model = norm_alone()
    recalibrate(model, cut(torch.cat([images, images.flip(0), images.roll(1, 0)]), [6, 6, 6]))
    assert model[0].running_mean.tolist() == pytest.approx(images.mean(dim=(0, 2, 3)).tolist(), rel=1e-5)
    assert model[0].running_var.tolist() == pytest.approx(images.var(dim=(0, 2, 3)).tolist(), rel=1e-5)


def test_the_variance_is_that_within_the_batches():
    """By the law of total variance: that of all pictures minus that of the batches' means."""
    images = torch.cat([batch(6, seed=1)[0], batch(6, seed=2)[0] + 2])
    model = norm_alone()
    recalibrate(model, cut(images, [6, 6]))
    n = 6 * 64
    total = images.var(dim=(0, 2, 3), correction=0)
    means = torch.stack([part.mean(dim=(0, 2, 3)) for part in images.split(6)])
    within = (total - means.var(dim=0, correction=0)) * n / (n - 1)
    assert model[0].running_var.tolist() == pytest.approx(within.tolist(), rel=1e-4)


def test_it_is_torchs_plain_mean_and_leaves_everything_else():
    model = tiny("batch", dropout=0.5)
    model[1].momentum = 0.3
    theirs = copy.deepcopy(model)
    before = copy.deepcopy(dict(model.named_parameters()))
    batches = cut(batch()[0], [4, 4, 4])
    state, modes = torch.get_rng_state(), [each.training for each in model.modules()]
    recalibrate(model, batches)
    assert (torch.get_rng_state() == state).all()
    assert [each.training for each in model.modules()] == modes
    assert (model[1].momentum, model[5].momentum) == (0.3, 0.1)
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())
    norms = [each for each in theirs if isinstance(each, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    with torch.no_grad():
        for images, _ in batches:
            theirs(images)
    for ours, other in zip([model[1], model[5]], norms, strict=True):
        torch.testing.assert_close(ours.running_mean, other.running_mean)
        torch.testing.assert_close(ours.running_var, other.running_var)
        assert ours.num_batches_tracked == 3


def test_a_batch_of_one_picture_is_left_out_and_only_such_are_an_error():
    model = norm_alone()
    images = batch(5)[0]
    recalibrate(model, cut(images, [4, 1]))
    assert model[0].num_batches_tracked == 1
    assert model[0].running_mean.tolist() == pytest.approx(images[:4].mean(dim=(0, 2, 3)).tolist(), abs=1e-6)
    kept = model[0].running_mean.clone()
    with pytest.raises(TrainingError, match="no batch had two pictures"):
        recalibrate(model, cut(images, [1] * 5))
    assert torch.equal(model[0].running_mean, kept)
    assert model[0].momentum == 0.1


@pytest.mark.parametrize("norm", ["none", "group"])
def test_without_batch_norm_there_is_nothing_to_do(norm):
    model = tiny(norm)
    before = copy.deepcopy(model.state_dict())
    recalibrate(model, cut(batch()[0], [12]))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_batch_statistics_in_evaluation_are_train_mode_without_its_traces():
    model, (images, labels) = tiny("batch", dropout=0.5), batch()
    buffers = copy.deepcopy(dict(model.named_buffers()))
    found = evaluate_with_batch_statistics(model, [(images[:6], labels[:6]), (images[6:], labels[6:])], 4, CPU)
    assert all(torch.equal(value, buffers[name]) for name, value in model.named_buffers())
    by_hand = copy.deepcopy(model).train()
    by_hand[-2].eval()
    logits = torch.cat([by_hand(images[:6]), by_hand(images[6:])]).detach()
    assert found.images == 12
    assert found.loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert found.acc1 == pytest.approx((logits.argmax(dim=1) == labels).float().mean().item())
    # It differs from the running statistics, which are still those of the start.
    assert found.loss != pytest.approx(evaluate(model, [(images, labels)], 4, CPU).loss, rel=1e-4)


def test_one_picture_is_left_out_only_where_there_is_a_batch_norm():
    images, labels = batch(5)
    batches = [(images[:4], labels[:4]), (images[4:], labels[4:])]
    assert evaluate_with_batch_statistics(tiny("batch"), batches, 4, CPU).images == 4
    assert evaluate_with_batch_statistics(tiny("none"), batches, 4, CPU).images == 5


def test_the_statistics_come_back_after_an_error():
    model = tiny("batch")
    kept = model[1].running_mean
    with pytest.raises(RuntimeError), batch_statistics(model):
        model(torch.zeros(2, 5, 8, 8))
    assert model[1].running_mean is kept
    assert "1.running_mean" in model.state_dict()


def test_batches_of_one_class_each_mislead():
    """Why validation batches have to be shuffled: normalising by a single class takes away what tells it."""
    torch.manual_seed(0)
    labels = torch.arange(2).repeat_interleave(8)
    images = torch.randn(16, 3, 8, 8) * 0.1 + labels.view(-1, 1, 1, 1) * 2.0 - 1
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[-1.0] * 3, [1.0] * 3]).view(2, 3, 1, 1))
        model[1].bias.zero_()
    sorted_batches = [(images[:8], labels[:8]), (images[8:], labels[8:])]
    mixed = [(images[::2], labels[::2]), (images[1::2], labels[1::2])]
    assert evaluate_with_batch_statistics(model, mixed, 2, CPU).acc1 == 1
    assert evaluate_with_batch_statistics(model, sorted_batches, 2, CPU).acc1 < 0.8
