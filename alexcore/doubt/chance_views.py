"""Chance views of an image, as another camera or a messenger would have left it: cut, darker, blurred, compressed.

Without them a dark or cropped image of the right kind counts as another kind in half of all cases.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter, ImageOps

AREA = (0.2, 1.0)
# Logarithms of factors.
RATIO, BRIGHTNESS, CONTRAST, COLOR = (-0.29, 0.29), (-0.8, 0.4), (-0.25, 0.25), (-0.12, 0.12)
BLUR_PX = (0.0, 1.5)
JPEG_QUALITY = (30, 90)


def chance_view(image: Image.Image, side: int, chance: np.random.Generator) -> Image.Image:
    """Draw a view of an RGB image: a part of it, at most `side` px wide and high, in another light and quality."""
    width, height = image.size
    area, ratio = chance.uniform(*AREA), np.exp(chance.uniform(*RATIO))
    part_width, part_height = min(width, width * np.sqrt(area * ratio)), min(height, height * np.sqrt(area / ratio))
    left, top = chance.uniform(0, width - part_width), chance.uniform(0, height - part_height)
    box = (left, top, left + part_width, top + part_height)
    # Never enlarged here: blur and compression act on the pixels that the part has, as they would outside.
    size = (min(side, max(1, round(part_width))), min(side, max(1, round(part_height))))
    view = image.resize(size, Image.Resampling.BILINEAR, box, reducing_gap=3.0)
    if chance.random() < 0.5:
        view = ImageOps.mirror(view)
    light = np.exp(chance.uniform(*BRIGHTNESS) + chance.uniform(*COLOR, size=3))
    pixels = np.asarray(view, dtype=np.float32) * light.astype(np.float32)
    middle = pixels.mean()
    pixels = (pixels - middle) * np.float32(np.exp(chance.uniform(*CONTRAST))) + middle
    view = Image.fromarray(np.rint(pixels.clip(0, 255)).astype(np.uint8))
    if chance.random() < 0.5:
        view = view.filter(ImageFilter.GaussianBlur(chance.uniform(*BLUR_PX)))
    if chance.random() < 0.5:
        view = _compressed(view, int(chance.integers(*JPEG_QUALITY, endpoint=True)))
    return view


def _compressed(image: Image.Image, quality: int) -> Image.Image:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as again:
        return again.convert("RGB")
