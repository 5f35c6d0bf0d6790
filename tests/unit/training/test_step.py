"""One step in all its forms: optimizers, precisions, gradient norm, averaged weights, compiled networks."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from alexcore.analysis.prediction import Classifier
from alexcore.config import make_config
from alexcore.errors import ConfigError, TrainingError
from alexcore.nn import Network
from alexcore.runs.store import create_run
from alexcore.training import loop, run_parts
from alexcore.training.checkpoint import load_checkpoint
from alexcore.training.device import choose_precision
from alexcore.training.loop import fit
from alexcore.training.objective import Objective
from alexcore.training.optim import averaged, build_optimizer, parameter_groups
from alexcore.training.run_parts import compiled
from alexcore.training.seeding import seed_everything
from alexcore.training.step import StepResult, train_step
from tests.support.interrupted_runs import Watcher, straight
from tests.support.learned_batch import CPU, batch, learns, network
from tests.support.run_folders import tiny_config

# Optimizers and precisions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer": "sgd", "lr": 0.01},
        {"optimizer": "sgd", "lr": 0.01, "nesterov": True, "decay_all": True},
        {"optimizer": "adam"},
        {"optimizer": "adamw", "grad_clip": 1.0},
    ],
)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_each_optimizer_and_precision_learns_a_batch_by_heart(values, precision):
    results = learns(CPU, precision, **values)
    assert results[-1].loss < 0.7 * results[0].loss


def test_nesterov_is_torchs_and_needs_a_momentum():
    ours, theirs = network(), network()
    optimizer = build_optimizer(ours, make_config(optimizer="sgd", lr=0.1, nesterov=True, weight_decay=0))
    reference = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    for model, each in ((ours, optimizer), (theirs, reference)):
        for _ in range(2):
            train_step(model, each, Objective(), [batch()], CPU)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    with pytest.raises(ConfigError, match="nesterov = True needs a momentum above 0, and momentum is 0"):
        make_config(optimizer="sgd", nesterov=True, momentum=0)
    make_config(optimizer="adam", nesterov=True, momentum=0)  # has no say there


def test_decay_all_is_one_group():
    (group,) = parameter_groups(network(), 0.1, decay_all=True)
    assert group["weight_decay"] == 0.1
    assert len(group["params"]) == len(list(network().parameters()))


def test_fp16_away_from_a_gpu_is_a_sentence():
    with pytest.raises(ConfigError, match="precision = 'fp16' needs a CUDA GPU, and this run computes on cpu"):
        choose_precision("fp16", CPU)


# The gradient's norm ------------------------------------------------------------------------------------------


def test_the_norm_is_that_of_the_whole_gradient_and_changes_no_bit():
    ours, theirs = network(), network()
    images, labels = batch()
    result = train_step(ours, torch.optim.SGD(ours.parameters(), lr=0.1), Objective(), [batch()], CPU)
    nn.functional.cross_entropy(
        theirs(images.to(memory_format=torch.channels_last)).float(), labels, reduction="sum"
    ).div(6.0).backward()
    flat = torch.cat([parameter.grad.flatten().double() for parameter in theirs.parameters()])
    assert result.grad_norm == pytest.approx(flat.norm().item(), rel=1e-5)
    torch.optim.SGD(theirs.parameters(), lr=0.1).step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


def test_clipping_shortens_the_gradient_and_the_norm_is_the_one_before():
    model = network()
    free = train_step(copy.deepcopy(model), torch.optim.SGD(model.parameters(), lr=0.0), Objective(), [batch()], CPU)
    clipped = train_step(model, torch.optim.SGD(model.parameters(), lr=0.0), Objective(), [batch()], CPU, grad_clip=0.5)
    assert clipped.grad_norm == pytest.approx(free.grad_norm)
    assert nn.utils.get_total_norm([p.grad for p in model.parameters()]).item() == pytest.approx(0.5, rel=1e-4)


def test_a_gradient_that_is_not_finite_leaves_the_weights_alone():
    """Otherwise a stop right after it would save weights that are no numbers."""
    model = network()
    before = copy.deepcopy(model.state_dict())
    model.classifier[-1].bias.register_hook(lambda grad: grad * float("inf"))
    result = train_step(model, torch.optim.SGD(model.parameters(), lr=0.1), Objective(), [batch()], CPU)
    assert np.isfinite(result.loss)
    assert not np.isfinite(result.grad_norm)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_run_ends_at_such_a_gradient(stripes, monkeypatch):
    monkeypatch.setattr(run_parts, "train_step", lambda *parts, **more: StepResult(1.0, 0, 8, float("inf")))
    config = tiny_config(stripes)
    with pytest.raises(TrainingError, match=r"The gradient is inf in step 1: the weights have blown up"):
        fit(config, create_run(config), Watcher())


# The average of the weights -----------------------------------------------------------------------------------


def test_the_average_by_hand():
    """d is 2/11, 3/12, ... until it reaches the decay that was asked for."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    average = averaged(model, 0.3)
    expected = None
    for number, value in enumerate([1.0, 5.0, -3.0, 4.0, 2.0]):
        model[0].weight.data.fill_(value)
        model[1].running_mean.fill_(-value)
        model[1].num_batches_tracked.fill_(number)
        average.update_parameters(model)
        keep = min(0.3, (1 + number) / (10 + number))
        expected = value if expected is None else keep * expected + (1 - keep) * value
        assert average.module[0].weight.item() == pytest.approx(expected, rel=1e-6)
        assert average.module[1].running_mean.item() == pytest.approx(-expected, rel=1e-6)
        assert average.module[1].num_batches_tracked.item() == number


def test_a_run_validates_and_predicts_with_the_average(stripes, monkeypatch):
    seen = []
    evaluate = loop.evaluate

    def watched(model, *rest):
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return evaluate(model, *rest)

    monkeypatch.setattr(loop, "evaluate", watched)
    folder, _ = straight(tiny_config(stripes, ema_decay=0.9, lr=0.01, epochs=1))
    for name in ("last.pt", "best.pt"):
        saved = load_checkpoint(folder / "checkpoints" / name)
        assert saved["ema_updates"] == saved["position"]["step"] == 5
        assert list(saved["model"]) == list(saved["trained"])
        assert all(torch.equal(saved["model"][key], value) for key, value in seen[0].items())
        assert not torch.equal(saved["model"]["features.0.weight"], saved["trained"]["features.0.weight"])
    weights = Classifier(folder / "checkpoints" / "last.pt").model.state_dict()
    assert torch.equal(weights["features.0.weight"], saved["model"]["features.0.weight"])


def test_the_average_does_not_change_the_training(stripes):
    plain, _ = straight(tiny_config(stripes, epochs=1))
    beside, _ = straight(tiny_config(stripes, epochs=1, ema_decay=0.99))
    ours, theirs = (load_checkpoint(folder / "checkpoints" / "last.pt") for folder in (beside, plain))
    assert all(torch.equal(ours["trained"][name], value) for name, value in theirs["model"].items())


# Compiled networks --------------------------------------------------------------------------------------------


def test_a_network_that_cannot_be_compiled_is_told_and_trains_all_the_same(stripes, monkeypatch):
    def no_compiler(model):
        raise RuntimeError("Failed to find C compiler.\nPlease specify one")

    plain, _ = straight(tiny_config(stripes, epochs=1))
    monkeypatch.setattr(run_parts.torch, "compile", no_compiler)
    folder, watcher = straight(tiny_config(stripes, epochs=1, compile=True))
    (warning,) = watcher.of("warning")
    assert warning["code"] == "run.not-compiled"
    assert warning["values"] == {"error": "RuntimeError", "line": "Failed to find C compiler."}
    assert_same_model(folder, plain)


def test_a_compiled_network_has_the_same_weights_and_names(stripes, monkeypatch):
    """With the backend that only traces: the real one takes half a minute."""
    real, calls = torch.compile, []

    def traced(model):
        calls.append(model)
        return real(model, backend="eager")

    plain, _ = straight(tiny_config(stripes, epochs=1))
    monkeypatch.setattr(run_parts.torch, "compile", traced)
    folder, watcher = straight(tiny_config(stripes, epochs=1, compile=True))
    assert not watcher.of("warning")
    assert len(calls) == 2, "one copy to try, one network to train"
    assert_same_model(folder, plain)


def test_trying_to_compile_draws_no_random_number(monkeypatch):
    monkeypatch.setattr(run_parts.torch, "compile", lambda model: model)
    model = Network(3, width=0.125)
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    told: list[str] = []
    assert compiled(model, make_config(batch_size=2, image_size=64), CPU, told.append) is model
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not told


def assert_same_model(ours: Path, theirs: Path) -> None:
    models = [load_checkpoint(folder / "checkpoints" / "last.pt")["model"] for folder in (ours, theirs)]
    assert list(models[0]) == list(models[1])
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])


# The order of memory, and cuDNN's choice ----------------------------------------------------------------------


@pytest.mark.parametrize("channels_last", [True, False])
def test_the_order_of_memory_is_the_one_asked_for(stripes, monkeypatch, channels_last):
    orders, original = [], Network.forward

    def forward(self, images):
        if self.training:
            orders.append(images.is_contiguous(memory_format=torch.channels_last))
            orders.append(self.features[0].weight.is_contiguous(memory_format=torch.channels_last))
        return original(self, images)

    monkeypatch.setattr(Network, "forward", forward)
    straight(tiny_config(stripes, epochs=1, max_steps=1, channels_last=channels_last))
    assert orders == [channels_last] * 2


@pytest.mark.parametrize(
    ("deterministic", "benchmark", "expected"), [(False, True, True), (False, False, False), (True, True, False)]
)
def test_cudnn_tries_algorithms_only_where_that_is_wanted(deterministic, benchmark, expected):
    try:
        seed_everything(0, deterministic, benchmark)
        assert torch.backends.cudnn.benchmark is expected
    finally:
        seed_everything(0)


def test_the_call_of_the_blog_is_a_bug():
    """The text of the field `seed` says so."""
    with pytest.raises(TypeError, match="module"):
        np.random(0)
