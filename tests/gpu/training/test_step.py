"""A step on a GPU learns in each precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.support.learned_batch import learns


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_each_precision_learns_on_a_gpu(precision):
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    results = learns(torch.device("cuda"), precision, steps=30)
    assert results[-1].loss < 0.7 * results[0].loss
    assert np.isfinite(results[-1].grad_norm)
