"""`/dataset`: choose a data set; see its classes and their numbers, the balance, the problems and the pictures."""

from __future__ import annotations

import streamlit as st

from alexcore.data.index import DataIndex
from alexcore.home import SYNTHETIC, known_data_sets
from alexcore.jobs import read_job
from ui.charts import balance
from ui.datasets import check_job, dataset_or_wait, forget_indexes, start_check
from ui.gallery import class_table, filtered, first_page, gallery
from ui.page import page
from ui.state import choose_dataset, chosen_dataset
from ui.text import plain

OTHER = "a folder ..."


def choose() -> str:
    name, known = chosen_dataset(), known_data_sets()
    typing = name not in known or st.session_state.get("dataset_source") == OTHER
    # The URL decides, except while somebody has chosen to type a folder and has not opened it yet.
    st.session_state["dataset_source"] = OTHER if typing else name
    titles = {SYNTHETIC: "synthetic flowers (built in)"}
    st.selectbox(
        "Data set", [*known, OTHER], key="dataset_source", format_func=lambda each: titles.get(each, each),
        on_change=picked, help="The built-in set, other folders in data/, or any folder on this computer.",
    )  # fmt: skip
    if not typing:
        return name
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Folder", value="" if name in known else name, key="dataset_path", placeholder="/home/me/flowers",
            help="One folder per class, or train/ and val/ with one folder per class in each.",
        )  # fmt: skip
        st.button("Open", key="dataset_open", type="primary", on_click=opened)
    return "" if name in known else name


def picked() -> None:
    if st.session_state["dataset_source"] != OTHER:
        choose_dataset(st.session_state["dataset_source"])
    first_page()


def opened() -> None:
    # A blank is no known name, so an empty field gets its sentence too.
    choose_dataset(st.session_state["dataset_path"].strip() or " ")
    first_page()


def problems(index: DataIndex, checked: bool) -> None:
    with st.container(key="dataset_problems"):
        for problem in index.problems:
            text = plain(f"{problem.message} {problem.hint}")
            (st.error if problem.severity == "error" else st.warning)(text)
        if not checked:
            running = read_job(check_job(index.root)).state == "running"
            st.fragment(check, run_every=0.5 if running else None)(index, running)
        elif not index.problems:
            st.success(f"No problems found: all {len(index.files):,} pictures can be decoded.", icon=":material/check:")


def check(index: DataIndex, was_running: bool) -> None:
    job = read_job(check_job(index.root))
    if job.state == "running":
        share = job.done / job.total if job.total else 0.0
        st.progress(share, text=f"Decoding every picture once: {job.done:,} of {job.total or len(index.files):,}")
        return
    if was_running:
        forget_indexes()  # the check read the folder anew
        st.rerun()
    if job.state in ("failed", "lost"):
        st.error(plain(job.error) or "The check was interrupted.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Check every picture", key="dataset_check"):
            start_check(index.root)
            st.rerun()
        st.caption("Not checked yet. A run does it before its first step and leaves out what cannot be decoded.")


def show(name: str, index: DataIndex, checked: bool) -> None:
    st.caption(f"{plain(str(index.root))}: {len(index.files):,} pictures, {index.layout}.")
    problems(index, checked)
    left, right = st.columns([2, 3])
    with left:
        st.markdown("**class_to_idx**: the network answers with a number; this table gives it a name.")
        with st.container(key="dataset_class_table"):
            st.dataframe(class_table(index), hide_index=True, alt="Classes, their numbers and counts")
        with st.expander("As Python", icon=":material/code:"):
            st.code(f"class_to_idx = {index.class_to_idx!r}", language="python")
            st.caption(
                "Sorted folder names of the training split get the numbers 0, 1, 2 ...; val uses the same ones. "
                "torchvision numbers them alike:"
            )
            st.code('datasets.ImageFolder(f"{data}/train").class_to_idx', language="python")
    with right, st.container(key="dataset_balance"):
        st.plotly_chart(balance(index.counts()), config={"displaylogo": False})
        counts = index.counts()["train"]
        largest, smallest = plain(str(counts.idxmax())), plain(str(counts.idxmin()))
        ratio = counts.max() / max(1, counts.min())
        st.caption(
            f"{largest} has the most training pictures: {ratio:.1f} times as many as {smallest}, the rarest."
            if ratio > 1
            else "Every class has the same number of training pictures."
        )
    st.subheader("Pictures", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = st.segmented_control(
            "Split",
            list(index.splits),
            key="dataset_split",
            help="None chosen: all.",
            on_change=first_page,
            bind="query-params",
        )
        classes = st.multiselect(
            "Classes",
            list(index.classes),
            key="dataset_classes",
            placeholder="all classes",
            on_change=first_page,
            bind="query-params",
        )
    gallery(index, filtered(index, split, classes))
    st.page_link("pages/train.py", label="Train on this data set", query_params={"dataset": name},
                 icon=":material/arrow_forward:")  # fmt: skip


with page("Data set", "See what the network will learn from, and how each class gets its number."):
    name = choose()
    found = dataset_or_wait(name) if name else None
    if found:
        show(name, *found)
