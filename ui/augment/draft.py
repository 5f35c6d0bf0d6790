"""The pipeline that is being built: kept in the session and in the URL, so that a refresh or a link brings it back."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from alexcore.augment.check import MAX_OPERATIONS, check_operation
from alexcore.augment.operations import OPERATIONS, Operation, filled, new_operation
from alexcore.augment.pipeline_files import MAX_BYTES, load_pipeline, saved_pipelines
from alexcore.augment.presets import PRESETS, training_operations
from alexcore.config import FIELDS
from alexcore.errors import ConfigError
from ui.parts.text import plain

# Each operation has a number of its own, by which its widgets keep their values when it moves.
Slots = list[tuple[int, Operation]]
_SLOTS, _NEXT, _PRESET = "augment_slots", "augment_next", "augment_preset"


def restore() -> None:
    """Begin with what the URL says, else with what the form of a run says; to be called before anything is drawn."""
    options = preset_names()
    if st.session_state.get(_PRESET) not in options:
        wished = st.query_params.get("preset") or st.session_state.get("train_augment")
        st.session_state[_PRESET] = wished if wished in options else str(FIELDS["augment"].default)
    if _SLOTS in st.session_state:
        return
    use_preset()
    text = st.query_params.get("pipeline")
    if text:
        try:
            set_operations(_from_url(text))
        except ConfigError as error:
            st.warning(plain(f"The pipeline in the URL is left out. {error}"))


def _from_url(text: str) -> list[Operation]:
    """Operations that are legal each by itself; their order may be one that is still being mended."""
    try:
        found: Any = json.loads(text) if len(text) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or len(found) > MAX_OPERATIONS:
        raise ConfigError("It is no list of operations.")
    for each in found:
        for problem in check_operation(each):
            raise problem.refusal(ConfigError)
    return found


def preset_names() -> list[str]:
    """The presets, then the pipelines that were kept."""
    return [*PRESETS, *(name for name in saved_pipelines() if name not in PRESETS)]


def _preset_operations() -> list[Operation]:
    """The operations of the chosen preset, at the size that the form of a run has, or of a pipeline that was kept."""
    name = st.session_state[_PRESET]
    if name in PRESETS:
        return training_operations(name, image_size())
    file = saved_pipelines().get(name)
    if file is None:
        raise ConfigError(f"The augmentation {name!r} is no longer there.", "Choose another.")
    return load_pipeline(file)


def image_size() -> int:
    """The size that the form of a run has, if it is one that a preset can have."""
    size = st.session_state.get("train_image_size")
    spec = FIELDS["image_size"]
    legal = isinstance(size, int) and (spec.minimum or 1) <= size <= (spec.maximum or size)
    return size if isinstance(size, int) and legal else int(spec.default)


def use_preset() -> None:
    """Put the chosen preset's operations in place of the present ones; a callback."""
    try:
        set_operations(_preset_operations())
    except ConfigError as error:
        st.toast(plain(str(error)))
        st.session_state[_PRESET] = str(FIELDS["augment"].default)
        set_operations(_preset_operations())


def slots() -> Slots:
    """The operations with their numbers, in order."""
    found: Slots = st.session_state[_SLOTS]
    return found


def set_operations(operations: list[Operation]) -> None:
    """Begin anew with these."""
    st.session_state[_SLOTS] = [(_number(), dict(each)) for each in operations]


def _number() -> int:
    number = int(st.session_state.get(_NEXT, 0))
    st.session_state[_NEXT] = number + 1
    return number


def store(edited: Slots) -> None:
    """Keep what the widgets say, in the session and in the URL."""
    st.session_state[_SLOTS] = edited
    operations = [each for _, each in edited]
    preset = st.session_state[_PRESET]
    st.query_params["preset"] = preset
    if is_preset(operations):
        st.query_params.pop("pipeline", None)
    else:
        st.query_params["pipeline"] = json.dumps(operations, separators=(",", ":"))


def is_preset(operations: list[Operation]) -> bool:
    """Whether the operations are those of the chosen preset; widgets fill in the defaults that a preset leaves out."""
    try:
        return _complete(operations) == _complete(_preset_operations())
    except ConfigError:
        return False


def _complete(operations: list[Operation]) -> list[Operation]:
    return [{"op": each["op"], "on": each.get("on", True), **filled(each)} for each in operations]


def move(number: int, by: int) -> None:
    """Move an operation up (-1) or down (1); a callback."""
    found = slots()
    at = [each for each, _ in found].index(number)
    to = at + by
    if 0 <= to < len(found):
        found[at], found[to] = found[to], found[at]


def remove(number: int) -> None:
    """Take an operation out; a callback."""
    st.session_state[_SLOTS] = [each for each in slots() if each[0] != number]


def add() -> None:
    """Put the chosen operation where it can work: at the end of its stage; a callback."""
    name = st.session_state["augment_add"]
    found = slots()
    behind = [at for at, (_, each) in enumerate(found) if OPERATIONS[each["op"]].rank <= OPERATIONS[name].rank]
    found.insert(max(behind, default=-1) + 1, (_number(), new_operation(name, image_size())))


def replace(number: int, operation: Operation) -> None:
    """Put another operation in this place; its widgets are new ones, with its values."""
    st.session_state[_SLOTS] = [(_number(), operation) if each == number else (each, old) for each, old in slots()]
