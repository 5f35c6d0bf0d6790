"""Open whatever a run's `data` field names. Each kind of source is one function that returns a DataIndex."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from alexcore.config import TrainConfig
from alexcore.data.decoding.intensity import with_rendering
from alexcore.data.index import DataIndex
from alexcore.data.index_cache import folder_signature, forget_folder, open_folder_cached
from alexcore.data.inspection.verify import (
    find_unreadable,
    known_hashes,
    known_unreadable,
    remember,
    unreadable_classes,
)
from alexcore.data.known_sides import keep_known_sides
from alexcore.data.lists.manifest import open_manifest
from alexcore.data.reading import AS_IT_LIES, CHOICES, OF_ALL, OF_LISTS, ClassesFrom, FolderChoice, FolderReading
from alexcore.data.shards import is_shard_source, open_shards
from alexcore.data.storage import Progress, silent
from alexcore.data.untrained import settled
from alexcore.errors import DataError
from alexcore.findings.data import SidesKept
from alexcore.home import is_list_name


def is_manifest(path: Path) -> bool:
    """Whether a path means a file that lists pictures; a folder may end in .csv too."""
    return is_list_name(path) and not path.is_dir()


def choice_of(config: TrainConfig) -> FolderChoice:
    """How the data set of a run is to be read."""
    return FolderChoice(**{name: getattr(config, name) for name in CHOICES})


def reading_of(index: DataIndex) -> FolderReading:
    """How a data set was read; of a list and of shards, what they say themselves."""
    if index.reading is not None:
        return index.reading
    counts = {
        str(split): {str(name): int(count) for name, count in classes.items() if count}
        for split, classes in index.counts().items()
    }
    kind: ClassesFrom = "list" if index.source else "folder"
    lists = (index.source.name,) if index.source else ()
    return FolderReading(".", "auto", kind, dict.fromkeys(index.splits, "."), counts, lists=lists)


def open_source(
    data: str | Path,
    val: str | Path = "",
    *,
    choice: FolderChoice = AS_IT_LIES,
    roots: Sequence[Path] | None = None,
    split_seed: int = 0,
) -> DataIndex:
    """Index a data set without opening its pictures.

    Args:
        data: A folder of pictures, a list of pictures, or shards: their folder, or a pattern such as
            DIR/train-{000..009}.tar.
        val: A separate validation folder (for shards: more shards), or "".
        choice: How a folder or a list is meant, where that is not plain.
        roots: Where the pictures that a manifest names must lie. Hand in `data_roots()` for somebody who may not
            read the whole disk: a browser user.
        split_seed: Of the split of a data set that has none.

    Raises:
        AmbiguousError: a folder can be read in several ways.
        UnclearListError: a list does not say which of its columns are meant.
        DataError: there is nothing usable at `data`.
    """
    index = _opened(data, val, choice, roots, split_seed)
    if index.choice == AS_IT_LIES != choice:  # of a list or shards
        index = replace(index, reading=replace(reading_of(index), choice=choice))
    return settled(replace(index, val=str(val)) if val else index)


def require_fitting(data: str | Path, choice: FolderChoice) -> None:
    """Refuse a choice that says nothing about what lies there.

    Raises:
        DataError: it is one about folders for a list or shards, or one about lists for anything else.
    """
    listed = not is_shard_source(data) and is_manifest(_paths(data, "")[0])
    of_list = replace(AS_IT_LIES, **{name: getattr(choice, name) for name in OF_LISTS})
    of_folder = replace(choice, **{name: getattr(AS_IT_LIES, name) for name in (*OF_LISTS, *OF_ALL)})
    if of_folder != AS_IT_LIES and (listed or is_shard_source(data)):
        raise DataError(
            f"{data} is no folder, so there is no choice of how to read it ({of_folder.flags}).",
            "Leave that out: a list or a shard says itself which class a picture has.",
        )
    if of_list != AS_IT_LIES and not listed:
        raise DataError(
            f"{data} is no list, so {of_list.flags} says nothing about it.",
            "Leave it out, and name the place where the pictures are now as the data set.",
        )


def _opened(
    data: str | Path, val: str | Path, choice: FolderChoice, roots: Sequence[Path] | None, split_seed: int
) -> DataIndex:
    require_fitting(data, choice)
    if is_shard_source(data):
        if val and not is_shard_source(val):
            raise DataError(f"{data} are shards, but {val}, for val, are none.", "Pack the validation pictures, too.")
        return open_shards(data, val)
    source, validation = _paths(data, val)
    if validation and (is_manifest(source) or is_manifest(validation)):
        raise DataError(
            f"{source if is_manifest(source) else validation} is a manifest, which has its own validation split.",
            "Leave the validation folder empty, and give rows the split val.",
        )
    if is_manifest(source):
        if choice.root:
            choice = replace(choice, root=str(_paths(choice.root, "")[0]))
        return open_manifest(source, roots=roots, split_seed=split_seed, choice=choice)
    for path in (source, validation):
        if path and path.is_file():
            # With all that reads archives, which others do not need.
            from alexcore.data.archives.arrivals import not_a_folder

            raise not_a_folder(path)
    return open_folder_cached(source, validation, choice, split_seed)


def _paths(data: str | Path, val: str | Path) -> tuple[Path, Path | None]:
    try:
        return Path(data).expanduser(), Path(val).expanduser() if val else None
    except RuntimeError as error:  # ~somebody who has no home here
        raise DataError(f"{data} names a user that this machine does not know.", "Type the whole path.") from error


def open_checked(
    data: str | Path,
    val: str | Path = "",
    on_progress: Progress = silent,
    choice: FolderChoice = AS_IT_LIES,
    intensity: str = "auto",
    *,
    learned: Collection[bytes] = (),
) -> DataIndex:
    """Index a data set and leave out the pictures that cannot be decoded, each of which is decoded once for that.

    The `hashes` of the others are known afterwards, so pictures that are new here, but have a side in another split of
    this home, or are among the hashes `learned`, go to that side (see `known_sides`).

    Every file is asked for its size and time, so one that was overwritten in place is decoded again. `intensity`, as in
    TrainConfig, says how its values beyond 8 bits are scaled.
    """
    index = _opened_anew(data, val, choice)
    unreadable = find_unreadable(index, on_progress)
    hashes = known_hashes(index)
    moved = keep_known_sides(index, hashes, learned)
    if moved:
        index = _opened_anew(data, val, choice)
        remember(index, unreadable, hashes)
        index = replace(index, problems=(*index.problems, SidesKept(moved)))
    return with_rendering(settled(replace(index, hashes=hashes).without(unreadable)), intensity)


def sampled(index: DataIndex, intensity: str = "auto") -> DataIndex:
    """What `open_checked` will leave of a data set if it turns out that nothing can be learned from it.

    A look at a few pictures tells: classes of which none can be read are left out, and all that would refuse a run is
    among the problems. So it is refused before it has a folder.
    """
    known = known_unreadable(index)
    unreadable = unreadable_classes(index) if known is None else known
    return with_rendering(settled(index.without(unreadable)), intensity)


def open_for_start(config: TrainConfig) -> DataIndex:
    """The data set of a run that is about to start, as `sampled` gives it. Raises as `open_source`."""
    return sampled(open_source(config.data, config.val, choice=choice_of(config)), config.intensity)


def _opened_anew(data: str | Path, val: str | Path, choice: FolderChoice) -> DataIndex:
    if not is_shard_source(data) and not is_manifest(Path(data)):
        forget_folder(*_paths(data, val), choice)
    return open_source(data, val, choice=choice)


def source_signature(path: Path) -> str:
    """A short text that changes when a data set does: with its folders, its shards, or the manifest's own file.

    Raises:
        DataError: it cannot be read.
    """
    shards = is_shard_source(path)
    if not shards and not is_manifest(path):
        return folder_signature(path)
    with DataError.from_system(f"{path} cannot be read", "Check its permissions."):
        files = sorted(path.iterdir()) if shards else [path]
        times = [(str(file), (status := file.stat()).st_size, status.st_mtime_ns, status.st_ino) for file in files]
    return hashlib.sha256(repr(times).encode()).hexdigest()[:16]
