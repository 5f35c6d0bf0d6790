"""A new data set: an archive that is uploaded, the real flowers, or synthetic ones. Each is made by a job."""

from __future__ import annotations

import streamlit as st

from alexcore.data.flowers.flower_scene import CLASSES
from alexcore.errors import DataError
from alexcore.home import data_dir
from alexcore.jobs import read_job, start_job
from alexcore.words.language import _
from ui.dataset.upload_section import Archive, upload_section
from ui.parts.address import choose_dataset, chosen_dataset
from ui.parts.job_progress import watch_job
from ui.parts.page import shown_errors
from ui.parts.text import plain

FLOWERS = "flower_photos"


def add_data() -> None:
    """Draw the expander with the three ways; a job that runs is watched below it."""
    with st.expander(_("Add a data set"), icon=":material/add:"):
        archive, photographs, drawn = st.tabs(["Upload an archive", "Real flowers", "Synthetic flowers"])
        with archive, shown_errors():
            _uploaded(upload_section())
        with photographs:
            _photographs()
        with drawn, shown_errors():
            _drawn()
    target = st.session_state.get("added")
    if target:
        # It may have ended while this page was being drawn for another reason.
        if read_job(f"{target[0]}-{target[1]}").state == "finished" and (data_dir() / target[1]).exists():
            _choose_added()
            st.rerun()
        doing = {"unpack": "Unpacking", "download": "Downloading", "sample": "Drawing"}[target[0]]
        watch_job(f"{target[0]}-{target[1]}", doing, "B" if target[0] != "sample" else "pictures", _choose_added)

    name, notes = st.session_state.get("added_notes", ("", ()))
    if notes and name == chosen_dataset():
        st.info(plain("\n".join(notes)), icon=":material/info:")


def _choose_added() -> None:
    command, name = st.session_state.pop("added")
    st.session_state["added_notes"] = (name, read_job(f"{command}-{name}").notes)
    choose_dataset(name)


def _uploaded(archive: Archive | None) -> None:
    if archive is not None:
        _require_free("unpack", archive.folder)
        _start("unpack", archive.folder, archive.arguments(data_dir() / archive.folder))
        st.rerun()


def _require_free(command: str, name: str) -> None:
    if (data_dir() / name).exists():
        raise DataError(f"There is a data set {name} already.", "Choose it above, or delete its folder in data/ first.")
    if read_job(f"{command}-{name}").state == "running":
        raise DataError(f"A data set {name} is being made already.", "Wait for it, or take another name.")


def _start(command: str, name: str, arguments: list[str]) -> None:
    _require_free(command, name)
    start_job(f"{command}-{name}", ["data", command, *arguments])
    st.session_state["added"] = (command, name)


def _photographs() -> None:
    st.write(
        _(
            "The photographs that the blog post was written about: 3,670 pictures of five kinds of flowers, 218 MB. "
            "A cut connection is resumed, and the file is checked before it is unpacked."
        )
    )
    ready, busy = (data_dir() / FLOWERS).is_dir(), read_job(f"download-{FLOWERS}").state == "running"
    if ready:
        st.caption(_("They are here already: choose flower_photos above."))
    if busy:
        st.session_state["added"] = ("download", FLOWERS)
    if st.button(_("Download"), key="dataset_download", disabled=ready or busy):
        with shown_errors():
            _start("download", FLOWERS, [FLOWERS, str(data_dir() / FLOWERS)])
            st.rerun()


def _drawn() -> None:
    st.write(f"Drawn by this program: {', '.join(CLASSES)}. The same seed gives the same pixels.")
    with st.grid("auto", min_column_width=150):
        count = st.number_input(_("Pictures per class"), 2, 20000, 150, key="dataset_new_count")
        size = st.number_input(_("Size (px)"), 32, 1024, 256, key="dataset_new_size")
        difficulty = st.slider(
            _("Difficulty"),
            0.0,
            1.0,
            0.5,
            key="dataset_new_difficulty",
            help=_("Scales blur, occlusion, light, scale and how much the classes share colours."),
        )
        seed = st.number_input(_("Seed"), 0, 2**31 - 1, 1, key="dataset_new_seed")
    name = f"synthetic-{count}x{size}px-d{round(100 * difficulty)}-s{seed}"
    if st.button(_("Draw"), key="dataset_draw"):
        numbers = {"--images-per-class": count, "--size": size, "--difficulty": difficulty, "--seed": seed}
        flags = [text for flag, value in numbers.items() for text in (flag, str(value))]
        _start("sample", name, [str(data_dir() / name), *flags])
        st.rerun()
