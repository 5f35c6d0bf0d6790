"""The card above Start: what a run will do, what it needs, and how long it takes here."""

from __future__ import annotations

import streamlit as st

from alexcore.config import TrainConfig
from alexcore.data.decoding.intensity import with_rendering
from alexcore.data.index import DataIndex
from alexcore.data.inspection.doubles import known_in_two_splits
from alexcore.files import read_json
from alexcore.findings.before import SyncBatchNormNeedsCuda
from alexcore.home import devices_file, runs_dir
from alexcore.training.checks import known_check
from alexcore.training.idle_settings import before_start
from alexcore.training.plan import (
    Plan,
    batch_in_words,
    estimated_seconds,
    make_plan,
    plan_in_words,
)
from alexcore.training.room import require_room, room_for
from alexcore.words.language import _
from alexcore.words.numbers import duration, size_text
from ui.parts.text import plain
from ui.train.check_button import check_button


def preflight(config: TrainConfig, index: DataIndex, checked: bool, whole: DataIndex) -> Plan:
    """Draw the card and return the plan; `whole` is the data set with what cannot be decoded.

    Raises:
        AlexError: this run cannot start; the sentence says why.
    """
    index = with_rendering(index, config.intensity)
    plan = make_plan(config, index)
    with st.container(key="train_preflight", border=True):
        st.markdown(f":material/checklist: **{plan_in_words(config, plan, len(index.classes))}**")
        st.markdown("\n".join(f"- {line}" for line in _facts(config, index, plan, checked)))
        for problem in index.problems:
            (st.info if problem.severity == "info" else st.warning)(plain(problem.sentence))
        doubled = known_in_two_splits(whole)
        if doubled:
            st.warning(plain(f"{doubled.message} {doubled.hint}"))
        for finding in before_start(config, index, plan):
            st.warning(plain(finding.sentence))
        _gpus(config)
        _disk(config, len(index.classes))
        _time(config, plan)
    return plan


def _facts(config: TrainConfig, index: DataIndex, plan: Plan, checked: bool) -> list[str]:
    files = f"{len(index.files):,} pictures"
    decoded = "each has been decoded once" if checked else "each will be decoded once before the first step"
    present = (index.counts() > 0).sum()
    held = ", ".join(f"{split} {int(present[split])}" for split in index.splits)
    first, last = plain(index.classes[0]), plain(index.classes[-1])
    together = config.batch_size * config.processes
    shared = f" ({config.processes} processes, {config.batch_size} in each)" if config.processes > 1 else ""
    return [
        f"Files: {files}, {decoded}.",
        f"Classes with pictures: {held} of {len(index.classes)}, numbered alike in every split, from 0 = {first} to "
        f"{len(index.classes) - 1} = {last}.",
        f"An epoch: {plan.micro_batches:,} batches of {together}{shared}, the last of {plan.last_batch}; "
        f"{plan.steps_per_epoch:,} optimizer steps.",
        batch_in_words(config),
    ]


def _gpus(config: TrainConfig) -> None:
    """Say before the start what the worker would refuse, as far as the note about the device tells."""
    found = read_json(devices_file()) or {}
    device = config.device if config.device != "auto" else str(found.get("device", ""))
    if config.sync_batchnorm and device and not device.startswith("cuda"):
        needs = SyncBatchNormNeedsCuda()
        st.warning(plain(needs.sentence))


def _disk(config: TrainConfig, classes: int) -> None:
    require_room(config, classes, runs_dir())
    st.markdown(f"- {plain(room_for(config, classes, runs_dir()).message)}")


def _time(config: TrainConfig, plan: Plan) -> None:
    found = known_check("preflight", config)
    if found:
        gpu = f", {size_text(found['gpu_bytes'])} on the GPU" if found.get("gpu_bytes") else ""
        st.markdown(
            f"- About **{duration(estimated_seconds(config, plan, found))}** on this machine, "
            f"{size_text(found['memory_bytes'])} of memory{gpu}; measured {found['step_s']:.2g} s a step, "
            f"{found['images_per_s']:.0f} images/s."
        )
    check_button(
        "preflight",
        config,
        _("Measure again") if found else _("Measure 3 steps"),
        "Measuring real steps",
        "done",
        "Measured with other programs, also other runs, as they were then."
        if found
        else "Time and memory are not measured yet: 3 real steps after 1 to warm up tell.",
    )
