"""What the page shows before there is an experiment, and the way back to earlier ones."""

from __future__ import annotations

import streamlit as st

from alexcore.run_names import title_of
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.store import list_runs
from alexcore.words.language import _
from ui.parts.menu import page_link
from ui.parts.text import plain

MOST = 20
# As the blog post asks them, where it comes to batch normalisation.
ASKED = (
    "The input changes a little, and the output of every layer changes a lot. Does it, and does BatchNorm change that?",
    "Gradient descent changes the weights, and so the distributions. How far do they move, with BatchNorm and without?",
    "Should a network not learn by itself what to amplify and what not?",
    "Learning without it is said to be too slow. Would learning slowly not end better?",
    "BatchNorm is said to keep units out of the saturated region. Does it?",
)


def what_is_asked() -> None:
    """Say what an experiment is for."""
    with st.container(border=True, key="bn_asked"):
        st.markdown(
            _(
                "The blog post that this laboratory grew out of says of batch normalisation: *I can see how it is "
                "done, not why*, and asks:"
            )
        )
        st.markdown("\n".join(f"{at}. {question}" for at, question in enumerate(ASKED, start=1)))
        st.markdown(
            _(
                "An experiment trains the same network without a norm, with BatchNorm and with GroupNorm, from the "
                "same weights on the same batches, and measures inside all of them. Every answer is computed from its "
                "numbers; where they do not decide a question, the page says so. Press **Start** below: the quick "
                "preset takes about three minutes on two cores."
            )
        )


def past_experiments(shown: str | None) -> None:
    """Link to the experiments of the store, the newest first."""
    others = [run for run in list_runs() if run.kind is BATCHNORM and run.id != shown]
    if not others:
        return
    with st.expander(f"Other experiments ({len(others)})", icon=":material/history:"), st.container(key="bn_past"):
        for run in others[:MOST]:
            with st.container(horizontal=True, vertical_alignment="center"):
                page_link("batchnorm", plain(title_of(run.path)), run=run.id)
                init = f", initial weights {run.config.init}, {run.config.activation}" if run.config else ""
                st.caption(f"{run.status.state}, {run.status.step:,} steps{init}", width="content")
        if len(others) > MOST:
            st.caption(f"{len(others) - MOST} more are in the folder of runs.")
