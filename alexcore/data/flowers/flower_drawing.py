"""How one synthetic flower of each of the five classes is drawn.

The classes differ in the shape and the arrangement of petals; their colours overlap on purpose, because a
network should not get away with a histogram.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from alexcore.data.flowers.flower_brush import (
    BLACK,
    CIRCLE,
    FAN,
    SPOT,
    UP,
    WHITE,
    Brush,
    Floats,
    Petal,
    Pose,
    colour,
    draw_dome,
    draw_leaf,
    draw_petals,
    draw_stem,
    mix,
    ring,
    spiral,
    unit,
)

# Brush, pose, the colours of petals and of leaves.
Painter = Callable[[Brush, Pose, Floats, Floats], None]


def draw_daisy(brush: Brush, pose: Pose, hue: Floats, green: Floats) -> None:
    """Draw few long, rounded petals around a small disc."""
    rng = brush.rng
    spine = draw_stem(brush, pose, 0.08, green)
    leaf = Petal(0.16, 0.8, 3.0, 0.7, ripple=0.15)
    for at, lean in ((4, -0.9), (6, 0.9)):
        draw_leaf(brush, spine[at], UP + lean, pose.radius * 0.7, leaf, green)
    count = int(rng.integers(12, 20))
    disc = rng.uniform(0.2, 0.28)
    petal = Petal(rng.uniform(0.72, 0.95) * np.pi / count * 0.78, 0.42, 7.0, 0.5)
    base = mix(hue, colour(190, 170, 120), 0.35)
    for start, reach, shade in ((np.pi / count, 0.95, 0.84), (0.0, 1.0, 1.0)):
        lengths = rng.normal(reach, 0.035, count)
        angles = ring(rng, count, pose.turn + start)
        draw_petals(brush, pose, petal, angles, lengths, base * shade, hue * shade, inner=disc * 0.6)
    gold = colour(240, 186, 36) * rng.uniform(0.75, 1.05, 3)
    draw_dome(brush, pose, disc, gold * 0.66, mix(gold, WHITE, 0.25))
    for spot in pose.place(spiral(70) * disc * 0.95):
        brush.fill(spot + SPOT * pose.radius * 0.014, gold * rng.uniform(0.6, 1.2))


def draw_dandelion(brush: Brush, pose: Pose, hue: Floats, green: Floats) -> None:
    """Draw a bloom of very many thin rays, or a seed clock in three pictures of ten."""
    rng = brush.rng
    draw_stem(brush, pose, 0.085, green)
    if rng.random() < 0.3:
        _draw_clock(brush, pose)
        return
    leaf = Petal(0.16, 0.5, 3.0, 0.8, samples=9)
    sepals = replace(pose, y=pose.y + pose.radius * 0.1)
    draw_petals(brush, sepals, leaf, ring(rng, 9, pose.turn), 0.85, green * 0.6, green)
    reaches = np.array([1.0, 0.9, 0.78, 0.65, 0.52, 0.38, 0.24])
    deep = hue * (0.86, 0.74, 0.62)
    for reach in reaches * rng.uniform(0.97, 1.03, len(reaches)):
        count = round(16 + 30 * reach)
        petal = Petal(0.036 + 0.016 * reach, 0.25, 14.0, 0.5, samples=5, shaded=False)
        # Each ring casts a shadow on the one below, or the rays would melt into a plain disc.
        brush.fill(pose.place(CIRCLE * reach * 0.9), BLACK, 34)
        shade = 0.84 + 0.16 * (1 - reach)
        angles = ring(rng, count, rng.uniform(0, 6), 0.25)
        lengths = rng.normal(reach, 0.045, count)
        bend = rng.normal(0, 0.04, count)
        draw_petals(brush, pose, petal, angles, lengths, deep * shade, hue * (shade + 0.1), bend=bend)
        for ray in pose.place(unit(angles)[:, None] * (lengths[:, None] * (0.45, 1.0))[..., None]):
            brush.line(ray, deep * 0.78, pose.radius * 0.012, 120)


def _draw_clock(brush: Brush, pose: Pose) -> None:
    """Draw the sphere of parachutes, with a bald sector now and then."""
    rng = brush.rng
    round_pose = replace(pose, squash=max(pose.squash, 0.92))
    silk = colour(244, 242, 236) * rng.uniform(0.88, 1.0)
    # A breath of shade first: white silk has to show on a white wall too.
    brush.fill(round_pose.place(CIRCLE), colour(70, 80, 90), 50)
    brush.fill(round_pose.place(CIRCLE * 0.9), silk, 40)
    seeds = spiral(int(rng.integers(70, 110)))
    # A sphere seen from afar crowds its seeds towards the rim.
    seeds = seeds * (np.sin(np.linalg.norm(seeds, axis=1) * np.pi / 2) / np.linalg.norm(seeds, axis=1))[:, None]
    if rng.random() < 0.35:
        seeds = seeds[seeds @ unit(rng.uniform(0, 6)) < rng.uniform(0.3, 0.7)]
    for seed in seeds:
        hub = round_pose.place(seed * 0.8)
        brush.line(np.stack([round_pose.place(seed * 0.1), hub]), silk * 0.7, pose.radius * 0.01, 170)
        for tip in round_pose.place(seed * 0.9 + FAN * 0.13):
            brush.line(np.stack([hub, tip]), silk, pose.radius * 0.009, 200)
    draw_dome(brush, round_pose, 0.13, colour(92, 66, 44), colour(170, 140, 96))


def draw_roses(brush: Brush, pose: Pose, hue: Floats, green: Floats) -> None:
    """Draw broad petals that overlap along a spiral, dark in the heart and light at the rim."""
    rng = brush.rng
    spine = draw_stem(brush, pose, 0.1, green)
    leaf = Petal(0.3, 0.6, 2.2, 0.8, samples=17, ripple=0.14)
    for angle in ring(rng, int(rng.integers(3, 6)), pose.turn, 0.2):
        draw_leaf(brush, np.array([pose.x, pose.y]), angle, pose.radius * rng.uniform(1.2, 1.5), leaf, green)
    for at, lean in ((4, -1.0), (6, 1.1)):
        draw_leaf(brush, spine[at], UP + lean, pose.radius * 0.8, leaf, green)
    count = int(rng.integers(17, 24))
    # Seen aside, the inner petals stand above the outer ones: a cup and not a plate.
    lift = unit(pose.axis) * (1 - pose.squash) * 0.9
    dark = hue * (0.5, 0.42, 0.46)
    light = mix(hue, WHITE, 0.22)
    span = np.linspace(-1, 1, 15)
    for order, share in enumerate(np.linspace(0, 1, count)):
        reach = 1.0 - 0.86 * share**1.2
        # Five to a row, every second place first, and each row a little on: they wrap as on the plant.
        angle = pose.turn + order * 0.8 * np.pi + order // 5 * 0.6
        wide = 0.95 + 0.35 * share
        bow = (1 - np.abs(span) ** 2.6) ** 0.5 * (1 + 0.05 * np.cos(span * 6 + order)) * reach
        rim = unit(angle + span * wide) * bow[:, None]
        contour = pose.place(rim + lift * share)
        centre = pose.place(lift * share)
        brush.fill(contour - unit(brush.light) * pose.radius * 0.04 * (1 - 0.6 * share), BLACK, 80)
        shine = 1 + 0.14 * np.cos(angle - brush.light) - 0.12 * share
        brush.fill(contour, light * shine)
        for inset in np.linspace(0, 1, 7):
            inner = centre + (contour - centre) * (0.95 - 0.6 * inset)
            brush.fill(inner, mix(hue, dark, inset**1.2) * shine)
    swirl = np.linspace(0.4, 9, 26)
    heart = pose.place(unit(pose.turn + swirl) * (0.016 * swirl)[:, None] + lift)
    brush.line(heart, dark * 0.7, pose.radius * 0.022, 200)


def draw_sunflowers(brush: Brush, pose: Pose, hue: Floats, green: Floats) -> None:
    """Draw two rows of pointed petals around a wide, dark disc."""
    rng = brush.rng
    spine = draw_stem(brush, pose, 0.13, green)
    heart = Petal(0.42, 0.45, 2.0, 0.9)
    for at, lean in ((3, -1.1), (5, 1.1)):
        draw_leaf(brush, spine[at], UP + lean, pose.radius * rng.uniform(0.8, 1.1), heart, green)
    count = int(rng.integers(17, 25))
    disc = rng.uniform(0.38, 0.5)
    petal = Petal(np.pi / count * rng.uniform(0.75, 0.95), 0.5, 1.9, 0.9)
    base = mix(hue, colour(176, 80, 10), 0.42)
    for start, reach, shade in ((np.pi / count, 1.0, 0.8), (0.0, 0.93, 1.0)):
        lengths = rng.normal(reach, 0.05, count)
        bend = rng.normal(0, 0.05, count)
        angles = ring(rng, count, pose.turn + start, 0.16)
        draw_petals(brush, pose, petal, angles, lengths, base * shade, hue * shade, inner=disc * 0.7, bend=bend)
    brown = colour(74, 42, 22) * rng.uniform(0.65, 1.35)
    draw_dome(brush, pose, disc, brown * 0.6, mix(brown, colour(140, 96, 50), 0.3))
    spots = spiral(190)
    core = rng.uniform(0.3, 0.6)
    for spot, at in zip(spots, pose.place(spots * disc * 0.98), strict=True):
        out = np.hypot(*spot)
        seed = colour(150, 96, 34) if out > 0.8 else colour(104, 66, 34) if out > core else colour(108, 104, 44)
        brush.fill(at + SPOT * pose.radius * 0.019, seed * rng.uniform(0.55, 1.15))


def draw_tulips(brush: Brush, pose: Pose, hue: Floats, green: Floats) -> None:
    """Draw a cup in side view between long leaves, or an open flower of six petals from above."""
    rng = brush.rng
    base = mix(hue * 0.72, colour(220, 200, 90), rng.uniform(0, 0.3))
    rim = mix(hue, WHITE, rng.uniform(0.05, 0.3))
    long_leaf = Petal(0.13, 0.5, 2.2, 0.9, samples=15)
    if pose.above:
        draw_stem(brush, pose, 0.09, green)
        draw_leaf(brush, np.array([pose.x, pose.y]), pose.turn + 0.5, pose.radius * 1.7, long_leaf, green)
        draw_leaf(brush, np.array([pose.x, pose.y]), pose.turn + 3.4, pose.radius * 1.6, long_leaf, green)
        petal = Petal(0.42, 0.5, 2.3, 0.8, samples=23)
        for start, shade in ((np.pi / 3, 0.84), (0.0, 1.0)):
            angles = ring(rng, 3, pose.turn + start, 0.03)
            draw_petals(brush, pose, petal, angles, 1.0 - 0.06 * shade, base * shade, rim * shade)
        brush.fill(pose.place(CIRCLE * 0.2), colour(50, 36, 50), 150)
        for angle in ring(rng, 6, pose.turn):
            brush.line(pose.place(unit(angle)[None] * [[0.05], [0.26]]), colour(60, 44, 30), pose.radius * 0.05)
        draw_dome(brush, pose, 0.08, colour(150, 160, 70), colour(226, 226, 150))
        return
    spine = draw_stem(brush, pose, 0.11, green)
    for at, lean in ((8, -0.32), (7, 0.34)):
        reach = np.hypot(*(spine[at] - spine[0])) * rng.uniform(0.75, 1.0) + pose.radius * 0.3
        slim = replace(long_leaf, width=min(0.13, 0.26 * pose.radius / reach))
        draw_leaf(brush, spine[at], UP + lean * rng.uniform(0.6, 1.2), reach, slim, green)
    up = UP + float(np.clip(pose.turn, -0.45, 0.45))
    foot = pose.place(-unit(up) * 0.85)
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
