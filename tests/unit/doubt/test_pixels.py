"""The 14 numbers of an image, where they can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from alexcore.doubt.pixels import COUNT, NO_STEP, SIDE, pixel_statistics

NAMES = ("red", "green", "blue", "red std", "green std", "blue std", "colorful", "saturation", "saturation std")
NAMES += ("slope", "level", "step", "flat", "entropy")


def numbers(image: Image.Image) -> dict[str, float]:
    found = pixel_statistics(image)
    assert found.shape == (COUNT,) == (len(NAMES),)
    assert found.dtype == np.float32
    return dict(zip(NAMES, found.tolist(), strict=True))


def grey(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(values.clip(0, 255)).astype(np.uint8)).convert("RGB")


def test_one_color_has_a_mean_and_nothing_else():
    found = numbers(Image.new("RGB", (300, 200), (255, 51, 0)))
    assert [found[name] for name in NAMES[:3]] == pytest.approx([1.0, 0.2, 0.0])
    assert [found[name] for name in ("red std", "green std", "blue std", "entropy", "saturation std")] == pytest.approx(
        [0.0] * 5, abs=1e-6
    )
    assert (found["flat"], found["saturation"]) == (1.0, 1.0)
    assert found["step"] == pytest.approx(np.log(NO_STEP))
    # Hasler and Suesstrunk: no spread, so 0.3 times the length of the two mean differences.
    assert found["colorful"] == pytest.approx(0.3 * np.hypot(0.8, 0.6))


def test_halves_of_black_and_white():
    values = np.zeros((SIDE, SIDE))
    values[:, SIDE // 2 :] = 255
    found = numbers(grey(values))
    assert [found[name] for name in NAMES[:9]] == pytest.approx([0.5] * 6 + [0.0] * 3)
    assert found["entropy"] == 1.0
    # One step of 1 in 127, in each row.
    assert found["step"] == pytest.approx(np.log(1 / 127 + NO_STEP))
    assert found["flat"] == pytest.approx(126 / 127)


def test_all_grey_levels_have_five_bits():
    found = numbers(grey(np.tile(np.arange(SIDE) * 2.0, (SIDE, 1))))
    assert found["entropy"] == pytest.approx(5.0)
    assert found["step"] == pytest.approx(np.log(2 / 255 + NO_STEP), abs=1e-5)


def test_the_slope_is_that_of_the_spectrum():
    """White noise has equal power at all radii; an amplitude that falls as 1 / radius has a slope of -2."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(SIDE, SIDE))
    radius = np.maximum(1, np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIDE, 1 / SIDE)] * 2)))
    natural = np.real(np.fft.ifft2(np.fft.fft2(noise) / radius))
    flat, falling = (numbers(grey(127 + 40 * each / each.std())) for each in (noise, natural))
    assert flat["slope"] == pytest.approx(0, abs=0.3)
    assert falling["slope"] == pytest.approx(-2, abs=0.3)


@pytest.mark.parametrize("size", [(1, 1), (3000, 7), (128, 128)])
def test_any_size_gives_finite_numbers(size):
    assert np.isfinite(pixel_statistics(Image.new("RGB", size))).all()
