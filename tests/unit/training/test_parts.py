"""The parts of training: loader, objective, schedule, plan, checkpoint, device, seeds and evaluation."""

from __future__ import annotations

import os
import pickle
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from alexcore.augment.presets import evaluation_operations, training_operations
from alexcore.config import make_config
from alexcore.errors import CheckpointError, ConfigError, DataError
from alexcore.nn import Network
from alexcore.training import checkpoint as checkpoint_module
from alexcore.training.checkpoint import build_model, load_checkpoint, restore_model, save_checkpoint
from alexcore.training.device import choose_device, choose_precision, describe_device
from alexcore.training.evaluation import evaluate
from alexcore.training.loader import Batch, Loader, Reading, available_cores, worker_count
from alexcore.training.objective import weights_for
from alexcore.training.optim import build_optimizer, parameter_groups, set_lr
from alexcore.training.plan import make_plan
from alexcore.training.seeding import rng_state, seed_everything, set_rng_state
from tests.support.small_trees import open_folder

# A machine of one core warns of two loader processes; newer Pythons warn of a fork beside torch's threads.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:This process .* is multi-threaded"),
]

CPU = torch.device("cpu")


# Loader -------------------------------------------------------------------------------------------------------


def loader(root: Path, workers: int = 0, preset: str = "strong", **settings) -> Loader:
    how = Reading(**{"batch_size": 8, "seed": 3, "shuffle": True, "num_workers": workers} | settings)
    return Loader(open_folder(root), "train", training_operations(preset, 32), how)


def same(ours: list[Batch], theirs: list[Batch]) -> bool:
    return len(ours) == len(theirs) and all(
        torch.equal(a, b) and torch.equal(x, y) for (a, x), (b, y) in zip(ours, theirs, strict=True)
    )


def test_who_reads_the_pictures_does_not_matter(stripes):
    """Pixels, labels and order are the same with 0, 1 and 2 processes, in the second epoch and after a break, too."""
    results = []
    for workers in (0, 1, 2):
        torch.manual_seed(workers)  # must not matter either
        loading = loader(stripes, workers)
        state = torch.get_rng_state()
        first = list(loading.epoch(0))
        next(loading.epoch(7))  # an epoch that is left in its middle
        results.append([first, list(loading.epoch(1)), list(loading.epoch(1, start=3))])
        assert torch.equal(torch.get_rng_state(), state), "dropout would differ"
    for epochs in results[1:]:
        assert all(same(ours, theirs) for ours, theirs in zip(epochs, results[0], strict=True))


