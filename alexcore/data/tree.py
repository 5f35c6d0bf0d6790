"""A folder as it lies on the disk: one walk that decodes no file, and reads the start of one whose name tells nothing.

What operating systems and drives leave behind is left out here, by one table, and counted; so is what may not be read.
"""

from __future__ import annotations

import errno
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Literal

from alexcore.data.decoding.image_formats import EXTENSIONS, may_be_picture
from alexcore.data.index import is_utf8

# When the entries of a folder changed last, in nanoseconds: mtime and ctime.
FolderTime = tuple[int, int]
Why = Literal["junk", "hidden", "nameless", "unreadable"]
Entry = os.DirEntry[str]
by_name = attrgetter("name")

_JUNK = frozenset(
    {
        # network drives
        *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", ".@__thumb", ".sync"),
        # Windows
        *("$recycle.bin", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini"),
        # macOS
        *("__macosx", ".ds_store", "icon\r", ".appledouble", ".spotlight-v100", ".fseventsd", ".temporaryitems"),
        *("network trash folder", "temporary items", ".documentrevisions-v100", ".volumeicon.icns"),
        # Linux, and programs that keep folders in step
        *("lost+found", ".directory", ".dropbox", ".dropbox.cache", ".dropbox.attr", ".tmp.drivedownload"),
    }
)
_PLAIN_ENDINGS = frozenset(each for ending in sorted(EXTENSIONS) for each in (ending, ending.upper()))
# In small letters these may be somebody's classes.
_JUNK_EXACTLY = frozenset({"RECYCLER", "RECYCLED", *(f"FOUND.{number:03}" for number in range(10))})
# ._NAME holds what a Mac knows of NAME.
_JUNK_BEGINS = re.compile(r"\._.|\.trash|~\$.|\.~lock\.", re.IGNORECASE | re.DOTALL)
# Files that wait in a cloud, or are on their way.
_JUNK_ENDS = (".icloud", ".crdownload", ".part", ".partial", ".cloud", ".cloudf", ".owncloud", ".nextcloud")


def is_junk(name: str, *, folder: bool = False) -> bool:
    """Whether a file or folder of this name was left by a system, a drive or a cloud, and is nobody's picture."""
    small = name.lower()
    return (
        small in _JUNK
        or name in _JUNK_EXACTLY
        or _JUNK_BEGINS.match(name) is not None
        or (not folder and small.endswith(_JUNK_ENDS))
    )


@dataclass
class Folder:
    """A folder of a data set, without what is left out.

    Attributes:
        path: Absolute.
        folders: The folders in it, by name in sorted order.
        images: The files in it that may be images by their ending, in no order.
        others: The names of all other files.
        unread: The names of folders in it that were not read.
        place: Device and inode: two names of one folder have the same.
    """

    path: str
    folders: dict[str, Folder] = field(default_factory=dict)
    images: list[Entry] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    place: tuple[int, int] = (0, 0)

    @property
    def name(self) -> str:
        """Its own name, without the way to it."""
        return os.path.basename(self.path)

    @property
    def count(self) -> int:
        """How many images lie in it and below it."""
        return len(self.images) + sum(each.count for each in self.folders.values())

    @property
    def filled(self) -> dict[str, Folder]:
        """The folders in it that have an image somewhere below them."""
        return {name: folder for name, folder in self.folders.items() if folder.count}

    def entries(self) -> Iterator[Entry]:
        """All images, in the order of names; a folder's stand where its name does."""
        mixed: list[Entry | Folder] = [*self.images, *self.folders.values()]
        for each in sorted(mixed, key=by_name):
            if isinstance(each, Folder):
                yield from each.entries()
            else:
                yield each

    def besides(self) -> Iterator[str]:
        """The paths of all files that are no images, in the same order."""
        mixed: list[str | Folder] = [*self.others, *self.folders.values()]
        for each in sorted(mixed, key=lambda each: each.name if isinstance(each, Folder) else each):
            if isinstance(each, Folder):
                yield from each.besides()
            else:
                yield os.path.join(self.path, each)

    def relative(self) -> dict[str, Entry]:
        """All images by their paths, relative to this folder."""
        start = len(self.path) + 1
        return {entry.path[start:].replace(os.sep, "/"): entry for entry in self.entries()}


@dataclass(frozen=True)
class Below(Collection[Entry]):
    """All images below a folder, listed when somebody asks for them."""

    folder: Folder

    def __iter__(self) -> Iterator[Entry]:
        """In the order of names."""
        return self.folder.entries()

    def __len__(self) -> int:
        """How many there are."""
        return self.folder.count

    def __contains__(self, item: object) -> bool:
        """Whether an entry is among them."""
        return any(entry is item for entry in self)


@dataclass
class Tree:
    """What one walk has found.

    Attributes:
        top: The folder itself.
        times: Each folder that was read, and its times before that.
        left_out: Names relative to `top`, by why they are left out.
    """

    top: Folder
    times: dict[str, FolderTime] = field(default_factory=dict)
    left_out: dict[Why, list[str]] = field(default_factory=dict)

    def junk(self) -> Counter[str]:
        """How often each name of the table was left out; those that share a beginning or an ending are one."""
        return Counter(map(_junk_kind, self.left_out.get("junk", ())))


def _junk_kind(path: str) -> str:
    name = path.rpartition("/")[2].strip()
    begins = next((each for each in ("._", "~$", ".~lock.") if name.startswith(each)), "")
    ends = next((each for each in _JUNK_ENDS if name.lower().endswith(each)), "")
    return f"{begins}*" if begins else f"*{ends}" if ends else name


def folder_time(folder: str | Path) -> FolderTime:
    """The times of a folder, which change when an entry is added, removed or renamed.

    Unpacking an archive sets mtime back to an old value; it cannot do that to ctime. On Windows mtime has to do.

    Raises:
        OSError: there is no such folder.
    """
    status = os.stat(folder)
    return status.st_mtime_ns, status.st_ctime_ns


def walk(root: Path) -> Tree:
    """Walk through a folder once, without opening a picture.

    Raises:
        OSError: the folder itself cannot be read; one below it that cannot is left out.
    """
    tree = Tree(Folder(str(root)))
    _walk(tree, tree.top, frozenset())
    return tree


def _walk(tree: Tree, folder: Folder, above: frozenset[tuple[int, int]]) -> None:
    # The time is read before the entries: what is added in between makes a cached index stale, not wrong.
    status = os.stat(folder.path)
    place = status.st_dev, status.st_ino
    if place in above:  # a link that leads back to a folder above it
        return
    tree.times[folder.path] = status.st_mtime_ns, status.st_ctime_ns
    images, rest = _listed(folder.path)
    folder.images, folder.place = images, place
    prefix = folder.path.removeprefix(tree.top.path).lstrip(os.sep).replace(os.sep, "/")
    prefix = f"{prefix}/" if prefix else ""

    def leave_out(why: Why, name: str) -> None:
        tree.left_out.setdefault(why, []).append(prefix + name)

    for entry in sorted(rest, key=by_name):
        name, is_dir = entry.name, _leads_to(entry.is_dir)
        why: Why | None = None
        if not is_utf8(name):
            why = "nameless"
        elif is_junk(name, folder=is_dir):
            why = "junk"
        elif name[0] == ".":
            why = "hidden"
        if why:
            leave_out(why, name)
            if is_dir:
                folder.unread.append(name)
        elif is_dir:
            inner = Folder(entry.path)
            try:
                _walk(tree, inner, above | {place})
            except OSError:
                leave_out("unreadable", name)
                folder.unread.append(name)
            else:
                folder.folders[name] = inner
        elif may_be_picture(entry.path) and _leads_to(entry.is_file):
            folder.images.append(entry)
        else:
            folder.others.append(name)


def _listed(path: str) -> tuple[list[Entry], list[Entry]]:
    """The entries of a folder that are plainly images, and all others, which need a closer look.

    Nearly all folders of 100,000 images hold nothing else, so a few calls for a whole folder find that out: a line of
    Python for each entry would take as long again as the disk.
    """
    with os.scandir(path) as entries:
        found = list(entries)
    names = "\0".join(["", *map(by_name, found), ""])
    # Names that are no UTF-8, or begin as those of hidden files and junk do, are looked at one by one.
    usual = "\0." not in names and "~" not in names and is_utf8(names)
    endings = {os.path.splitext(entry.name)[1] for entry in (*found[:1], *found[len(found) // 2 :][:1], *found[-1:])}
    if usual and sum(names.count(f"{each}\0") for each in endings & _PLAIN_ENDINGS) == len(found) and _are_files(found):
        return found, []
    images: list[Entry] = []
    rest: list[Entry] = []
    for entry in found:
        name = entry.name
        plain = usual and name[name.rfind(".") :] in _PLAIN_ENDINGS and _leads_to(entry.is_file)
        (images if plain else rest).append(entry)
    return images, rest


def _are_files(entries: list[Entry]) -> bool:
    try:
        return all(map(os.DirEntry.is_file, entries))
    except OSError:
        return False


def _leads_to(test: Callable[[], bool]) -> bool:
    """Ask a directory entry; a link to itself is neither file nor folder, where `os` raises an error."""
    try:
        return test()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise
