"""When to doubt a prediction: what was measured for the networks that answer, or the button that measures it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from alexcore.analysis.reference_files import Reference, reference_name
from alexcore.doubt.kept import Doubt, read_doubt
from alexcore.errors import DataError
from alexcore.runs.store import Run, require_checkpoint
from alexcore.words.language import _
from ui.parts.job_progress import job_button
from ui.parts.networks import network_of, reference_of, run_index
from ui.parts.page import shown_errors
from ui.parts.text import plain

if TYPE_CHECKING:
    from alexcore.analysis.batch_prediction import AskedNetwork


def reference_section(runs: list[Run], watching: bool, networks: Sequence[AskedNetwork] = ()) -> None:
    """Draw, for each run that answers, what was measured or the button that measures it.

    Without `watching` no job is followed: a page has one polling fragment, and answering pictures comes first.
    `networks` are those that are loaded already; of others it is only said what their runs have kept.
    """
    loaded = {network.name: network.doubt for network in networks}
    with st.expander(_("How reliable are these predictions?"), key="classify_trust"):
        for run in runs:
            with shown_errors():
                st.markdown(f"**{plain(run.id)}**")
                doubt = loaded[run.id] if run.id in loaded else read_doubt(run.path)
                if doubt is not None:
                    _say(doubt)
                found = reference_of(run)
                if found is not None:
                    _parity(run, found)
                if (doubt is None or found is None) and _measure(run, doubt, watching):
                    watching = False


def _measure(run: Run, doubt: Doubt | None, watching: bool) -> bool:
    """Draw the button that measures a run, or how far that is; whether it is watched."""
    if run.config is None:
        raise DataError(f"The settings of the run {run.id} cannot be read.", "Choose another run.")
    if run.status.active and doubt is None:
        st.caption(_("The run is still at work. When it has finished, it measures when to doubt its predictions."))
        return False
    # A job may open any data set; what a browser starts shall open only what a browser may.
    run_index(run)
    name = reference_name(require_checkpoint(run), run.config.data, run.config.val)
    st.caption(
        _(
            "Not measured for this checkpoint, as for every run of an earlier version or that was stopped. Measuring "
            "shows the network images of its own data set once, in the background. Then predictions are flagged where "
            "an image is unlike its training images, or where it is unsure, and the nearest training images appear."
        )
        if doubt is None
        else _("The nearest training images are not indexed yet. That takes one pass over the data set.")
    )
    if not watching:
        st.caption(_("It can be measured when the work above is done."))
        return False
    label = _("Measure this network") if doubt is None else _("Index the training images")
    command, key = ["reference", str(run.path)], f"classify_measure_{run.id}"
    doing = "Asking the network its own pictures"
    return job_button(name, command, label, key, doing=doing, icon=":material/straighten:")


def _say(doubt: Doubt) -> None:
    lines = [f"{doubt.right:,} of {doubt.images:,} validation images were predicted right."]
    if doubt.threshold:
        lines.append(f"{doubt.threshold.in_words} Below that a prediction is called unsure.")
    else:
        lines.append("No confidence parts right from wrong predictions there, so none is called unsure.")
    if doubt.novelty is not None:
        lines.append(f"{doubt.novelty.images:,} training images were measured to say which images are unlike them.")
    lines.append(doubt.false_alarms)
    lines.append("With test-time augmentation the probabilities are others than those that were measured.")
    st.caption(plain(" ".join(lines)))


def _parity(run: Run, found: Reference) -> None:
    if st.button(_("Check 32 validation pictures"), key=f"classify_parity_{run.id}", icon=":material/rule:"):
        network = network_of(run)
        from alexcore.analysis.parity import check_parity

        st.session_state[f"classify_parity_result_{run.id}"] = check_parity(network, run_index(run), found.logged())
    result = st.session_state.get(f"classify_parity_result_{run.id}")
    if result is None:
        st.caption(
            _("Sends 32 pictures through this page as uploads, and compares with what evaluation logged for them.")
        )
    elif result.different:
        st.error(plain(result.in_words), icon=":material/close:")
    else:
        st.success(plain(f"✓ {result.in_words}"), icon=":material/check:")
