"""The explanation of one answer: what the network saw, Grad-CAM, occlusion, and the nearest training pictures."""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from alexcore.data.decoding.thumbnails import thumbnail
from alexcore.data.shards import picture_source
from alexcore.errors import AlexError, DataError
from alexcore.figures import new_figure
from alexcore.palette import HEAT
from alexcore.runs.store import open_run
from alexcore.words.language import _
from ui.classify.work import Work
from ui.parts.controls import chart, download
from ui.parts.networks import reference_of, run_index
from ui.parts.text import plain

if TYPE_CHECKING:
    from PIL import Image

    from alexcore.analysis.explanations import Explanation
    from alexcore.analysis.prediction import Classifier

# Readable without telling red from green; occlusion has two directions, so its middle is pale.
ONE_WAY, TWO_WAY = HEAT, "PuOr"
NEAREST = 6
SEEN_PX = 280
# Lying below the axis, so that the picture keeps the width.
BAR = {"orientation": "h", "y": -0.26, "yanchor": "top", "thickness": 12, "nticks": 5}


def explain(work: Work, number: int) -> None:
    """Draw the explanation of the picture with this number; maps are computed once and kept for the visit."""
    networks, reply = work.batch.networks, work.batch.replies[number]
    names = [name for network in networks for name in network.classifier.classes]
    probabilities, classes = reply.probabilities[0], networks[0].classifier.classes
    order = sorted(classes, key=lambda name: -float(probabilities[classes.index(name)]))
    with st.container(key="classify_explanation"):
        st.subheader(_("Why this answer?"), anchor=False)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            help_text = _("Any class, most probable first: also why it was not another one.")
            options = list(dict.fromkeys([*order, *names]))
            key = f"classify_class_{number}"
            target = st.selectbox(_("Class to explain"), options, key=key, width=240, help=help_text)
            help_text = _("Covers 100 places one after the other and asks the network each time: about a second.")
            covered = st.toggle(_("Occlusion map"), key="classify_occlusion", help=help_text, persist_state="session")
        columns = st.columns(len(networks)) if len(networks) > 1 else [st.container()]
        for place, (column, network) in enumerate(zip(columns, networks, strict=True)):
            with column:
                if len(networks) > 1:
                    st.markdown(f"**{plain(network.name)}**")
                if target not in network.classifier.classes:
                    st.caption(plain(f"This network does not know the class {target}."))
                    continue
                try:
                    _maps(work, number, place, str(target), covered)
                    _neighbours(work, number, place)
                except AlexError as error:
                    st.error(plain(str(error)), icon=":material/error:")


def _picture(work: Work, number: int, network: Classifier) -> Image.Image:
    from alexcore.data.decoding.images import read_picture

    picture = work.pictures[number]
    return read_picture(picture.read(), picture.name, rendering=network.rendering).image


def _maps(work: Work, number: int, place: int, target: str, covered: bool) -> None:
    from alexcore.analysis import explanations
    from alexcore.augment.preview import encoded

    network = work.batch.networks[place].classifier
    index = network.classes.index(target)

    def seen() -> bytes:
        return encoded(explanations.seen_picture(network, _picture(work, number, network)))

    def of(method: Any) -> Any:
        return lambda: method(network, _picture(work, number, network), index)

    small = work.keep(("seen", number, place), seen)
    cam = work.keep(("grad_cam", number, place, index), of(explanations.grad_cam))
    height, width = cam.values.shape
    boxes = iter(st.columns(3 if covered else 2) if len(work.batch.networks) == 1 else [st.container()] * 3)
    with next(boxes):
        st.image(small, width=SEEN_PX, alt="The picture as the network sees it")
        st.caption(f"What the network saw: {width} × {height} px. Whatever is lost on the way to this, it cannot use.")
    key = f"{number}_{place}"
    with next(boxes):
        _show_map(cam, small, f"Grad-CAM for {target}", "share of the strongest", f"classify_cam_{key}", ONE_WAY)
        st.caption(plain(explanations.grad_cam_in_words(cam, target)))
        _numbers(cam, f"grad-cam-{target}", f"classify_cam_csv_{key}")
    if covered:
        with next(boxes), st.spinner(_("Covering one place after the other ...")):
            hidden = work.keep(("occlusion", number, place, index), of(explanations.occlusion))
            _show_map(hidden, small, f"Occlusion for {target}", "fall (points)", f"classify_occlusion_{key}", TWO_WAY)
            st.caption(plain(explanations.occlusion_in_words(hidden, target)))
            _numbers(hidden, f"occlusion-{target}", f"classify_occlusion_csv_{key}")


