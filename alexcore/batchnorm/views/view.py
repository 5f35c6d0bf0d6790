"""A view, and how its sentences speak of the arms: their order, and a spread over the seeds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from alexcore.batchnorm.read.decision import SEEDS_NEEDED
from alexcore.nn.norms import NORMS, look_of
from alexcore.words.numbers import number

# Below this a band says nothing, and every seed is a line of its own.
ENOUGH_SEEDS = 3
NOTHING = "Nothing of this has been measured yet."

# Numbers of the seeds by arm, and how one is written.
Values = Mapping[str, Sequence[float]]
Shape = Callable[[float | None], str]


@dataclass(frozen=True)
class View:
    """Something to look at.

    Attributes:
        name: Its name in links and file names, such as "drift".
        title: Its heading.
        what: What is measured and how to read it, in plain words.
        sentence: What the numbers of this experiment say; computed, never fixed.
        figures: Charts by name; several stand side by side and share their ranges.
        table: The numbers, a row each.
        stacked: Charts that need the whole width stand one below the other.
    """

    name: str
    title: str
    what: str
    sentence: str
    figures: dict[str, go.Figure] = field(default_factory=dict)
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    stacked: bool = False


def arm_rank(arm: str) -> tuple[int, str]:
    """Where an arm stands: in the order of the table of norms, then what it does not know, by name."""
    order = list(NORMS)
    return (order.index(arm) if arm in order else len(order), arm)


def arms_in_order(arms: Iterable[str]) -> list[str]:
    """none, batch, group, then whatever else there is, each once."""
    return sorted(set(arms), key=arm_rank)


def spread(values: Sequence[float], shape: Shape = number) -> str:
    """A median with the range of its seeds: "0.6 (0.58 to 0.63, 3 seeds)"; one seed has no range."""
    middle = shape(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({shape(min(values))} to {shape(max(values))}, {len(values)} seeds)"


def each_arm(values: Values, shape: Shape = number) -> str:
    """Every arm with its spread: "no norm 1.54, BatchNorm 0.6"."""
    known = [arm for arm in arms_in_order(values) if values[arm]]
    return ", ".join(f"{look_of(arm).title} {spread(values[arm], shape)}" for arm in known)


def ranked(what: str, values: Values, low: str = "lowest", high: str = "highest", shape: Shape = number) -> str:
    """What every arm has of something, and the order of the arms; `low` and `high` as in `order_in_words`."""
    if not any(values.values()):
        return NOTHING
    return f"{what}: {each_arm(values, shape)}. {order_in_words(values, low, high)}".strip()


def order_in_words(values: Values, low: str = "lowest", high: str = "highest") -> str:
    """Which arm is lowest and which highest, if it is so with every seed; a sentence, or an empty text.

    It describes these seeds. What they decide is the verdict's to say, with one error rate for the whole page.
    `values` are numbers of the seeds, by arm; `low` and `high` are what the arms at either end are called.
    """
    known = {arm: list(each) for arm, each in values.items() if each}
    if len(known) < 2:
        return ""
    order = sorted(known, key=lambda arm: statistics.median(known[arm]))
    first, last = order[0], order[-1]
    few = min(len(each) for each in known.values())
    if statistics.median(known[first]) == statistics.median(known[last]):
        every = [value for each in known.values() for value in each]
        return "All arms agree." if min(every) == max(every) else "The medians are equal, the seeds are not: no order."
    if few < SEEDS_NEEDED:
        seeds = "One seed" if few == 1 else f"{few} seeds"
        so_far = f"so far {look_of(first).title} is {low}, {look_of(last).title} {high}"
        return f"{seeds} cannot decide an order, {SEEDS_NEEDED} can; {so_far}."
    said = []
    if max(known[first]) < min(min(known[arm]) for arm in order[1:]):
        said.append(f"{look_of(first).title} is {low} with every seed")
    if min(known[last]) > max(max(known[arm]) for arm in order[:-1]):
        said.append(f"{look_of(last).title} is {high} with every seed")
    if said:
        return f"{capital(', and '.join(said))}."
    return "The seeds overlap, so no order is decided."


def capital(sentence: str) -> str:
    """The sentence with a capital at its beginning; the rest stays ("BatchNorm" has two)."""
    return sentence[:1].upper() + sentence[1:]


def colour_bar(title: str, y: float) -> dict[str, Any]:
    """The scale of a heat map's colours, below the chart at `y` of its height."""
    return {"title": {"text": title, "side": "top"}, "thickness": 10, "orientation": "h", "y": y, "yanchor": "top"}
