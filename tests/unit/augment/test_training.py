"""A run with a pipeline of its own: the same pixels whoever reads them, mixed labels, and a matching prediction."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from alexcore.analysis.prediction import Classifier
from alexcore.augment.pipeline import build_transform
from alexcore.config import load_config
from alexcore.data.decoding.images import read_picture
from alexcore.data.pack import pack
from alexcore.data.shards import open_shards
from alexcore.training.checkpoint import load_checkpoint
from alexcore.training.loader import Batch
from alexcore.training.objective import Objective, hard_labels
from alexcore.training.shard_loader import make_loader
from alexcore.training.step import train_step
from tests.support.accumulated_gradients import network
from tests.support.augment_pipelines import NORMALIZE, PIPELINE, SIDE, picture
from tests.support.interrupted_runs import (
    Watcher,
    assert_same_run,
    assert_same_state,
    at_step,
    interrupted,
    losses,
    straight,
)
from tests.support.run_folders import tiny_config
from tests.support.small_trees import open_folder

# A machine of few cores warns of loader processes; newer Pythons warn of a fork beside torch's threads.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:This process .* is multi-threaded"),
]

CPU = torch.device("cpu")
UNMIXED = PIPELINE[:-2]


@pytest.fixture(scope="module")
def sources(stripes, tmp_path_factory) -> dict[str, Any]:
    packed = pack(open_folder(stripes), tmp_path_factory.mktemp("packed") / "out", 10)
    return {"folder": open_folder(stripes), "shards": open_shards(packed)}


def batches(index: Any, epoch: int, operations: list[dict[str, Any]] = PIPELINE, **settings: Any) -> list[Batch]:
    settings = {"batch_size": 5, "seed": 3, "shuffle": True, "num_workers": 0} | settings
    return list(make_loader(index, "train", operations, **settings).epoch(epoch))


def same(ours: list[Batch], theirs: list[Batch]) -> bool:
    return len(ours) == len(theirs) and all(
        torch.equal(a, b) and torch.equal(x, y) for (a, x), (b, y) in zip(ours, theirs, strict=True)
    )


# The loader ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 8])
def test_mixed_batches_are_the_same_with_any_number_of_processes(sources, workers):
    state = torch.get_rng_state()
    expected = batches(sources["folder"], 1)
    torch.manual_seed(99)
    assert same(batches(sources["folder"], 1, num_workers=workers), expected)
    torch.set_rng_state(state)


def test_shards_mix_alike_whether_a_process_reads_them_or_not(sources):
    """Their order depends on the number of processes beyond one; the pixels of a batch on who is in it."""
    assert same(batches(sources["shards"], 1, num_workers=1), batches(sources["shards"], 1))
    first, again = (batches(sources["shards"], 1, num_workers=2) for _ in range(2))
    assert same(first, again)
    images, labels = (torch.cat(each) for each in zip(*first, strict=True))
    assert (images.shape, labels.shape) == ((36, 3, SIDE, SIDE), (36, 3))


@pytest.mark.parametrize("source", ["folder", "shards"])
def test_epochs_and_seeds_differ_and_labels_are_shares(sources, source):
    index = sources[source]
    first, second, other = batches(index, 0), batches(index, 1), batches(index, 0, seed=4)
    assert not same(first, second)
    assert not same(first, other)
    assert same(first, batches(index, 0))
    for images, labels in first:
        assert (images.dtype, labels.dtype, labels.shape) == (torch.float32, torch.float32, (len(images), 3))
        assert labels.min() >= 0
        torch.testing.assert_close(labels.sum(1), torch.ones(len(labels)))
    assert any((labels.max(1).values < 0.99).any() for _, labels in first), "nothing was mixed"


@pytest.mark.parametrize("source", ["folder", "shards"])
def test_a_batch_is_mixed_after_its_pictures_are_drawn(sources, source):
    """Which of both mixes is drawn from the batch, so the pictures of an epoch are those of the run without."""
    plain, mixed = batches(sources[source], 2, UNMIXED), batches(sources[source], 2)
    mixup = batches(sources[source], 2, PIPELINE[:-1])
    cutmix = batches(sources[source], 2, [*UNMIXED, PIPELINE[-1]])
    for (images, labels), (ours, _), (blended, shares), (cut, _) in zip(plain, mixed, mixup, cutmix, strict=True):
        assert labels.dtype == torch.int64
        share = shares[torch.arange(len(labels)), labels]
        partner = images.roll(1, 0)
        # Where the partner has the same class the share says nothing of the blend.
        for i in (labels != labels.roll(1, 0)).nonzero().flatten().tolist():
            torch.testing.assert_close(blended[i], share[i] * images[i] + (1 - share[i]) * partner[i])
        assert torch.all((cut == images) | (cut == partner)), "CutMix copies, and changes no value"
        assert not torch.equal(ours, images)


def test_a_continued_epoch_mixes_as_the_whole_one(sources):
    for index in sources.values():
        loading = make_loader(index, "train", PIPELINE, batch_size=5, seed=3, shuffle=True, num_workers=0)
        whole = list(loading.epoch(2))
        for start in (1, 6, 7):
            assert same(list(loading.epoch(2, start)), whole[start:])


# The loss -----------------------------------------------------------------------------------------------------


def test_a_whole_share_of_one_class_is_that_class():
    """Without class weights; with them torch divides by the pictures instead of by their weights."""
    logits, labels = torch.randn(6, 4, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 1, 2, 3, 0, 0])
    shares = nn.functional.one_hot(labels, 4).float()
    for smoothing in (0.0, 0.2):
        objective = Objective(None, smoothing)
        hard, soft = (objective(logits, each, objective.total_weight(each)) for each in (labels, shares))
        torch.testing.assert_close(hard, soft)


def test_accuracy_of_a_mixed_batch_counts_the_larger_share():
    shares = torch.tensor([[0.7, 0.3, 0.0], [0.2, 0.3, 0.5], [0.0, 0.51, 0.49]])
    assert hard_labels(shares).tolist() == [0, 2, 1]
    assert hard_labels(torch.tensor([2, 0])).tolist() == [2, 0]
    model = copy.deepcopy(network("group"))
    images = torch.randn(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    answers = model(images).argmax(1)
    for larger in range(3):
        labels = torch.full((3, 3), 0.2)
        labels[:, larger] = 0.6
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        result = train_step(model, optimizer, Objective(), [(images, labels)], CPU)
        assert result.correct == int((answers == larger).sum())


# A run --------------------------------------------------------------------------------------------------------


def config_of(data: Path, **values: Any) -> Any:
    chances = {"epochs": 2, "augment": PIPELINE, "accumulation_steps": 2, "label_smoothing": 0.1, "seed": 5}
    return tiny_config(data, **{**chances, "class_weights": "effective", **values})


@pytest.fixture(scope="module")
def whole(stripes, tmp_path_factory) -> tuple[Path, Watcher]:
    return straight(config_of(stripes), tmp_path_factory.mktemp("whole"))


def test_a_mixed_run_that_was_interrupted_ends_as_the_straight_one(stripes, whole):
    pieces = interrupted(config_of(stripes, num_workers=2), [at_step(1), at_step(4)])
    assert_same_run(whole, pieces)
    assert losses(pieces[1]) == losses([whole[1]])
    with pytest.raises(AssertionError):
        assert_same_run(whole, (straight(config_of(stripes, augment=UNMIXED))[0], [whole[1]]))


def test_the_run_keeps_its_pipeline_and_the_matching_evaluation(stripes, whole):
    """Symptom: a network answers badly outside, because it is shown other numbers than in its validation."""
    folder, watcher = whole
    kept = json.loads((folder / "config.json").read_text())["augment"]
    assert kept == PIPELINE == load_config(folder / "config.json").augment
    evaluation = [{"op": "Resize", "size": [SIDE, SIDE]}, {"op": "ToTensor"}, NORMALIZE]
    for name in ("last.pt", "best.pt"):
        state = load_checkpoint(folder / "checkpoints" / name)
        assert state["evaluation_operations"] == evaluation
        assert_same_state(state["config"]["augment"], PIPELINE, "augment")
    classifier = Classifier(folder / "checkpoints" / "last.pt")
    image = picture(90, 50)
    assert torch.equal(classifier.transform(image), build_transform(evaluation)(image))
    # The same answers as in the validation of the run, so the same accuracy.
    rows = open_folder(stripes).select("val")
    index = open_folder(stripes)
    images = [read_picture(index.path_of(path)).image for path in rows["path"]]
    right = (classifier.probabilities(images).argmax(1) == torch.tensor(rows["label"].tolist())).sum().item()
    assert right / len(images) == watcher.of("epoch")[-1]["val_acc1"]


def test_measured_colours_replace_those_of_the_pipeline(stripes):
    """`normalize` = data: training and evaluation agree on them."""
    folder, _ = straight(config_of(stripes, normalize="data", epochs=1))
    operations = load_checkpoint(folder / "checkpoints" / "last.pt")["evaluation_operations"]
    (measured,) = (each for each in operations if each["op"] == "Normalize")
    assert measured["mean"] != NORMALIZE["mean"]
    assert all(0.3 < mean < 0.7 for mean in measured["mean"])