def test_an_epoch_is_every_picture_once_in_an_order_of_its_own(stripes):
    loading = loader(stripes, preset="none", batch_size=10)
    first, second, again = (list(loading.epoch(number)) for number in (0, 1, 0))
    assert [len(labels) for _, labels in first] == [10, 10, 10, 6]
    assert same(first, again)
    orders = [torch.cat([labels for _, labels in batches]).tolist() for batches in (first, second)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == [0] * 12 + [1] * 12 + [2] * 12
    pictures = [{image.numpy().tobytes() for images, _ in batches for image in images} for batches in (first, second)]
    assert pictures[0] == pictures[1]
    assert len(pictures[0]) == 36
    assert not same(first, list(loader(stripes, preset="none", batch_size=10, seed=4).epoch(0)))


def test_types_of_a_batch(stripes):
    images, labels = next(loader(stripes).epoch())
    assert (images.shape, images.dtype, labels.dtype) == ((8, 3, 32, 32), torch.float32, torch.int64)


def test_without_shuffle_the_order_is_that_of_the_index(stripes):
    batches = loader(stripes, shuffle=False, batch_size=36).epoch(5)
    assert next(batches)[1].tolist() == open_folder(stripes).select("train")["label"].tolist()


@pytest.mark.parametrize("start", [0, 1, 4, 5])
def test_a_continued_epoch_is_the_tail_of_the_whole_one(stripes, start):
    loading = loader(stripes)
    assert same(list(loading.epoch(2, start)), list(loading.epoch(2))[start:])


def error_of(loading: Loader) -> DataError:
    """What an epoch ends with. The traceback is cut off, because a cycle through it would hold the loader processes
    until the garbage collector meets them, which then waits for ten seconds."""
    try:
        list(loading.epoch())
    except DataError as error:
        return error.with_traceback(None)
    pytest.fail("the epoch came to its end")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_lost_in_mid_epoch_is_a_sentence(stripes, tmp_path, workers):
    """Symptom: an error from a loader process arrives as a page of traceback in the run's status."""
    root = shutil.copytree(stripes, tmp_path / "data")
    loading = loader(root, workers, batch_size=12)
    lost = root / "train" / "fine" / "fine_004.jpg"
    lost.write_bytes(lost.read_bytes()[:-300])
    error = error_of(loading)
    assert error.message.startswith(f"{lost} cannot be decoded: ")
    assert "Traceback" not in str(error)
    assert error.hint == "Save it again as a JPEG or PNG picture."
    lost.unlink()
    assert error_of(loading).message == f"There is no file {lost}."


def test_the_rule_for_loader_processes(monkeypatch):
    monkeypatch.setattr("alexcore.training.loader.available_cores", lambda: 16)
    assert [worker_count(-1, batch) for batch in (1, 2, 5, 8, 64)] == [0, 2, 5, 8, 8]
    assert [worker_count(asked, 32) for asked in (0, 1, 12)] == [0, 1, 12]
    monkeypatch.setattr("alexcore.training.loader.available_cores", lambda: 2)
    assert worker_count(-1, 32) == 2
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


# Objective ----------------------------------------------------------------------------------------------------


def test_class_weights_by_hand():
    assert weights_for(make_config(class_weights="none"), [1, 2]) is None
    inverse = make_config(class_weights="inverse")
    torch.testing.assert_close(weights_for(inverse, [10, 30]), torch.tensor([2.0, 2 / 3]))
    torch.testing.assert_close(weights_for(inverse, [5, 0, 5]), torch.tensor([1.0, 0.0, 1.0]))
    # Effective numbers of 1 and 1000 pictures: 1 and (1 - 0.999**1000) / 0.001 = 632.3.
    rare, common = weights_for(make_config(class_weights="effective"), [1, 1000]).tolist()
    assert rare / common == pytest.approx(632.3046, rel=1e-5)


@pytest.mark.parametrize("scheme", ["inverse", "effective"])
@pytest.mark.parametrize("counts", [[1, 1], [3, 70, 500], [1, 100_000], [4, 0, 9]])
def test_class_weights_have_mean_1_over_the_pictures(scheme, counts):
    weight = weights_for(make_config(class_weights=scheme), counts)
    assert weight.dtype == torch.float32
    mean = (weight.double() * torch.tensor(counts)).sum() / sum(counts)
    assert mean.item() == pytest.approx(1, abs=1e-6)


# Optimizer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_norms_and_biases_do_not_decay(norm):
    model = Network(3, norm=norm, width=0.125)
    model.features[0].weight.requires_grad_(False)
    decay, rest = parameter_groups(model, 0.1)
    assert (decay["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)
    assert {p.ndim for p in decay["params"]} == {2, 4}
    assert {p.ndim for p in rest["params"]} == {1}
    assert len(decay["params"]) + len(rest["params"]) == len(list(model.parameters())) - 1
    assert [group["weight_decay"] for group in parameter_groups(nn.Linear(2, 2, bias=False), 0.1)] == [0.1]


@pytest.mark.parametrize(
    ("name", "kind"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_the_optimizer_is_the_one_asked_for(name, kind):
    optimizer = build_optimizer(nn.Linear(2, 2), make_config(optimizer=name, lr=0.25, momentum=0.7))
    assert type(optimizer) is kind
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
    assert name != "sgd" or optimizer.param_groups[0]["momentum"] == 0.7
    set_lr(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]


# Plan ---------------------------------------------------------------------------------------------------------


def flat_set(root: Path, train: int, classes: int = 2):
    """An index of `train` training pictures and one of validation in each class; they are never opened."""
    for number in range(train):
        folder = root / "train" / f"c{number % classes}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").touch()
    for label in range(classes):
        (root / "val" / f"c{label}").mkdir(parents=True)
        (root / "val" / f"c{label}" / "v.jpg").touch()
    return open_folder(root)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"batch_size": 8, "epochs": 3}, (5, 5, 15, 4)),
        ({"batch_size": 36, "epochs": 2}, (1, 1, 2, 36)),
        ({"batch_size": 7, "epochs": 1, "norm": "group"}, (6, 6, 6, 1)),
        ({"batch_size": 8, "epochs": 3, "accumulation_steps": 2}, (5, 3, 9, 4)),
        ({"batch_size": 8, "epochs": 3, "accumulation_steps": 99}, (5, 1, 3, 4)),
        ({"batch_size": 8, "epochs": 3, "max_steps": 4}, (5, 5, 4, 4)),
        ({"batch_size": 8, "epochs": 3, "max_steps": 99}, (5, 5, 15, 4)),
    ],
)
def test_the_sizes_of_a_run(stripes, settings, expected):
    plan = make_plan(make_config(**settings), open_folder(stripes))
    assert (plan.train_images, plan.val_images) == (36, 12)
    assert (plan.micro_batches, plan.steps_per_epoch, plan.total_steps, plan.last_batch) == expected


