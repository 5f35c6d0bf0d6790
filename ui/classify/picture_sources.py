"""Where the pictures of the page Classify come from: uploads, camera, clipboard, the validation split, a folder."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Protocol

import pandas as pd
import streamlit as st

from alexcore.data.archives.arrivals import require_here
from alexcore.data.archives.incoming import (
    Found,
    Incoming,
    folder_pictures,
    from_bytes,
    set_pictures,
    spread_rows,
    told_apart,
    zip_pictures,
)
from alexcore.data.decoding.images import POLICY
from alexcore.errors import DataError
from alexcore.home import data_roots, open_path
from alexcore.runs.store import Run
from alexcore.words.language import _
from ui.parts.controls import one_of
from ui.parts.networks import run_index
from ui.parts.page import show_error
from ui.parts.text import plain
from ui.parts.upload_field import camera_field, kept_uploads

# Pictures in one go, and the sizes of one picture and of one upload (a zip file).
MOST, PICTURE_MB, UPLOAD_MB = 1000, 20, 200
SOURCES = ("Upload", "Camera", "Paste", "Validation pictures", "A folder")
SAMPLES = (6, 12, 32, 500)


class Upload(Protocol):
    """What Streamlit's widgets hand over."""

    name: str
    size: int
    file_id: str

    def getvalue(self) -> bytes:
        """Its bytes."""


@dataclass(frozen=True)
class Chosen:
    """The pictures to answer; `identity` changes when they do, `explained` is the one to explain at once, if any."""

    pictures: tuple[Incoming, ...] = ()
    identity: Hashable = ()
    explained: int | None = None


def choose_pictures(run: Run | None) -> Chosen:
    """Draw the ways to bring pictures, and return those that were brought; `run` gives validation pictures, if any.

    Raises:
        DataError: a source cannot be used.
    """
    wanted = st.query_params.get("picture")
    if wanted and run is not None:
        return _one_of_the_set(run, wanted)
    sources = SOURCES if run is not None else tuple(each for each in SOURCES if each != "Validation pictures")
    source = one_of(_("Pictures from"), sources, "classify_source", bind="query-params", persist_state="session")
    if source == "Camera":
        shot = camera_field(_("Take a picture"), "classify_camera")
        chosen = _uploads([shot] if shot else [])
    elif source == "Paste":
        chosen = _pasted()
    elif source == "Validation pictures" and run is not None:
        chosen = _samples(run)
    elif source == "A folder":
        chosen = _folder()
    else:
        about = (
            f"Drop them here. Pictures of at most {PICTURE_MB} MB, or a zip file of pictures; up to {MOST:,} in one "
            "go. They are kept in memory, and only for this visit."
        )
        chosen = _uploads(kept_uploads(_("Pictures"), "classify_upload", UPLOAD_MB, about))
    with st.expander(_("What happens to a picture before the network sees it"), icon=":material/info:"):
        st.caption(_("One policy for training, evaluation and this page. What was changed stands beside each picture."))
        st.table(pd.DataFrame(POLICY, columns=["in the file", "what happens"]).set_index("in the file"))
    return chosen


def _one_of_the_set(run: Run, path: str) -> Chosen:
    """The picture that the URL names, if the run's data set has it."""
    if st.button(_("Back to your own pictures"), key="classify_back", icon=":material/arrow_back:"):
        del st.query_params["picture"]
        st.rerun()
    index = run_index(run)
    # The path comes from a URL: only what the index lists is opened.
    row = index.position_of(path)
    st.caption(f"A picture of this run's data set, {plain(str(index.files['split'].iloc[row]))}: {plain(path)}")
    return Chosen(tuple(set_pictures(index, [row])), ("picture", run.id, path), explained=0)


