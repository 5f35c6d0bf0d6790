"""The pictures in work: answered a second at a time, so that the page stays alive, and kept for this visit."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from alexcore.data.archives.incoming import Incoming
from alexcore.words.language import _
from alexcore.words.numbers import duration
from ui.classify.picture_sources import Chosen

if TYPE_CHECKING:
    from alexcore.analysis.batch_prediction import AskedNetwork, BatchPrediction, Reply

# A click waits at most so long.
SLICE_S, POLL_S = 0.8, 0.1
# Small copies and maps that a visit keeps in memory.
KEPT = 60
SHOWN_PX = 480


@dataclass
class Work:
    """One set of pictures and its answers so far; another `key`, who was asked and what about, is other work.

    `seconds` is how long answering took, without waiting for the browser; `kept` are small copies and maps, by what
    they show.
    """

    key: tuple[Hashable, Hashable]
    pictures: tuple[Incoming, ...]
    batch: BatchPrediction
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    kept: dict[Hashable, Any] = field(default_factory=dict)

    def advance(self) -> bool:
        """Answer for a slice of time; whether all is done."""
        start = time.monotonic()
        done = self.batch.advance(SLICE_S)
        self.seconds += time.monotonic() - start
        return done

    def answered(self) -> dict[Hashable, Reply]:
        """The answers so far to pictures that can be known again."""
        pairs = zip(self.pictures, self.batch.replies, strict=False)
        return {picture.identity: reply for picture, reply in pairs if picture.identity is not None}

    def identity_of(self, place: int | None) -> Hashable:
        """What the picture in this place can be known by."""
        return self.pictures[place].identity if place is not None and place < len(self.pictures) else None

    def keep(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """Make something once and remember it for the next rerun; the oldest is forgotten."""
        if name not in self.kept:
            self.kept[name] = make()
            while len(self.kept) > KEPT:
                del self.kept[next(iter(self.kept))]
        return self.kept[name]


def work_on(networks: Sequence[AskedNetwork], chosen: Chosen, tta: bool) -> Work:
    """The work on these pictures: the one in progress, or a new one in its place."""
    from alexcore.analysis.batch_prediction import BatchPrediction

    asked = (tuple((each.name, _version(each), each.doubt) for each in networks), tta)
    work: Work | None = st.session_state.get("classify_work")
    if work is None or work.key != (asked, chosen.identity):
        known = work.answered() if work is not None and work.key[0] == asked else {}
        explained = None if work is None else work.identity_of(st.session_state.get("classify_explained"))
        # Dropped first, so that two sets of pictures are never in memory.
        st.session_state.pop("classify_work", None)
        batch = BatchPrediction(networks, chosen.pictures, tta=tta, known=known)
        work = Work((asked, chosen.identity), chosen.pictures, batch)
        st.session_state["classify_work"] = work
        again = (place for place, each in enumerate(chosen.pictures) if explained and each.identity == explained)
        st.session_state["classify_explained"] = next(again, None) if chosen.explained is None else chosen.explained
    return work


def _version(network: AskedNetwork) -> int:
    """Changes when a checkpoint is written anew, but not when its network is only loaded again."""
    try:
        return network.classifier.checkpoint.stat().st_mtime_ns
    except (OSError, ValueError):  # a weights file, which lies nowhere
        return id(network.classifier)


def work_off(work: Work) -> bool:
    """Answer a slice; while pictures are left, show how far the work is. Whether all is done."""
    if work.advance():
        return True
    st.fragment(_progress, run_every=POLL_S)(work)
    return False


def _progress(work: Work) -> None:
    if work.advance():
        st.rerun()
    batch = work.batch
    rate = batch.done / max(work.seconds, 1e-6)
    left = duration((batch.total - batch.done) / rate) if batch.done else "some time"
    words = f"{batch.done:,} of {batch.total:,} pictures, {rate:.0f} a second, about {left} left"
    st.progress(batch.done / max(1, batch.total), text=words)
    if st.button(_("Stop here"), key="classify_stop"):
        batch.stop()
        st.rerun()


def small_picture(work: Work, number: int) -> bytes:
    """A small JPEG of a picture, made in memory.

    Raises:
        DataError: it cannot be read any more.
    """
    from alexcore.augment.preview import encoded
    from alexcore.data.decoding.thumbnails import small_copy

    return bytes(work.keep(("small", number), lambda: encoded(small_copy(work.pictures[number].read(), SHOWN_PX))))
