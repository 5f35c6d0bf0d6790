"""The learning rate before a run: its curve, a suggestion for another batch size, and the range test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from alexcore.config import TrainConfig
from alexcore.figures import new_figure
from alexcore.palette import REST, TRAIN
from alexcore.training.checks import known_check
from alexcore.training.plan import Plan
from alexcore.training.schedule import BASE_BATCH, rates, suggested_lr
from alexcore.words.language import _
from ui.parts.controls import chart
from ui.parts.forms import fill
from ui.train.check_button import check_button


def rate_section(config: TrainConfig, plan: Plan) -> None:
    """Draw the curve of the rate over the whole run, with a sentence, and what the batch size suggests."""
    points = rates(config, plan.total_steps, plan.steps_per_epoch)
    figure = new_figure("Learning rate of this run", "optimizer step", "rate", 260)
    _line(figure, points, "rate")
    figure.update_yaxes(exponentformat="e", rangemode="tozero")
    with st.container(key="train_rate"):
        chart(figure)
        st.caption(rate_in_words(config, points))
    suggested = suggested_lr(config, st.session_state.get("train_preset") or "default")
    if suggested and abs(suggested / config.lr - 1) > 0.01:
        with st.container(horizontal=True, vertical_alignment="center"):
            label = _("Use {rate}").format(rate=f"{suggested:.2g}")
            st.button(label, key="train_rate_suggested", on_click=fill, args=({"lr": suggested},))
            st.caption(
                f"A suggestion: the preset's rate, made for {BASE_BATCH} pictures, scaled linearly to the effective "
                f"batch of {config.effective_batch} (Goyal et al. 2017). Best for SGD with a warm-up."
            )


def rate_in_words(config: TrainConfig, points: list[tuple[int, float]]) -> str:
    """One sentence from the numbers of the curve."""
    (_start, first), (end, last), (top, highest) = points[0], points[-1], max(points, key=lambda point: point[1])
    if max(abs(value - first) for _step, value in points) < 1e-12 * max(first, 1e-12):
        words = f"The rate stays at {first:.3g} for all {end:,} steps."
    else:
        words = (
            f"The rate starts at {first:.3g}, is highest at step {top:,} with {highest:.3g}, and ends at {last:.3g}."
        )
    if config.scheduler == "plateau":
        words += " It falls earlier where the validation loss stops improving, which nobody knows beforehand."
    return words


def _line(figure: go.Figure, points: Sequence[tuple[float, float]], name: str) -> None:
    x, y = zip(*points, strict=True) if points else ((), ())
    figure.add_scatter(x=x, y=y, mode="lines", name=name, line={"color": TRAIN, "width": 2})


def lr_find_section(config: TrainConfig) -> None:
    """Draw what the range test found for these settings, and the button that runs it."""
    found = known_check("lr-find", config)
    if found:
        with st.container(key="train_lr_find_result"):
            chart(lr_curve(found))
            st.caption(lr_find_in_words(found))
        rate = found.get("suggestion")
        if rate:
            label = _("Use this rate, {rate}").format(rate=f"{rate:.2g}")
            st.button(label, key="train_use_lr", on_click=fill, args=({"lr": rate},))
    check_button(
        "lr-find",
        config,
        _("Find again") if found else _("Find a rate"),
        "Raising the rate step by step",
        "steps",
        "The range test: the rate rises step by step until the loss blows up (Smith 2017). No run is left behind.",
        "train_lr_find",
    )


def lr_curve(found: dict[str, Any]) -> go.Figure:
    """Loss against the rate on a logarithmic axis, with the suggestion as a mark."""
    points = [(rate, loss) for rate, loss in found["points"] if loss is not None]
    figure = new_figure("Range test", "learning rate", "loss (nats)", 280)
    _line(figure, points, "loss")
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