def test_a_batch_larger_than_the_set(stripes):
    with pytest.raises(
        ConfigError, match=r"batch_size = 37 is larger than the training split \(36 pictures\)"
    ) as caught:
        make_plan(make_config(batch_size=37), open_folder(stripes))
    assert caught.value.hint == "Choose a batch size of at most 36."


@pytest.mark.parametrize(("train", "batch"), [(33, 32), (33, 16), (33, 8), (9, 4), (3, 2), (2, 1), (37, 1), (7, 2)])
def test_a_last_batch_of_one_and_the_hint_that_mends_it(tmp_path, train, batch):
    index = flat_set(tmp_path / "data", train)
    with pytest.raises(
        ConfigError, match=f"batch_size = {batch} leaves a last batch of 1 picture out of {train}"
    ) as caught:
        make_plan(make_config(batch_size=batch, norm="batch"), index)
    suggested = int("".join(filter(str.isdigit, caught.value.hint)))
    assert make_plan(make_config(batch_size=suggested, norm="batch"), index).last_batch > 1
    assert make_plan(make_config(batch_size=batch, norm="group"), index).last_batch == 1


def test_a_plan_needs_two_readable_classes(stripes):
    index = open_folder(stripes)
    rest = index.select("train")["path"][1:]
    with pytest.raises(DataError, match="only one class"):
        make_plan(make_config(batch_size=1), index.without(dict.fromkeys(rest, "damaged")))


# Checkpoint ---------------------------------------------------------------------------------------------------


def small_state(**changes) -> dict:
    config = make_config(width=0.125, image_size=64)
    state = {
        "model": build_model(config, 3).state_dict(),
        "config": config.model_dump(),
        "class_to_idx": {"b": 1, "a": 0, "c": 2},
        "evaluation_operations": evaluation_operations("seed", 64),
        "rng": rng_state(),
    }
    return state | changes


class Trap:
    """What a malicious pickle does: it runs code when it is loaded."""

    def __reduce__(self):
        return os.mkdir, ("trapped",)


