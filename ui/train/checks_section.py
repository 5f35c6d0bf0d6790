"""Checks before a run: background jobs whose results are remembered for the settings they were made with."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from alexcore.config import TrainConfig
from alexcore.data.index import DataIndex
from alexcore.training.checks import known_check
from alexcore.training.plan import Plan, batch_in_words
from alexcore.words.language import _
from ui.parts.text import plain
from ui.train.check_button import check_button
from ui.train.loss_section import class_weights_section, loss_section
from ui.train.rate_section import rate_section


def checks(config: TrainConfig, index: DataIndex, plan: Plan) -> None:
    """Draw what can be looked at before a start, a tab each."""
    with st.expander(_("Check before you start"), icon=":material/fact_check:"):
        names = ["Learning rate", "Class weights", "The loss, written out", "Accumulation", "Same seed, same run"]
        rate, weights, loss, accumulation, seed = st.tabs(names)
        with rate:
            rate_section(config, plan)
        with weights:
            class_weights_section(config, index)
        with loss:
            loss_section(config, index)
        with accumulation:
            _accumulation(config)
        with seed:
            _repeat(config)


def _accumulation(config: TrainConfig) -> None:
    st.markdown(plain(batch_in_words(config)))
    found = known_check("prove-accumulation", config)
    if found:
        table = pd.DataFrame(found["rows"]).drop(columns="micro_batches")
        number = st.column_config.NumberColumn
        formats = {f"{way}_error": number(f"{way} error", format="%.1e") for way in ("exact", "naive")}
        formats |= {f"{way}_cosine": number(f"{way} cosine", format="%.6f") for way in ("exact", "naive")}
        formats["micro_batch"] = number("micro-batch", format="%d")
        st.dataframe(table, hide_index=True, column_config=formats, alt="Gradient errors by norm and micro-batch")
        st.markdown(plain(found["sentence"]))
        weighted = "with the class weights above" if found["weights"] else "all classes weigh the same"
        st.caption(
            f"||accumulated - big|| / ||big|| and the cosine between the two, one batch of {found['pictures']} of your "
            f"training pictures, {weighted}. In fp32 and with dropout off, which would drop other units each time."
        )
    check_button(
        "prove-accumulation",
        config,
        _("Prove it again") if found else _("Prove it"),
        "Comparing gradients",
        "norms",
        "Compares one big batch (at most 64 pictures) with micro-batches, exact and by averaging means, for each norm.",
    )


def _repeat(config: TrainConfig) -> None:
    found = known_check("repeat-check", config)
    if found:
        show = st.success if found["same"] else st.warning
        show(plain(found["sentence"]))
        st.code("\n".join(found["hashes"]), language=None)
    check_button(
        "repeat-check",
        config,
        _("Check again") if found else _("Run it twice"),
        "Running the first steps twice",
        "done",
        "Two short runs with these settings; the SHA-256 of their weights is compared.",
    )
