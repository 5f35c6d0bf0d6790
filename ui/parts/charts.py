"""The figures of a data set. Colours that colour-blind people can tell apart, and marks that need no colour."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import plotly.graph_objects as go

from alexcore.figures import narrow_figure, new_figure
from alexcore.palette import BLUE, GREEN, SPLITS, VERMILION

SPLIT_SYMBOLS = {"train": "circle", "val": "diamond", "test": "x"}
MAX_POINTS = 2000
# Red, green and blue as colour-blind people can tell them apart; the dashes need no colour at all.
CHANNELS = {"red": (VERMILION, "solid"), "green": (GREEN, "dash"), "blue": (BLUE, "dot")}


def channel_histogram(edges: list[float], counts: list[list[int]], title: str) -> go.Figure:
    """How often each value occurs in each channel; `counts` is (3, bins), `edges` has one number more."""
    figure = narrow_figure(title, "value", "pixels", 300)
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    for (name, (colour, dash)), channel in zip(CHANNELS.items(), counts, strict=True):
        line = {"color": colour, "dash": dash, "width": 2}
        figure.add_scatter(x=middles, y=channel, name=name, mode="lines", line=line)
    return figure


def balance(counts: pd.DataFrame) -> go.Figure:
    """Pictures per class, a bar a split; `counts` is `DataIndex.counts()`."""
    figure = new_figure("Pictures per class", "class", "pictures")
    for split in counts.columns:
        figure.add_bar(x=list(counts.index), y=counts[split].tolist(), name=split, marker_color=SPLITS[split])
    return figure


def _thinned(table: pd.DataFrame) -> pd.DataFrame:
    """At most 2,000 rows, the same ones each time; their order stays."""
    return table if len(table) <= MAX_POINTS else table.sample(MAX_POINTS, random_state=0).sort_index()


def _dots(figure: go.Figure, table: pd.DataFrame, x: str, y: str, hover: str) -> None:
    for split in [each for each in SPLITS if (table["split"] == each).any()]:
        rows = table[table["split"] == split]
        figure.add_scatter(
            x=rows[x].tolist(),
            y=rows[y].tolist(),
            name=split,
            mode="markers",
            hovertemplate=hover,
            marker={"color": SPLITS[split], "size": 6, "opacity": 0.6, "symbol": SPLIT_SYMBOLS[split]},
        )


def sizes(table: pd.DataFrame) -> go.Figure:
    """Height against width; `table` has width, height and split. One point stands for all pictures of a size."""
    points = _thinned(table.drop_duplicates(["width", "height", "split"]))
    figure = new_figure("Sizes of the pictures", "width (px)", "height (px)")
    _dots(figure, points, "width", "height", "%{x} × %{y} px")
    end = max(1, int(table[["width", "height"]].to_numpy().max(initial=1)))
    figure.add_shape(type="line", x0=0, y0=0, x1=end, y1=end, line={"dash": "dot", "width": 1, "color": "gray"})
    return figure.update_xaxes(rangemode="tozero").update_yaxes(rangemode="tozero")


def aspects(table: pd.DataFrame) -> go.Figure:
    """Size of the file against width / height; `table` has width, height, bytes and split."""
    points = _thinned(table)
    points = points.assign(aspect=points["width"] / points["height"], kb=points["bytes"] / 1000)
    figure = new_figure("Aspect and size of the files", "width / height", "size of the file (kB)")
    _dots(figure, points, "aspect", "kb", "%{x:.2f}, %{y:.1f} kB")
    return figure.update_yaxes(rangemode="tozero")
