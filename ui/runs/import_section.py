"""Bring a run back from a bundle: looked at at once, then unpacked and checked by a job, as `import` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from alexcore.data.archives.arrivals import require_here
from alexcore.data.archives.uploads import UPLOAD_LIMITS, UPLOAD_MB
from alexcore.errors import RunError
from alexcore.export.unbundle import name_in
from alexcore.home import open_path, runs_dir
from alexcore.jobs import read_job, start_job
from alexcore.words.language import _
from alexcore.words.numbers import size_text
from ui.parts.job_progress import watch_job
from ui.parts.kept_upload import kept_upload
from ui.parts.page import shown_errors
from ui.parts.text import plain
from ui.parts.upload_field import upload_field
from ui.runs.selection import show_run

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

COMING, CAME = "runs_coming", "runs_came"
# A field for the next bundle is another one: what has been imported is not asked about again.
_TURN = "runs_import_turn"


def import_section() -> None:
    """Draw the expander for a bundle; a run that comes is watched below it, and offered when it is here."""
    with st.expander(_("Bring a run back from a bundle"), key="runs_import_section", icon=":material/upload_file:"):
        about = _(
            "What Take it along writes as a bundle. The hash of each of its files is compared before the run appears. "
            "Larger ones: python -m alexcore import FILE."
        )
        upload = upload_field(_("Bundle"), f"runs_import{st.session_state.get(_TURN) or ''}", UPLOAD_MB, about)
        st.caption(
            _("At most {size} MB, and {unpacked} unpacked.").format(
                size=UPLOAD_MB, unpacked=size_text(UPLOAD_LIMITS.total_bytes)
            )
        )
        with st.container(horizontal=True):
            as_it_was = _("as it was called")
            name = st.text_input(
                _("Name of the run"), key="runs_import_name", max_chars=120, placeholder=as_it_was, width=260
            )
            data = st.text_input(
                _("Its data set here, if you have it"),
                key="runs_import_data",
                max_chars=1000,
                placeholder=_("a name in data/, or a path"),
                width=320,
                help=_("Its pictures are compared with those of the run. Without it the run can predict at once."),
            )
        with shown_errors():
            target = _looked_at(upload, name.strip()) if upload else ""
            clicked = st.button(_("Import"), key="runs_import_start", disabled=not target)
            if upload and target and clicked:
                _start(upload, target, name.strip(), data.strip())
                st.rerun()
    coming = st.session_state.get(COMING)
    if coming:
        if read_job(f"import-{coming}").state == "finished":
            _came()
            st.rerun()
        watch_job(f"import-{coming}", _("Importing"), "B", _came)
    _offered()


def _looked_at(upload: UploadedFile, name: str) -> str:
    """What the run will be called here, by what the bundle says of itself.

    Raises:
        DataError: it belongs to another page.
        RunError: it is no bundle, or there is a run of this name.
    """
    require_here(upload.name, upload, "bundle")
    target = name_in(upload, upload.name, name)
    if (runs_dir() / target).exists():
        raise RunError(f"There is a run {target} already.", "Give this one another name above.")
    return target


def _start(upload: UploadedFile, target: str, name: str, data: str) -> None:
    folder = str(open_path(data)) if data else ""
    copy, told = kept_upload(upload)
    more = [f"--name={name}"] if name else []
    start_job(f"import-{target}", ["import", copy, *told, *more, *([f"--data={folder}"] if folder else [])])
    st.session_state[COMING] = target


def _came() -> None:
    name = st.session_state.pop(COMING)
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    st.session_state[CAME] = (name, read_job(f"import-{name}").notes)


def _offered() -> None:
    """Say which run has come, what is known of it, and offer to open it."""
    name, notes = st.session_state.get(CAME, ("", ()))
    if name and (runs_dir() / name).is_dir():
        st.success(plain("\n\n".join([f"The run {name} is here.", *notes])), icon=":material/check:")
        if st.button(_("Open the run"), key="runs_import_open", icon=":material/arrow_forward:"):
            del st.session_state[CAME]
            show_run(name)
            st.rerun()
