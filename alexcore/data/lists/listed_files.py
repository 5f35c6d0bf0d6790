"""Find the files that a list names: as written first, then as its owner may mean it, if only one file fits.

A name is tried as it stands, with the separators of this system, without blanks around it, then in the other Unicode
form, then apart from capital and small letters. What is still missing gets the nearest file's name, or that of the
folder that is gone.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from alexcore.data.lists.list_rows import is_picture_name
from alexcore.data.reading import PicturesGoneError
from alexcore.errors import DataError
from alexcore.findings import data_lists as findings
from alexcore.findings.finding import Finding, few

# (path as it is kept, the file itself, bytes, mtime_ns)
Found = tuple[str, str, int, int]
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|~")
# Folders that are looked through for the nearest file.
_MOST_FOLDERS = 1000
# Rows that are asked for to find out which part of the paths another folder stands for.
_SAMPLE = 50


class ListedFiles:
    """Looks up the files of one list, asking for each folder only once where its links lead.

    Args:
        manifest: The list; its folder is where relative names begin.
        roots: If given, every file must lie below one of these resolved folders, wherever links lead.
    """

    def __init__(self, manifest: Path, roots: Sequence[Path] | None) -> None:
        self.manifest, self.root, self.roots = manifest, str(manifest.parent), roots
        self._real: dict[str, str] = {}
        self._folders: dict[str, str | None] = {}
        self._entries: dict[str, tuple[dict[str, list[str]], dict[str, list[str]]]] = {}
        self._trimmed: list[str] = []
        self._other_form: list[str] = []
        self._other_case: list[tuple[str, str]] = []

    def find(self, name: str) -> Found | None:
        """The file that a row means, or None where there is none.

        Raises:
            DataError: it lies outside the roots, and nothing is said about whether it exists; or two files fit that
                differ in case.
        """
        found = self._exact(name)
        if found is None and "\\" in name and os.sep == "/":  # written on Windows
            name = name.replace("\\", "/")
            found = self._exact(name)
        if found is None and name.strip() != name and name.strip():
            found = self._exact(name.strip())
            if found:
                self._trimmed.append(repr(name))
            name = name.strip()
        return found or self._alike(name)

    @property
    def notes(self) -> list[Finding]:
        """What has been found under another name than the listed one."""
        notes: list[Finding] = []
        notes += findings.BlanksTakenOff.of(self._trimmed, cells=len(self._trimmed))
        notes += findings.NamesInOtherForm.of(self._other_form)
        if self._other_case:
            notes.append(findings.NamesInOtherCase(few(self._other_case), len(self._other_case)))
        return notes

    def _exact(self, name: str) -> Found | None:
        folder, base = os.path.split(os.path.join(self.root, name))
        try:
            if folder not in self._real:
                self._real[folder] = os.path.realpath(folder)
                self._allow(self._real[folder], name)
            if base in ("", ".", ".."):
                return None
            file = os.path.join(self._real[folder], base)
            status = os.lstat(file)
            if stat.S_ISLNK(status.st_mode):
                file = os.path.realpath(file)
                self._allow(file, name)
                status = os.stat(file)
        except (OSError, ValueError):  # missing, forbidden, a name that is too long or no name at all
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        kept = os.path.relpath(name, self.root) if os.path.isabs(name) and name.startswith(self.root + os.sep) else name
        kept = kept.replace(os.sep, "/")
        while kept.startswith("./"):
            kept = kept[2:].lstrip("/")
        return kept, file, status.st_size, status.st_mtime_ns

    def _may_open(self, real: str) -> bool:
        return self.roots is None or any(Path(real).is_relative_to(root) for root in self.roots)

    def _allow(self, real: str, name: str) -> None:
        if not self._may_open(real):
            raise PicturesGoneError(
                f"{self.manifest} names the picture {name[:200]}, which lies outside the folders that may be opened.",
                "Move the pictures there, or start the dashboard with ALEXCORE_DATA_ROOTS set to their folder.",
            )

    # In the other Unicode form, or apart from case ------------------------------------------------------------------

    def _alike(self, name: str) -> Found | None:
        if not name or "\0" in name:
            return None
        folder, base = os.path.split(os.path.normpath(os.path.join(self.root, name)))
        place = self._folder(folder)
        meant = self._entry(place, base) if place and base else None
        if not meant:
            return None
        path = os.path.join(str(place), meant)
        found = self._exact(path if os.path.isabs(name) else os.path.relpath(path, self.root))
        if found:
            same = unicodedata.normalize("NFC", path) == unicodedata.normalize("NFC", os.path.join(folder, base))
            if same:
                self._other_form.append(name)
            else:
                self._other_case.append((name, found[0]))
        return found

    def _folder(self, folder: str) -> str | None:
        """The folder that is there for one as it is written."""
        if folder not in self._folders:
            above, name = os.path.split(folder)
            if os.path.isdir(folder):
                self._folders[folder] = folder
            elif above == folder:
                self._folders[folder] = None
            else:
                place = self._folder(above)
                meant = self._entry(place, name) if place else None
                self._folders[folder] = os.path.join(str(place), meant) if meant else None
        return self._folders[folder]

    def _entry(self, folder: str, name: str) -> str | None:
        """The one entry of a folder that looks like a name."""
        if folder not in self._entries:
            self._entries[folder] = self._listing(folder)
        by_form, by_case = self._entries[folder]
        form = unicodedata.normalize("NFC", name)
        fitting = by_form.get(form) or by_case.get(form.casefold()) or []
        if len(fitting) > 1:
            raise DataError(
                f"{self.manifest} names {name}, and {folder} has {' and '.join(sorted(fitting)[:4])}.",
                "Write the name of the one that is meant as it is on the disk.",
            )
        return fitting[0] if fitting else None

    def _listing(self, folder: str) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        by_form: dict[str, list[str]] = {}
        by_case: dict[str, list[str]] = {}
        if self._may_open(os.path.realpath(folder)):
            for name in _names_in(folder):
                form = unicodedata.normalize("NFC", name)
                by_form.setdefault(form, []).append(name)
                by_case.setdefault(form.casefold(), []).append(name)
        return by_form, by_case

    # What is missing ------------------------------------------------------------------------------------------------

    def about_missing(self, names: Sequence[str], all_missing: bool) -> list[Finding]:
        """What helps to find files that are missing: the folder that is gone, and the file that is nearest to one.

        While others are there, a name that merely resembles a missing one is another picture's.
        """
        if not names:
            return []
        told: list[Finding] = []
        gone = self._gone([slashed(name) for name in names if not _ADDRESS.match(name.strip())])
        if gone:
            told.append(findings.FolderGone(gone, len(names)))
        near = next(filter(None, (self._nearest(name, all_missing) for name in names[:_SAMPLE])), None)
        if near or (all_missing and (near := self._in_tree(names[0]))):
            told.append(findings.NearestFile(*near))
        return told

    def _gone(self, names: Sequence[str]) -> str:
        """The folder that all names begin with, if it is not there."""
        if not names:
            return ""
        if _DRIVE.match(names[0]) and os.sep == "/":
            return os.path.commonpath([os.path.dirname(name) for name in names])
        shared = os.path.commonpath([os.path.dirname(os.path.normpath(os.path.join(self.root, n))) for n in names])
        try:
            return "" if shared == self.root or os.path.isdir(shared) else shared
        except ValueError:  # a NUL byte
            return ""

    def _in_tree(self, name: str) -> tuple[str, str] | None:
        """The file below the list that has the end of a path in common with a missing one."""
        ends = unquote(slashed(name)).lower().split("/")
        found: list[tuple[int, str]] = []
        for number, (folder, _, files) in enumerate(os.walk(self.root)):
            if number == _MOST_FOLDERS:
                break
            for file in files:
                if file.lower() == ends[-1]:
                    path = os.path.relpath(os.path.join(folder, file), self.root).replace(os.sep, "/")
                    pairs = zip(reversed(path.lower().split("/")), reversed(ends), strict=False)
                    alike = next((n for n, (one, other) in enumerate(pairs) if one != other), len(ends))
                    found.append((alike, path))
        return (name, max(found, key=lambda each: each[0])[1]) if found else None

    def _nearest(self, name: str, alike: bool) -> tuple[str, str] | None:
        for text in _meant(name):
            try:
                if text != name and (found := self._exact(text)):
                    return name, found[0]
                folder, base = os.path.split(os.path.normpath(os.path.join(self.root, text)))
                place = self._folder(folder)
                names = [each for group in self._listing(place)[0].values() for each in group] if place else []
            except (DataError, OSError, ValueError):
                continue
            stems = {base, os.path.splitext(base)[0]}
            endless = [each for each in names if os.path.splitext(each)[0] in stems and is_picture_name(each)]
            endless = endless or [each for each in names if each in stems]
            close = endless
            if alike and not endless:
                close = difflib.get_close_matches(base, filter(is_picture_name, names), n=1, cutoff=0.8)
            if close:
                path = os.path.join(str(place), close[0])
                near = path if os.path.isabs(text) else os.path.relpath(path, self.root)
                return name, near.replace(os.sep, "/")
        return None


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _meant(name: str) -> Iterator[str]:
    """What a name may mean that is no path as it stands."""
    text = name.strip().strip("\"'`\u201c\u201d\u2018\u2019\u201e\u00ab\u00bb").strip()
    if text.lower().startswith("file:"):
        text = re.sub("^file:(//(localhost(?=/))?)?", "", text, flags=re.IGNORECASE)
    if "%" in text:
        yield unquote(text)
    if text.startswith("~"):
        yield text.partition("/")[2]
        yield os.path.expanduser(text)
    yield text


def slashed(name: str) -> str:
    """A path with slashes between its parts, without blanks around it; here a name itself may hold a backslash."""
    name = name.strip()
    return name.replace("\\", "/") if os.sep == "\\" or "/" not in name else name


def below(root: Path, names: Sequence[str], is_there: Callable[[str], bool]) -> tuple[list[str], Finding]:
    """Paths in which `root` stands for the folder that all of them have begun with, and what is told of it.

    How much of the beginning it stands for is what the files say: that by which most of them are found.

    Raises:
        PicturesGoneError: none of them is found, or there is no such folder.
    """
    root = root.expanduser().resolve()
    parts = [slashed(name).split("/") for name in names]
    least, most = min(parts), max(parts)  # what these two share, all do
    shared = next((n for n, (one, other) in enumerate(zip(least, most, strict=False)) if one != other), len(least))
    shared = min(shared, *(len(each) - 1 for each in parts), len(least) - 1)
    first = next((number for number, part in enumerate(parts[0]) if part not in ("", ".", "..")), 0)
    sample = parts[:: max(1, len(parts) // _SAMPLE)]
    count = {
        cut: sum(is_there(os.path.join(root, *each[cut:])) for each in sample)
        for cut in range(min(first, shared), shared + 1)
    }
    best = max(count, key=lambda cut: (count[cut], -cut))
    if not count[best]:
        if not root.is_dir():
            raise PicturesGoneError(
                f"There is no folder {root}.", "Let --root name the folder where the pictures are now."
            )
        raise PicturesGoneError(
            f"{root} has none of the listed pictures; the first is {names[0][:200]}.",
            "Let --root name the folder that stands in the place of the old one.",
        )
    old = "/".join(parts[0][:best]) or ("/" if parts[0][0] == "" and best else ".")
    return [os.path.join(root, *each[best:]) for each in parts], findings.RootReplaced(old, str(root))
