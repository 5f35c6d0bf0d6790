"""Warnings of a run that goes wrong: a stuck loss and its reason, train and val that part, memory that runs out."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from alexcore.errors import TrainingError
from alexcore.findings.finding import Finding
from alexcore.findings.run import Overfitting, StuckByDeadUnits, StuckBySmallGradients
from alexcore.nn import Network
from alexcore.runs.failing import explain
from alexcore.runs.store import create_run, read_run
from alexcore.runs.worker import execute
from alexcore.training import loop, run_parts
from alexcore.training.health import FADED, PARTED_EPOCHS, WINDOW, Health, gradient_reach, most_dead
from alexcore.training.loop import fit
from alexcore.training.memory import is_out_of_memory, not_enough_memory
from alexcore.training.state import Position
from tests.support.interrupted_runs import Watcher
from tests.support.run_folders import tiny_config

CHANCE = math.log(3)


class Told(list):
    def __call__(self, finding: Finding) -> None:
        self.append(finding)


def images() -> torch.Tensor:
    return torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def network(norm: str = "none", init: str = "kaiming", activation: str = "relu") -> Network:
    """In train mode, with the gradient of one batch."""
    generator = torch.Generator().manual_seed(0)
    model = Network(3, norm=norm, width=0.25, init=init, activation=activation, generator=generator)
    torch.nn.functional.cross_entropy(model(images()), torch.arange(8) % 3).backward()
    return model


def watch(losses: list[float], model: Network, counts=(12, 12, 12), start: int = 0, **values) -> tuple[Told, Position]:
    told, position = Told(), Position(step=start)
    health = Health(tiny_config(**values), counts, 5, told)
    for loss in losses:
        position.step += 1
        health.after_step(position, loss, model, images())
    return told, position


STUCK = [CHANCE + 0.01 * (-1) ** number for number in range(3 * WINDOW)]


# A loss that sticks -------------------------------------------------------------------------------------------


def test_dead_units_are_told_once_with_their_layer():
    model = network("batch")
    model.classifier[4].bias.data.fill_(-1e3)
    told, position = watch(STUCK, model, lr=0.5)
    (found,) = told
    assert isinstance(found, StuckByDeadUnits)
    assert (found.loss, found.chance) == pytest.approx((CHANCE, CHANCE))
    assert (found.dead, found.layer, found.lr) == (1, "classifier.5", 0.5)
    assert position.told == ["stuck"]


def test_a_faded_signal_is_told_with_the_initial_weights():
    (found,) = watch(STUCK, network(init="torch"), init="torch")[0]
    assert isinstance(found, StuckBySmallGradients)
    assert found.reach < FADED
    assert (found.init, found.saturating) == ("torch", False)
    (found,) = watch(STUCK, network(activation="sigmoid"), activation="sigmoid")[0]
    assert (found.init, found.activation, found.saturating) == ("seed", "sigmoid", True)


def test_otherwise_it_is_the_rate():
    (found,) = watch(STUCK, network("batch"), lr=1e-9)[0]
    assert (found.code, found.lr) == ("run.stuck", 1e-9)


@pytest.mark.parametrize(
    ("losses", "counts"),
    [
        ([CHANCE * 0.99**number for number in range(3 * WINDOW)], (12, 12, 12)),  # falls
        ([CHANCE * (1.03 - 0.0008 * number) for number in range(WINDOW + 10)], (12, 12, 12)),  # falls slowly
        ([2 * CHANCE] * 3 * WINDOW, (12, 12, 12)),  # high, but not that of guessing
        ([0.2] * 3 * WINDOW, (12, 12, 12)),  # has learned
        (STUCK[: WINDOW - 1], (12, 12, 12)),  # too early to say
        ([0.8] * 3 * WINDOW, (12, 12, 12)),
    ],
)
def test_a_loss_that_moves_or_is_elsewhere_is_no_warning(losses, counts):
    assert not watch(losses, network("batch"), counts)[0]


def test_whoever_guesses_the_common_class_is_stuck_as_well():
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert watch([entropy] * 3 * WINDOW, network("batch"), (90, 10))[0]
    assert not watch([0.5 * entropy] * 3 * WINDOW, network("batch"), (90, 10))[0]
    assert not watch([entropy] * 3 * WINDOW, network("batch"), (50, 50))[0]


def test_a_warmup_is_waited_for():
    assert not watch(STUCK, network("batch"), warmup_steps=3 * WINDOW)[0]


def test_the_look_at_the_network_changes_nothing():
    model = network("batch").train()
    model.features.eval()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    modes = [module.training for module in model.modules()]
    _, share = most_dead(model, images())
    assert 0 <= share < 0.9
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_how_much_of_the_gradient_arrives():
    model = network()
    for parameter in model.parameters():
        parameter.grad = None
    assert gradient_reach(model, 3, 8) == math.inf
    model.features[0].bias.grad = torch.full_like(model.features[0].bias, 3.0 / 4)  # 16 channels
    assert gradient_reach(model, 4, 3) == pytest.approx(3 / math.sqrt(0.75 / 3))


def test_a_stuck_run_says_so_and_a_healthy_one_does_not(stripes):
    warnings = {}
    for name, values in {
        "stuck": {"norm": "none", "init": "torch", "optimizer": "sgd", "lr": 1e-3},
        "healthy": {"norm": "batch"},
    }.items():
        config, watcher = tiny_config(stripes, epochs=12, scheduler="constant", **values), Watcher()
        fit(config, create_run(config), watcher)
        warnings[name] = [event["code"] for event in watcher.of("warning")]
    assert not warnings["healthy"]
    assert warnings["stuck"] == ["run.stuck-by-small-gradients"]


# Train and val part -------------------------------------------------------------------------------------------


def epochs(pairs: list[tuple[float, float]]) -> Told:
    told, position = Told(), Position()
    health = Health(tiny_config(), (1, 1, 1), 5, told)
    for train_loss, val_loss in pairs:
        health.after_epoch(position, train_loss, val_loss)
    return told


def test_train_and_val_that_part_are_told_once():
    falling = [(1.0, 1.0), (0.8, 0.9)] + [(0.7 - 0.05 * number, 1.0 + 0.05 * number) for number in range(8)]
    (found,) = epochs(falling)
    assert isinstance(found, Overfitting)
    assert (found.train_loss, found.best_val_loss, found.val_loss) == pytest.approx((0.6, 0.9, 1.1))
    assert not epochs(falling[: 1 + PARTED_EPOCHS])


@pytest.mark.parametrize(
    "pairs",
    [
        [(1 / n, 1.1 / n) for n in range(1, 10)],
        [(1.0, 1.0), (0.9, 0.9)] + [(1.0, 1.1)] * 8,  # both rise: no overfitting
        [(1.0, 1.0), (0.9, 0.9)] + [(0.8, 0.95)] * 8,  # within the noise
        [(1.0, 1.0), (0.9, 0.9)] + [(0.8, 1.2), (0.8, 1.2), (0.8, 0.91)] * 4,  # now and then
    ],
)
def test_they_do_not_part(pairs):
    assert not epochs(pairs)


# Memory -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA error"), True),
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes."), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_is_a_lack_of_memory(error, expected):
    assert is_out_of_memory(error) is expected
    assert ("not enough memory" in explain(error, tiny_config()).message) is expected


def test_the_advice_has_numbers_that_fit():
    error = not_enough_memory(tiny_config(batch_size=48, accumulation_steps=2, image_size=128))
    assert error.message.endswith("batches of 48 pictures of 128 px (batch_size = 48).")
    assert error.hint.startswith("Start again with batch_size 24 and accumulation_steps 4: half the memory")
    assert error.hint.endswith("Only batch norm will see smaller batches.")
    assert "batch norm" not in not_enough_memory(tiny_config(norm="group")).hint
    assert "width 0.125" in not_enough_memory(tiny_config(batch_size=1, norm="group")).hint


def test_a_run_without_memory_fails_with_the_advice(stripes, monkeypatch):
    def full(*_parts, **_more):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(run_parts, "train_step", full)
    folder = create_run(tiny_config(stripes))
    with pytest.raises(TrainingError, match="batch_size 4 and accumulation_steps 2"):
        execute(folder)
    assert "batch_size 4" in read_run(folder).status.error["hint"]


# Early stopping -----------------------------------------------------------------------------------------------


def test_early_stopping_waits_for_so_many_epochs(stripes, monkeypatch):
    """And a resume with another patience counts it anew, from the epoch that it begins with."""
    accuracies = iter([0.5, 0.6, 0.6, 0.55, 0.5, 0.6, 0.6, 0.9])
    evaluate = loop.evaluate

    def scripted(*parts):
        result = evaluate(*parts)
        return type(result)(result.images, result.loss, next(accuracies), result.confusion)

    monkeypatch.setattr(loop, "evaluate", scripted)
    config, watcher = tiny_config(stripes, epochs=8, early_stopping=2), Watcher()
    folder = create_run(config)
    assert fit(config, folder, watcher) == "finished"
    assert [event["val_acc1"] for event in watcher.of("epoch")] == [0.5, 0.6, 0.6, 0.55]
    said = watcher.of("warning")[-1]
    assert (said["code"], said["values"]) == ("run.stopped-early", {"patience": 2})
    other = config.model_copy(update={"early_stopping": 3})
    assert fit(other, folder, again := Watcher(), resume=True) == "finished"
    assert [event["val_acc1"] for event in again.of("epoch")] == [0.5, 0.6, 0.6]
    assert [each["code"] for each in again.of("note")] == ["run.early-stopping-changed"]
    more = other.model_copy(update={"epochs": 8, "early_stopping": 0})
    assert fit(more, folder, last := Watcher(), resume=True) == "finished"
    assert [each["code"] for each in (*again.of("outcome"), *last.of("outcome"))] == [
        "run.stopped-early",
        "run.all-epochs",
    ]
