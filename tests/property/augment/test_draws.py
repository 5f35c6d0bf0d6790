"""Any picture through any preset becomes a finite square."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from alexcore.augment.pipeline import build_transform, draw
from alexcore.augment.presets import evaluation_operations, training_operations
from alexcore.config import FIELDS
from tests.support.augment_pipelines import picture

PRESETS = FIELDS["augment"].choices


@settings(max_examples=60, deadline=None)
@given(
    preset=st.sampled_from(PRESETS),
    size=st.integers(32, 80),
    shape=st.tuples(st.integers(1, 120), st.integers(1, 120)),
    seed=st.integers(0, 2**31 - 1),
)
def test_any_picture_becomes_a_finite_square(preset, size, shape, seed):
    image = picture(*shape, seed=seed)
    before = image.tobytes()
    for operations in (training_operations(preset, size), evaluation_operations(preset, size)):
        transform = build_transform(operations)
        tensor = draw(transform, image, seed)
        assert tensor.shape == (3, size, size)
        assert tensor.dtype == torch.float32
        assert tensor.isfinite().all()
        assert torch.equal(draw(transform, image, seed), tensor)
    assert image.tobytes() == before, "the picture itself was changed"
