"""A run that goes on with other data than it had: what has changed, and what is said of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from alexcore.data.index import DataIndex
from alexcore.findings.resumed import DataMoved
from alexcore.findings.run import DataChanged


def data_changed(saved: dict[str, Any], index: DataIndex) -> DataChanged | None:
    """What has changed about the data set since a checkpoint of a run; None if nothing has."""
    if saved["fingerprint"] == index.fingerprint():
        return None
    # A checkpoint of version 0.1 does not say which of the splits it was.
    before = saved.get("splits") or {}
    train, val = (before.get(split) != index.split_fingerprint(split) for split in ("train", "val"))
    if not (train or val):  # the test split, at which no run looks
        return None
    position = saved["position"]
    return DataChanged(
        experiment=False,
        counted=True,
        step=int(position["step"]),
        train_changed=train,
        val_changed=val,
        train_images=len(index.select("train")),
        val_images=len(index.select("val")),
        anew=train and bool(position["batch"]),
        epoch=int(position["epoch"]) + 1,
    )


def data_moved(was: str, now: str, index: DataIndex, seen: Collection[bytes]) -> DataMoved | None:
    """That the data set of a run is at another place than before; `seen` are hashes of what it was trained on."""
    if was == now:
        return None
    hashes = [index.hashes.get(str(path), b"") for path in index.select("train")["path"]]
    same = sum(each in seen for each in hashes)
    return DataMoved(was, now, bool(seen), same, len(hashes))
