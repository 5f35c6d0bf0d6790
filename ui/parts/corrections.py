"""What a person says about single pictures: the label is wrong, or the picture is left out.

All of it goes into one list beside the data sets (`alexcore/data/correcting.py`), to train the next run on.
"""

from __future__ import annotations

import streamlit as st

from alexcore.data.correcting import Corrected, Corrections, correction_manifest, corrections_of, set_corrections
from alexcore.data.index import DataIndex
from alexcore.data.shards import is_sharded
from alexcore.errors import AlexError
from alexcore.words.language import _
from ui.parts.menu import page_link
from ui.parts.page import show_error
from ui.parts.text import plain

FAILED, SAID = "corrections_failed", "corrections_said"
# The state before the first correction, and of a data set whose list cannot be read.
NONE = Corrected({})


def known_corrections(index: DataIndex) -> Corrections:
    """What was corrected in a data set so far; nothing, with the error shown, if its list cannot be read."""
    try:
        return _corrections(index).known
    except AlexError as error:
        show_error(error)
        return NONE.known


def _corrections(index: DataIndex) -> Corrected:
    try:
        written = correction_manifest(index).stat().st_mtime_ns
    except OSError:
        return NONE
    return _read(index, f"{index.origin} {index.files_identity} {index.fingerprint()}", written)


@st.cache_data(max_entries=4, show_spinner=False)
def _read(_index: DataIndex, identity: str, written_ns: int) -> Corrected:  # noqa: ARG001 - make the key
    return corrections_of(_index)


def corrected(known: Corrections, path: str) -> str:
    """What was made of a picture, in a few words for below it; nothing if it is as it was."""
    if path not in known:
        return ""
    name = known[path]
    return _("left out") if name is None else f"→ {name}"


def correction_menu(index: DataIndex, known: Corrections, path: str, key: str) -> None:
    """Draw the small menu of one picture, which holds nothing until it is opened; none where it could do nothing."""
    if is_sharded(index) or not index.has(path):
        return
    label = plain(corrected(known, path)) or _("Correct")
    icon = ":material/edit:" if path not in known else ":material/block:" if known[path] is None else ":material/label:"
    # A key of its own: what has another label would otherwise be another menu, and close.
    with st.popover(label, icon=icon, type="tertiary", key=f"{key}_menu", on_change="rerun") as menu:
        if menu.open:
            correction_choice(index, known, path, key)


def correction_choice(index: DataIndex, known: Corrections, path: str, key: str) -> None:
    """Draw what can be said about one picture: another class, that it is left out, or that it stays as it was."""
    if is_sharded(index) or not index.has(path):
        return
    now = index.classes[int(index.files["label"].iloc[index.position_of(path)])]
    _show_failure()
    field = f"{key}_class"
    st.session_state[field] = known.get(path)
    st.selectbox(
        _("Wrong label: the right class is"),
        [name for name in index.classes if name != now or name == known.get(path)],
        index=None,
        key=field,
        placeholder=_("choose the class"),
        on_change=lambda: _say(index, path, st.session_state[field], key),
    )
    if known.get(path, now) is None:
        st.caption(_("Left out."))
    with st.container(horizontal=True):
        if known.get(path, now) is not None:
            st.button(
                _("Leave out"),
                key=f"{key}_out",
                icon=":material/block:",
                on_click=_say,
                args=(index, path, None, key, True),
            )
        if path in known:
            st.button(
                _("Undo"), key=f"{key}_undo", icon=":material/undo:", on_click=_say, args=(index, path, None, key)
            )


def _say(index: DataIndex, path: str, name: str | None, key: str, out: bool = False) -> None:
    """Write one correction, or take it back where there is neither a name nor `out`; a callback."""
    st.session_state.pop(FAILED, None)
    try:
        rest = {each: right for each, right in _corrections(index).known.items() if each != path}
        set_corrections(index, {**rest, path: name} if out or name is not None else rest)
        st.session_state[SAID] = True
    except AlexError as error:
        st.session_state[FAILED] = error
    if f"{key}_menu" in st.session_state:  # one word was enough
        st.session_state[f"{key}_menu"] = False


def was_corrected() -> bool:
    """Whether a correction was written since this was last asked: a dialog closes then."""
    return bool(st.session_state.pop(SAID, False))


def _write(index: DataIndex, known: Corrections) -> None:
    """Write the list of the data set as it is now with these corrections; a callback."""
    st.session_state.pop(FAILED, None)
    try:
        set_corrections(index, known)
    except AlexError as error:
        st.session_state[FAILED] = error


def _show_failure() -> None:
    failed = st.session_state.pop(FAILED, None)
    if failed:
        show_error(failed)


def corrections_summary(index: DataIndex, known: Corrections, key: str) -> None:
    """Say how much was corrected, with a way back and one to training on it."""
    _show_failure()
    if is_sharded(index):
        st.caption(_("Pictures inside shards cannot be corrected one by one: correct what was packed."))
        return
    manifest = correction_manifest(index)
    try:
        _new_pictures(index, _corrections(index), key)
    except AlexError:  # its sentence stands above already
        return
    if not known:
        st.caption(
            _(
                "A wrong label that is corrected and a picture that is left out go into a list of their own, to train "
                "on. No file is moved or deleted."
            )
        )
        return
    name = manifest.name
    with st.container(horizontal=True, vertical_alignment="center", key=key):
        st.caption(f"{_counted(known)} in data/{plain(name)}; no file was moved or deleted.", width="content")
        page_link("train", _("Train on it"), ":material/arrow_forward:", dataset=name)
        if index.origin.resolve() != manifest:
            page_link("dataset", _("See that data set"), dataset=name)
        with st.popover(_("Undo"), icon=":material/undo:", type="tertiary", key=f"{key}_undo"):
            _undo(index, known, key)


def _new_pictures(index: DataIndex, made: Corrected, key: str) -> None:
    """Say that the data set has got pictures since its list was written, and offer to take them in."""
    if made.new:
        name, count = correction_manifest(index).name, len(made.new)
        one = count == 1
        are = "1 picture of this data set is" if one else f"{count:,} pictures of this data set are"
        with st.container(horizontal=True, vertical_alignment="center"):
            words = f"{are} new and not in data/{name} yet; the next correction takes {'it' if one else 'them'} in."
            st.caption(plain(words), width="content")
            st.button(
                _("Take it in") if one else _("Take them in"),
                key=f"{key}_new",
                type="tertiary",
                on_click=_write,
                args=(index, made.known),
            )


def _counted(known: Corrections) -> str:
    out = sum(name is None for name in known.values())
    labels = len(known) - out
    words = [f"{labels:,} label{'s' if labels > 1 else ''} corrected"] if labels else []
    return " and ".join([*words, *([f"{out:,} picture{'s' if out > 1 else ''} left out"] if out else [])])


def _undo(index: DataIndex, known: Corrections, key: str) -> None:
    field = f"{key}_one"
    if st.session_state.get(field) not in known:
        st.session_state.pop(field, None)
    path = st.selectbox(
        _("Picture"), list(known), key=field, format_func=lambda each: f"{each}: {corrected(known, each)}"
    )
    with st.container(horizontal=True):
        st.button(_("Undo this one"), key=f"{key}_undo_one", on_click=_say, args=(index, path, None, key))
        st.button(_("Undo all"), key=f"{key}_undo_all", on_click=_write, args=(index, {}))
