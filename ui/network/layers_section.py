"""The layers of any AlexNet: controls, picture, table and what the numbers say. Nothing here loads torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from alexcore.figures import new_figure
from alexcore.nn import NETWORKS, NORMS, minimum_input_size
from alexcore.nn.layers import Layer, layer_table, totals
from alexcore.palette import TRAIN, VAL
from alexcore.words.language import _
from alexcore.words.numbers import size_text
from ui.network.drawing import architecture_svg, draw
from ui.parts.controls import chart, whole_number
from ui.parts.page import shown_errors
from ui.parts.table_csv import csv_button

RULES = (
    "Counted are the multiplications of convolutions and linear layers, as published figures do it: a convolution "
    "does kernel² × inputs / groups of them for each number of its output, a linear layer one for each weight. "
    "Biases, norms, activations and pooling are left out; torch's FLOP counter counts additions too: twice as many."
)


@st.fragment
def layers_section() -> None:
    """Draw the section; its settings are in the URL."""
    st.subheader(_("Layers"), anchor=False)
    with shown_errors():
        layers, side = _chosen()
        with st.container(key="network_picture"):
            draw(architecture_svg(layers, side))
            st.caption(
                _(
                    "To scale: the height of a box is the side of its feature map, its width the number of channels; "
                    "bars are linear layers, their height the number of units. Blue convolves, orange pools, green is "
                    "linear. Hold the pointer over a box for its numbers."
                )
            )
        table = table_of(layers)
        # Nothing where a layer has no such number, instead of the word None.
        windows = {name: table[name].astype("string").fillna("") for name in ("kernel", "stride", "padding")}
        with st.container(key="network_table"):
            st.dataframe(
                table.assign(**windows),
                hide_index=True,
                height=420,
                alt="Layers of the network",
                column_config=_columns(),
                column_order=[name for name in table.columns if name not in ("groups", "path")],
            )
        st.caption(layers_in_words(layers))
        csv_button(table, "layers.csv", "network_csv")
        with st.expander(_("Where the numbers are learned, and where the time goes"), icon=":material/bar_chart:"):
            chart(shares(layers), "network_shares")
            st.caption(RULES)


def _chosen() -> tuple[list[Layer], int]:
    with st.grid("auto", min_column_width=150, key="network_settings"):
        variant = st.selectbox(
            _("Variant"),
            list(NETWORKS),
            key="network_variant",
            bind="query-params",
            help="  \n".join(f"**{each.name}**: {each.title}." for each in NETWORKS.values()),
        )
        text = (
            "Side of the picture that the network sees. Maps and multiply-adds grow with its area; parameters do not "
            f"change. Legal: from {minimum_input_size(variant)} to 1024."
        )
        side = whole_number(_("Input size (px)"), 224, "network_size", text, bind="query-params")
        norm = st.selectbox(
            _("Norm"),
            list(NORMS),
            index=list(NORMS).index("batch"),
            key="network_norm",
            bind="query-params",
            help=_("What follows each convolution. A norm takes the bias's place and learns two numbers a channel."),
        )
        width = st.number_input(
            _("Width"),
            value=1.0,
            step=0.25,
            format="%g",
            key="network_width",
            bind="query-params",
            help=_(
                "Factor on all channels and hidden units. Half the width is about a quarter of the parameters. Legal: "
                "above 0, at most 4."
            ),
        )
        text = _("Outputs of the last layer. ImageNet has 1000, the flowers 5.")
        classes = whole_number(_("Classes"), 5, "network_classes", text, bind="query-params")
    # An emptied field is none at all, which is as little allowed as 0.
    return layer_table(variant, side or 0, norm, float(width or 0), classes or 0), side or 0


def table_of(layers: Sequence[Layer]) -> pd.DataFrame:
    """A row a layer, for the page and the CSV; shares in percent."""
    parameters, adds = totals(layers)
    return pd.DataFrame(
        [
            {
                "layer": each.name,
                "kind": each.kind,
                "kernel": each.kernel or None,
                "stride": each.stride or None,
                "padding": each.padding if each.kind == "convolution" else None,
                "groups": each.groups if each.groups > 1 else None,
                "output": each.shape,
                "parameters": each.parameters,
                "parameters (%)": round(100 * each.parameters / max(1, parameters), 2),
                "multiply-adds": each.multiply_adds,
                "multiply-adds (%)": round(100 * each.multiply_adds / max(1, adds), 2),
                "receptive field (px)": each.field.size,
                "note": each.note,
                "path": each.path,
            }
            for each in layers
        ]
    ).astype({name: "Int64" for name in ("kernel", "stride", "padding", "groups")})


def _columns() -> dict[str, Any]:
    number, words = st.column_config.NumberColumn, st.column_config.TextColumn
    bar = st.column_config.ProgressColumn(min_value=0, max_value=100, format="%.1f %%")
    field = (
        "Side of the square of the picture that one output depends on, were there no border. Where it is larger than "
        "the picture, an output sees all of it."
    )
    adds = "One multiplication and one addition each, for one picture."
    return {
        "kernel": words(help="Side of the window, in pixels of the layer's input."),
        "stride": words(help="Pixels from one position of the window to the next."),
        "padding": words(help="Zeros at each border."),
        "output": words(help="Channels × height × width for one picture, or units."),
        "parameters": number(format="localized", help="Numbers that are learned: weights and biases."),
        "parameters (%)": bar,
        "multiply-adds": number(format="localized", help=adds),
        "multiply-adds (%)": bar,
        "receptive field (px)": number(help=field),
    }


def layers_in_words(layers: Sequence[Layer]) -> str:
    """What the table shows, from its numbers."""
    parameters, adds = totals(layers)
    convs = [each for each in layers if each.kind == "convolution"]
    conv_parameters, conv_adds = sum(each.parameters for each in convs), sum(each.multiply_adds for each in convs)
    most = max(layers, key=lambda each: each.parameters)
    slowest = max(layers, key=lambda each: each.multiply_adds)
    last = [each for each in layers if each.side][-2]
    return (
        f"{parameters:,} parameters ({size_text(4 * parameters)} as float32), {adds / 1e6:,.0f} million multiply-adds "
        f"a picture. The convolutions hold {conv_parameters / parameters:.0%} of the parameters and do "
        f"{conv_adds / adds:.0%} of the multiply-adds; {most.name} alone holds {most.parameters / parameters:.0%}, "
        f"{slowest.name} does most of the work, {slowest.multiply_adds / adds:.0%}. A pixel of {last.name} depends on "
        f"{last.field.size} × {last.field.size} pixels of the picture."
    )


def shares(layers: Sequence[Layer]) -> go.Figure:
    """Share of parameters and of multiply-adds of each layer that has any."""
    shown = [each for each in layers if each.parameters or each.multiply_adds]
    parameters, adds = totals(layers)
    figure = new_figure("Share of each layer", "layer", "share")
    names = [each.name for each in shown]
    figure.add_bar(x=names, y=[each.parameters / parameters for each in shown], name="parameters", marker_color=TRAIN)
    work = [each.multiply_adds / adds for each in shown]
    figure.add_bar(x=names, y=work, name="multiply-adds", marker_color=VAL, marker_pattern_shape="/")
    return figure.update_yaxes(tickformat=".0%")
