"""The learning-rate range test before a run: its curve, its suggestion, and one click to take it over."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from alexcore.config import TrainConfig
from alexcore.figures import new_figure
from alexcore.palette import REST, TRAIN
from alexcore.training.checks import known_check
from ui.parts.forms import fill
from ui.train.check_button import check_button


def lr_find_section(config: TrainConfig) -> None:
    """Draw what the range test found for these settings, and the button that runs it."""
    found = known_check("lr-find", config)
    if found:
        with st.container(key="train_lr_find"):
            st.plotly_chart(lr_curve(found), config={"displaylogo": False})
            st.caption(lr_find_in_words(found))
        rate = found.get("suggestion")
        if rate:
            st.button(f"Use this rate, {rate:.2g}", key="train_use_lr", on_click=fill, args=({"lr": rate},))
    check_button(
        "lr-find",
        config,
        "Find again" if found else "Find a rate",
        "Raising the rate step by step",
        "steps",
        "The range test: the rate rises step by step until the loss blows up (Smith 2017). Nothing of it is kept.",
    )


def lr_curve(found: dict[str, Any]) -> go.Figure:
    """Loss against the rate on a logarithmic axis, with the suggestion as a mark."""
    points = [(rate, loss) for rate, loss in found["points"] if loss is not None]
    figure = new_figure("Range test", "learning rate", "loss (nats)", 280)
    figure.add_scatter(
        x=[rate for rate, _ in points],
        y=[loss for _, loss in points],
        mode="lines",
        name="loss",
        line={"color": TRAIN, "width": 2},
    )
    if found.get("suggestion"):
        # On a logarithmic axis a shape stands at its value, an annotation at the logarithm of it.
        figure.add_vline(x=found["suggestion"], line_dash="dot", line_color=REST)
        figure.add_annotation(
            x=math.log10(found["suggestion"]), y=1, yref="paper", text="suggested", showarrow=False, yanchor="bottom"
        )
    return figure.update_xaxes(type="log", exponentformat="e")


def lr_find_in_words(found: dict[str, Any]) -> str:
    """One sentence from the numbers of a range test."""
    points = [(rate, loss) for rate, loss in found["points"] if loss is not None]
    if not points:
        return "The loss was never a number: even the smallest rate is too large, or the initial weights are."
    best_rate, lowest = min(points, key=lambda point: point[1])
    tested = f"Rates from {points[0][0]:.1e} to {points[-1][0]:.1e} were tried; the loss was lowest, {lowest:.2f}, at"
    if not found.get("suggestion"):
        return f"{tested} {best_rate:.1e}, but it never fell clearly: no rate is suggested."
    return f"{tested} {best_rate:.1e}, and fell fastest near {found['suggestion']:.1e}, which is suggested."
