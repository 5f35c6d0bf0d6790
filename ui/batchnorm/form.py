"""The form of an experiment: what decides the comparison is visible, the rest is behind an expander."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from alexcore.batchnorm.comparable import BN_PRESETS, ONLY, make_experiment
from alexcore.batchnorm.read.decision import SEEDS_NEEDED
from alexcore.batchnorm.settings import BN_FIELDS, BnConfig
from alexcore.batchnorm.settings import GROUPS as BN_GROUPS
from alexcore.config import FIELDS, GROUPS, TrainConfig
from alexcore.data.decoding.intensity import with_rendering
from alexcore.data.index import DataIndex
from alexcore.data.reading import AS_IT_LIES, CHOICES, FolderChoice
from alexcore.fields import FieldSpec
from alexcore.home import runs_dir
from alexcore.training.plan import batch_in_words, make_plan
from alexcore.training.room import require_room
from alexcore.words.language import _
from ui.parts.forms import widget

# In this order: what is compared, how long, and what decides whether a network without a norm learns at all.
VISIBLE = ("arms", "seeds", "steps", "init", "activation", "lr", "batch_size")
# Chosen in another way, or given by the experiment itself.
ELSEWHERE = (
    "data",
    "val",
    *CHOICES,
    "norm",
    "epochs",
    "max_steps",
    "checkpoint_every_epochs",
    *ONLY,
)
SPECS: dict[str, FieldSpec] = {**FIELDS, **BN_FIELDS}


def _key(name: str) -> str:
    return f"bn_{name}"


def _fill(preset: str) -> None:
    """Put a preset's values into the widgets; before they are drawn, or in a callback."""
    for each in make_experiment(preset):
        for name, value in each.model_dump().items():
            if name not in ELSEWHERE:
                st.session_state[_key(name)] = value


def experiment_form(data: str, choice: FolderChoice = AS_IT_LIES, val: str = "") -> tuple[TrainConfig, BnConfig]:
    """Draw the form for the data set in the folder `data`, and return what it says.

    Raises:
        ConfigError: one or more values are out of range, or the arms would not be comparable.
    """
    first = next(iter(BN_PRESETS))
    if _key("steps") not in st.session_state:
        _fill(st.session_state.get("bn_preset") or first)
    preset = st.segmented_control(
        _("Preset"),
        list(BN_PRESETS),
        key="bn_preset",
        default=first,
        required=True,
        persist_state="session",
        bind="query-params",
        on_change=lambda: _fill(st.session_state["bn_preset"]),
        help=_("A set of values for all settings below; change any of them afterwards."),
    )
    st.caption(BN_PRESETS[preset][0])
    values: dict[str, Any] = {}
    with st.grid("auto", min_column_width=190, key="bn_essential"):
        for name in VISIBLE:
            values[name] = widget(SPECS[name], _key(name))
    with st.expander(_("All settings"), icon=":material/tune:"):
        groups = [group for group in (*BN_GROUPS, *GROUPS) if _hidden(group)]
        for tab, group in zip(st.tabs(groups), groups, strict=True):
            with tab, st.grid("auto", min_column_width=190):
                for spec in _hidden(group):
                    values[spec.name] = widget(spec, _key(spec.name))
        fixed = ", ".join(f"{name} = {value!r}" for name, (value, _) in ONLY.items())
        st.caption(f"Not here, because another value would make the arms unequal: {fixed}.")
    given = {name: value for name, value in values.items() if value is not None}
    return make_experiment(preset, data=data, val=val, **asdict(choice), **given)


def _hidden(group: str) -> list[FieldSpec]:
    return [spec for spec in SPECS.values() if spec.group == group and spec.name not in (*VISIBLE, *ELSEWHERE)]


def fairness(config: TrainConfig, bn: BnConfig, index: DataIndex) -> None:
    """Say what the arms share, how much will be trained, and what the statistics are taken from.

    Raises:
        AlexError: this experiment cannot start; the sentence says why.
    """
    plan = make_plan(config, with_rendering(index, config.intensity))
    pictures = bn.steps * config.batch_size * config.accumulation_steps
    train = len(index.select("train"))
    arms = len(bn.norms)
    require_room(config, len(index.classes), runs_dir(), arms * bn.seeds)
    decay = (
        "pulls gamma and beta to zero, too"
        if config.decay_all and config.weight_decay
        else "leaves gamma, beta and all biases alone"
    )
    lines = [
        f"{arms} arms x {bn.seeds} {'seed' if bn.seeds == 1 else 'seeds'} x {bn.steps:,} steps = "
        f"**{arms * bn.seeds * bn.steps:,} optimizer steps**; an arm sees {pictures:,} pictures, the {train:,} "
        f"training pictures {pictures / max(1, train):.1f} times. Probes come on top, as a rule for at most 30 % of "
        "the time.",
        "Shared by the arms of a seed: the initial weights of every convolution and linear layer, the batches with "
        "their augmentation, dropout, the rate schedule, the number of steps.",
        f"Weight decay {decay}.",
        batch_in_words(config),
    ]
    if bn.seeds < SEEDS_NEEDED:
        few = "1 seed cannot" if bn.seeds == 1 else f"{bn.seeds} seeds cannot"
        lines.append(
            f"{few} decide a question, {SEEDS_NEEDED} can: the verdict will say only which way the numbers lean."
        )
    with st.container(border=True, key="bn_fairness"):
        st.markdown("\n".join(f"- {line}" for line in lines))
        if plan.last_batch < config.batch_size:
            st.caption(f"The last batch of an epoch has {plan.last_batch} pictures; it is normalised by itself.")
