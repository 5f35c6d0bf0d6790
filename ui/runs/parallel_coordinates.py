"""Many runs at once: parallel coordinates, a line a run across the settings that differ, ending at its accuracy.

Drawn from plain lines: Plotly's own kind needs WebGL, which classroom machines without a GPU may lack.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from alexcore.figures import new_figure
from alexcore.palette import SHADES
from alexcore.runs.comparison import differing, in_words
from alexcore.runs.run_list import Summary
from alexcore.words.language import _
from ui.parts.controls import chart
from ui.parts.table_csv import same_as_table
from ui.parts.text import plain
from ui.runs.selection import labels

MOST_AXES, MOST_LINES, MOST_TICKS = 9, 500, 12
ACCURACY = "best val acc"


def parallel(found: Sequence[Summary], key: str) -> None:
    """Draw the figure with its sentence and its table."""
    drawn = [each for each in found if each.best_val_acc1 is not None and each.settings][:MOST_LINES]
    if len(drawn) < 2:
        st.caption(_("Parallel coordinates need at least two runs with a validation accuracy."))
        return
    axes = axes_of(drawn)
    if not axes:
        st.caption(_("These runs have the same settings, so there is nothing to draw them along."))
        return
    chart(parallel_figure(drawn, axes), f"runs_parallel_{key}")
    left = len(found) - len(drawn)
    count = "1 run is" if left == 1 else f"{left} runs are"
    more = f" {count} not drawn: without accuracy or settings, or beyond the newest {MOST_LINES}." if left else ""
    st.caption(plain(in_one_sentence(drawn, axes) + more))
    rows = [
        {"run": label, **{name: in_words(each.settings.get(name)) for name in axes}, ACCURACY: each.best_val_acc1}
        for each, label in zip(drawn, labels(drawn), strict=True)
    ]
    words, place = "Settings that differ, and accuracy", f"runs_parallel_table_{key}"
    same_as_table(pd.DataFrame(rows), words, "runs.csv", f"runs_parallel_csv_{key}", place)


def axes_of(found: Sequence[Summary]) -> dict[str, str]:
    """The settings that differ, name to title; of many, those with the fewest values, which group runs best."""
    differences = differing([each.settings for each in found])
    few = sorted(differences, key=lambda each: len(set(each.values)))[:MOST_AXES]
    return {each.name: each.title for each in differences if each in few}


def _scale(values: Sequence[Any]) -> tuple[list[float], dict[float, str]]:
    """Heights 0 to 1 for the values of one axis, and its ticks: numbers by size, words in alphabetical order."""
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        words = sorted({in_words(value) for value in values})
        height = {word: number / max(1, len(words) - 1) for number, word in enumerate(words)}
        every = -(-len(words) // MOST_TICKS)
        ticks = {height[word]: _end_of(word) for word in words[::every]}
        return [height[in_words(value)] for value in values], ticks
    low, high = min(values), max(values)
    # A factor of thirty or more between the ends: rates and decays are chosen by factors.
    by_factor = low > 0 and high / low >= 30

    def height_of(value: float) -> float:
        if high == low:
            return 0.5
        above, span = (math.log(value / low), math.log(high / low)) if by_factor else (value - low, high - low)
        return float(above / span)

    chosen = sorted(set(values))
    if len(chosen) > 5:
        chosen = [chosen[round(part * (len(chosen) - 1) / 4)] for part in range(5)]
    return [height_of(value) for value in values], {height_of(value): f"{value:g}" for value in chosen}


def _end_of(word: str, most: int = 18) -> str:
    """Paths and pipelines differ at their ends."""
    return word if len(word) <= most else f"…{word[1 - most :]}"


def parallel_figure(found: Sequence[Summary], axes: dict[str, str]) -> go.Figure:
    """Each run a line across the axes; the shade says how good it became."""
    best = [float(each.best_val_acc1 or 0) for each in found]
    columns = [[each.settings.get(name) for each in found] for name in axes] + [best]
    heights, ticks = zip(*(_scale(values) for values in columns), strict=True)
    low, high = min(best), max(best)
    shade = [min(len(SHADES) - 1, int((value - low) / ((high - low) or 1) * len(SHADES))) for value in best]
    titles = [*axes.values(), ACCURACY]
    figure = new_figure("Settings and what became of them", "setting", "", 460)
    names = labels(found)
    # A trace a shade: a trace a run would cost the browser a hundred times as much.
    for number, colour in enumerate(SHADES):
        x: list[float | None] = []
        y: list[float | None] = []
        words: list[str] = []
        for run in [each for each in range(len(found)) if shade[each] == number]:
            x += [*range(len(titles)), None]
            y += [*(axis[run] for axis in heights), None]
            words += [f"{escape(names[run], quote=False)}: {best[run]:.1%}"] * (len(titles) + 1)
        if x:
            first = low + (high - low) * number / len(SHADES)
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines+markers",
                text=words,
                hovertemplate="%{text}<extra></extra>",
                line={"color": colour, "width": 2},
                marker={"size": 5},
                opacity=0.85,
                name=f"from {first:.0%}",
            )
    for position, marks in enumerate(ticks):
        figure.add_vline(x=position, line_width=1, line_color="gray", layer="below")
        for at, word in marks.items():
            text = (
                f"{float(word):.0%}" if position == len(titles) - 1 else escape(word, quote=False)
            )  # Plotly reads a little HTML in texts
            # The last axis has its words at the left, or they would leave the figure.
            side, shift = ("right", -4) if position == len(titles) - 1 else ("left", 4)
            figure.add_annotation(
                x=position, y=at, text=text, showarrow=False, xanchor=side, xshift=shift, yshift=9, font_size=11
            )
    figure.update_xaxes(tickvals=list(range(len(titles))), ticktext=titles, showgrid=False, zeroline=False)
    return figure.update_yaxes(visible=False, range=[-0.06, 1.06]).update_layout(
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0, "xanchor": "left", "title": ACCURACY},
    )


def in_one_sentence(found: Sequence[Summary], axes: dict[str, str]) -> str:
    """The best run with its values, and the setting whose values lie farthest apart in mean accuracy."""
    best = max(found, key=lambda each: each.best_val_acc1 or 0)
    values = ", ".join(f"{title} {in_words(best.settings.get(name))[:40]}" for name, title in axes.items())
    words = f"The best of {len(found)} runs, {best.title} with {best.best_val_acc1 or 0:.1%}, has {values}."
    spread = {}
    for name in axes:
        groups: dict[str, list[float]] = {}
        for each in found:
            groups.setdefault(in_words(each.settings.get(name)), []).append(each.best_val_acc1 or 0)
        # A value that only one run has tells nothing about the value.
        means = {value: sum(group) / len(group) for value, group in groups.items() if len(group) > 1}
        if len(means) > 1:
            spread[name] = (max(means.values()) - min(means.values()), max(means, key=means.__getitem__))
    if spread:
        name = max(spread, key=lambda each: spread[each][0])
        gap, value = spread[name]
        words += (
            f" Mean accuracy differs most by {axes[name]}: {gap * 100:.1f} percentage points, best with {value[:40]}. "
            "That is no proof of a cause, because other settings differ, too."
        )
    return words
