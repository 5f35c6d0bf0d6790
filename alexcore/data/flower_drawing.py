"""How one synthetic flower is drawn: petals, discs, stems and leaves of the five classes.

A head lives in its own unit plane: centre (0, 0), outermost petal tip at distance about 1, y down as in
images. A `Pose` carries that plane to pixels, so that a species is drawn the same at every size and tilt.
The classes differ in the shape and the arrangement of petals; their colours overlap on purpose, because a
network should not get away with a histogram.

Nothing is anti-aliased: draw at twice the size and reduce.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Floats = NDArray[np.float64]
Painter = Callable[["Brush", "Pose", Floats], None]

UP = -np.pi / 2
GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))  # the divergence of florets on real plants


@dataclass(frozen=True)
class Pose:
    """Where a head sits and how it is seen."""

    x: float  # of the centre, px
    y: float
    radius: float  # length of the unit, px
    turn: float  # rotation in the image plane, radians
    squash: float  # foreshortening along `axis`: 1 is seen from straight above, 0.5 from well aside
    axis: float  # radians, -pi..0: it points to the upper half of the picture
    ground: float  # where the stem leaves the picture, y in px
    above: bool = False  # whether a species with two views (the tulip) is looked down on

    def place(self, points: Floats) -> Floats:
        """Carry points (..., 2) from the unit plane to pixels."""
        axis = np.array([np.cos(self.axis), np.sin(self.axis)])
        squashed = points - (1 - self.squash) * (points @ axis)[..., None] * axis
        return np.asarray(squashed * self.radius + (self.x, self.y), dtype=np.float64)


class Brush:
    """Fills and lines on an RGB canvas, with the light (a direction, radians) and randomness of all parts."""

    def __init__(self, image: Image.Image, rng: np.random.Generator, light: float) -> None:
        self.pen = ImageDraw.Draw(image, "RGBA")
        self.rng = rng
        self.light = light

    def fill(self, points: Floats, colour: Floats, alpha: int = 255) -> None:
        """Fill the polygon `points` (N, 2) px with `colour` (3,) in 0..255."""
        self.pen.polygon(points.ravel().tolist(), fill=_ink(colour, alpha))

    def line(self, points: Floats, colour: Floats, width: float, alpha: int = 255) -> None:
        """Draw an open line through `points` (N, 2) px, `width` px wide."""
        self.pen.line(points.ravel().tolist(), fill=_ink(colour, alpha), width=max(1, round(width)))


@dataclass(frozen=True)
class Petal:
    """The form of a petal or leaf: half-width t^rise (1 - t^late)^fall over the way t from base to tip."""

    width: float  # largest half-width, in units of the head
    rise: float  # small for a broad base, near 1 for a narrow one
    late: float  # large when the petal stays wide until shortly before the tip
    fall: float  # 0.5 rounds the tip, 1 and more points it
    samples: int = 13  # points along one edge
    shaded: bool = True  # with the shadow, veins and folds that only show on large petals
    ripple: float = 0.0  # depth of the teeth of its edge, as a share of the width

    def half_widths(self) -> tuple[Floats, Floats]:
        """Return the way (samples,) in [0, 1] and the half-width there, in units of the head."""
        # Denser at both ends, where the outline turns fastest.
        way = (1 - np.cos(np.linspace(0, np.pi, self.samples))) / 2
        half = way**self.rise * (1 - way**self.late).clip(0) ** self.fall
        half *= self.width / half.max()
        teeth = np.where(np.arange(self.samples) % 2, 1 - self.ripple, 1.0)
        return way, half * teeth


def _ink(colour: Floats, alpha: int) -> tuple[int, int, int, int]:
    red, green, blue = colour.tolist()
    return min(255, max(0, int(red))), min(255, max(0, int(green))), min(255, max(0, int(blue))), alpha


def mix(first: Floats, second: Floats, share: float) -> Floats:
    """Return `first` (3,) with `share` in [0, 1] of `second`."""
    return first + (second - first) * share


def colour(red: float, green: float, blue: float) -> Floats:
    """Return an RGB colour as (3,) float64 in 0..255."""
    return np.array([red, green, blue], dtype=np.float64)


BLACK, WHITE = colour(16, 12, 20), colour(255, 255, 250)


def _unit(angle: Floats | float) -> Floats:
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


CIRCLE, SPOT, FAN = (_unit(np.linspace(0, 2 * np.pi, corners, endpoint=False)) for corners in (28, 6, 9))


def _spiral(count: int) -> Floats:
    """Return `count` points of a sunflower's spiral in the unit disc, (count, 2)."""
    order = np.arange(count)
    return _unit(order * GOLDEN_ANGLE) * np.sqrt((order + 0.5) / count)[:, None]


