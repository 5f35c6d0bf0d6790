"""The formula: what BatchNorm does to one channel of a real batch, number by number, in train and in eval mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from alexcore.batchnorm.read.quantities import FORMULA
from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.settings import trained_file
from alexcore.errors import AlexError
from alexcore.words.language import _
from ui.parts.explain import source_of
from ui.parts.lazy_torch import load_torch
from ui.parts.page import show_error
from ui.parts.table_csv import csv_button
from ui.parts.text import plain

WHEN = {False: "before the first step", True: "at the end"}
STEPS = (
    (r"\mu = \frac{1}{n}\sum_i x_i", "The mean of the channel over all pictures and all places of the batch."),
    (r"\sigma^2 = \frac{1}{n}\sum_i (x_i - \mu)^2", "Its variance: how far the values lie from the mean."),
    (
        r"\hat{x}_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}}",
        "Every value, less the mean, by the deviation: now the channel has mean 0 and deviation 1, whatever the layers "
        "before did to it.",
    ),
    (
        r"y_i = \gamma\,\hat{x}_i + \beta",
        "Two learned numbers a channel. They begin as 1 and 0; the network can amplify, silence or shift the channel "
        "with them, even undo the norm.",
    ),
    (
        r"\mu_{run} \leftarrow (1 - m)\,\mu_{run} + m\,\mu",
        "A running average, kept beside the weights; and the same for the variance. Training only writes it, "
        "evaluation only reads it.",
    ),
)


def formula_section(experiment: Experiment) -> None:
    """Draw the algorithm, and work it out for a channel; torch is loaded only when that is switched on."""
    st.subheader(_("What BatchNorm computes"), anchor="formula")
    for formula, words in STEPS:
        left, right = st.columns([2, 3], vertical_alignment="center")
        left.latex(formula)
        right.markdown(words)
    st.markdown(
        _(
            "**Train mode** takes mean and deviation from the batch, so the answer for one picture depends on the "
            "pictures beside it. **Eval mode** takes the running averages, so that a picture is answered alike in any "
            "company."
        )
    )
    st.subheader(_("One channel of a real batch"), anchor="formula-numbers")
    found = _chosen(experiment)
    if found is not None:
        _written_out(found)
    with st.expander(_("The lines that run"), icon=":material/code:"):
        st.code(source_of("alexcore.batchnorm.read.channel_formula:channel_formula"), language="python")
        st.caption(_("From alexcore/batchnorm/read/channel_formula.py. Tests compare it with torch's BatchNorm2d."))


def _chosen(experiment: Experiment) -> dict[str, Any] | None:
    start = experiment.start or {}
    seeds = [seed for norm, seed in experiment.arms if norm == "batch"]
    layers = [str(each) for each in start.get("layers") or []]
    if not seeds or not layers:
        st.info(_("The batch and its channels appear with the first step of the arm with BatchNorm."))
        return None
    file = trained_file(experiment.path, seeds[0])
    modified_ns = file.stat().st_mtime_ns if file.is_file() else 0
    with st.container(horizontal=True, vertical_alignment="bottom", key="bn_formula_picks"):
        layer = st.selectbox(_("Layer"), layers, key="bn_formula_layer", width=140)
        channel = st.number_input(_("Channel, from 0"), value=0, step=1, key="bn_formula_channel", width=140)
        trained = st.selectbox(
            _("Weights"),
            [True, False] if modified_ns else [False],
            format_func=WHEN.__getitem__,
            key="bn_formula_when",
            width=200,
        )
        wanted = st.toggle(_("Write it out"), key="bn_formula_show", persist_state="session")
    if not wanted:
        st.caption(
            _(
                "Switch on for the layer and channel above: it loads PyTorch here, some seconds and about 1 GB. Until "
                "then stands here the channel that the experiment has recorded itself."
            )
        )
        return _recorded(experiment, seeds[0])
    load_torch()
    try:
        return _example(str(experiment.path), modified_ns, seeds[0], layer, int(channel or 0), trained)
    except AlexError as error:
        show_error(error)
        return None


def _recorded(experiment: Experiment, seed: int) -> dict[str, Any] | None:
    """What the experiment has written down of one channel, at its latest probe of this kind."""
    rows = experiment.probes.get(FORMULA, {}).get(("batch", seed)) or []
    if not rows:
        return None
    st.caption(f"Recorded with seed {seed} after step {rows[-1]['step']:,}.")
    found: dict[str, Any] = rows[-1]["data"]
    return found


@st.cache_data(max_entries=16, show_spinner="Passing a batch ...")
def _example(path: str, modified_ns: int, seed: int, layer: str, channel: int, trained: bool) -> dict[str, Any]:  # noqa: ARG001
    from alexcore.batchnorm.measure.formula_example import experiment_example

    return experiment_example(Path(path), seed, layer, channel, trained=trained)


def _written_out(found: dict[str, Any]) -> None:
    names = {
        "mean": "mean of the batch",
        "variance": "variance of the batch",
        "deviation": "deviation: root of (variance + eps)",
        "gamma": "gamma, learned",
        "beta": "beta, learned",
        "running_mean": "running mean",
        "running_variance": "running variance",
        "running_mean_after": "running mean after this batch",
        "running_variance_after": "running variance after this batch",
    }
    left, right = st.columns(2)
    for column, title, lines in ((left, "Train mode", "lines_train"), (right, "Eval mode", "lines_eval")):
        with column:
            st.markdown(f"**{title}**")
            st.code("\n".join(found[lines]), language=None, wrap_lines=True)
    rows = [
        {"picture": each["picture"], "row": each["row"], "column": each["column"], "value": each["value"]}
        | {f"{mode}: {name}": each[mode][name] for mode in ("train", "eval") for name in ("normalised", "output")}
        for each in found["shown"]
    ]
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, alt="Values of the channel, normalised and put out, in both modes"
    )
    apart = max(abs(each["train"]["output"] - each["eval"]["output"]) for each in found["shown"])
    st.caption(
        f"{plain(found['layer'])}, channel {found['channel']}: {found['count']:,} values, one of each picture shown. "
        f"The outputs of the two modes differ by up to {apart:.3g}: the running mean is {found['running_mean']:.3g} "
        f"where this batch has {found['mean']:.3g}, the running variance {found['running_variance']:.3g} where it has "
        f"{found['variance']:.3g}."
    )
    table = pd.DataFrame([{"quantity": title, "value": found[name]} for name, title in names.items()])
    with st.expander(_("All numbers of this channel"), icon=":material/table:"):
        st.dataframe(table, hide_index=True, alt="Mean, deviation, gamma, beta and running statistics")
        csv_button(table, "batchnorm-formula.csv", "bn_formula_csv")
