"""Chance views: the same for the same seed, never larger than asked, within their limits."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from alexcore.doubt.chance_views import chance_view


def test_a_seed_decides_everything():
    image = Image.effect_noise((90, 60), 60).convert("RGB")
    first, again, other = (chance_view(image, 64, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (40, 300), (500, 400)])
def test_a_view_is_a_part_and_never_enlarged(size):
    for seed in range(20):
        view = chance_view(Image.new("RGB", size, (120, 130, 140)), 64, np.random.default_rng(seed))
        assert view.mode == "RGB"
        assert max(view.size) <= 64
        assert view.width <= size[0]
        assert view.height <= size[1]


def test_parts_and_light_are_within_their_limits():
    """A ramp from left to right says which part was taken, one color says how it was lit."""
    ramp = Image.fromarray(np.tile(np.arange(250, dtype=np.uint8), (250, 1)))
    lights, spans = [], []
    for seed in range(40):
        lit = np.asarray(chance_view(Image.new("RGB", (99, 99), (60, 60, 60)), 64, np.random.default_rng(seed)))
        lights.append(np.log(lit.mean() / 60))
        part = np.asarray(chance_view(ramp.convert("RGB"), 250, np.random.default_rng(seed))).mean(axis=(0, 2))
        spans.append(part[-1] > part[0])
    assert -0.95 < min(lights) < -0.6
    assert 0.2 < max(lights) < 0.55
    assert 10 < sum(spans) < 30, "half are mirrored"