def refused(path: Path, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        load_checkpoint(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_a_checkpoint_survives_the_disk(home):
    path, state = home / "last.pt", small_state()
    save_checkpoint(path, state)
    assert torch.load(path, weights_only=True).keys() == {"version", *state}
    model, config, classes = restore_model(load_checkpoint(path), path)
    assert (classes, config, model.training) == (("a", "b", "c"), make_config(width=0.125, image_size=64), False)
    assert all(torch.equal(value, state["model"][name]) for name, value in model.state_dict().items())
    assert os.listdir(home) == ["last.pt"]


def test_a_failed_save_keeps_the_old_checkpoint(home, monkeypatch):
    path = home / "last.pt"
    save_checkpoint(path, small_state(note="old"))

    def full_disk(state, file):
        Path(file).write_bytes(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc:595] . unexpected pos")

    monkeypatch.setattr(checkpoint_module.torch, "save", full_disk)
    with pytest.raises(CheckpointError, match=r"last\.pt cannot be written") as caught:
        save_checkpoint(path, small_state(note="new"))
    assert "disk" in caught.value.hint
    assert load_checkpoint(path)["note"] == "old"
    assert os.listdir(home) == ["last.pt"]


def test_a_checkpoint_needs_its_folder(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_checkpoint(tmp_path / "none" / "last.pt", {})


def test_a_missing_checkpoint(tmp_path):
    refused(tmp_path / "last.pt", "There is no checkpoint")
    refused(tmp_path, "There is no checkpoint")


# Each first byte is another instruction to an unpickler, and fails in its own way.
TEXTS = [b"", b"hello world\n", b"epochs: 3\n", b"(no) weights", b".", b"]x", b"GIF89a", b"\x80"]


@pytest.mark.parametrize("content", TEXTS)
def test_a_file_of_another_kind(tmp_path, content):
    (tmp_path / "last.pt").write_bytes(content)
    refused(tmp_path / "last.pt", "is no checkpoint, or a damaged one")


@pytest.mark.parametrize("keep", [0.01, 0.5, 0.99])
def test_a_torn_checkpoint(tmp_path, keep):
    path = tmp_path / "last.pt"
    save_checkpoint(path, small_state())
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    refused(path, "is no checkpoint, or a damaged one")


@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, 2))])
def test_code_in_a_checkpoint_is_not_run(tmp_path, monkeypatch, write):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "last.pt"
    write({"model": Trap()}, path)
    refused(path, r"is no checkpoint, but a pickle of objects \(.*mkdir\), which would run code of its own when opened")
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"model": {}}, "holds no run: it lacks version, config, class_to_idx, evaluation_operations"),
        ([1, 2], "holds no run: it lacks version, model"),
        ({**small_state(), "version": 2}, "has version 2; this program reads up to 1"),
        ({**small_state(), "version": "new"}, "has version new; this program reads up to 1"),
    ],
)
def test_a_checkpoint_of_another_program(tmp_path, content, message):
    torch.save(content, tmp_path / "last.pt")
    refused(tmp_path / "last.pt", message)


@pytest.mark.parametrize(
    "changes",
    [
        {"class_to_idx": {"a": 0, "b": 1}},
        {"class_to_idx": {"a": 0, "b": 1, "c": 3}},
        {"class_to_idx": {}},
        {"class_to_idx": ["a", "b", "c"]},
        {"config": {**small_state()["config"], "norm": "none"}},
        {"config": {**small_state()["config"], "epochs": 0}},
        {"config": {**small_state()["config"], "preset": "quick"}},
        {"config": None},
        {"model": {}},
        {"model": [1]},
    ],
)
def test_parts_that_do_not_fit_together(tmp_path, changes):
    with pytest.raises(CheckpointError, match=r"x\.pt (does not fit|numbers its classes)") as caught:
        restore_model(small_state(**changes), tmp_path / "x.pt")
    assert "\n" not in caught.value.message


# Device and seeds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", ["gpu", "", "cuda:99", "cuda:x", "meta", "CPU!"])
def test_an_unknown_or_absent_device(wish):
    with pytest.raises(ConfigError, match=f"device = '{wish}' is") as caught:
        choose_device(wish)
    assert "auto" in caught.value.hint


