"""The answers: a sentence, a card a picture, and everything as a table, CSV and JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import streamlit as st

from alexcore.doubt.kept import UNLIKE
from alexcore.errors import DataError
from alexcore.words.language import _
from ui.classify.explanation import explain
from ui.classify.prediction_shown import prediction
from ui.classify.work import Work, small_picture
from ui.parts.controls import download
from ui.parts.page import show_error
from ui.parts.text import plain

if TYPE_CHECKING:
    from alexcore.analysis.batch_prediction import AskedNetwork, Reply

CARDS = 6
# Sentences about unreadable pictures; the table has all of them.
MOST_ERRORS = 8
EXPLAINED = "classify_explained"
LOOKS_AT = _(
    "An image is called unlike by its kind (drawing, photo, screen, noise), not by what is in it: a network can only "
    "choose among its classes. An image that is not flagged may still show something it has never seen."
)


def results(work: Work, top_k: int) -> None:
    """Draw the answers of finished work; `top_k` classes beside each picture."""
    networks, replies = work.batch.networks, work.batch.replies
    if not replies:
        st.info(_("Stopped before the first picture was answered."))
        return
    if len(replies) < len(work.pictures):
        st.warning(f"Stopped after {len(replies):,} of {len(work.pictures):,} pictures.")
    st.caption(plain(in_words(networks, replies)))
    bad = [each for each in replies if each.error]
    for each in bad[:MOST_ERRORS]:
        show_error(DataError(each.error, each.hint))
    if len(bad) > MOST_ERRORS:
        st.caption(f"{len(bad) - MOST_ERRORS:,} more pictures cannot be read; the CSV says why.")
    good = [number for number, each in enumerate(replies) if not each.error]
    if good:
        _cards(work, good, top_k)
        if any(network.doubt and network.doubt.novelty for network in networks):
            st.caption(LOOKS_AT)
    _table(networks, replies, top_k)


def in_words(networks: list[AskedNetwork], replies: list[Reply]) -> str:
    """One sentence on all answers of the first network."""
    from alexcore.analysis.answers import said_of

    network, good = networks[0], [each for each in replies if not each.error]
    classes = network.classifier.classes
    best = [int(each.probabilities[0].argmax()) for each in good]
    counts = Counter(best).most_common(4)
    parts = [f"{len(replies):,} picture{'s' if len(replies) != 1 else ''}"]
    if good:
        more = len(set(best)) - len(counts)
        named = [f"{count} taken for {classes[number]}" for number, count in counts]
        rest = [f"the others for {more} more class{'es' if more > 1 else ''}"] if more else []
        parts.append(", ".join([*named, *rest]))
    if len(good) < len(replies):
        parts.append(f"{len(replies) - len(good)} not readable")
    said = [said_of(network, 0, each) for each in good]
    unlike, unsure = sum(each.novelty == UNLIKE for each in said), sum(each.unsure for each in said)
    # Never that none is: what is not flagged may be anything.
    parts += [f"{unlike} unlike anything it was trained on"] * bool(unlike) + [f"{unsure} unsure"] * bool(unsure)
    labelled = [(each.label, number) for each, number in zip(good, best, strict=True) if each.label is not None]
    if labelled:
        right = sum(label == number for label, number in labelled)
        parts.append(f"{right} of {len(labelled)} right")
    return "; ".join(parts) + "."


def _cards(work: Work, good: list[int], top_k: int) -> None:
    pages = -(-len(good) // CARDS)
    page = st.pagination(pages, key="classify_page") if pages > 1 else 1
    first = (min(page, pages) - 1) * CARDS
    for number in good[first : first + CARDS]:
        _card(work, number, top_k, number == good[first])


def _card(work: Work, number: int, top_k: int, leading: bool) -> None:
    networks, reply = work.batch.networks, work.batch.replies[number]
    with st.container(border=True, key=f"classify_card_{number}"):
        left, *others = st.columns([2, *[max(2, 5 - len(networks))] * len(networks)])
        with left:
            try:
                notes = (f"{reply.size[0]} × {reply.size[1]} px {reply.format}", *reply.notes)
                caption = plain(f"{reply.name}: {', '.join(notes)}")
                st.image(small_picture(work, number), width="stretch", caption=caption, alt=reply.name)
            except DataError as error:
                show_error(error)
            shown = st.session_state.get(EXPLAINED) == number
            st.button(
                _("Close the explanation") if shown else _("Explain this answer"),
                key=f"classify_explain_{number}",
                on_click=lambda: st.session_state.update({EXPLAINED: None if shown else number}),
                width="stretch",
                icon=":material/close:" if shown else ":material/search:",
            )
        for place, (column, network) in enumerate(zip(others, networks, strict=True)):
            # The first one on the page has the plain key, by which others find it.
            key = "" if leading and place == 0 else f"_{number}_{place}"
            with column:
                prediction(network, place, reply, top_k, key=key, named=len(networks) > 1)
        if shown:
            explain(work, number)


def _table(networks: list[AskedNetwork], replies: list[Reply], top_k: int) -> None:
    from alexcore.analysis.answers import as_json, as_table, csv_text

    def csv() -> bytes:
        return csv_text(networks, replies, top_k).encode()

    def document() -> bytes:
        return json.dumps(as_json(networks, replies, top_k), ensure_ascii=False).encode()

    table = as_table(networks, replies)
    share = st.column_config.NumberColumn(format="percent", help="Of the most probable class.")
    bits = st.column_config.NumberColumn(format="%.2f", help="0 is certain.")
    kinds = {"probability": share, "entropy": bits}
    formats = {str(name): kinds[kind] for name in table.columns for kind in kinds if str(name).startswith(kind)}
    if len(replies) > 1:
        st.markdown(_("**All answers.** A click on the head of a column sorts by it."))
        more: dict[str, Any] = {"height": min(420, 38 * (len(table) + 1)), "alt": "What each picture is taken for"}
        with st.container(key="classify_table"):
            st.dataframe(table, hide_index=True, column_config=formats, **more)
        if len(networks) > 1:
            numbered = ", ".join(f"{number} is {each.name}" for number, each in enumerate(networks, start=1))
            st.caption(plain(f"The numbers in the heads: {numbered}."))
    with st.container(horizontal=True):
        download(_("Download as CSV"), csv, "predictions.csv", "text/csv", "classify_download")
        download(_("Download as JSON"), document, "predictions.json", "application/json", "classify_download_json")
        st.caption(f"The {top_k} most probable classes of each picture, in the form of the command line's `predict`.")
