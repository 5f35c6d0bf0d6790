"""`/classify`: choose a run, drop pictures, read what the network takes them for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from alexcore.data.images import Picture, read_picture
from alexcore.errors import DataError
from alexcore.runs.store import Run, list_runs, require_checkpoint
from ui.classify import classifier
from ui.page import page, show_error
from ui.state import choose_run, chosen_run
from ui.text import plain

if TYPE_CHECKING:  # importing it loads torch, which waits until there is a picture to classify
    from alexcore.analysis.prediction import Classifier

MAX_FILES = 50
MAX_MB = 20
SHOWN_PX = 480
TYPES = ["jpg", "jpeg", "png", "gif", "bmp", "webp", "tif", "tiff", "ppm", "pgm"]


def choose(runs: list[Run]) -> Run:
    by_id = {run.id: run for run in runs}
    newest = next((run.id for run in runs if run.status.state == "finished"), runs[0].id)
    wished = chosen_run()
    if wished and wished not in by_id:
        st.warning(f"There is no run {plain(wished)} with a checkpoint; the newest finished one is used instead.")
    current = wished if wished in by_id else newest
    if st.session_state.get("classify_run") != current:
        st.session_state["classify_run"] = current
    picked = st.selectbox(
        "Run", list(by_id), key="classify_run", on_change=lambda: choose_run(st.session_state["classify_run"]),
        help="The newest finished run, unless you choose another. Its best checkpoint is used.",
    )  # fmt: skip
    return by_id[picked]


def answer(network: Classifier, name: str, data: bytes, top_k: int) -> list[dict[str, object]]:
    try:
        picture: Picture = read_picture(data, name)
    except DataError as error:
        show_error(error)
        return [{"file": name, "rank": None, "class": None, "probability": None, "error": str(error)}]
    (answers,) = network.classify([picture.image], top_k)
    left, right = st.columns([1, 2], vertical_alignment="center")
    size = f"{picture.image.width} x {picture.image.height} px"
    shown = picture.image.copy()
    shown.thumbnail((SHOWN_PX, SHOWN_PX))
    left.image(shown, width="stretch", caption=f"{name}: {', '.join((size, *picture.notes))}", alt=name)
    with right:
        best = answers[0]
        st.markdown(f"#### {plain(best.name)}: {best.probability:.1%}")
        for each in answers:
            st.progress(each.probability, text=f"{plain(each.name)}: {each.probability:.1%}")
    return [
        {"file": name, "rank": rank, "class": each.name, "probability": each.probability, "error": None}
        for rank, each in enumerate(answers, start=1)
    ]


with page("Classify", "Drop pictures here and see what a trained network takes them for."):
    runs = [run for run in list_runs() if run.checkpoint]
    if not runs:
        st.info("There is no trained network yet. Train one first: it takes about two minutes.")
        st.page_link("pages/train.py", label="Go to Train", icon=":material/arrow_forward:")
        st.stop()
    run = choose(runs)
    files = st.file_uploader(
        "Pictures", type=TYPES, accept_multiple_files=True, key="classify_upload", max_upload_size=MAX_MB,
        help=f"Up to {MAX_FILES} pictures of at most {MAX_MB} MB. They are kept in memory, and only for this visit.",
    )  # fmt: skip
    top_k = st.segmented_control("Classes shown", [1, 3, 5], default=3, required=True, key="classify_top_k")
    if not files:
        st.caption("Nothing uploaded yet. Any photograph will do; the network always answers with one of its classes.")
    else:
        if len(files) > MAX_FILES:
            st.warning(f"{len(files)} pictures were given; the first {MAX_FILES} are shown.")
        network = classifier(require_checkpoint(run))
        rows: list[dict[str, object]] = []
        with st.container(key="classify_results"):
            for file in files[:MAX_FILES]:
                if file.size > MAX_MB * 2**20:
                    show_error(DataError(f"{file.name} has {file.size / 2**20:.0f} MB; the limit is {MAX_MB} MB."))
                    continue
                rows += answer(network, file.name, file.getvalue(), top_k)
        st.download_button(
            "Download as CSV", pd.DataFrame(rows).to_csv(index=False).encode(), "predictions.csv", "text/csv",
            key="classify_download", on_click="ignore",
        )  # fmt: skip
