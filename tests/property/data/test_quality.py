"""Whatever the pictures look like: groups are what links say, closed under "the same as", however they are found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexcore.data.inspection import quality_groups
from alexcore.data.inspection.quality_groups import DHASH_BITS, PHASH_BITS, PLAIN_CONTRAST, connected, near_groups

NODES = 12
node = st.integers(0, NODES - 1)
edges = st.lists(st.lists(st.tuples(node, node), max_size=6), max_size=5)


def closure(count: int, linked: np.ndarray) -> np.ndarray:
    """Which nodes are reachable from which: a (count, count) table, by repeated squaring."""
    reach = linked | linked.T | np.eye(count, dtype=bool)
    for _ in range(count):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    return reach


def as_table(groups: np.ndarray) -> np.ndarray:
    return groups[:, None] == groups[None, :]


@given(edges, st.sampled_from([0, 3, 1_000_000]))
def test_groups_are_the_closure_of_the_links_however_many_come_at_once(batches, at_once):
    linked = np.zeros((NODES, NODES), dtype=bool)
    for batch in batches:
        for a, b in batch:
            linked[a, b] = True
    arrays = (np.array(batch, dtype=np.int64).reshape(-1, 2) for batch in batches)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality_groups, "_PAIRS_AT_ONCE", at_once)
        groups = connected(NODES, arrays)
    assert (as_table(groups) == closure(NODES, linked)).all()
    # A group is named by its first member.
    assert all(groups[name] == name for name in groups)


@st.composite
def pictures(draw) -> pd.DataFrame:
    """Hashes a few bits away from each other, so that pairs lie on both sides of either limit; equal bytes, too."""
    base = [draw(st.integers(0, 2**64 - 1)) for _ in range(3)]
    rows = []
    for number in range(draw(st.integers(1, 14))):
        flipped = [draw(st.integers(0, PHASH_BITS)), draw(st.integers(0, DHASH_BITS)), draw(st.integers(0, 3))]
        at = draw(st.integers(0, 3)) * 8
        hashes = [each ^ ((2**bits - 1) << at) for each, bits in zip(base, flipped, strict=True)]
        rows.append(
            {
                "path": f"{number}.jpg",
                "digest": draw(st.sampled_from(["", *"abcdefgh"])) or f"only {number}",
                "reason": draw(st.sampled_from(["", "", "", "", "torn"])),
                "contrast": draw(st.sampled_from([PLAIN_CONTRAST - 0.1, PLAIN_CONTRAST, 20.0, 20.0])),
                **dict(zip(("phash", "dhash", "dhash_vertical"), hashes, strict=True)),
            }
        )
    types = dict.fromkeys(("phash", "dhash", "dhash_vertical"), "uint64")
    return pd.DataFrame(rows).astype(types)


@settings(deadline=None)
@given(pictures())
def test_groups_of_pictures_agree_with_comparing_each_with_each(measures):
    count = len(measures)
    rows = measures.to_dict("records")
    linked = np.zeros((count, count), dtype=bool)
    for i, a in enumerate(rows):
        for j, b in enumerate(rows):
            if a["reason"] or b["reason"]:
                continue
            apart = [(int(a[name]) ^ int(b[name])).bit_count() for name in ("phash", "dhash", "dhash_vertical")]
            comparable = min(a["contrast"], b["contrast"]) >= PLAIN_CONTRAST
            alike = comparable and apart[0] <= PHASH_BITS and apart[1] + apart[2] <= DHASH_BITS
            linked[i, j] = alike or a["digest"] == b["digest"]
    with pytest.MonkeyPatch.context() as patch:
        # Small tiles, so that pairs lie within one, across two, and across the ragged edge.
        patch.setattr(quality_groups, "_ROWS", 3)
        patch.setattr(quality_groups, "_COLUMNS", 4)
        groups = near_groups(measures)
    assert (as_table(groups) == closure(count, linked)).all()
