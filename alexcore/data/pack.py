"""Write any data set as WebDataset shards: tar archives that are read from front to back, however many pictures.

    pack(open_checked("data/flowers"), Path("packed"))  ->  packed/{train,val,test}-000000.tar ..., packed/dataset.json

A sample is NUMBER_NAME.jpg, the picture's bytes as they are, and NUMBER_NAME.cls, its class number. NUMBER is the
place of the picture in the split of its source, so the shards, once opened, have the order of the source, while inside
the archives the pictures are shuffled: a reader that only shuffles a buffer would otherwise meet one class at a time.
"""

from __future__ import annotations

import re
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alexcore.data.decoding.images import EXTENSIONS
from alexcore.data.index import SPLITS, DataIndex
from alexcore.data.shards import KIND, RECORD, is_sharded, picture_source
from alexcore.data.storage import Progress, folder_at_once, silent
from alexcore.errors import ConfigError, DataError
from alexcore.files import write_json

MOST_PER_SHARD = 1_000_000
_VERSION = 1
_LONGEST_NAME = 60

Row = dict[str, Any]


def pack(
    index: DataIndex,
    directory: Path,
    images_per_shard: int = 1000,
    on_progress: Progress = silent,
    *,
    seed: int = 0,
) -> Path:
    """Write the pictures of a data set as shards, with dataset.json beside them.

    The same data set, number and seed give the same bytes. All is written into a hidden folder beside `directory`
    and renamed at the end, so there is never half a data set.

    Args:
        index: Any data set; one from `open_checked` has lost its undecodable pictures already.
        directory: A folder that does not exist yet, or is empty.
        images_per_shard: Pictures in a shard, 1 to 1,000,000; the last one of a split may hold fewer.
        on_progress: Called with (pictures done, pictures in all).
        seed: Of the order inside the archives.

    Raises:
        ConfigError: `images_per_shard` is out of range.
        DataError: `directory` is not empty or cannot be written, or a picture cannot be read.
    """
    if not 1 <= images_per_shard <= MOST_PER_SHARD:
        raise ConfigError(
            f"images_per_shard is {images_per_shard}; it must lie in 1..{MOST_PER_SHARD:,}.", "1000 is a good number."
        )
    if index.files.empty:
        raise DataError(f"{index.root} has no pictures to pack.", "Choose another data set.")
    directory = directory.expanduser().resolve()
    with DataError.from_system(f"{directory} cannot be written", "Check free space and permissions."):
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            what = "is not empty" if directory.is_dir() else "is a file"
            raise DataError(f"{directory} {what}.", "Name a folder that does not exist yet.")
        with folder_at_once(directory) as temporary:
            _write(index, temporary, images_per_shard, on_progress, seed)
    return directory


def _write(index: DataIndex, folder: Path, images_per_shard: int, on_progress: Progress, seed: int) -> None:
    total = len(index.files)
    splits: dict[str, Any] = {}
    packed: list[Row] = []
    for number, split in enumerate(SPLITS):
        rows = index.select(split)
        if rows.empty:
            continue
        order = np.random.default_rng([seed, number]).permutation(len(rows)).tolist()
        shards: list[Row] = []
        for begin in range(0, len(order), images_per_shard):
            chosen = order[begin : begin + images_per_shard]
            path = folder / f"{split}-{len(shards):06d}.tar"
            with tarfile.open(path, "w") as tar:
                for position in chosen:
                    packed.append(_add(tar, index, rows, position, path.name))
                    if len(packed) % 32 == 0 or len(packed) == total:
                        on_progress(len(packed), total)
            about = {"name": path.name, "images": len(chosen), "bytes": path.stat().st_size}
            shards.append({**about, "per_class": _per_class(index, rows["label"].iloc[chosen])})
        splits[split] = {"images": len(rows), "per_class": _per_class(index, rows["label"]), "shards": shards}
    written = DataIndex(folder, "", index.classes, pd.DataFrame(packed))
    record = {
        "kind": KIND,
        "version": _VERSION,
        "classes": list(index.classes),
        "splits": splits,
        "seed": seed,
        "images_per_shard": images_per_shard,
        "fingerprint": written.fingerprint(),
        "source": {"root": str(index.root), "layout": index.layout, "fingerprint": index.fingerprint()},
    }
    write_json(folder / RECORD, record)


def _per_class(index: DataIndex, labels: pd.Series[int]) -> dict[str, int]:
    counts = np.bincount(labels.to_numpy(), minlength=len(index.classes)).tolist()
    return dict(zip(index.classes, counts, strict=True))


def _add(tar: tarfile.TarFile, index: DataIndex, rows: pd.DataFrame, position: int, shard: str) -> Row:
    """Append one picture and its class number; return its row in the table of the shards."""
    path, label = str(rows["path"].iat[position]), int(rows["label"].to_numpy()[position])
    source = picture_source(index, path)
    with DataError.from_system(f"{source!s} cannot be read", "Open the data set again."):
        picture = source.read_bytes() if isinstance(source, Path) else source
    # No dot: `webdataset` takes what comes before the first one for the key of the sample.
    stem = re.sub(r"[^\w-]+", "_", Path(path.rpartition("!")[2]).stem)
    if is_sharded(index):  # the number that it had there
        stem = re.sub("^[0-9]{7}_", "", stem)
    key = f"{position:07d}_{stem[:_LONGEST_NAME]}"
    suffix = Path(path).suffix.lower()
    # The ending only has to say that this is a picture; Pillow looks at the bytes.
    member = key + (suffix if suffix in EXTENSIONS else ".jpg")
    for name, content in ((member, picture), (f"{key}.cls", str(label).encode())):
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, BytesIO(content))
    split = str(rows["split"].iat[position])
    return {"path": f"{shard}!{member}", "split": split, "label": label, "bytes": len(picture)}
