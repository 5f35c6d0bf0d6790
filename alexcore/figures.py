"""How every Plotly chart looks, on a page and in a report: title, names of the axes, the legend's place."""

from __future__ import annotations

import plotly.graph_objects as go


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
