"""The pictures that are shown through the pipeline: some of the data set's, or one that was uploaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO

import streamlit as st
from PIL import Image

from alexcore.data.archives.arrivals import require_here
from alexcore.data.decoding.images import read_picture
from alexcore.data.decoding.levels import PLAIN, Rendering
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.errors import DataError
from alexcore.words.language import _
from ui.parts.controls import whole_number
from ui.parts.page import show_error
from ui.parts.upload_field import upload_field

MAX_MB = 20
MAX_PICTURES, MAX_DRAWS = 8, 16
LOOK = {"width": 140, "persist_state": "session"}


@dataclass(frozen=True)
class ShownPicture:
    """A picture to draw from: its class or the name of the upload, and RGB.

    Its draws depend on `index`, its number in the training split, 0 for an upload; `key` tells it from every other
    picture, and from an older version of its file.
    """

    name: str
    image: Image.Image
    index: int
    key: str


def choose_pictures(index: DataIndex | None) -> tuple[list[ShownPicture], int]:
    """Draw the controls; return the pictures and how many draws of each are wanted."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        count = _count(_("Pictures"), "augment_pictures", 4, MAX_PICTURES, "From all over the training split.")
        draws = _count(_("Draws of each"), "augment_draws", 4, MAX_DRAWS, "One for each of the first epochs of a run.")
        size = len(index.select("train")) if index else 0
        help_text = _("Number in the training split, counted from 0. The others follow at equal distances.")
        first = whole_number(_("First picture"), 0, "augment_first", help_text, **LOOK)
    with st.expander(_("Your own picture"), key="augment_own"):
        about = _("It takes the place of the data set's pictures, and is not kept.")
        upload = upload_field(about, "augment_upload", MAX_MB)
    if upload is not None:
        data = upload.getvalue()
        try:
            image = uploaded_picture(data, upload.name, index.rendering if index else PLAIN)
        except DataError as error:
            show_error(error)
            return [], draws
        return [ShownPicture(upload.name, image, 0, hashlib.sha256(data).hexdigest())], draws
    if index is None:
        return [], draws
    if not size:
        unreadable = DataError(
            "The data set has no training picture that can be read.", "Its problems are named on the page Data set."
        )
        show_error(unreadable)
        return [], draws
    if first is None or not 0 <= first < size:
        st.error(f"First picture = {first} is not allowed: it must be a whole number from 0 to {size - 1}.")
        return [], draws
    return _of_data_set(index, first, min(count, size)), draws


def uploaded_picture(content: bytes, name: str, rendering: Rendering) -> Image.Image:
    """The picture in an upload, whatever it is called, read by the rule of the data set or network it is shown to.

    Raises:
        DataError: it is none; where it belongs to another page, the hint says to which.
    """
    require_here(name, BytesIO(content), "image")
    return read_picture(content, name, rendering=rendering).image


def _count(label: str, key: str, default: int, most: int, help_text: str) -> int:
    value = whole_number(label, default, key, f"{help_text} Legal: a whole number from 1 to {most}.", **LOOK)
    if value is None or not 1 <= value <= most:
        st.error(f"{label} = {value} is not allowed: it must be a whole number from 1 to {most}; {default} are shown.")
        return default
    return value


def _of_data_set(index: DataIndex, first: int, count: int) -> list[ShownPicture]:
    rows = index.select("train")
    found = []
    for place in range(count):
        number = (first + place * len(rows) // count) % len(rows)
        path = str(rows["path"].iloc[number])
        source = picture_source(index, path)
        try:
            image = read_picture(source, path, rendering=index.rendering).image
        except DataError as error:
            show_error(error)
            continue
        label = index.classes[int(rows["label"].iloc[number])]
        found.append(ShownPicture(label, image, number, hashlib.sha256(image.tobytes()).hexdigest()))
    return found
