"""How ranks share an epoch: together they see every picture once, in the batches of one process."""

from __future__ import annotations

from itertools import chain, pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from alexcore.augment.presets import training_operations
from alexcore.data.pack import pack
from alexcore.data.sources import open_source
from alexcore.training.loader import Batch, EpochBatches, Key
from alexcore.training.shard_loader import make_loader
from alexcore.training.sharing import last_parts, part, place
from tests.support.small_trees import open_folder

SIZES, BATCHES, RANKS = st.integers(1, 200), st.integers(1, 40), st.integers(1, 9)


@given(st.integers(0, 300), RANKS)
def test_the_parts_of_a_batch_follow_each_other_and_differ_by_one_at_most(size, ranks):
    parts = [part(size, rank, ranks) for rank in range(ranks)]
    assert [place for each in parts for place in each] == list(range(size))
    lengths = [len(each) for each in parts]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] - lengths[-1] <= 1


def keys(size: int, batch_size: int, rank: int = 0, ranks: int = 1, epoch: int = 2, start: int = 0) -> list[list[Key]]:
    batches = EpochBatches(size, batch_size, 7, True, rank, ranks)
    batches.epoch, batches.start = epoch, start
    found = list(batches)
    assert len(batches) == len(found)
    return found


@given(SIZES, BATCHES, RANKS, st.integers(0, 3))
def test_together_the_ranks_see_the_batches_of_one_process(size, batch_size, ranks, start):
    """In the same order, none padded and none dropped, also when an epoch is continued in its middle."""
    start = min(start, -(-size // (batch_size * ranks)))
    whole = keys(size, batch_size * ranks, start=start)
    shared = [keys(size, batch_size, rank, ranks, start=start) for rank in range(ranks)]
    assert [len(each) for each in shared] == [len(whole)] * ranks
    assert [list(chain(*parts)) for parts in zip(*shared, strict=True)] == whole
    assert all(len(batch) <= batch_size for each in shared for batch in each)


@given(SIZES, BATCHES, RANKS)
def test_a_place_says_which_picture_a_rank_has_seen(size, batch_size, ranks):
    for rank in range(ranks):
        batches = EpochBatches(size, batch_size, 0, False, rank, ranks)
        own = [index for batch in batches for _, index in batch]
        assert [place(position, size, batch_size, rank, ranks) for position in range(len(own))] == own


@given(SIZES, BATCHES, RANKS)
def test_last_parts_are_the_sizes_of_the_last_batches(size, batch_size, ranks):
    expected = [len(keys(size, batch_size, rank, ranks)[-1]) for rank in range(ranks)]
    assert last_parts(size, batch_size, ranks) == expected


@pytest.mark.parametrize("sharded", [False, True], ids=["folder", "shards"])
@pytest.mark.parametrize(("batch_size", "ranks"), [(4, 2), (5, 3), (1, 5), (7, 5), (35, 1)])
def test_the_pictures_of_all_ranks_are_the_epoch(stripes, tmp_path, sharded, batch_size, ranks):
    """Whatever the source, with as many batches in each rank, the last of which may be empty."""
    index = open_folder(stripes)
    if sharded:
        pack(index, tmp_path / "shards", 10)
        index = open_source(tmp_path / "shards")
    operations = training_operations("none", 32)

    def read(rank: int, ranks: int, size: int) -> list[Batch]:
        loader = make_loader(
            index,
            "train",
            operations,
            batch_size=size,
            seed=1,
            shuffle=True,
            num_workers=0,
            rank=rank,
            world_size=ranks,
        )
        return list(loader.epoch(3))

    def pictures(batches: list[Batch]) -> list[bytes]:
        return sorted(image.numpy().tobytes() for images, _ in batches for image in images)

    shared = [read(rank, ranks, batch_size) for rank in range(ranks)]
    assert {len(each) for each in shared} == {-(-36 // (batch_size * ranks))}
    assert [len(each[-1][1]) for each in shared] == last_parts(36, batch_size, ranks, sharded)
    assert all(images.shape[1:] == (3, 32, 32) for each in shared for images, _ in each)
    whole = read(0, 1, batch_size * ranks)
    assert pictures(list(chain(*shared))) == pictures(whole)
    assert len(set(pictures(whole))) == 36
    if not sharded:
        for number, (images, labels) in enumerate(whole):
            parts = [each[number] for each in shared]
            assert torch.equal(torch.cat([part[0] for part in parts]), images)
            assert torch.equal(torch.cat([part[1] for part in parts]), labels)


def test_shares_of_an_epoch_do_not_overlap(stripes):
    """So that the comparison above can fail: two ranks never have a picture in common."""
    first, second = ({index for batch in keys(36, 4, rank, 2) for _, index in batch} for rank in (0, 1))
    assert not first & second
    assert all(a != b for a, b in pairwise([keys(36, 4, 0, 2, epoch=0), keys(36, 4, 0, 2, epoch=1)]))
