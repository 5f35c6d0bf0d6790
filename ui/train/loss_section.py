"""The loss before a run: what each class contributes, and the formula of one real picture, number by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from alexcore.augment.presets import evaluation_operations
from alexcore.config import TrainConfig, make_config
from alexcore.data.decoding.images import read_picture
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.figures import new_figure
from alexcore.files import read_json
from alexcore.palette import TRAIN
from alexcore.runs.store import Run, list_runs
from alexcore.training.loss_terms import LossTerms, loss_terms
from alexcore.training.weighting import run_weights, weight_table, weights_in_words
from alexcore.words.language import _
from ui.parts.controls import chart
from ui.parts.lazy_torch import load_torch
from ui.parts.networks import classifier
from ui.parts.page import shown_errors
from ui.parts.text import plain

if TYPE_CHECKING:  # loads torch, which waits until somebody wants a network
    from torch import nn

UNTRAINED = "an untrained network"
SHOWN_PX = 320


def class_weights_section(config: TrainConfig, index: DataIndex) -> None:
    """Draw what each class contributes to the loss with the weights of the form."""
    counts = [int(each) for each in index.counts()["train"]]
    table = weight_table(index.classes, counts, run_weights(config, counts))
    figure = new_figure("Share of the loss", "class", "pictures x weight / sum", 260)
    figure.add_bar(x=list(table["class"]), y=table["share"].tolist(), marker_color=TRAIN, name="share")
    figure.update_yaxes(tickformat=".0%", rangemode="tozero").update_xaxes(type="category")
    left, right = st.columns([2, 3])
    with left:
        formats = {
            "weight": st.column_config.NumberColumn(format="%.4f"),
            "share": st.column_config.NumberColumn("share of the loss", format="percent"),
        }
        st.dataframe(table, hide_index=True, column_config=formats, alt="Pictures, weight and share of each class")
    with right, st.container(key="train_weights_chart"):
        chart(figure)
    st.caption(plain(weights_in_words(table)))


@st.fragment
def loss_section(config: TrainConfig, index: DataIndex) -> None:
    """Draw the loss of one training picture; torch is loaded only when that is switched on."""
    # Two formulas, because one line of both is wider than a telephone.
    st.latex(r"\text{loss} = \frac{\sum_i \sum_c t_{ic}\, w_c\, (-\log p_{ic})}{\sum_i w_{y_i}}")
    st.latex(r"p_{ic} = \frac{e^{z_{ic}}}{\sum_k e^{z_{ik}}}")
    same_classes = [run for run in list_runs() if read_json(run.path / "class_indices.json") == index.class_indices]
    runs = {run.id: run for run in same_classes if run.checkpoint}
    train = index.select("train")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        more: dict[str, Any] = {"format_func": index.classes.__getitem__, "key": "train_loss_class", "width": 200}
        label = st.selectbox(_("Class of the picture"), range(len(index.classes)), **more)
        number = st.number_input(_("Picture of it, from 1"), value=1, step=1, key="train_loss_picture", width=160)
        network = st.selectbox(_("Network"), [UNTRAINED, *runs], key="train_loss_network", width=260)
        wanted = st.toggle(_("Write it out"), key="train_loss_show")
    rows = train[train["label"] == label]
    if not wanted:
        st.caption(
            _("Switch on to load PyTorch here, some seconds and about 1 GB, and see the numbers of a real picture.")
        )
        return
    if not 1 <= int(number or 0) <= len(rows):
        st.error(f"There is no picture {number} of {plain(index.classes[label])}: choose 1 to {len(rows):,}.")
        return
    with shown_errors():
        found = _terms(config, index, str(rows["path"].iloc[int(number) - 1]), label, runs.get(network))
        _written_out(config, index.classes[label], found)


@st.cache_resource(max_entries=1, show_spinner="Building the network ...")
def _untrained(values: str, classes: int) -> nn.Module:
    from alexcore.analysis.prediction import untrained

    return untrained(TrainConfig.model_validate_json(values), classes)


def _terms(config: TrainConfig, index: DataIndex, path: str, label: int, run: Run | None) -> LossTerms:
    load_torch()
    from alexcore.analysis.prediction import logits_of

    picture = read_picture(picture_source(index, path), rendering=index.rendering).image
    model: Any
    if run and run.checkpoint:
        trained = classifier(run.checkpoint)
        model, operations = trained.model, trained.operations
    else:
        model = _untrained(_network_of(config).model_dump_json(), len(index.classes))
        operations = evaluation_operations(config.augment, config.image_size)
    shown = picture.copy()
    shown.thumbnail((SHOWN_PX, SHOWN_PX))
    st.image(shown, caption=plain(path), alt=f"Training picture of {index.classes[label]}")
    weights = run_weights(config, [int(each) for each in index.counts()["train"]])
    return loss_terms(logits_of(model, operations, picture), label, index.classes, weights, config.label_smoothing)


def _network_of(config: TrainConfig) -> TrainConfig:
    """Only what decides the network, so that another rate builds no other one."""
    names = ("variant", "norm", "width", "init", "activation", "seed", "dropout")
    return make_config(**{name: getattr(config, name) for name in names})


def _written_out(config: TrainConfig, name: str, found: LossTerms) -> None:
    names = {"logit": "z", "softmax": "p", "minus_log": "-log p", "target": "t", "weight": "w"}
    table = found.table.rename(columns=names)
    numbers = {column: st.column_config.NumberColumn(format="%.6f") for column in table.columns if column != "class"}
    st.dataframe(table, hide_index=True, column_config=numbers, alt="The loss, a row a class")
    st.code("\n".join(found.lines), language=None, wrap_lines=True)
    st.caption(
        "A batch adds up the terms of its pictures and divides by the weights w of their classes: this picture of "
        f"{plain(name)} adds {found.total:.4f} above and {found.divisor:.4f} below. The micro-batches of an effective "
        f"batch of {config.effective_batch} share one divisor, that of the whole. Weights and smoothing are those of "
        "the form; the picture is seen without augmentation, by a network that evaluates."
    )
