"""The learning rate before a run: its curve, and a suggestion for another batch size."""

from __future__ import annotations

import streamlit as st

from alexcore.config import TrainConfig
from alexcore.figures import new_figure
from alexcore.palette import TRAIN
from alexcore.training.plan import Plan
from alexcore.training.schedule import BASE_BATCH, rates, suggested_lr
from ui.parts.forms import fill


def rate_section(config: TrainConfig, plan: Plan) -> None:
    """Draw the curve of the rate over the whole run, with a sentence, and what the batch size suggests."""
    points = rates(config, plan.total_steps, plan.steps_per_epoch)
    figure = new_figure("Learning rate of this run", "optimizer step", "rate", 260)
    figure.add_scatter(
        x=[step for step, _ in points],
        y=[value for _, value in points],
        mode="lines",
        name="rate",
        line={"color": TRAIN, "width": 2},
    )
    figure.update_yaxes(exponentformat="e", rangemode="tozero")
    with st.container(key="train_rate"):
        st.plotly_chart(figure, config={"displaylogo": False})
        st.caption(rate_in_words(config, points))
    suggested = suggested_lr(config, st.session_state.get("train_preset") or "default")
    if suggested and abs(suggested / config.lr - 1) > 0.01:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(f"Use {suggested:.2g}", key="train_rate_suggested", on_click=fill, args=({"lr": suggested},))
            st.caption(
                f"A suggestion: the preset's rate, made for {BASE_BATCH} pictures, scaled linearly to the effective "
                f"batch of {config.effective_batch} (Goyal et al. 2017). "
                "Best for SGD with a warm-up."
            )


def rate_in_words(config: TrainConfig, points: list[tuple[int, float]]) -> str:
    """One sentence from the numbers of the curve."""
    (_, first), (end, last), (top, highest) = points[0], points[-1], max(points, key=lambda point: point[1])
    if max(abs(value - first) for _, value in points) < 1e-12 * max(first, 1e-12):
        words = f"The rate stays at {first:.3g} for all {end:,} steps."
    else:
        words = (
            f"The rate starts at {first:.3g}, is highest at step {top:,} with {highest:.3g}, and ends at {last:.3g}."
        )
    if config.scheduler == "plateau":
        words += " It falls earlier where the validation loss stops improving, which nobody knows beforehand."
    return words
