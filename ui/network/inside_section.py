"""A trained network from the inside: first-layer filters, feature maps, and how weights and activations are spread."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from PIL import Image

from alexcore.data.decoding.images import read_picture
from alexcore.data.decoding.levels import Rendering
from alexcore.data.shards import picture_source
from alexcore.errors import DataError
from alexcore.figures import new_figure
from alexcore.nn.layers import Layer
from alexcore.palette import REST, TRAIN
from alexcore.runs.store import Run, list_runs, require_checkpoint
from alexcore.words.language import _
from alexcore.words.numbers import size_text
from ui.parts.controls import chart, whole_number
from ui.parts.datasets import run_dataset
from ui.parts.menu import page_link
from ui.parts.networks import choices, classifier, run_field
from ui.parts.page import shown_errors
from ui.parts.picture_choice import MAX_MB, uploaded_picture
from ui.parts.table_csv import csv_button
from ui.parts.text import plain
from ui.parts.upload_field import upload_field

if TYPE_CHECKING:  # importing them loads torch, which waits until this part is opened
    from alexcore.analysis.inside import Spread, Values
    from alexcore.analysis.prediction import Classifier

MOST_TILES = 48
TILE_PX = 128


def inside_section() -> None:
    """Draw the part: no run yet, or a run, a picture, a layer and what it gives."""
    runs = [run for run in list_runs() if run.checkpoint]
    if not runs:
        st.info(_("There is no trained network yet. Train one first: it takes about two minutes."))
        page_link("train", _("Go to Train"), ":material/arrow_forward:")
        return
    with st.container(key="network_inside"), shown_errors():
        by_id = choices(runs, "network_run", runs[0], "newest")
        run = by_id[run_field(by_id, "network_run", "Its best checkpoint is looked into.")]
        left, right = st.columns([1, 3], gap="large")
        network = classifier(require_checkpoint(run))
        with left:
            image, name, key = _picture(run, network.rendering)
        from alexcore.analysis.inside import enlarged, layers_of, map_pictures
        from ui.parts.captioned_pictures import Tile, tiles_html

        outputs = _outputs(network, image, str(network.checkpoint), network.checkpoint.stat().st_mtime_ns, key)
        layers = layers_of(network, outputs["input"].shape[-1])
        with left:
            small = image.copy()
            small.thumbnail((320, 320))
            st.image(small, caption=plain(name), width="stretch", alt=name)
            seen = [enlarged(each, TILE_PX) for each in map_pictures(outputs["input"], one_scale=True)]
            names = ("red", "green", "blue")
            st.html(tiles_html([Tile(each, [word]) for each, word in zip(seen, names, strict=True)], least=50))
            st.caption(f"What the network gets: {outputs['input'].shape[-1]} px a side, one map a colour.")
        with right:
            layer = _layer(layers)
            _maps(layer, outputs[layer.name])
        if layer.name == "conv1":
            _filters(network, layer)
        _spreads(network, layer, outputs[layer.name])
        _table(layers, outputs)


def _picture(run: Run, rendering: Rendering) -> tuple[Image.Image, str, str]:
    """Draw the choice of a picture; return it, read as the network's own are, its name, and what tells it apart.

    Raises:
        DataError: the upload is no picture, or the data set does not have the wished one.
    """
    about = _("It is kept in memory, and only for this visit. Without one, a picture of the data set is used.")
    upload = upload_field(_("Your own picture"), "network_upload", MAX_MB, about)
    if upload is not None:
        if upload.size > MAX_MB * 2**20:
            raise DataError(f"{upload.name} has {size_text(upload.size)}; the limit is {MAX_MB} MB.")
        data = upload.getvalue()
        return uploaded_picture(data, upload.name, rendering), upload.name, hashlib.sha256(data).hexdigest()
    if run.config is None:
        raise DataError("The data set of this run is not known.", "Upload a picture of your own.")
    index = run_dataset(run.config)
    rows = index.select("val")
    if rows.empty:
        raise DataError("The data set has no validation picture that can be read.", "Upload a picture of your own.")
    legal = f"a whole number from 0 to {len(rows) - 1}"
    text = f"Number in the validation split, counted from 0. Legal: {legal}."
    number = whole_number(_("Validation picture"), 0, "network_image", text, bind="query-params")
    if number is None or not 0 <= number < len(rows):
        wrong = f"Validation picture = {number} is not allowed: it must be {legal}."
        raise DataError(wrong, "Choose another number, or upload a picture.")
    path = str(rows["path"].iloc[number])
    image = read_picture(picture_source(index, path), path, rendering=rendering).image
    name = f"{index.classes[int(rows['label'].iloc[number])]}: {path.replace('!', '/').rsplit('/', 1)[-1]}"
    return image, name, hashlib.sha256(image.tobytes()).hexdigest()


@st.cache_resource(max_entries=3, show_spinner="Running the network ...")
def _outputs(_network: Classifier, _image: Image.Image, *key: str | int) -> Mapping[str, Values]:  # noqa: ARG001
    from alexcore.analysis.inside import layer_outputs

    return layer_outputs(_network, _image)


def _layer(layers: list[Layer]) -> Layer:
    by_name = {each.name: each for each in layers if each.kind != "dropout"}
    name = st.selectbox(
        _("Layer"),
        list(by_name),
        key="network_layer",
        bind="query-params",
        help=_("Go from the first to the last: edges and colours, then patterns, then parts of things."),
    )
    # Not in the field's own labels: those stand in the URL, and shapes differ from run to run.
    st.caption(f"{by_name[name].kind}, output {by_name[name].shape}")
    return by_name[name]


def _maps(layer: Layer, values: Values) -> None:
    from alexcore.analysis.inside import channel_order, enlarged, map_pictures
    from ui.parts.captioned_pictures import Tile, tiles_html

    if values.ndim == 1:
        chart(_units(layer, values), "network_units")
        st.caption(units_in_words(layer, values))
        return
    with st.container(horizontal=True):
        about = _("Sorted by the mean of the map; else by number.")
        strongest = st.toggle(_("Strongest first"), True, "network_strongest", about, persist_state="session")
        about = _(
            "Black and white mean the same in every map, so that channels can be compared. Off: each map uses all "
            "of the range, so that weak ones can be seen."
        )
        one_scale = st.toggle(_("One scale for all"), False, "network_one_scale", about, persist_state="session")
    order = channel_order(values, strongest)[:MOST_TILES]
    pictures = map_pictures(values, one_scale)
    words = {each: [f"channel {each}", f"mean {values[each].mean():.2f}"] for each in order}
    tiles = [Tile(enlarged(pictures[each], TILE_PX), words[each]) for each in order]
    with st.container(key="network_maps"):
        st.html(tiles_html(tiles, least=84, longest=TILE_PX * 2))
    st.caption(maps_in_words(layer, values))


def maps_in_words(layer: Layer, values: Values) -> str:
    """What the maps of a layer show, from the numbers."""
    means = values.reshape(len(values), -1).mean(axis=1)
    silent = int((values.reshape(len(values), -1).max(axis=1) <= 0).sum())
    more = f" The first {MOST_TILES} are shown." if len(values) > MOST_TILES else ""
    words = (
        f"{layer.name} gives {len(values)} maps of {values.shape[1]} × {values.shape[2]}; a pixel of them sees "
        f"{layer.field.size} px of the picture. The strongest is channel {int(means.argmax())}, mean {means.max():.2f}."
    )
    if layer.kind == "relu":
        words += f" {(values <= 0).mean():.0%} of the numbers are 0"
        words += f"; {silent} of the channels find nothing in this picture." if silent else "."
    return words + more


def _units(layer: Layer, values: Values) -> go.Figure:
    figure = new_figure(f"What {layer.name} gives", "unit", "value", 300)
    if len(values) <= 100:
        return figure.add_bar(x=list(range(len(values))), y=values.tolist(), marker_color=TRAIN)
    # Four thousand bars would be thinner than a pixel: a line shows the same.
    every = max(1, len(values) // 2000)
    x, y = list(range(0, len(values), every)), values[::every].tolist()
    return figure.add_scatter(x=x, y=y, mode="lines", line={"color": TRAIN, "width": 1})


def units_in_words(layer: Layer, values: Values) -> str:
    """What the units of a layer show, from the numbers."""
    return (
        f"{layer.name} gives {len(values):,} numbers, from {values.min():.2f} to {values.max():.2f}; the largest is "
        f"unit {int(values.argmax())}. {(values <= 0).mean():.0%} of them are 0 or below."
    )


def _filters(network: Classifier, layer: Layer) -> None:
    from alexcore.analysis.inside import enlarged, filter_pictures, weights_of
    from ui.parts.captioned_pictures import Tile, tiles_html

    st.markdown(_("**The filters of the first layer**"))
    weights = weights_of(network, layer.path)
    tiles = [
        Tile(enlarged(each, TILE_PX), [f"filter {number}"])
        for number, each in enumerate(filter_pictures(weights)[:MOST_TILES])
    ]
    with st.container(key="network_filters"):
        st.html(tiles_html(tiles, least=64))
    st.caption(
        f"{len(weights)} filters of {weights.shape[2]} × {weights.shape[3]} px in colour"
        f"{f', the first {MOST_TILES} shown' if len(weights) > MOST_TILES else ''}. Each is scaled to its own range. A "
        "filter answers most where the picture looks like it; noise means that it has learned little yet."
    )


def _spreads(network: Classifier, layer: Layer, values: Values) -> None:
    from alexcore.analysis.inside import spread_of, weights_of

    left, right = st.columns(2)
    with left:
        spread = spread_of(values)
        chart(histogram(spread, f"What {layer.name} gives", TRAIN), "network_activations")
        st.caption(spread_in_words(spread, "values", layer.kind == "relu"))
    with right:
        if not layer.parameters:
            other = "Choose a convolution, a norm or a linear layer."
            st.info(f"{plain(layer.name)} learns nothing: it has no weights. {other}")
            return
        spread = spread_of(weights_of(network, layer.path))
        chart(histogram(spread, f"Weights of {layer.name}", REST), "network_weights")
        st.caption(spread_in_words(spread, "weights", False))


def histogram(spread: Spread, title: str, colour: str) -> go.Figure:
    """Counts of values on a logarithmic axis, where rare ones can be seen too."""
    figure = new_figure(title, "value", "count", 280)
    middles = ((spread.edges[:-1] + spread.edges[1:]) / 2).tolist()
    figure.add_bar(x=middles, y=spread.counts.tolist(), marker_color=colour, width=float(np.diff(spread.edges)[0]))
    return figure.update_yaxes(type="log", exponentformat="power").update_layout(bargap=0)


def spread_in_words(spread: Spread, noun: str, after_relu: bool) -> str:
    """One sentence on a histogram."""
    zeros = f" {spread.zeros:.0%} of them are 0: the ReLU let nothing through." if after_relu else ""
    return (
        f"{spread.count:,} {noun} from {spread.low:.3g} to {spread.high:.3g}, mean {spread.mean:.3g}, deviation "
        f"{spread.std:.3g}.{zeros}"
    )


def _table(layers: list[Layer], outputs: Mapping[str, Values]) -> None:
    rows = []
    for each in [each for each in layers if each.kind != "dropout"]:
        values = outputs[each.name]
        numbers = (values.mean(), values.std(), values.min(), values.max(), (values <= 0).mean() * 100)
        rows.append((each.name, each.kind, each.shape, *map(float, numbers)))
    names = ["layer", "kind", "output", "mean", "deviation", "least", "greatest", "0 or below (%)"]
    table = pd.DataFrame(rows, columns=names).round(4)
    with st.expander(_("All layers as a table"), icon=":material/table:"):
        st.dataframe(table, hide_index=True, alt="What each layer gives, in numbers")
        csv_button(table, "activations.csv", "network_inside_csv")
