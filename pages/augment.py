"""`/augment`: build a pipeline and see exactly what the network will see."""

from __future__ import annotations

import streamlit as st

from alexcore.augment.check import output_side
from alexcore.augment.operations import Operation, active
from alexcore.augment.presets import evaluation_operations
from alexcore.data.index import DataIndex
from alexcore.words.language import _
from ui.augment.builder import builder
from ui.augment.draws import choose_seed, draws_grid, evaluation_view, steps_view, trace
from ui.augment.network_input import batch_view, network_view
from ui.augment.take_along import take_along, use_for_training
from ui.parts.datasets import dataset_or_wait, dataset_select
from ui.parts.lazy_torch import load_torch
from ui.parts.page import page, shown_errors
from ui.parts.picture_choice import ShownPicture, choose_pictures

VIEWS = ("What the network gets", "Training and evaluation", "A whole batch")


def one_draw(
    operations: list[Operation], pictures: list[ShownPicture], seed: int, draws: int, index: DataIndex | None
) -> None:
    st.subheader(_("One draw, step by step"), anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        titles = [f"{each.name}, picture {each.index:,}" for each in pictures]
        at = st.selectbox(_("Picture"), range(len(titles)), format_func=titles.__getitem__, key="augment_picture")
        epoch = st.selectbox(_("Epoch"), range(1, draws + 1), key="augment_epoch", width=120)
    picture = pictures[at]
    steps = trace(operations, picture, seed, epoch - 1)
    steps_view(operations, picture, steps)
    tabs = st.tabs(VIEWS, key="augment_view", on_change="rerun")
    # Only the open one is computed.
    for name, tab in zip(VIEWS, tabs, strict=True):
        if not tab.open:
            continue
        with tab, shown_errors():
            if name == VIEWS[0]:
                network_view(operations, steps, index)
            elif name == VIEWS[1]:
                side = output_side(operations)
                evaluation_view(operations, steps, evaluation_operations(active(operations), side), picture, side)
            elif index is None:
                st.info(_("A batch needs a data set."))
            else:
                batch_view(operations, index, seed)


def laboratory(index: DataIndex | None) -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.subheader(_("Pipeline"), anchor=False)
        operations, problems = builder()
        use_for_training(operations, not problems)
    with right:
        st.subheader(_("Many draws"), anchor=False)
        seed = choose_seed()
        pictures, draws = choose_pictures(index)
        if problems:
            st.info(_("Mend the pipeline first: what is wrong stands beside the operation."))
            return
        if not pictures:
            return
        load_torch()
        draws_grid(operations, pictures, seed, draws)
    one_draw(operations, pictures, seed, draws, index)
    take_along(operations, len(index.classes) if index else 2)


with page("Augment", "See exactly what the network will see: these are the transforms that training uses."):
    name = dataset_select("augment_dataset")
    opened = dataset_or_wait(name)
    if opened:
        laboratory(opened[0])
