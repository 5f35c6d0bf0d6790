"""The buttons that start a sweep, and how far one is: many short runs in a background job."""

from __future__ import annotations

import streamlit as st

from alexcore.batchnorm.read.record import BATCH_SWEEP, RATE_SWEEP
from alexcore.batchnorm.settings import BnConfig, load_bn_config
from alexcore.errors import ConfigError
from alexcore.fields import numbers_in
from alexcore.jobs import read_job, start_job
from alexcore.runs.store import Run
from alexcore.words.language import _
from ui.parts.page import show_error
from ui.parts.text import plain

LABELS = {RATE_SWEEP: "Sweep the learning rate", BATCH_SWEEP: "Sweep the batch size"}


def sweep_job(run_id: str, kind: str) -> str:
    """The name of the background job of a sweep; `kind` is one of SWEEPS."""
    return f"bn-sweep-{kind}-{run_id}"


def runs_of(bn: BnConfig, kind: str) -> int:
    """How many short runs a sweep makes."""
    arms = len(bn.norms) * bn.sweep_seeds
    return arms * (
        len(numbers_in(bn.sweep_rates)) if kind == RATE_SWEEP else 2 * len(numbers_in(bn.sweep_batches, int))
    )


def sweep_controls(run: Run, kind: str) -> None:
    """Draw the start button with what it will do, or the progress, or how it ended. The page's fragment polls."""
    try:
        bn = load_bn_config(run.path)
    except ConfigError as error:
        show_error(error)
        return
    name = sweep_job(run.id, kind)
    job = read_job(name)
    with st.container(key=f"bn_sweep_{kind}"):
        if job.state == "running":
            counted = f"{job.done:,} of {job.total:,} steps, all runs together" if job.total else "starting"
            st.progress(job.done / job.total if job.total else 0.0, text=f"{LABELS[kind]}: {counted}")
            return
        if job.state == "failed":
            st.error(plain(job.error), icon=":material/error:")
        if job.state == "lost":
            st.error(_("The sweep was interrupted. Start it again: it goes on with the runs that are missing."))
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(LABELS[kind], key=f"bn_sweep_start_{kind}", disabled=run.status.active):
                start_job(name, ["compare-bn-sweep", str(run.path), "--kind", kind])
                st.rerun()
            accumulation = run.config.accumulation_steps if run.config else 1
            st.caption(_what(bn, kind, run.status.active, accumulation), width="stretch")


def _what(bn: BnConfig, kind: str, active: bool, accumulation: int = 1) -> str:
    seeds = f"{bn.sweep_seeds} {'seed' if bn.sweep_seeds == 1 else 'seeds'}"
    if kind == RATE_SWEEP:
        text = (
            f"{runs_of(bn, kind)} runs of {bn.sweep_steps:,} steps: {len(bn.norms)} arms x the rates "
            f"{bn.sweep_rates.replace(',', ', ')} x {seeds}."
        )
    else:
        text = (
            f"{runs_of(bn, kind)} runs: {len(bn.norms)} arms x the batches {bn.sweep_batches.replace(',', ', ')} x "
            f"{seeds}, once for {bn.sweep_epochs} {'epoch' if bn.sweep_epochs == 1 else 'epochs'} and once for "
            f"{bn.sweep_steps:,} steps."
        )
    if accumulation > 1:
        text += (
            f" Without accumulation: a step sees one batch, and not {accumulation} micro-batches as in the experiment."
        )
    wait = " It can start when the experiment has ended, so that neither slows the other down." if active else ""
    return f"{text} Each goes on where it was interrupted.{wait}"