def draw_petals(
    brush: Brush,
    pose: Pose,
    petal: Petal,
    angles: Floats,
    lengths: Floats | float,
    base: Floats,
    tip: Floats,
    *,
    inner: float = 0.0,
    bend: Floats | float = 0.0,
) -> None:
    """Draw petals one over the other in the order of `angles`.

    Args:
        brush: Canvas and light.
        pose: The head's place; lengths below are in its units.
        petal: Form of every petal.
        angles: (N,) directions, radians.
        lengths: (N,) or one distance of the tips from the centre.
        base: (3,) colour at the base.
        tip: (3,) colour at the tip.
        inner: Distance of the bases from the centre.
        bend: (N,) or one sideways shift of the tips.
    """
    way, half = petal.half_widths()
    out, side = _unit(angles)[:, None], _unit(angles + np.pi / 2)[:, None]
    reach = inner + (np.broadcast_to(lengths, angles.shape)[:, None] - inner) * way
    spine = reach[..., None] * out + (np.broadcast_to(bend, angles.shape)[:, None] * way**2)[..., None] * side
    left = pose.place(spine + half[:, None] * side)
    right = pose.place(spine - half[:, None] * side)
    spines = pose.place(spine)
    # All strips of all petals in one go: (N, samples - 1, 4 corners, 2). Each reaches below the next one, or
    # rounding to pixels would leave hair lines between them.
    far = np.minimum(np.arange(petal.samples - 1) + 2, petal.samples - 1)
    strips = np.stack([left[:, :-1], left[:, far], right[:, far], right[:, :-1]], axis=2)
    corners = strips.reshape(*strips.shape[:2], 8).tolist()
    brightness = 1 + 0.13 * np.cos(angles - brush.light) + brush.rng.normal(0, 0.035, angles.shape)
    shares = np.linspace(0, 1, petal.samples - 1)[:, None]
    ramps = (base + (tip - base) * shares) * brightness[:, None, None]
    inks = ramps.clip(0, 255).astype(np.int64).tolist()
    shadow = -_unit(brush.light) * pose.radius * 0.025
    for index in range(len(angles)):
        edge, spine = left[index], spines[index]
        contour = np.concatenate([edge, right[index][::-1]])
        if petal.shaded:
            brush.fill(contour + shadow, BLACK, 58)
        for strip, ink in zip(corners[index], inks[index], strict=True):
            brush.pen.polygon(strip, fill=tuple(ink))
        if not petal.shaded:
            continue
        lit = edge if np.cos(angles[index] + np.pi / 2 - brush.light) > 0 else right[index]
        # A wide petal turns away from the light by degrees, a narrow one in one fold.
        for lean in (0.0, 0.3, 0.6) if petal.width > 0.2 else (0.0,):
            fold = spine + (lit - spine) * lean
            brush.fill(np.concatenate([lit, fold[::-1]]), WHITE, 16 if petal.width > 0.2 else 34)
        for lean in (-0.45, 0.0, 0.45):
            vein = spine + (edge - spine) * lean
            brush.line(vein[1:-2], ramps[index][0] * 0.72, pose.radius * 0.012, 70)
        brush.line(contour, ramps[index][-1] * 0.62, pose.radius * 0.01, 90)


def _ring(rng: np.random.Generator, count: int, start: float, loose: float = 0.12) -> Floats:
    """Return `count` directions around the circle, shuffled a little so that no ring looks stamped."""
    step = 2 * np.pi / count
    return start + np.arange(count) * step + rng.normal(0, loose * step, count)


def _dome(brush: Brush, pose: Pose, radius: float, rim: Floats, top: Floats) -> None:
    """Draw a round body as rings that grow lighter towards the light."""
    brush.fill(pose.place(CIRCLE * radius * 1.1) - _unit(brush.light) * pose.radius * 0.03, BLACK, 70)
    for share in np.linspace(0, 1, 8):
        centre = _unit(brush.light) * radius * 0.28 * share
        brush.fill(pose.place(CIRCLE * radius * (1 - 0.82 * share) + centre), mix(rim, top, share))


