"""One synthetic picture: flowers before a background, developed as by a camera.

Place, size, tilt, light, background, blur and occlusion vary, and colour alone does not tell the classes apart.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from alexcore.data.flowers.flower_brush import Brush, Floats, Pose, leaf_green
from alexcore.data.flowers.flower_drawing import PAINTERS
from alexcore.errors import ConfigError

CLASSES = tuple(PAINTERS)

# Colours of petals by class, the frequent ones first. They overlap: yellow occurs in all five, white in four.
HUES = {
    **{"white": (248, 246, 242), "cream": (250, 236, 196), "yellow": (252, 216, 54), "gold": (246, 178, 24)},
    **{"orange": (240, 126, 40), "peach": (249, 186, 150), "pink": (242, 146, 176), "magenta": (214, 56, 134)},
    **{"red": (208, 34, 44), "crimson": (142, 20, 44), "purple": (132, 66, 168), "lavender": (188, 156, 224)},
}
PALETTES = {
    "daisy": ("white", "white", "cream", "pink", "yellow", "lavender", "magenta", "orange", "gold", "red"),
    "dandelion": ("yellow", "yellow", "gold", "gold", "cream", "orange", "peach", "white"),
    "roses": ("red", "pink", "white", "yellow", "peach", "magenta", "crimson", "lavender", "orange", "gold"),
    "sunflowers": ("gold", "yellow", "gold", "orange", "cream", "crimson", "peach", "red"),
    "tulips": ("red", "yellow", "pink", "white", "purple", "orange", "magenta", "gold", "peach", "crimson"),
}
GREENS = np.array([[70, 120, 50], [110, 160, 70], [44, 86, 48], [150, 180, 90], [90, 140, 100.0]])
LIGHTS = np.array([[250, 220, 120], [240, 160, 170], [250, 246, 230], [190, 140, 220], [230, 80, 70.0]])
PEBBLES = np.array([[150, 132, 112], [84, 60, 44], [176, 160, 140.0]])
PAINTS = np.array([[226, 214, 196], [176, 98, 76], [120, 134, 150], [206, 184, 130], [232, 232, 230.0]])
LIMITS = {"images_per_class": (2, 20_000), "size": (32, 1024), "difficulty": (0, 1), "workers": (1, 256)}
LIMITS |= {"seed": (0, 2**32 - 1), "index": (0, 2**32 - 1)}


def require_within(**values: float) -> None:
    """Raise ConfigError for the first value outside its `LIMITS`."""
    for name, value in values.items():
        low, high = LIMITS[name]
        if not low <= value <= high:  # also true of NaN
            raise ConfigError(f"{name} is {value}; it must lie in {low}..{high}.", f"Choose another {name}.")


def _pick_hue(class_name: str, rng: np.random.Generator, overlap: float) -> Floats:
    """Return a petal colour (3,) of the class; `overlap` in [0, 1] evens out the frequent and the rare."""
    palette = PALETTES[class_name]
    weights = np.linspace(1, 0.1, len(palette)) ** (2 * (1 - overlap))
    name = palette[int(rng.choice(len(palette), p=weights / weights.sum()))]
    return np.array(HUES[name]) * rng.uniform(0.9, 1.06, 3)


def _texture(rng: np.random.Generator, px: int, cells: int, low: float, high: float) -> Floats:
    """Return smooth noise (px, px, 1) between `low` and `high` with about `cells` lumps a side."""
    lumps = Image.fromarray(rng.integers(0, 256, (cells, cells), dtype=np.uint8))
    smooth = np.asarray(lumps.resize((px, px), Image.Resampling.BICUBIC), dtype=np.float64)
    return (low + (high - low) * smooth / 255)[..., None]


def _gradient(px: int, top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Floats:
    """Return a vertical gradient, (px, px, 3) float64."""
    way = np.linspace(0, 1, px)[:, None, None]
    return np.broadcast_to(np.array(top) * (1 - way) + np.array(bottom) * way, (px, px, 3)).copy()


def _to_image(pixels: Floats) -> Image.Image:
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _discs(image: Image.Image, rng: np.random.Generator, count: int, colours: Floats, largest: float) -> None:
    """Scatter translucent discs: lights, flowers and leaves out of focus."""
    pen, px = ImageDraw.Draw(image, "RGBA"), image.width
    for _ in range(count):
        x, y, radius = rng.uniform(0, px), rng.uniform(0, px), rng.uniform(0.03, largest) * px
        red, green, blue = (int(channel) for channel in colours[rng.integers(len(colours))])
        box = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(box, fill=(red, green, blue, int(rng.integers(70, 180))))


def _blades(image: Image.Image, rng: np.random.Generator, count: int, reach: float, broad: float = 1) -> None:
    """Draw tapering blades of grass from the lower edge up to about `reach` of the height."""
    pen, px = ImageDraw.Draw(image, "RGBA"), image.width
    for _ in range(count):
        x, tip = rng.uniform(-0.1, 1.1) * px, rng.normal(0, 0.12 * broad) * px
        width, top = rng.uniform(0.01, 0.035) * px * broad, px * (1 - reach * rng.uniform(0.5, 1.1))
        shade, middle, bow = rng.uniform(0.55, 1.25), (px + top) / 2, x + tip * 0.3
        green = (int(66 * shade), int(122 * shade), int(48 * shade), 235)
        left, right = (bow - width * 0.7, middle), (bow + width * 0.7, middle)
        pen.polygon([(x - width, px), left, (x + tip, top), right, (x + width, px)], fill=green)


def _sky(rng: np.random.Generator, px: int) -> Image.Image:
    sunset = rng.random() < 0.3
    sky = _gradient(px, (92, 96, 160), (250, 176, 120)) if sunset else _gradient(px, (84, 148, 214), (206, 228, 240))
    clouds = (_texture(rng, px, 6, -0.7, 0.9) + _texture(rng, px, 12, -0.3, 0.3)).clip(0, 1)
    image = _to_image(sky * (1 - clouds) + np.array([255, 250, 244]) * clouds)
    if rng.random() < 0.7:
        _blades(image, rng, 60, rng.uniform(0.15, 0.5))
    return image


def _meadow(rng: np.random.Generator, px: int) -> Image.Image:
    image = _to_image(_gradient(px, (166, 196, 110), (48, 92, 44)) * _texture(rng, px, 7, 0.7, 1.25))
    _discs(image, rng, int(rng.integers(8, 20)), GREENS, 0.12)
    _discs(image, rng, int(rng.integers(0, 14)), LIGHTS, 0.07)
    _blades(image, rng, 40, rng.uniform(0.3, 0.8))
    return image


def _soil(rng: np.random.Generator, px: int) -> Image.Image:
    earth = np.array([116, 84, 60]) * rng.uniform(0.7, 1.2)
    image = _to_image(earth * _texture(rng, px, 9, 0.7, 1.2) * _texture(rng, px, max(10, px // 3), 0.75, 1.25))
    _discs(image, rng, 40, PEBBLES, 0.035)
    _discs(image, rng, int(rng.integers(0, 10)), GREENS, 0.06)
    return image


def _wall(rng: np.random.Generator, px: int) -> Image.Image:
    paint = PAINTS[rng.integers(len(PAINTS))]
    grain = _texture(rng, px, 5, 0.85, 1.1) * _texture(rng, px, max(10, px // 2), 0.93, 1.07)
    image = _to_image(np.broadcast_to(paint, (px, px, 3)) * grain)
    pen, joint, wide = ImageDraw.Draw(image, "RGBA"), (40, 32, 28, 90), max(1, px // 50)
    kind, course = rng.integers(3), px / rng.uniform(4, 8)  # bricks, planks or plain plaster
    for row, at in enumerate(np.arange(0, px, course) if kind < 2 else ()):
        pen.line((0, at, px, at) if kind == 0 else (at, 0, at, px), fill=joint, width=wide)
        for x in (np.arange(6) + 0.5 * (row % 2)) * course * 2 if kind == 0 else ():
            pen.line((x, at, x, at + course), fill=joint, width=wide)
    return image


def _night(rng: np.random.Generator, px: int) -> Image.Image:
    image = _to_image(_gradient(px, (14, 18, 44), (52, 44, 84)) * _texture(rng, px, 4, 0.7, 1.3))
    _discs(image, rng, int(rng.integers(6, 22)), LIGHTS, 0.09)
    _blades(image, rng, int(rng.integers(0, 30)), 0.4)
    return image


def _foliage(rng: np.random.Generator, px: int) -> Image.Image:
    image = _to_image(_gradient(px, (40, 76, 44), (24, 50, 34)) * _texture(rng, px, 6, 0.7, 1.4))
    pen = ImageDraw.Draw(image, "RGBA")
    for _ in range(70):
        x, y, angle, reach = *rng.uniform(0, px, 2), rng.uniform(0, 2 * np.pi), rng.uniform(0.08, 0.2) * px
        leaf = x + 1j * y + reach * np.exp(1j * angle) * np.array([-1, -0.3 + 0.25j, 1, -0.3 - 0.25j])
        red, green, blue = (int(c) for c in GREENS[rng.integers(len(GREENS))] * rng.uniform(0.5, 1.0))
        pen.polygon(leaf.view(np.float64).tolist(), fill=(red, green, blue, 220))
    return image


def _paper(rng: np.random.Generator, px: int) -> Image.Image:
    ramp = _gradient(px, (255, 255, 255), (150, 150, 150)) / 235
    return _to_image(rng.uniform(110, 245, 3) * ramp * _texture(rng, px, 3, 0.85, 1.1))


BACKGROUNDS = (_sky, _meadow, _meadow, _soil, _wall, _wall, _night, _foliage, _paper)


def _places(rng: np.random.Generator, count: int, strain: float) -> Iterator[tuple[float, float, float]]:
    """Yield (x, y, radius) of the heads as shares of the picture, from the farthest to the nearest."""
    jitter = 0.04 + 0.1 * strain
    if count == 1:
        low, high = 0.42 - 0.14 * strain, 0.42 + 0.08 * strain
        x, y = rng.normal(0.5, jitter, 2).clip(0.12, 0.88)
        yield x, y, rng.uniform(low, high)
        return
    # On a ring around the middle, so that heads overlap at most a little.
    start, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.3)
    for order in range(count):
        angle = start + order * 2 * np.pi / count
        x = 0.5 + reach * 1.15 * np.cos(angle) + rng.normal(0, jitter * 0.4)
        y = 0.47 + reach * np.sin(angle) + rng.normal(0, jitter * 0.4)
        radius = rng.uniform(0.27 - 0.12 * strain, 0.27) * (1.15 if count == 2 else 1.0)
        yield x, y, radius * (0.8 + 0.4 * order / count)


def _occlude(image: Image.Image, rng: np.random.Generator, strain: float) -> None:
    """Put soft blades of grass, or discs out of focus, in front of the flowers."""
    px = max(48, image.width // 4)
    front = Image.new("RGBA", (px, px), (84, 124, 64, 0))
    if rng.random() < 0.6:
        _blades(front, rng, int(rng.integers(1, 3 + round(4 * strain))), rng.uniform(0.4, 1.0), broad=2.2)
    else:
        tints = np.concatenate([GREENS, LIGHTS])
        _discs(front, rng, int(rng.integers(1, 3)), tints, 0.1 + 0.1 * strain)
    front = front.filter(ImageFilter.GaussianBlur(px * rng.uniform(0.008, 0.025)))
    front = front.resize(image.size, Image.Resampling.BICUBIC)
    image.paste(front, mask=front)


def _develop(image: Image.Image, rng: np.random.Generator, difficulty: float) -> Image.Image:
    """Photograph the finished picture: blur, exposure, tint of the light, vignette and grain."""
    size = image.width
    if rng.random() < 0.1 + 0.4 * difficulty:
        image = image.filter(ImageFilter.GaussianBlur(size / 256 * rng.uniform(0.2, 0.4 + 1.4 * difficulty)))
    image = ImageEnhance.Color(image).enhance(rng.uniform(1 - 0.4 * difficulty, 1 + 0.15 * difficulty))
    exposure = np.exp(rng.normal(-0.03, 0.02 + 0.14 * difficulty))
    tint = np.asarray(exposure + rng.normal(0, 0.01 + 0.03 * difficulty, 3), dtype=np.float32)
    span = np.linspace(-1, 1, size, dtype=np.float32)
    slope = rng.normal(0, 0.03 + 0.08 * difficulty, 2).astype(np.float32)
    field = 1 + slope[0] * span[:, None] + slope[1] * span - 0.12 * (span[:, None] ** 2 + span**2)
    strength = np.float32(rng.uniform(0, 0.01 + 0.05 * difficulty))
    grain = rng.integers(-128, 128, (size, size, 1), dtype=np.int8) * strength
    developed = np.asarray(image, dtype=np.float32) * (tint * field[..., None]) + grain
    return Image.fromarray(developed.clip(0, 255).astype(np.uint8))


def draw_flower(
    class_name: str, *, size: int = 256, seed: int = 0, index: int = 0, difficulty: float = 0.5
) -> Image.Image:
    """Draw one picture of `size` px, 32..1024, with one to four flowers of a class; `index` counts within the class.

    `difficulty`, 0..1, is how strongly blur, occlusion, size, place, light and colour overlap vary.

    Returns:
        An RGB image of size x size px, the same for the same arguments.

    Raises:
        ConfigError: An argument is out of range.
    """
    if class_name not in CLASSES:
        raise ConfigError(f"There is no flower class {class_name!r}.", f"Choose one of {', '.join(CLASSES)}.")
    require_within(size=size, seed=seed, index=index, difficulty=difficulty)
    # Three streams, so that the flowers stay the same when another size needs more noise for the rest.
    root = np.random.SeedSequence([seed, CLASSES.index(class_name), index])
    rng, scenery_rng, finish_rng = (np.random.default_rng(child) for child in root.spawn(3))
    canvas_px = size * 2  # drawn at twice the size and reduced: that is the anti-aliasing
    scenery_px = max(48, size // 2)
    scenery = BACKGROUNDS[rng.integers(len(BACKGROUNDS))](scenery_rng, scenery_px)
    scenery = scenery.filter(ImageFilter.GaussianBlur(scenery_px / 128 * rng.uniform(0.6, 3.0)))
    canvas = scenery.resize((canvas_px, canvas_px), Image.Resampling.BICUBIC)
    brush = Brush(canvas, rng, light=rng.uniform(-np.pi, 0))
    above = rng.random() < 0.12  # once a picture: a bed is looked at from one side
    count = 1 + int(rng.choice(4, p=[0.6, 0.24, 0.1, 0.06]))
    # Shape strains little up to 0.5, to be learned in ten epochs; colour and light mislead from the start.
    overlap, strain = 0.3 + 0.5 * difficulty, difficulty**3
    hue = _pick_hue(class_name, rng, overlap)
    for x, y, radius in _places(rng, count, strain):
        turn = rng.normal(0, 0.25) if class_name == "tulips" else rng.uniform(-np.pi, np.pi)
        squash, axis = rng.uniform(0.85 - 0.35 * strain, 1.0), rng.uniform(-np.pi, 0)
        place = (x * canvas_px, y * canvas_px, radius * canvas_px)
        pose = Pose(*place, turn, squash, axis, ground=canvas_px * 1.05, above=above)
        PAINTERS[class_name](brush, pose, hue, leaf_green(rng))
        if rng.random() < 0.3:  # most beds hold one colour, some are mixed
            hue = _pick_hue(class_name, rng, overlap)
    if rng.random() < 0.1 + 0.6 * strain:
        _occlude(canvas, rng, strain)
    return _develop(canvas.reduce(2), finish_rng, difficulty)