def _uploads(files: Sequence[Upload]) -> Chosen:
    """Uploads as pictures; a zip file counts as the pictures in it. Names and types from the browser mean nothing."""
    pictures: list[Incoming] = []
    known: dict[str, Found] = st.session_state.setdefault("classify_zips", {})
    for gone in set(known) - {each.file_id for each in files}:
        del known[gone]
    for each in files:
        if len(pictures) > MOST:
            break
        try:
            if each.file_id not in known:
                thing = require_here(each.name, BytesIO(each.getvalue()), "image", "zip")
                # One whose beginning is damaged is no picture either, and is told so.
                if thing != "zip" and not each.name.lower().endswith(".zip"):
                    picture = from_bytes(each.name, each.getvalue, each.size, PICTURE_MB * 10**6)
                    pictures.append(replace(picture, identity=each.file_id))
                    continue
                found = zip_pictures(each.getvalue(), each.name)
                numbered = (replace(one, identity=(each.file_id, at)) for at, one in enumerate(found.pictures))
                known[each.file_id] = replace(found, pictures=tuple(numbered))
            pictures += known[each.file_id].pictures
            _say(known[each.file_id].passed_over)
        except DataError as error:
            show_error(error)
    return _limited(told_apart(pictures), tuple(each.file_id for each in files))


def _limited(pictures: Sequence[Incoming], identity: Hashable) -> Chosen:
    if len(pictures) > MOST:
        st.warning(
            f"{len(pictures):,} pictures were given; the first {MOST:,} are answered. For more use the command line: "
            "`python -m alexcore predict RUN FOLDER --csv`."
        )
    return Chosen(tuple(pictures[:MOST]), identity)


def _say(sentences: Sequence[str]) -> None:
    for each in sentences:
        st.caption(plain(each))


def _pasted() -> Chosen:
    """Pictures from the clipboard: of Streamlit's widgets, the text field of chats takes them."""
    with st.container(key="classify_paste_box"):
        given = st.chat_input(
            _("Click here, paste a picture (Ctrl+V), press Enter"),
            accept_file="multiple",
            key="classify_paste",
            max_upload_size=PICTURE_MB,
        )
    # The field hands its files over once; they stay until others are pasted, or the visit ends.
    files = getattr(given, "files", None)
    if files:
        st.session_state["classify_pasted"] = list(files)[:MOST]
    return _uploads(st.session_state.get("classify_pasted", []))


def _samples(run: Run) -> Chosen:
    index = run_index(run)
    if "val" not in index.splits:
        raise DataError(f"{index.root} has no validation split.", "Upload pictures instead.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        count = one_of(_("How many"), SAMPLES, "classify_samples", default=SAMPLES[1], persist_state="session")
        turn = int(st.session_state.get("classify_turn", 0))
        if st.button(_("Others"), key="classify_others", icon=":material/refresh:"):
            turn = st.session_state["classify_turn"] = turn + 1
        st.caption(
            _(
                "Evenly over the classes, from pictures that the network was not trained on. Their true class is "
                "known, so you see at once what is right."
            )
        )
    rows = spread_rows(index, "val", count, turn)
    return Chosen(tuple(set_pictures(index, rows)), ("val", run.id, count, turn))


def _folder() -> Chosen:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            _("Folder on this machine"),
            key="classify_folder",
            max_chars=1000,
            bind="query-params",
            persist_state="session",
            placeholder=_("the path of a folder with pictures"),
            width=520,
        )
        again = st.button(_("Read again"), key="classify_folder_again")
    if not (text or "").strip():
        st.caption(_("Folders within the data roots may be read, with the folders in them. Nothing is copied."))
        return Chosen()
    read = st.session_state.get("classify_folder_read")
    if again or read is None or read[0] != text:
        folder = open_path(text)
        if not folder.is_dir():
            raise DataError(f"{folder} is no folder.", "Type the path of a folder with pictures.")
        turn = 0 if read is None else read[2] + 1
        read = (text, folder_pictures(folder, data_roots(), MOST), turn)
        st.session_state["classify_folder_read"] = read
    _say(read[1].passed_over)
    return _limited(read[1].pictures, ("folder", text, read[2]))
