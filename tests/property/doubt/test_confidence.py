"""A threshold counts what it says, whatever the confidences."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alexcore.doubt.confidence import (
    find_threshold,
)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=20, max_size=60))
def test_a_threshold_counts_what_it_says(pairs):
    confidences, correct = (np.array(column) for column in zip(*pairs, strict=True))
    found = find_threshold(confidences, correct)
    if found is not None:
        below = np.sort(confidences)[: found.below]
        assert found.below + found.above == len(pairs)
        assert found.below_wrong + found.above_wrong == (~correct).sum()
        assert below.max(initial=0) <= found.value <= np.sort(confidences)[found.below]
        assert found.below_wrong / found.below >= found.above_wrong / found.above
