"""What the network gets: one tensor in numbers, the statistics of the data set, and a whole batch from the loader."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from alexcore.augment.operations import Operation, active, for_batches
from alexcore.data.index import DataIndex
from alexcore.words.language import _
from ui.augment import draft as state
from ui.parts.captioned_pictures import Tile, tiles_html
from ui.parts.charts import channel_histogram
from ui.parts.controls import side_by_side, whole_number
from ui.parts.statistics_section import dataset_statistics, measure_section

if TYPE_CHECKING:
    import torch

    from alexcore.augment.trace import Step

MOST_IN_BATCH = 64


def network_view(operations: list[Operation], steps: list[Step], index: DataIndex | None) -> None:
    """Draw the last tensor of a draw, and what Normalize has done to it."""
    from alexcore.augment.preview import moments, to_picture

    after = steps[-1].result
    before = next((each.result for each in steps if each.operation["op"] == "ToTensor"), after)
    left, right = st.columns([1, 3])
    with left:
        lines = ["what the network sees", "denormalised for the eye"]
        st.html(tiles_html([Tile(to_picture(after, operations), lines)], least=120, longest=320))
    tensors: list[tuple[str, torch.Tensor]] = [("after ToTensor", before), ("as the network gets it", after)]  # type: ignore[list-item]
    found = [(name, moments(tensor)) for name, tensor in tensors]
    with right:
        values = {name: (each.edges.tolist(), each.counts.tolist()) for name, each in found}
        figures = {name: channel_histogram(*each, f"Values {name}") for name, each in values.items()}
        side_by_side(figures, "augment_histogram")
    table = pd.DataFrame(
        [
            {"tensor": name, "channel": channel, "mean": each.mean[at], "standard deviation": each.std[at]}
            for name, each in found
            for at, channel in enumerate(("red", "green", "blue"))
        ]
    )
    with st.container(key="augment_moments"):
        st.dataframe(table.round(4), hide_index=True, alt="Mean and standard deviation of each channel")
    first, last = found[0][1], found[1][1]
    st.caption(
        f"Before: values from {first.low:.2f} to {first.high:.2f}, mean {fmean(first.mean):.2f}. After: from "
        f"{last.low:.2f} to {last.high:.2f}, mean {fmean(last.mean):.2f}, deviation {fmean(last.std):.2f}. One picture "
        "need not have mean 0 and deviation 1; all pictures together should come near."
    )
    if index is not None:
        _measured(index)


def _measured(index: DataIndex) -> None:
    statistics = dataset_statistics(index)
    st.markdown(_("**Mean and deviation of the whole data set**"))
    if statistics is None:
        measure_section(index)
        return
    st.code(statistics.normalize_code(), language="python", wrap_lines=True)
    st.button(
        _("Use in Normalize"), key="augment_normalize", on_click=_use, args=(statistics.mean, statistics.divisors)
    )


def _use(mean: Sequence[float], std: Sequence[float]) -> None:
    """Put the numbers into Normalize, which is added after ToTensor where there is none; a callback."""
    values = {"op": "Normalize", "mean": [round(each, 4) for each in mean], "std": [round(each, 4) for each in std]}
    found = state.slots()
    there = [number for number, each in found if each["op"] == "Normalize"]
    if there:
        state.replace(there[0], values)
        return
    operations = [each for _, each in found]
    at = next((at for at, each in enumerate(operations) if each["op"] == "ToTensor"), len(operations) - 1)
    state.set_operations([*operations[: at + 1], values, *operations[at + 1 :]])


def batch_view(operations: list[Operation], index: DataIndex, seed: int) -> None:
    """Draw the first batch of the first epoch of a run with this seed, with its labels."""
    from alexcore.augment.preview import to_picture
    from alexcore.training.shard_loader import make_loader

    about = f"Legal: a whole number from 1 to {MOST_IN_BATCH}. Decides which pictures meet in the first batch."
    size = whole_number(_("Batch size (pictures)"), 16, "augment_batch_size", about, width=180)
    if size is None or not 1 <= size <= MOST_IN_BATCH:
        st.error(f"Batch size = {size} is not allowed: it must be a whole number from 1 to {MOST_IN_BATCH}.")
        return
    # In this process: the draws are the same with any number of loader processes.
    loader = make_loader(index, "train", operations, batch_size=size, seed=seed, shuffle=True, num_workers=0)
    images, labels = next(iter(loader.epoch(0)))
    tiles = []
    for image, label in zip(images, labels, strict=True):
        if labels.dim() == 1:
            words = [f"{index.classes[int(label)]}, label {int(label)}"]
        else:
            shares = sorted(enumerate(label.tolist()), key=lambda pair: -pair[1])
            words = [f"{index.classes[at]} {share:.2f}" for at, share in shares if share > 0]
        tiles.append(Tile(to_picture(image, operations), words))
    with st.container(key="augment_batch"):
        st.html(tiles_html(tiles, least=110))
    mixing = " or ".join(each["op"] for each in for_batches(active(operations)))
    shape = " × ".join(map(str, images.shape))
    if mixing:
        told = (
            f"labels {' × '.join(map(str, labels.shape))} float32: {mixing} has mixed each picture with another of the "
            "batch, and its label by the same share. The loss takes such labels as they are; the accuracy counts the "
            "class with the larger share."
        )
    else:
        told = f"labels {len(labels)} whole numbers, the indices of class_to_idx."
    st.caption(f"The first batch of the first epoch with seed {seed}: images {shape} float32, {told}")
