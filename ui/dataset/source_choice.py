"""Which data set is looked at: one in `data/`, a folder that is typed, or a new one.

A new one is an archive that is uploaded, the real flowers, or synthetic ones.
"""

from __future__ import annotations

import re
import secrets

import streamlit as st

from alexcore.data.archive import folder_name, save_upload
from alexcore.data.flower_scene import CLASSES
from alexcore.errors import DataError
from alexcore.home import cache_dir, data_dir, known_data_sets
from alexcore.jobs import read_job, start_job
from alexcore.words.language import _
from ui.dataset.gallery import first_page
from ui.parts.address import choose_dataset, chosen_dataset
from ui.parts.datasets import dataset_title
from ui.parts.job_progress import watch_job
from ui.parts.page import shown_errors

MAX_MB = 200
FLOWERS = "flower_photos"
OTHER = "a folder ..."


def dataset_source() -> str:
    """Draw the choice and return the name or path of the data set; "" while nothing has been opened yet."""
    name, known = chosen_dataset(), known_data_sets()
    # The URL decides, except while somebody has chosen to type a folder and has not opened one since.
    typing = name not in known or st.session_state.get("typing_for") == name
    st.session_state["dataset_source"] = OTHER if typing else name
    st.selectbox(
        _("Data set"),
        [*known, OTHER],
        key="dataset_source",
        format_func=dataset_title,
        on_change=_picked,
        help=_("The built-in set, other folders in data/, or any folder on this computer."),
    )
    if not typing:
        return name
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            _("Folder"),
            value="" if name in known else name,
            key="dataset_path",
            placeholder=_("/home/me/flowers"),
            help=_("One folder per class, or train/ and val/ with one folder per class in each."),
        )
        st.button(_("Open"), key="dataset_open", type="primary", on_click=_opened)
    return "" if name in known else name


def _picked() -> None:
    if st.session_state["dataset_source"] == OTHER:
        st.session_state["typing_for"] = chosen_dataset()
    else:
        st.session_state.pop("typing_for", None)
        choose_dataset(st.session_state["dataset_source"])
    first_page()


def _opened() -> None:
    st.session_state.pop("typing_for", None)
    # A blank is no known name, so an empty field gets its sentence too.
    choose_dataset(st.session_state["dataset_path"].strip() or " ")
    first_page()


def add_data() -> None:
    """Draw the expander with the three ways; a job that runs is watched below it."""
    with st.expander(_("Add a data set"), icon=":material/add:"):
        archive, photographs, drawn = st.tabs(["Upload an archive", "Real flowers", "Synthetic flowers"])
        with archive, shown_errors():
            _upload()
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


def _choose_added() -> None:
    choose_dataset(st.session_state.pop("added")[1])


def _require_free(command: str, name: str) -> None:
    if (data_dir() / name).exists():
        raise DataError(f"There is a data set {name} already.", "Choose it above, or delete its folder in data/ first.")
    if read_job(f"{command}-{name}").state == "running":
        raise DataError(f"A data set {name} is being made already.", "Wait for it, or take another name.")


def _start(command: str, name: str, arguments: list[str]) -> None:
    _require_free(command, name)
    start_job(f"{command}-{name}", ["data", command, *arguments])
    st.session_state["added"] = (command, name)


def _upload() -> None:
    st.write(_("A .zip, .tar or .tar.gz with one folder per class, or with train/ and val/."))
    upload = st.file_uploader(
        _("Archive"),
        type=["zip", "tar", "gz", "tgz"],
        key="dataset_archive",
        max_upload_size=MAX_MB,
        help=_(
            "It is unpacked with limits: nothing outside its own folder, no links, no bombs. "
            "Larger archives: python -m alexcore data unpack ARCHIVE DIR."
        ),
    )
    if st.button(_("Unpack"), key="dataset_unpack", disabled=upload is None) and upload is not None:
        name = folder_name(upload.name)
        _require_free("unpack", name)
        # Two people may upload files of one name, so the copy has a name of its own; the browser's is not trusted.
        copy = cache_dir() / "uploads" / f"{secrets.token_hex(4)}-{re.sub(r'[^A-Za-z0-9.]+', '-', upload.name)[-40:]}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        save_upload(upload, copy, MAX_MB * 2**20)
        _start("unpack", name, [str(copy), str(data_dir() / name), "--remove"])
        st.rerun()


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
