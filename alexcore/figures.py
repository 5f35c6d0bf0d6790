"""How every Plotly chart looks, on a page and in a report: title, names of the axes, the legend's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import plotly.graph_objects as go

from alexcore.names import in_figure


def new_figure(title: str, x: str, y: str, height: int = 320) -> go.Figure:
    """An empty figure as wide as the page; `x` and `y` name its axes, `height` is in px."""
    return go.Figure().update_layout(
        title=title,
        xaxis_title=x,
        yaxis_title=y,
        height=height,
        margin={"l": 10, "r": 10, "t": 48, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    )


def narrow_figure(title: str, x: str, y: str, height: int = 320) -> go.Figure:
    """One of several that stand side by side, too narrow for title and legend in one line."""
    return new_figure(title, x, y, height).update_layout(
        title_font_size=15, margin_t=44, legend={"y": -0.38, "yanchor": "top", "x": 0, "xanchor": "left"}
    )


def share_axis(figure: go.Figure) -> go.Figure:
    """A y axis of shares, from 0 to 100 %."""
    return figure.update_yaxes(range=[0, 1.02], tickformat=".0%")


# What holds words in a trace. Templates of our own, such as `hovertemplate`, are markup, and put these in.
_OF_TRACES = ("name", "x", "y", "text", "hovertext", "customdata")


def as_drawn(figure: go.Figure) -> go.Figure:
    """The figure with nothing in it that is read as markup; names on an axis are neither numbers nor days.

    Everything that draws a figure takes this one; what it was handed keeps its words as they are.
    """
    for trace in figure.data:
        for letter, axis in (("x", "xaxis"), ("y", "yaxis")):
            if letter in trace and axis in trace and _are_names(trace[letter]):
                place = figure.layout[axis + (trace[axis] or letter)[1:]]
                place.type = place.type or "category"
    if all(_each(place[part], in_figure) == _each(place[part], str) for place, part in _words(figure)):
        return figure
    drawn = go.Figure(figure)
    for place, part in _words(drawn):
        place[part] = _each(place[part], in_figure)
    return drawn


def _words(figure: go.Figure) -> Iterator[tuple[Any, str]]:
    """Where a figure holds words: a part of it, and the name of what holds them there."""
    found = [(trace, part) for trace in figure.data for part in _OF_TRACES if part in trace]
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        found += [(axis, "ticktext"), (axis.title, "text")]
    found += [(each, "text") for each in (figure.layout.title, *figure.layout.annotations)]
    return ((place, part) for place, part in found if _are_names(place[part]))


def _are_names(value: Any) -> bool:
    """Whether a value is a text or holds some; what is measured holds none."""
    if isinstance(value, str) or value is None:
        return value is not None
    kind = getattr(value, "dtype", None)
    if kind is not None and kind.kind != "O":
        return bool(kind.kind == "U")
    return any(map(_are_names, value)) if hasattr(value, "__iter__") else False


def _each(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    return [_each(each, change) for each in value] if _are_names(value) else value
