"""Training from shards: the batches of the Iterable-style loader, and a run from packing to a resume."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from alexcore.augment.presets import training_operations
from alexcore.data.index import DataIndex
from alexcore.data.pack import pack
from alexcore.data.shards import open_shards
from alexcore.errors import DataError
from alexcore.training.loader import Batch, Loader, Reading
from alexcore.training.shard_loader import ShardLoader, full_batches_before, make_loader, turns
from tests.support.small_trees import open_folder

# A machine of few cores warns of loader processes; newer Pythons warn of a fork beside torch's threads.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:This process .* is multi-threaded"),
]


@pytest.fixture(scope="module")
def packed(stripes, tmp_path_factory) -> Path:
    """The stripes as four training shards (10, 10, 10, 6 pictures) and two for val."""
    return pack(open_folder(stripes), tmp_path_factory.mktemp("packed") / "out", 10)


def loader(index: DataIndex, workers: int = 0, **settings: Any) -> ShardLoader:
    settings = {"batch_size": 5, "seed": 3, "shuffle": True} | settings
    loading = make_loader(index, "train", training_operations("strong", 32), num_workers=workers, **settings)
    assert isinstance(loading, ShardLoader)
    return loading


def pixels(batches: list[Batch]) -> list[tuple[int, bytes]]:
    """Every picture with its label, whatever the order."""
    return sorted(
        (int(label), image.numpy().tobytes())
        for images, labels in batches
        for image, label in zip(images, labels, strict=True)
    )


def same(ours: list[Batch], theirs: list[Batch]) -> bool:
    return len(ours) == len(theirs) and all(
        torch.equal(a, b) and torch.equal(x, y) for (a, x), (b, y) in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_an_epoch_is_every_picture_once_and_drawn_as_from_its_source(stripes, packed, workers):
    """Four shards do not divide by three processes; pictures and draws are those of the source all the same."""
    operations = training_operations("strong", 32)
    how = Reading(5, seed=3, shuffle=True, num_workers=0)
    expected = pixels(list(Loader(open_folder(stripes), "train", operations, how).epoch(1)))
    state = torch.get_rng_state()
    loading = loader(open_shards(packed), workers)
    first, second, again = (list(loading.epoch(number)) for number in (0, 1, 0))
    assert [len(labels) for _, labels in second] == [5] * 7 + [1]
    assert len(loading) == 8
    assert pixels(second) == expected
    assert same(first, again)
    assert pixels(first) != expected, "another epoch is another draw"
    for start in (1, 6, 7, 8):
        assert same(list(loading.epoch(1, start)), second[start:])
    assert torch.equal(torch.get_rng_state(), state), "dropout would differ"


def test_the_order_is_another_one_each_epoch_and_no_class_comes_alone(packed):
    loading = loader(open_shards(packed), batch_size=36)
    orders = [next(loading.epoch(number))[1].tolist() for number in range(3)]
    assert len({tuple(order) for order in orders}) == 3
    assert all(len(set(order[:12])) == 3 for order in orders)
    fixed = loader(open_shards(packed), batch_size=36, shuffle=False)
    assert next(fixed.epoch(0))[1].tolist() == next(fixed.epoch(1))[1].tolist()


def test_the_buffer_shuffles_within_a_shard(stripes, tmp_path, monkeypatch):
    index = open_shards(pack(open_folder(stripes), tmp_path / "one"))
    orders = {tuple(next(loader(index, batch_size=36).epoch(number))[1].tolist()) for number in range(3)}
    assert len(orders) == 3
    monkeypatch.setattr("alexcore.training.shard_loader.SHUFFLE_BUFFER", 1)
    orders = {tuple(next(loader(index, batch_size=36).epoch(number))[1].tolist()) for number in range(3)}
    assert len(orders) == 1


@pytest.mark.parametrize("world_size", [2, 3, 5])
def test_ranks_share_an_epoch_evenly(packed, world_size):
    index = open_shards(packed)
    ranks = [loader(index, rank=rank, world_size=world_size, batch_size=4) for rank in range(world_size)]
    parts = [list(each.epoch(2)) for each in ranks]
    assert pixels([batch for part in parts for batch in part]) == pixels(list(loader(index).epoch(2)))
    assert [len(part) for part in parts] == [len(each) for each in ranks]
    sizes = [sum(len(labels) for _, labels in part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_the_environment_of_a_cluster_does_not_hide_pictures(packed, monkeypatch):
    """The library takes its share from such variables, also where they mean something else."""
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "4"), ("WORKER", "1"), ("NUM_WORKERS", "4")):
        monkeypatch.setenv(name, value)
    assert sum(len(labels) for _, labels in loader(open_shards(packed)).epoch()) == 36


def test_labels_come_from_the_index_and_left_out_pictures_stay_out(packed):
    """A choice of classes gives the same files other numbers."""
    index = open_shards(packed)
    files = index.files[index.files["label"] > 0].assign(label=lambda rows: rows["label"] - 1)
    chosen = DataIndex(index.root, "", index.classes[1:], files.reset_index(drop=True))
    labels = torch.cat([labels for _, labels in loader(chosen).epoch()])
    assert labels.bincount().tolist() == [12, 12]


@pytest.mark.parametrize(
    ("sizes", "batch_size"), [([9, 9, 8], 4), ([3, 3, 2], 8), ([8, 8], 4), ([0, 1, 1], 2), ([7], 3)]
)
def test_which_batches_come_before_a_start(sizes, batch_size):
    """By hand for [9, 9, 8] in fours: rounds of full batches, then the rests 1 and 1."""
    total = -(-sum(sizes) // batch_size)
    assert sum(size for _, size in turns(sizes, batch_size)) == sum(sizes)
    assert full_batches_before(0, sizes, batch_size) == [0] * len(sizes)
    assert full_batches_before(total, sizes, batch_size) == [size // batch_size for size in sizes]
    if sizes == [9, 9, 8]:
        assert list(turns(sizes, 4)) == [(0, 4), (1, 4), (2, 4), (0, 4), (1, 4), (2, 4), (0, 1), (1, 1)]
        assert [full_batches_before(start, sizes, 4) for start in (1, 4)] == [[1, 0, 0], [2, 1, 1]]


def error_of(loading: ShardLoader) -> DataError:
    """What an epoch ends with, without the traceback, whose cycle would hold the loader processes."""
    try:
        list(loading.epoch())
    except DataError as error:
        return error.with_traceback(None)
    pytest.fail("the epoch came to its end")


@pytest.mark.parametrize("workers", [0, 2])
def test_damage_in_mid_epoch_is_a_sentence(packed, tmp_path, workers):
    root = shutil.copytree(packed, tmp_path / "data")
    index = open_shards(root)
    path, offset = index.select("train").loc[4, ["path", "offset"]]
    shard = root / path.partition("!")[0]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:offset] + b"no picture" + whole[offset + 10 :])
    assert error_of(loader(index, workers)).message.startswith(f"{root}/{path} is no picture")
    shard.write_bytes(whole[: len(whole) // 3])
    error = error_of(loader(index, workers))
    assert error.message == f"{shard} cannot be read: it is missing, truncated or damaged."
    assert "Traceback" not in str(error)
    shard.unlink()
    assert error_of(loader(index, workers)).message == error.message
    other = next(each for each in sorted(root.glob("train-*.tar")) if each != shard)
    shutil.copy(other, shard)
    assert error_of(loader(index, workers)).message.startswith(f"{shard} lacks ")
