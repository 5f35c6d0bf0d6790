"""An archive from a browser: looked at before it is unpacked, and the choice how its names are read, if it is open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from alexcore.data.archives.archive import Peek, peek
from alexcore.data.archives.archive_names import read_as
from alexcore.data.archives.arrivals import require_here
from alexcore.data.archives.uploads import UPLOAD_LIMITS, UPLOAD_MB, folder_name
from alexcore.errors import DataError
from alexcore.words.language import _
from alexcore.words.numbers import size_text
from ui.parts.kept_upload import kept_upload
from ui.parts.page import show_error
from ui.parts.text import plain
from ui.parts.upload_field import upload_field

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

# Ways to read names that are offered: a person tells soon which one is right.
_OFFERED = 12


@dataclass(frozen=True)
class Archive:
    """An upload that somebody wants to have unpacked; `encoding` is how its names are read, or ""."""

    upload: UploadedFile
    encoding: str

    @property
    def folder(self) -> str:
        """What its data set will be called."""
        return folder_name(self.upload.name)

    def arguments(self, target: Path) -> list[str]:
        """Keep a copy on the disk, and return what `data unpack` needs to make a data set of it.

        Raises:
            DataError: the copy cannot be written.
        """
        copy, told = kept_upload(self.upload)
        return [copy, str(target), *told, *([f"--encoding={self.encoding}"] if self.encoding else [])]


def upload_section() -> Archive | None:
    """Draw the field for an archive and the button; the archive when the button has been pressed.

    Raises:
        DataError: it is no archive that can be unpacked; the sentence says what it is, and where it belongs.
    """
    st.write(_("A .zip or .tar (plain, .gz, .bz2, .xz or .zst) with one folder per class, or with train/ and val/."))
    limits = _("At most {size} MB a file, {entries} entries, and {unpacked} unpacked.").format(
        size=UPLOAD_MB, entries=f"{UPLOAD_LIMITS.files:,}", unpacked=size_text(UPLOAD_LIMITS.total_bytes)
    )
    about = _(
        "It is unpacked with limits: nothing outside its own folder, no links, no bombs. Larger archives: python -m "
        "alexcore data unpack ARCHIVE DIR."
    )
    upload = upload_field(_("Archive"), "dataset_archive", UPLOAD_MB, about)
    st.caption(limits)
    if upload is None:
        st.button(_("Unpack"), key="dataset_unpack", disabled=True)
        return None
    found = _looked_at(upload)
    encoding = _encoding(found, upload.name) if found.raws else ""
    clicked = st.button(_("Unpack"), key="dataset_unpack", disabled=encoding is None)
    return Archive(upload, encoding) if clicked and encoding is not None else None


def _looked_at(upload: UploadedFile) -> Peek:
    """What can be said of the archive before it is unpacked; found out once an upload."""
    kept: tuple[str, Peek | DataError] | None = st.session_state.get("dataset_peek")
    if kept is None or kept[0] != upload.file_id:
        found: Peek | DataError
        st.session_state.pop("dataset_encoding_other", None)  # it was about another archive
        try:
            require_here(upload.name, upload, "zip", "tar")
            with st.spinner(_("Looking into the archive ...")):
                found = peek(upload, upload.name, upload.size, UPLOAD_LIMITS)
        except DataError as error:
            found = error
        kept = (upload.file_id, found)
        st.session_state["dataset_peek"] = kept
    if isinstance(kept[1], DataError):
        raise kept[1]
    return kept[1]


def _encoding(found: Peek, name: str) -> str | None:
    """Let a person confirm how the names are read, which nothing in the archive says; None while that is open."""
    chosen = _likely(found) if found.readings else None
    typed: str = st.text_input(
        _("Another encoding"),
        key="dataset_encoding_other",
        max_chars=40,
        placeholder="cp850",
        width=220,
        help=_("If none of these lines can be read: the name of the encoding, as `--encoding` takes it."),
    )
    if typed.strip():
        try:
            read = read_as(found.raws, name, typed.strip())
        except DataError as error:
            show_error(error)
            return None
        st.caption(plain(_("They read as {encoding}: {names}").format(encoding=read.encoding, names=read.sample)))
        return read.encoding
    if chosen:
        st.caption(_("Nothing is unpacked yet. Choose the line that you can read."))
    else:
        st.caption(_("The names are like no words in a usual encoding: type the one that they are written in."))
    return chosen


def _likely(found: Peek) -> str:
    readings = {each.encoding: each for each in found.readings[:_OFFERED]}
    chosen: str = st.selectbox(
        _("The names in this archive read"),
        list(readings),
        format_func=lambda each: f"{readings[each].sample} ({readings[each].title}, {each})",
        key="dataset_encoding",
        help=_("The archive does not say in which encoding its names are written. The likeliest reading comes first."),
    )
    return chosen
