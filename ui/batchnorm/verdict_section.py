"""The verdict: the blog post's five questions, each with a short answer from this experiment's numbers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from alexcore.batchnorm.read.decision import SEEDS_NEEDED
from alexcore.batchnorm.read.record import OLD_ANSWERS, Experiment
from alexcore.batchnorm.read.verdict import evidence_rows
from alexcore.batchnorm.settings import BN_FIELDS
from alexcore.batchnorm.views.sections import SECTIONS
from alexcore.runs.store import Run
from alexcore.words.language import _
from alexcore.words.verdict import answer_in_words, rule_in_words
from ui.parts.run_header import resume
from ui.parts.text import plain

# Which part of a section answers a question, by the question's number from 0.
PARTS = {0: "changes", 1: "distributions", 2: "changes", 3: "rates", 4: "units"}
# A second place to look at: how far distributions move, and how fast an arm learns.
MORE = {1: ("inside", "distributions"), 3: ("curves", "")}


def verdict_section(run: Run, experiment: Experiment) -> None:
    """Draw the five answers; while there are none, say when they come."""
    with st.container(key="bn_verdict"):
        if not experiment.answers:
            _not_yet(run)
            return
        seeds = len(experiment.seeds)
        decided = sum(bool(each.get("decided")) for each in experiment.answers)
        st.caption(
            f"{decided} of {len(experiment.answers)} questions are decided by this experiment, over {seeds} "
            f"{'seed' if seeds == 1 else 'seeds'}. {rule_in_words(experiment.answers)} It holds for this data set, "
            "this network and these settings, and no further."
        )
        if experiment.answers_are_old:
            st.warning(OLD_ANSWERS, icon=":material/history:")
        for at, answer in enumerate(experiment.answers):
            _answer(at, answer)
        if run.status.state == "finished":
            _more_seeds(run, seeds)


def _more_seeds(run: Run, seeds: int) -> None:
    """Draw the button that trains more seeds of a finished experiment."""
    most = int(BN_FIELDS["seeds"].maximum or seeds)
    if seeds >= most:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", border=True, key="bn_growth"):
        wanted = st.number_input(
            _("Seeds in all"), seeds + 1, most, max(SEEDS_NEEDED, seeds + 1), key=f"bn_seeds_in_all_{seeds}", width=120
        )
        st.button(
            _("Train more seeds"),
            key="bn_more_seeds",
            icon=":material/add:",
            on_click=resume,
            args=(run,),
            kwargs={"seeds": wanted},
        )
        st.caption(
            f"{wanted - seeds} more, the same as if they had been there from the start; each takes about as long as "
            "one has taken. Choose the number once: adding seeds until something is decided finds more than there is.",
            width="stretch",
        )


def _not_yet(run: Run) -> None:
    if run.status.active:
        st.info(_("The verdict is written when the experiment ends. The curves and layers grow until then."))
    elif run.status.state == "stopped":
        st.info(_("This experiment was stopped before its verdict. Resume it: it goes on as if nothing had happened."))
    else:
        st.info(
            _("This experiment has no verdict: it ended too early. What was measured stands in the other sections.")
        )


def _answer(at: int, answer: dict[str, Any]) -> None:
    decided, words = bool(answer.get("decided")), answer_in_words(answer)
    with st.container(border=True, key=f"bn_answer_{at}"):
        st.markdown(f"**{at + 1}. {plain(words.question)}**")
        if decided:
            st.badge("decided", color="green", icon=":material/check:")
        else:
            st.badge("not decided by this experiment", color="orange", icon=":material/balance:")
        st.markdown(plain(words.short))
        if words.effect:
            st.markdown(f":material/straighten: {plain(words.effect)}")
        if words.detail:
            st.caption(plain(words.detail))
        with st.container(horizontal=True):
            for section, part in _charts_of(at, str(answer.get("anchor", ""))):
                title = SECTIONS[section].title + (f": {SECTIONS[section].parts[part].title}" if part else "")
                # A link to the page that is open already would leave the old URL in the browser.
                st.button(
                    f"See the charts: {title}",
                    key=f"bn_see_{at}_{section}",
                    type="tertiary",
                    icon=":material/monitoring:",
                    on_click=_open,
                    args=(section, part),
                )
        rows = evidence_rows(answer)
        if rows:
            with st.expander(_("The numbers behind this answer"), icon=":material/table:"):
                st.dataframe(pd.DataFrame(rows), hide_index=True, alt=f"Evidence for question {at + 1}")


def _charts_of(question: int, anchor: str) -> list[tuple[str, str]]:
    """(section, part) of the charts behind an answer: where the verdict points to, and what else it draws on."""
    found = []
    if anchor in SECTIONS:
        part = PARTS.get(question, "")
        found.append((anchor, part if part in SECTIONS[anchor].parts else ""))
    more = MORE.get(question)
    return found + ([more] if more and more[0] != anchor else [])


def _open(section: str, part: str) -> None:
    """Show another section, and put it into the URL; a callback."""
    st.query_params["section"] = section
    if part:
        st.query_params["part"] = part
