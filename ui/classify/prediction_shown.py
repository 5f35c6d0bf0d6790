"""One network's prediction for one image: the headline, which says when not to trust it, the bars, and the reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from alexcore.doubt.kept import UNLIKE, Verdict
from alexcore.palette import GREY
from alexcore.words.language import _
from ui.parts.text import plain

if TYPE_CHECKING:
    from alexcore.analysis.batch_prediction import AskedNetwork, Reply
    from alexcore.analysis.prediction import ClassProbability


def prediction(network: AskedNetwork, place: int, reply: Reply, top_k: int, *, key: str, named: bool) -> None:
    """Draw it.

    Args:
        network: The network, which is the one at `place` among those that were asked.
        place: Its place.
        reply: What they say of the image.
        top_k: How many classes to show.
        key: What the keys of its containers end with.
        named: Whether to say which network it is.
    """
    from alexcore.analysis.answers import said_of
    from alexcore.analysis.prediction import best_of

    if named:
        st.caption(plain(network.name))
    answers = best_of(reply.probabilities[place], network.classifier.classes, top_k)
    said = said_of(network, place, reply)
    with st.container(key=f"classify_headline{key}", gap="xxsmall"):
        _headline(answers[0], said)
    bars = f"classify_bars{key}"
    if said.novelty == UNLIKE:
        st.html(f"<style>.st-key-{bars} [data-testid=stProgressBarTrack] > div {{background: {GREY};}}</style>")
    with st.container(key=bars):
        for each in answers:
            st.progress(each.probability, text=f"{plain(each.name)}: {each.probability:.1%}")
    st.caption(plain(_about(network, place, reply, answers[0], said)))
    if network.doubt and said.novelty == UNLIKE:
        st.warning(
            plain(f"This image is unlike the training images. {network.doubt.false_alarms}"), icon=":material/help:"
        )
    if network.doubt and network.doubt.threshold and said.unsure:
        low = f"Low confidence ({answers[0].probability:.0%}). {network.doubt.threshold.in_words}"
        st.warning(plain(low), icon=":material/help:")


def _headline(best: ClassProbability, said: Verdict) -> None:
    answer = f"{plain(best.name)}, {best.probability:.1%}"
    if said.novelty == UNLIKE:
        st.markdown(_("#### Unlike anything it was trained on"))
        st.markdown(f"{'Unsure, too: it' if said.unsure else 'It'} would say **{answer}**, but do not trust it.")
    elif said.unsure:
        st.markdown(f"#### Unsure: {answer}")
    else:
        st.markdown(f"#### {plain(best.name)}: {best.probability:.1%}")


def _about(network: AskedNetwork, place: int, reply: Reply, best: ClassProbability, said: Verdict) -> str:
    from alexcore.doubt.confidence import entropy_bits

    classes, text = network.classifier.classes, ""
    if reply.label is not None and reply.label < len(classes):
        right = "right" if reply.label == best.index else "wrong"
        text = f"Its true class is {classes[reply.label]}: {right}. "
    bits, most = entropy_bits(reply.probabilities[place]), float(np.log2(len(classes)))
    text += f"Entropy {bits:.2f} of at most {most:.2f} bits: 0 is certain, the maximum is a pure guess. "
    return f"{text}Unlike the training images: {'yes' if said.novelty == UNLIKE else said.novelty}."
