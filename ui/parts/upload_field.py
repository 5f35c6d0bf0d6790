"""Fields that take files from a browser, and the sentences about what only the way of a file can spoil."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile

from alexcore.words.language import _
from ui.parts.text import plain

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

# Headers that a proxy adds to what it passes on.
_PROXIES = ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via")
# Where a browser gives a page the camera without https.
_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass
class _Held:
    """The files of a field in this visit: `files` by their ids, of which the field itself shows those `in_field`."""

    files: dict[str, UploadedFile] = field(default_factory=dict)
    in_field: frozenset[str] = frozenset()


def upload_field(label: str, key: str, most_mb: int, help_text: str | None = None) -> UploadedFile | None:
    """Draw a field for one file of at most `most_mb` MB; what it holds now, if the server still has it."""
    files = _drawn(label, key, most_mb, help_text, several=False)
    return files[0] if files else None


def kept_uploads(
    label: str, key: str, most_mb: int, help_text: str | None = None, *, several: bool = True
) -> list[UploadedFile]:
    """Draw a field whose files stay for the visit, also while other pages or parts of this one are looked at.

    A field that is drawn anew is empty in the browser; what it held before stands below it, with a button that forgets
    it. With `several=False` a new file takes the place of the one before.
    """
    anew = key not in st.session_state
    shown = {each.file_id: each for each in _drawn(label, key, most_mb, help_text, several=several)}
    held: _Held = st.session_state.setdefault(f"{key}_held", _Held())
    if not anew:
        for gone in held.in_field - shown.keys():  # taken out of the field by hand
            held.files.pop(gone, None)
    if shown and not several:
        held.files.clear()
    held.files.update(shown)
    held.in_field = frozenset(shown)
    before = [each for name, each in held.files.items() if name not in shown]
    if before:
        with st.container(horizontal=True, vertical_alignment="center", key=f"{key}_before"):
            names = ", ".join(each.name for each in before[:3])
            more = f" and {len(before) - 3:,} more" if len(before) > 3 else ""
            st.caption(plain(f"Still here from before: {names}{more}."), width="content")
            st.button(_("Forget them"), key=f"{key}_forget", type="tertiary", on_click=_forget, args=(key, before))
    return list(held.files.values())


def _forget(key: str, files: Sequence[UploadedFile]) -> None:
    held: _Held = st.session_state[f"{key}_held"]
    for each in files:
        held.files.pop(each.file_id, None)


def _drawn(label: str, key: str, most_mb: int, help_text: str | None, *, several: bool) -> list[UploadedFile]:
    given: Any = st.file_uploader(
        label, key=key, accept_multiple_files=several, max_upload_size=most_mb, help=help_text
    )
    if any(name in st.context.headers for name in _PROXIES):
        st.caption(
            _(
                "You come through a proxy. If a file ends in AxiosError and 413, the proxy takes only smaller ones: "
                "ask whoever runs it to allow {size} MB (nginx: client_max_body_size), or send less at a time."
            ).format(size=most_mb)
        )
    value = st.session_state.get(key)
    if any(isinstance(each, DeletedFile) for each in (value if isinstance(value, list) else [value])):
        st.warning(
            _(
                "The server no longer has what the field above shows, because it was started anew or the connection "
                "was lost for long. Take it out with the cross beside its name, and give it again."
            ),
            icon=":material/sync_problem:",
        )
    files = given if isinstance(given, list) else [given]
    return [each for each in files if each is not None]


def camera_field(label: str, key: str) -> UploadedFile | None:
    """Draw the camera, or say why the browser gives none and what to do; the picture that was taken, if any."""
    address = urlsplit(st.context.url or "")
    if address.scheme == "http" and address.hostname not in _OWN_MACHINE:
        st.info(
            _(
                "A browser gives a page the camera only over https, or on the machine itself; this page came over "
                "http. Take the picture with the camera's own program, and give it under Upload."
            ),
            icon=":material/no_photography:",
        )
        return None
    anew, held = key not in st.session_state, f"{key}_held"
    shot: UploadedFile | None = st.camera_input(label, key=key)
    if shot is not None or not anew:  # another one, or taken back by hand
        st.session_state[held] = shot
    st.caption(_("Your browser asks for permission first. The picture is kept in memory, and only for this visit."))
    kept: UploadedFile | None = st.session_state.get(held)
    return kept