def _show_map(found: Explanation, picture: bytes, title: str, unit: str, key: str, scale: str) -> None:
    with st.container(key=key):
        chart(map_figure(found, picture, title, unit, scale))


def map_figure(found: Explanation, picture: bytes, title: str, unit: str, scale: str) -> go.Figure:
    """A map drawn over the picture; `picture` is a JPEG of what the network saw."""
    height, width = found.values.shape
    two_way = scale == TWO_WAY
    # Every second value is enough for the eye, and a quarter of the bytes.
    step = max(1, max(height, width) // 64)
    values = found.values[::step, ::step] * (100 if two_way else 1)
    most = float(max(abs(values.min()), abs(values.max()), 1e-9))
    figure = new_figure(title[:60], "x (px)", "y (px)", 400)
    source = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
    figure.add_layout_image(
        source=source, xref="x", yref="y", x=0, y=0, sizex=width, sizey=height, sizing="stretch", layer="below"
    )
    figure.add_heatmap(
        z=values.round(3),
        x0=step / 2,
        dx=step,
        y0=step / 2,
        dy=step,
        colorscale=scale,
        opacity=0.6,
        zmin=-most if two_way else 0,
        zmax=most if two_way else 1,
        colorbar=BAR | {"title": {"text": unit, "side": "bottom"}},
        hovertemplate="x %{x:.0f} px, y %{y:.0f} px: %{z:.2f}<extra></extra>",
    )
    figure.update_xaxes(range=[0, width], constrain="domain", showgrid=False, nticks=5)
    return figure.update_yaxes(range=[height, 0], scaleanchor="x", constrain="domain", showgrid=False, nticks=5)


def _numbers(found: Explanation, name: str, key: str) -> None:
    def content() -> bytes:
        return pd.DataFrame(found.values).round(5).to_csv(index=False, header=False).encode()

    with st.popover(_("As a table"), icon=":material/table:"):
        rows, columns = (max(1, side // 8) for side in found.values.shape)
        st.caption(_("Every eighth row and column of the map, from the upper left; the CSV has every pixel."))
        table = pd.DataFrame(found.values[rows // 2 :: rows, columns // 2 :: columns]).round(3)
        st.dataframe(table, hide_index=True, alt=f"{name} as numbers")
        download(_("Download as CSV"), content, f"{name}.csv", "text/csv", key, icon=None)


def _neighbours(work: Work, number: int, place: int) -> None:
    network = work.batch.networks[place]
    try:
        run = open_run(network.name)
    except AlexError:  # a weights file
        st.caption(_("The nearest training pictures are known for runs of this machine only."))
        return
    reference = reference_of(run)
    if reference is None:
        st.caption(_("The nearest training pictures appear once this network has been measured, below."))
        return

    def nearest() -> Any:
        tensor = network.classifier.transform(_picture(work, number, network.classifier)).unsqueeze(0)
        _probabilities, features = network.classifier.look(tensor)
        return reference.neighbours.nearest(features[0].numpy(), NEAREST)

    found = work.keep(("nearest", number, place, reference.folder), nearest)
    index = run_index(run)
    names = [index.classes[each.label] for each in found]
    best = network.classifier.classes[int(work.batch.replies[number].probabilities[place].argmax())]
    alike = sum(name == best for name in names)
    st.markdown(_("**Nearest training pictures, by features**"))
    with st.grid("auto", min_column_width=96, key=f"classify_nearest_{number}_{place}"):
        for each, name in zip(found, names, strict=True):
            read = partial(picture_source, index, each.path)
            caption = f"{name}, {each.distance:.3f}"
            try:
                st.image(thumbnail(read()), caption=plain(caption), width="stretch", alt=f"{each.path}, {caption}")
            except DataError:
                st.caption(plain(f"{caption}: no longer there"))
    st.caption(
        plain(
            f"{alike} of the {len(found)} are of the answer, {best}. The number is the cosine distance of what the "
            f"last layer reads: 0 is the same, 1 has nothing in common; {reference.indexed:,} pictures were compared."
        )
    )