def _stem(brush: Brush, pose: Pose, width: float, green: Floats) -> Floats:
    """Draw a bent stem from the head to the ground and return its spine, (9, 2) px from top to bottom."""
    lean = brush.rng.normal(0, 0.35) * pose.radius
    top = np.array([pose.x, pose.y])
    foot = np.array([pose.x + lean + 0.25 * (pose.x - pose.ground / 2), pose.ground])
    knee = np.array([pose.x + lean * 0.2, (pose.y + pose.ground) / 2])
    way = np.linspace(0, 1, 9)[:, None]
    spine: Floats = (1 - way) ** 2 * top + 2 * way * (1 - way) * knee + way**2 * foot
    thick = width * pose.radius
    brush.line(spine, green * 0.6, thick * 1.25)
    brush.line(spine, green, thick)
    brush.line(spine + _unit(brush.light) * thick * 0.2, mix(green, WHITE, 0.3), thick * 0.4)
    return spine


def _leaf(brush: Brush, foot: Floats, angle: float, length: float, petal: Petal, green: Floats) -> None:
    """Draw a leaf from `foot` (2,) px, `length` px long, in direction `angle`."""
    plane = Pose(foot[0], foot[1], length, 0.0, 1.0, 0.0, 0.0)
    bend = brush.rng.normal(0, 0.12)
    draw_petals(brush, plane, petal, np.array([angle]), 1.0, green * 0.7, mix(green, WHITE, 0.12), bend=bend)


def _green(rng: np.random.Generator) -> Floats:
    return np.multiply(colour(70, 128, 56), rng.uniform(0.7, 1.2) * rng.uniform(0.85, 1.15, 3))


def draw_daisy(brush: Brush, pose: Pose, hue: Floats) -> None:
    """Draw few long, rounded petals around a small disc."""
    rng = brush.rng
    green = _green(rng)
    spine = _stem(brush, pose, 0.08, green)
    leaf = Petal(0.16, 0.8, 3.0, 0.7, ripple=0.15)
    for at, lean in ((4, -0.9), (6, 0.9)):
        _leaf(brush, spine[at], UP + lean, pose.radius * 0.7, leaf, green)
    count = int(rng.integers(12, 20))
    disc = rng.uniform(0.2, 0.28)
    petal = Petal(rng.uniform(0.72, 0.95) * np.pi / count * 0.78, 0.42, 7.0, 0.5)
    base = mix(hue, colour(190, 170, 120), 0.35)
    for start, reach, shade in ((np.pi / count, 0.95, 0.84), (0.0, 1.0, 1.0)):
        lengths = rng.normal(reach, 0.035, count)
        angles = _ring(rng, count, pose.turn + start)
        draw_petals(brush, pose, petal, angles, lengths, base * shade, hue * shade, inner=disc * 0.6)
    gold = colour(240, 186, 36) * rng.uniform(0.75, 1.05, 3)
    _dome(brush, pose, disc, gold * 0.66, mix(gold, WHITE, 0.25))
    for spot in pose.place(_spiral(70) * disc * 0.95):
        brush.fill(spot + SPOT * pose.radius * 0.014, gold * rng.uniform(0.6, 1.2))


def draw_dandelion(brush: Brush, pose: Pose, hue: Floats) -> None:
    """Draw a bloom of very many thin rays, or a seed clock in three pictures of ten."""
    rng = brush.rng
    green = _green(rng)
    _stem(brush, pose, 0.085, green)
    if rng.random() < 0.3:
        _draw_clock(brush, pose)
        return
    leaf = Petal(0.16, 0.5, 3.0, 0.8, samples=9)
    sepals = replace(pose, y=pose.y + pose.radius * 0.1)
    draw_petals(brush, sepals, leaf, _ring(rng, 9, pose.turn), 0.85, green * 0.6, green)
    reaches = np.array([1.0, 0.9, 0.78, 0.65, 0.52, 0.38, 0.24])
    deep = hue * (0.86, 0.74, 0.62)
    for reach in reaches * rng.uniform(0.97, 1.03, len(reaches)):
        count = round(16 + 30 * reach)
        petal = Petal(0.036 + 0.016 * reach, 0.25, 14.0, 0.5, samples=5, shaded=False)
        # Each ring casts a shadow on the one below, or the rays would melt into a plain disc.
        brush.fill(pose.place(CIRCLE * reach * 0.9), BLACK, 34)
        shade = 0.84 + 0.16 * (1 - reach)
        angles = _ring(rng, count, rng.uniform(0, 6), 0.25)
        lengths = rng.normal(reach, 0.045, count)
        bend = rng.normal(0, 0.04, count)
        draw_petals(brush, pose, petal, angles, lengths, deep * shade, hue * (shade + 0.1), bend=bend)
        for ray in pose.place(_unit(angles)[:, None] * (lengths[:, None] * (0.45, 1.0))[..., None]):
            brush.line(ray, deep * 0.78, pose.radius * 0.012, 120)


