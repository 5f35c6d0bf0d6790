"""What answers are held against, measured once a checkpoint in the background; and the check of the upload path."""

from __future__ import annotations

import streamlit as st

from alexcore.analysis.confidence import Doubt
from alexcore.analysis.reference_files import Reference, reference_name
from alexcore.errors import DataError
from alexcore.runs.store import Run, require_checkpoint
from alexcore.words.language import _
from ui.parts.job_progress import job_button
from ui.parts.networks import network_of, reference_of, run_index
from ui.parts.page import shown_errors
from ui.parts.text import plain


def reference_section(runs: list[Run], watching: bool) -> None:
    """Draw, for each run that answers, what was measured or the button that measures it.

    Without `watching` no job is followed: a page has one polling fragment, and answering pictures comes first.
    """
    with st.expander(_("When to doubt an answer, and whether to trust this page"), key="classify_trust"):
        for run in runs:
            with shown_errors():
                st.markdown(f"**{plain(run.id)}**")
                found = reference_of(run)
                if found is not None:
                    _say(found.doubt)
                    _parity(run, found)
                elif _measure(run, watching):
                    watching = False


def _measure(run: Run, watching: bool) -> bool:
    """Draw the button that measures a run, or how far that is; whether it is watched."""
    if run.config is None:
        raise DataError(f"The settings of the run {run.id} cannot be read.", "Choose another run.")
    # A job may open any data set; what a browser starts shall open only what a browser may.
    run_index(run)
    name = reference_name(require_checkpoint(run), run.config.data, run.config.val)
    st.caption(
        _(
            "Not measured yet. Measuring asks the network all pictures of its own data set once, in the background: "
            "how sure it is when it is right and when it is wrong, and what the training pictures look like to it. "
            "Then each answer gets a hint where it should be doubted, and the nearest training pictures."
        )
    )
    if not watching:
        st.caption(_("It can be measured when the work above is done."))
        return False
    command, label, key = ["reference", str(run.path)], _("Measure this network"), f"classify_measure_{run.id}"
    doing = "Asking the network its own pictures"
    return job_button(name, command, label, key, doing=doing, icon=":material/straighten:")


def _say(doubt: Doubt) -> None:
    lines = [f"Asked {doubt.images:,} validation pictures: {doubt.acc1:.1%} right."]
    if doubt.threshold:
        lines.append(f"{doubt.threshold.in_words} Below that an answer is called unsure.")
    else:
        lines.append("No confidence parts right from wrong answers there, so no answer is called unsure.")
    if doubt.far is not None:
        lines.append(f"A picture farther than {doubt.far:.2f} from every class's mean features is called unlike.")
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
