"""A whole batch, as the loader of a run yields it."""

from __future__ import annotations

import streamlit as st

from alexcore.augment.operations import Operation, active, for_batches
from alexcore.data.index import DataIndex
from alexcore.words.language import _
from ui.parts.captioned_pictures import Tile, tiles_html

MOST = 64


def batch_view(operations: list[Operation], index: DataIndex, seed: int) -> None:
    """Draw the first batch of the first epoch of a run with this seed, with its labels."""
    from alexcore.augment.preview import to_picture
    from alexcore.training.shard_loader import make_loader

    size = st.number_input(
        _("Batch size (pictures)"),
        value=16,
        step=1,
        format="%d",
        key="augment_batch_size",
        width=180,
        help=f"Legal: a whole number from 1 to {MOST}. Decides which pictures meet in the first batch.",
    )
    if size is None or not 1 <= size <= MOST:
        st.error(f"Batch size = {size} is not allowed: it must be a whole number from 1 to {MOST}.")
        return
    # In this process: the draws are the same with any number of loader processes.
    loader = make_loader(index, "train", operations, batch_size=int(size), seed=seed, shuffle=True, num_workers=0)
    images, labels = next(iter(loader.epoch(0)))
    tiles = []
    for image, label in zip(images, labels, strict=True):
        shares = (
            {int(label): 1.0} if labels.dim() == 1 else {at: float(each) for at, each in enumerate(label) if each > 0}
        )
        words = [
            index.classes[at] + (f" {share:.2f}" if labels.dim() == 2 else f", label {at}")
            for at, share in sorted(shares.items(), key=lambda pair: -pair[1])
        ]
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