def test_a_device_is_always_found():
    assert choose_device("cpu") == CPU
    assert choose_device().type in ("cuda", "mps", "cpu")
    assert "CPU" in describe_device(CPU)
    assert choose_precision("fp32", CPU) == torch.float32
    assert choose_precision("bf16", CPU) == torch.bfloat16
    assert choose_precision("auto", CPU) in (torch.float32, torch.bfloat16)


def numbers() -> list[float]:
    return [random.random(), float(np.random.rand()), torch.rand(1).item(), float(np.random.randn())]


def test_a_seed_sets_every_generator():
    first, second, other = [], [], []
    for seed, result in ((7, first), (7, second), (8, other)):
        seed_everything(seed)
        result += numbers()
    assert first == second
    assert all(a != b for a, b in zip(first, other, strict=True))


def test_deterministic_is_switched_on_and_off():
    try:
        seed_everything(0, deterministic=True)
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.benchmark
    finally:
        seed_everything(0)
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_generators_go_on_where_a_checkpoint_left_them(tmp_path):
    """An odd number of Gaussian draws leaves one in NumPy's and Python's pockets; it must travel, too."""
    seed_everything(1)
    random.gauss(0, 1)
    numbers()
    torch.save(rng_state(), tmp_path / "rng.pt")
    expected = [*numbers(), random.gauss(0, 1)]
    seed_everything(2)
    set_rng_state(torch.load(tmp_path / "rng.pt", weights_only=True))
    assert [*numbers(), random.gauss(0, 1)] == expected


# Evaluation ---------------------------------------------------------------------------------------------------


class Stub(nn.Module):
    """Answers with the class that the first pixel names; in train mode always with class 0."""

    def forward(self, images):
        answers = torch.zeros(len(images)) if self.training else images[:, 0, 0, 0]
        return 5.0 * nn.functional.one_hot(answers.long(), 3)


def batches(pairs: list[tuple[int, int]], size: int) -> list[Batch]:
    """Pairs of (truth, answer) as batches for the stub."""
    images = torch.tensor([answer for _, answer in pairs]).view(-1, 1, 1, 1) * torch.ones(1, 3, 2, 2)
    labels = torch.tensor([truth for truth, _ in pairs])
    return list(zip(images.split(size), labels.split(size), strict=True))


PAIRS = [(0, 0), (0, 0), (0, 1), (0, 2), (1, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize("size", [1, 3, 7])
def test_evaluation_by_hand(size):
    result = evaluate(Stub(), batches(PAIRS, size), 3, CPU)
    assert result.images == 7
    assert result.acc1 == pytest.approx(4 / 7)
    assert result.confusion == [[2, 1, 1], [1, 2, 0], [0, 0, 0]]
    assert result.recall == [0.5, pytest.approx(2 / 3), None]
    # Logits 5, 0, 0: -log softmax is log(e^5 + 2) - 5 for a right answer and log(e^5 + 2) for a wrong one.
    assert result.loss == pytest.approx(np.log(np.exp(5) + 2) - 5 * 4 / 7, rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_leaves_the_mode_as_it_was(training):
    model = Stub().train(training)
    assert evaluate(model, batches(PAIRS, 2), 3, CPU).acc1 > 0.5
    assert model.training is training
    assert evaluate(model, batches(PAIRS, 2), 3, CPU, on_batch=lambda done: done < 4) is None
    assert model.training is training
    with pytest.raises(RuntimeError):
        evaluate(model, [(torch.zeros(1), torch.zeros(1))], 3, CPU)
    assert model.training is training


def test_evaluation_counts_pictures_for_its_progress():
    done: list[int] = []
    evaluate(Stub(), batches(PAIRS, 3), 3, CPU, on_batch=lambda count: done.append(count) or True)
    assert done == [3, 6, 7]


def test_an_empty_split_is_no_division_by_zero():
    result = evaluate(Stub(), [], 3, CPU)
    assert (result.images, result.acc1, result.loss, result.recall) == (0, None, None, [None] * 3)
