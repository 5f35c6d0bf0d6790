"""What synthetic flowers are drawn with: a brush with light, petals, domes, stems and leaves.

A head lives in its own unit plane: centre (0, 0), outermost petal tip at distance about 1, y down as in
images. A `Pose` carries that plane to pixels, so that a species is drawn the same at every size and tilt.
Nothing is anti-aliased: draw at twice the size and reduce.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Floats = NDArray[np.float64]

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


def _ink(colour: Floats, alpha: int) -> tuple[int, ...]:
    return *colour.clip(0, 255).astype(np.int64).tolist(), alpha


def mix(first: Floats, second: Floats, share: float) -> Floats:
    """Return `first` (3,) with `share` in [0, 1] of `second`."""
    return first + (second - first) * share


def colour(red: float, green: float, blue: float) -> Floats:
    """Return an RGB colour as (3,) float64 in 0..255."""
    return np.array([red, green, blue], dtype=np.float64)


BLACK, WHITE = colour(16, 12, 20), colour(255, 255, 250)


def unit(angle: Floats | float) -> Floats:
    """Return the direction of an angle, (..., 2)."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


CIRCLE, SPOT, FAN = (unit(np.linspace(0, 2 * np.pi, corners, endpoint=False)) for corners in (28, 6, 9))


def spiral(count: int) -> Floats:
    """Return `count` points of a sunflower's spiral in the unit disc, (count, 2)."""
    order = np.arange(count)
    return unit(order * GOLDEN_ANGLE) * np.sqrt((order + 0.5) / count)[:, None]


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
    """Draw petals one over the other in the order of `angles`, (N,) radians; lengths are in the head's units.

    `lengths` and `bend` (sideways shift of the tips) are (N,) or one number; `inner` is the distance of the bases from
    the centre; `base` and `tip` are (3,) colours.
    """
    way, half = petal.half_widths()
    out, side = unit(angles)[:, None], unit(angles + np.pi / 2)[:, None]
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
    shadow = -unit(brush.light) * pose.radius * 0.025
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


def ring(rng: np.random.Generator, count: int, start: float, loose: float = 0.12) -> Floats:
    """Return `count` directions around the circle, shuffled a little so that no ring looks stamped."""
    step = 2 * np.pi / count
    return start + np.arange(count) * step + rng.normal(0, loose * step, count)


def draw_dome(brush: Brush, pose: Pose, radius: float, rim: Floats, top: Floats) -> None:
    """Draw a round body as rings that grow lighter towards the light."""
    brush.fill(pose.place(CIRCLE * radius * 1.1) - unit(brush.light) * pose.radius * 0.03, BLACK, 70)
    for share in np.linspace(0, 1, 8):
        centre = unit(brush.light) * radius * 0.28 * share
        brush.fill(pose.place(CIRCLE * radius * (1 - 0.82 * share) + centre), mix(rim, top, share))


def draw_stem(brush: Brush, pose: Pose, width: float, green: Floats) -> Floats:
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
    brush.line(spine + unit(brush.light) * thick * 0.2, mix(green, WHITE, 0.3), thick * 0.4)
    return spine


def draw_leaf(brush: Brush, foot: Floats, angle: float, length: float, petal: Petal, green: Floats) -> None:
    """Draw a leaf from `foot` (2,) px, `length` px long, in direction `angle`."""
    plane = Pose(foot[0], foot[1], length, 0.0, 1.0, 0.0, 0.0)
    bend = brush.rng.normal(0, 0.12)
    draw_petals(brush, plane, petal, np.array([angle]), 1.0, green * 0.7, mix(green, WHITE, 0.12), bend=bend)


def leaf_green(rng: np.random.Generator) -> Floats:
    """Return a colour for the leaves of a picture."""
    return np.multiply(colour(70, 128, 56), rng.uniform(0.7, 1.2) * rng.uniform(0.85, 1.15, 3))
