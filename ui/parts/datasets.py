"""Data sets as pages use them: opened once per change on disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from alexcore.config import TrainConfig
from alexcore.data.decoding.intensity import with_rendering
from alexcore.data.index import DataIndex
from alexcore.data.index_cache import forget_folder
from alexcore.data.inspection.verify import known_unreadable, unreadable_classes
from alexcore.data.reading import FolderChoice
from alexcore.data.sources import choice_of, open_source, source_signature
from alexcore.data.untrained import settled
from alexcore.errors import DataError
from alexcore.home import SYNTHETIC, data_roots, known_data_sets, open_path
from alexcore.words.language import _
from ui.parts.address import Beside, choose_dataset, chosen_beside, chosen_dataset, chosen_reading
from ui.parts.job_progress import job_button
from ui.parts.synthetic_data import ensure_synthetic


@dataclass(frozen=True)
class _OpenedAs:
    """What decides an index; `signature` makes that change with the files."""

    path: str
    signature: str
    choice: FolderChoice
    val: str = ""
    intensity: str = "auto"


# An index is never changed, so sessions may share one; copies of 100,000 rows at each rerun would be slow.
@st.cache_resource(max_entries=4, show_spinner="Reading the folders ...", hash_funcs={_OpenedAs: repr})
def _index(opening: _OpenedAs) -> DataIndex:
    index = open_source(opening.path, opening.val, choice=opening.choice, roots=data_roots())
    return with_rendering(index, opening.intensity)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={_OpenedAs: repr})
def _readable(opening: _OpenedAs, unreadable: tuple[tuple[str, str], ...]) -> DataIndex:
    return settled(_index(opening).without(dict(unreadable)))


def _opening(name: str, choice: FolderChoice | None) -> _OpenedAs:
    path, beside = open_path(name), Beside()
    if choice is None:
        choice, beside = chosen_reading(name), chosen_beside(name)
    apart = [open_path(each) for each in (beside.val, choice.test) if each]
    signature = "".join(map(source_signature, [path, *apart]))
    return _OpenedAs(str(path), signature, choice, str(open_path(beside.val)) if beside.val else "", beside.intensity)


def forget_indexes() -> None:
    """Read folders anew at the next opening."""
    _index.clear()
    _readable.clear()


def read_again(path: Path) -> None:
    """List the files of a data set anew: the way to see one that was overwritten in place."""
    forget_folder(path)
    forget_indexes()


def open_dataset(name: str, choice: FolderChoice | None = None) -> tuple[DataIndex, bool]:
    """Open a data set by its name in `data/` or its path; the flag says whether its pictures have been checked.

    A folder is read by `choice`, or as somebody has chosen on a page; then a folder to validate on is a part of it.

    Raises:
        AmbiguousError: it is a folder that can be read in several ways, and nobody has said which is meant.
        DataError: it cannot be opened, or may not be.
    """
    opening = _opening(name, choice)
    index = _index(opening)
    known = known_unreadable(index)
    # Before a check, what a start would be refused for.
    unreadable = unreadable_classes(index) if known is None else known
    if not unreadable:
        return index, known is not None
    return _readable(opening, tuple(unreadable.items())), known is not None


def run_dataset(config: TrainConfig) -> DataIndex:
    """The data set of a run, read as the run has read it, without its separate validation folder.

    Raises:
        DataError: as `open_dataset`.
    """
    return open_dataset(config.data, choice_of(config))[0]


def whole_dataset(name: str, choice: FolderChoice | None = None) -> DataIndex:
    """The data set with the pictures that cannot be decoded. Raises as `open_dataset`."""
    return _index(_opening(name, choice))


def dataset_or_wait(name: str) -> tuple[DataIndex, bool] | None:
    """Open the data set, or return None while the built-in one is still being drawn.

    Raises:
        DataError: as `open_dataset`.
    """
    if name == SYNTHETIC and not ensure_synthetic():
        return None
    try:
        return open_dataset(name)
    except DataError:
        if name == SYNTHETIC:
            st.info(_("Delete the folder to have the built-in data set drawn again."))
        raise


def how(index: DataIndex) -> list[str]:
    """What a command has to be given beside the path to read a data set in the same way."""
    said = [("--val", index.val), ("--intensity", "" if index.intensity == "auto" else index.intensity)]
    return [*(f"{flag}={value}" for flag, value in said if value), *index.choice.arguments]


def data_job(kind: str, index: DataIndex) -> tuple[str, list[str]]:
    """The name and the command of the job that does `data KIND` with a data set.

    The name changes with the folder alone: that a job leaves out pictures hides neither its end nor its error.
    """
    command = ["data", kind, str(index.origin), *how(index)]
    text = repr([*command, source_signature(index.origin)])
    return f"{kind}-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:20]}", command


def scan_button(whole: DataIndex, label: str, key: str, note: str = "") -> bool:
    """Draw the button that measures every picture of a data set, or how far that is; whether it runs."""
    name, command = data_job("scan", whole)
    return job_button(name, command, label, key, note, doing="Looking at every picture", when_done=forget_indexes)


def dataset_title(name: str) -> str:
    """What a data set is called in a field that chooses one."""
    return "synthetic flowers (built in)" if name == SYNTHETIC else name


def dataset_select(key: str) -> str:
    """Draw the field that chooses among the known data sets; return the one from `?dataset=` or this session."""
    name = chosen_dataset()
    if st.session_state.get(key) != name:
        st.session_state[key] = name
    st.selectbox(
        _("Data set"),
        list(dict.fromkeys([*known_data_sets(), name])),
        key=key,
        format_func=dataset_title,
        on_change=lambda: choose_dataset(st.session_state[key]),
        help=_("Open another folder on the page Data set; it then appears here."),
    )
    return name
