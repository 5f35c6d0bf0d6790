"""Open whatever a run's `data` field names. Each kind of source is one function that returns a DataIndex."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alexcore.data.index import DataIndex
from alexcore.data.index_cache import forget_folder, open_folder_cached
from alexcore.data.verify import find_unreadable


def open_source(data: str | Path, val: str | Path = "") -> DataIndex:
    """Index a data set without opening its pictures.

    Args:
        data: The folder of an ImageFolder tree.
        val: A separate validation folder, or "".

    Raises:
        DataError: there is nothing usable at `data`.
    """
    return open_folder_cached(*_paths(data, val))


def _paths(data: str | Path, val: str | Path) -> tuple[Path, Path | None]:
    return Path(data).expanduser(), Path(val).expanduser() if val else None


def open_checked(
    data: str | Path, val: str | Path = "", on_progress: Callable[[int, int], None] | None = None
) -> DataIndex:
    """Index a data set and leave out the pictures that cannot be decoded, each of which is decoded once for that.

    Every file is asked for its size and time, so one that was overwritten in place is decoded again.
    """
    forget_folder(*_paths(data, val))
    index = open_source(data, val)
    return index.without(find_unreadable(index, on_progress))