def _draw_clock(brush: Brush, pose: Pose) -> None:
    """Draw the sphere of parachutes, with a bald sector now and then."""
    rng = brush.rng
    round_pose = replace(pose, squash=max(pose.squash, 0.92))
    silk = colour(244, 242, 236) * rng.uniform(0.88, 1.0)
    # A breath of shade first: white silk has to show on a white wall too.
    brush.fill(round_pose.place(CIRCLE), colour(70, 80, 90), 50)
    brush.fill(round_pose.place(CIRCLE * 0.9), silk, 40)
    seeds = _spiral(int(rng.integers(70, 110)))
    # A sphere seen from afar crowds its seeds towards the rim.
    seeds = seeds * (np.sin(np.linalg.norm(seeds, axis=1) * np.pi / 2) / np.linalg.norm(seeds, axis=1))[:, None]
    if rng.random() < 0.35:
        seeds = seeds[seeds @ _unit(rng.uniform(0, 6)) < rng.uniform(0.3, 0.7)]
    for seed in seeds:
        hub = round_pose.place(seed * 0.8)
        brush.line(np.stack([round_pose.place(seed * 0.1), hub]), silk * 0.7, pose.radius * 0.01, 170)
        for tip in round_pose.place(seed * 0.9 + FAN * 0.13):
            brush.line(np.stack([hub, tip]), silk, pose.radius * 0.009, 200)
    _dome(brush, round_pose, 0.13, colour(92, 66, 44), colour(170, 140, 96))


def draw_roses(brush: Brush, pose: Pose, hue: Floats) -> None:
    """Draw broad petals that overlap along a spiral, dark in the heart and light at the rim."""
    rng = brush.rng
    green = _green(rng)
    spine = _stem(brush, pose, 0.1, green)
    leaf = Petal(0.3, 0.6, 2.2, 0.8, samples=17, ripple=0.14)
    for angle in _ring(rng, int(rng.integers(3, 6)), pose.turn, 0.2):
        _leaf(brush, np.array([pose.x, pose.y]), angle, pose.radius * rng.uniform(1.2, 1.5), leaf, green)
    for at, lean in ((4, -1.0), (6, 1.1)):
        _leaf(brush, spine[at], UP + lean, pose.radius * 0.8, leaf, green)
    count = int(rng.integers(17, 24))
    # Seen aside, the inner petals stand above the outer ones: a cup and not a plate.
    lift = _unit(pose.axis) * (1 - pose.squash) * 0.9
    dark = hue * (0.5, 0.42, 0.46)
    light = mix(hue, WHITE, 0.22)
    span = np.linspace(-1, 1, 15)
    for order, share in enumerate(np.linspace(0, 1, count)):
        reach = 1.0 - 0.86 * share**1.2
        # Five to a row, every second place first, and each row a little on: they wrap as on the plant.
        angle = pose.turn + order * 0.8 * np.pi + order // 5 * 0.6
        wide = 0.95 + 0.35 * share
        bow = (1 - np.abs(span) ** 2.6) ** 0.5 * (1 + 0.05 * np.cos(span * 6 + order)) * reach
        rim = _unit(angle + span * wide) * bow[:, None]
        contour = pose.place(rim + lift * share)
        centre = pose.place(lift * share)
        brush.fill(contour - _unit(brush.light) * pose.radius * 0.04 * (1 - 0.6 * share), BLACK, 80)
        shine = 1 + 0.14 * np.cos(angle - brush.light) - 0.12 * share
        brush.fill(contour, light * shine)
        for inset in np.linspace(0, 1, 7):
            inner = centre + (contour - centre) * (0.95 - 0.6 * inset)
            brush.fill(inner, mix(hue, dark, inset**1.2) * shine)
    swirl = np.linspace(0.4, 9, 26)
    heart = pose.place(_unit(pose.turn + swirl) * (0.016 * swirl)[:, None] + lift)
    brush.line(heart, dark * 0.7, pose.radius * 0.022, 200)


