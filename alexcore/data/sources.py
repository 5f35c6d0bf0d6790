"""Open whatever a run's `data` field names. Each kind of source is one function that returns a DataIndex."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alexcore.data.index import DataIndex
from alexcore.data.index_cache import forget_folder, open_folder_cached
from alexcore.data.shards import is_shard_source, open_shards
from alexcore.data.verify import find_unreadable
from alexcore.errors import DataError


def open_source(data: str | Path, val: str | Path = "") -> DataIndex:
    """Index a data set without opening its pictures.

    Args:
        data: The folder of an ImageFolder tree, or shards: their folder, or a pattern such as DIR/train-{000..009}.tar.
        val: A separate validation folder (for shards: more shards), or "".

    Raises:
        DataError: there is nothing usable at `data`.
    """
    if is_shard_source(data):
        if val and not is_shard_source(val):
            raise DataError(f"{data} are shards, but {val}, for val, are none.", "Pack the validation pictures, too.")
        return open_shards(data, val)
    return open_folder_cached(*_paths(data, val))


def _paths(data: str | Path, val: str | Path) -> tuple[Path, Path | None]:
    return Path(data).expanduser(), Path(val).expanduser() if val else None


def open_checked(
    data: str | Path, val: str | Path = "", on_progress: Callable[[int, int], None] | None = None
) -> DataIndex:
    """Index a data set and leave out the pictures that cannot be decoded, each of which is decoded once for that.

    Every file is asked for its size and time, so one that was overwritten in place is decoded again.
    """
    if not is_shard_source(data):
        forget_folder(*_paths(data, val))
    index = open_source(data, val)
    return index.without(find_unreadable(index, on_progress))