def draw_sunflowers(brush: Brush, pose: Pose, hue: Floats) -> None:
    """Draw two rows of pointed petals around a wide, dark disc."""
    rng = brush.rng
    green = _green(rng)
    spine = _stem(brush, pose, 0.13, green)
    heart = Petal(0.42, 0.45, 2.0, 0.9)
    for at, lean in ((3, -1.1), (5, 1.1)):
        _leaf(brush, spine[at], UP + lean, pose.radius * rng.uniform(0.8, 1.1), heart, green)
    count = int(rng.integers(17, 25))
    disc = rng.uniform(0.38, 0.5)
    petal = Petal(np.pi / count * rng.uniform(0.75, 0.95), 0.5, 1.9, 0.9)
    base = mix(hue, colour(176, 80, 10), 0.42)
    for start, reach, shade in ((np.pi / count, 1.0, 0.8), (0.0, 0.93, 1.0)):
        lengths = rng.normal(reach, 0.05, count)
        bend = rng.normal(0, 0.05, count)
        angles = _ring(rng, count, pose.turn + start, 0.16)
        draw_petals(brush, pose, petal, angles, lengths, base * shade, hue * shade, inner=disc * 0.7, bend=bend)
    brown = colour(74, 42, 22) * rng.uniform(0.65, 1.35)
    _dome(brush, pose, disc, brown * 0.6, mix(brown, colour(140, 96, 50), 0.3))
    spots = _spiral(190)
    core = rng.uniform(0.3, 0.6)
    for spot, at in zip(spots, pose.place(spots * disc * 0.98), strict=True):
        out = np.hypot(*spot)
        seed = colour(150, 96, 34) if out > 0.8 else colour(104, 66, 34) if out > core else colour(108, 104, 44)
        brush.fill(at + SPOT * pose.radius * 0.019, seed * rng.uniform(0.55, 1.15))


def draw_tulips(brush: Brush, pose: Pose, hue: Floats) -> None:
    """Draw a cup in side view between long leaves, or an open flower of six petals from above."""
    rng = brush.rng
    green = _green(rng)
    base = mix(hue * 0.72, colour(220, 200, 90), rng.uniform(0, 0.3))
    rim = mix(hue, WHITE, rng.uniform(0.05, 0.3))
    long_leaf = Petal(0.13, 0.5, 2.2, 0.9, samples=15)
    if pose.above:
        _stem(brush, pose, 0.09, green)
        _leaf(brush, np.array([pose.x, pose.y]), pose.turn + 0.5, pose.radius * 1.7, long_leaf, green)
        _leaf(brush, np.array([pose.x, pose.y]), pose.turn + 3.4, pose.radius * 1.6, long_leaf, green)
        petal = Petal(0.42, 0.5, 2.3, 0.8, samples=23)
        for start, shade in ((np.pi / 3, 0.84), (0.0, 1.0)):
            angles = _ring(rng, 3, pose.turn + start, 0.03)
            draw_petals(brush, pose, petal, angles, 1.0 - 0.06 * shade, base * shade, rim * shade)
        brush.fill(pose.place(CIRCLE * 0.2), colour(50, 36, 50), 150)
        for angle in _ring(rng, 6, pose.turn):
            brush.line(pose.place(_unit(angle)[None] * [[0.05], [0.26]]), colour(60, 44, 30), pose.radius * 0.05)
        _dome(brush, pose, 0.08, colour(150, 160, 70), colour(226, 226, 150))
        return
    spine = _stem(brush, pose, 0.11, green)
    for at, lean in ((8, -0.32), (7, 0.34)):
        reach = np.hypot(*(spine[at] - spine[0])) * rng.uniform(0.75, 1.0) + pose.radius * 0.3
        slim = replace(long_leaf, width=min(0.13, 0.26 * pose.radius / reach))
        _leaf(brush, spine[at], UP + lean * rng.uniform(0.6, 1.2), reach, slim, green)
    up = UP + float(np.clip(pose.turn, -0.45, 0.45))
    foot = pose.place(-_unit(up) * 0.85)
    cup = replace(pose, x=float(foot[0]), y=float(foot[1]), squash=1.0)
    brush.line(np.stack([foot, [pose.x, pose.y]]), green, pose.radius * 0.11)
    spread = rng.uniform(0.1, 0.34)
    # From back to front: two petals peep over the rim, two wrap the sides, one closes the cup.
    rows = (
        (Petal(0.42, 0.3, 2.6, 0.7, 21), [-0.5 * spread, 0.5 * spread], 1.72, 0.72, [0.04, -0.04]),
        (Petal(0.42, 0.34, 2.4, 0.75, 25), [-0.2 - spread, 0.2 + spread], 1.66, 0.88, [0.3, -0.3]),
        (Petal(0.54, 0.36, 2.4, 0.75, 33), [rng.normal(0, 0.06)], 1.52, 1.0, [0.0]),
    )
    for petal, lean_by, reach, shade, bend in rows:
        angles = up + np.array(lean_by)
        draw_petals(brush, cup, petal, angles, reach, base * shade, rim * shade, bend=np.array(bend))


PAINTERS: dict[str, Painter] = {
    "daisy": draw_daisy,
    "dandelion": draw_dandelion,
    "roses": draw_roses,
    "sunflowers": draw_sunflowers,
    "tulips": draw_tulips,
}
