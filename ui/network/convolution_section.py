"""The convolution workbench: settings as torch takes them, the formula with its numbers, the window step by step."""

from __future__ import annotations

import sys
from typing import Any, Literal

import streamlit as st

from alexcore.errors import ConfigError
from alexcore.nn import convolution
from alexcore.nn.convolution import Convolution, Sides, convolve, products, read_numbers, read_pair
from alexcore.words.language import _
from ui.network.convolution_drawing import grids_svg
from ui.network.drawing import draw
from ui.parts.controls import one_of
from ui.parts.lazy_torch import load_torch
from ui.parts.page import shown_errors

# How many numbers a way to give the padding takes, and an example.
PADDINGS = {"one number": (1, '"2"'), "height, width": (2, '"1, 2"'), "four sides": (4, '"1, 0, 2, 0"')}
POSITION = "network_conv_position"
# Longer sums are cut: they would fill the page and teach nothing more.
MOST_TERMS = 25


@st.fragment
def convolution_section() -> None:
    """Draw the section; its settings are in the URL."""
    st.subheader(_("Convolution workbench"), anchor=False)
    st.caption(
        _(
            "Set up a layer as in `nn.Conv2d`, and step its window over the padded input. The numbers are made up; "
            "what is done with them is what every convolution does."
        )
    )
    with st.container(key="network_conv"), shown_errors():
        conv = _chosen()
        left, right = st.columns([2, 3], gap="large")
        with left:
            st.code(conv.code(), language="python", wrap_lines=True)
            st.markdown(_("**Output size**: floor((in + before + after - dilation*(kernel - 1) - 1) / stride) + 1"))
            st.code("\n".join(conv.formulas()), language=None, wrap_lines=True)
            st.caption(conv_in_words(conv))
            _check(conv)
        with right:
            position = _position(conv)
            draw(grids_svg(conv, position))
            st.caption(step_in_words(conv, position))
            st.code(sum_of(conv, position), language=None, wrap_lines=True)


def _chosen() -> Convolution:
    with st.grid("auto", min_column_width=130, key="network_conv_settings"):
        size = _text(_("Input size"), "size", "5", _("Pixels of the input: height, width; one number is both."))
        kernel = _text(_("Kernel"), "kernel", "3", _("Taps of the window: height, width."))
        text = _("Pixels from one position to the next: larger, fewer outputs.")
        stride = _text(_("Stride"), "stride", "2", text)
        text = _("Pixels from one tap to the next: 2 leaves one out in between.")
        dilation = _text(_("Dilation"), "dilation", "1", text)
        inputs = _text(_("Channels in"), "in", "1", _("A kernel has a slice for each; their sums are added."))
        outputs = _text(_("Channels out"), "out", "1", _("Kernels: each makes one map of the output."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = _(
            "Zeros around the input. One number: that many on every side. Two: rows above and below, columns left "
            "and right, as padding=(1, 2). Four: nn.ZeroPad2d, left, right, top, bottom."
        )
        options = list(PADDINGS)
        kind = one_of(_("Padding as"), options, "network_conv_padding_kind", bind="query-params", help=text)
        text = f"For example {PADDINGS[kind][1]}. Legal: whole numbers from 0 to {convolution.MAXIMUM_STEP}."
        padding = _text(_("Padding"), "padding", "1", text, width=180)
    return Convolution(
        read_pair(size, "Input size", 1, convolution.MAXIMUM_SIDE),
        read_numbers(inputs, "Channels in", (1,), 1, convolution.MAXIMUM_CHANNELS)[0],
        read_numbers(outputs, "Channels out", (1,), 1, convolution.MAXIMUM_CHANNELS)[0],
        read_pair(kernel, "Kernel", 1, convolution.MAXIMUM_KERNEL),
        read_pair(stride, "Stride", 1, convolution.MAXIMUM_STEP),
        read_pair(dilation, "Dilation", 1, convolution.MAXIMUM_STEP),
        read_padding(kind, padding),
    )


def _text(label: str, name: str, default: str, help_text: str, width: int | Literal["stretch"] = "stretch") -> str:
    key = f"network_conv_{name}"
    more: dict[str, Any] = {"bind": "query-params", "max_chars": 40, "width": width}
    return st.text_input(label, default, key=key, help=help_text, **more) or ""


def read_padding(kind: str, text: str) -> Sides:
    """Read the padding in one of the three forms.

    Raises:
        ConfigError: it is another number of numbers, or one is out of range.
    """
    count, example = PADDINGS[kind]
    try:
        numbers = read_numbers(text, "Padding", (count,), 0, convolution.MAXIMUM_STEP)
    except ConfigError as error:
        raise ConfigError(error.message, f"Type for example {example}, or choose another form.") from error
    if count == 4:
        return Sides(*numbers)
    rows, columns = numbers[0], numbers[-1]
    return Sides(columns, columns, rows, rows)


def _position(conv: Convolution) -> int:
    """Draw the slider and the buttons; return the position, row by row."""
    last = conv.positions - 1
    # Settings may have made the output smaller since.
    if POSITION in st.session_state:
        st.session_state[POSITION] = min(int(st.session_state[POSITION]), last)
    if last == 0:
        st.caption(_("The window fits in one position only."))
        return 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = _("Row by row, as the layer fills its output.")
        position = st.slider(_("Position of the window"), 0, last, key=POSITION, bind="query-params", help=text)
        st.button(_("Back"), key="network_conv_back", on_click=_move, args=(-1, last), icon=":material/arrow_back:")
        st.button(_("Next"), key="network_conv_next", on_click=_move, args=(1, last), icon=":material/arrow_forward:")
    return int(position)


def _move(by: int, last: int) -> None:
    """Step the window, from the last position on to the first; a callback."""
    st.session_state[POSITION] = (int(st.session_state[POSITION]) + by) % (last + 1)


def conv_in_words(conv: Convolution) -> str:
    """What a layer of this kind costs and does to the size."""
    share = conv.positions / (conv.size.height * conv.size.width)
    biases = "1 bias" if conv.out_channels == 1 else f"{conv.out_channels} biases"
    return (
        f"{conv.parameters:,} parameters ({conv.out_channels} × {conv.in_channels} × {conv.kernel.height} × "
        f"{conv.kernel.width} weights and {biases}), {conv.multiply_adds:,} multiply-adds a picture. "
        f"The output has {share:.0%} of the input's pixels."
    )


def step_in_words(conv: Convolution, position: int) -> str:
    """Where the window is, and how much of it lies on padding."""
    place, taps = conv.place(position), conv.taps(position)
    outside = sum(not conv.inside(tap) for tap in taps)
    there = f"; {outside} of its {len(taps)} taps lie on padding and add nothing" if outside else ""
    return (
        f"Position {position + 1} of {conv.positions}: row {place.height}, column {place.width} of the output{there}."
    )


def sum_of(conv: Convolution, position: int) -> str:
    """The sum behind one number of the output, for channel 0; without a bias."""
    pairs = products(conv, position)
    terms = " + ".join(f"{value}*{f'({weight})' if weight < 0 else weight}" for value, weight in pairs[:MOST_TERMS])
    more = f" + {len(pairs) - MOST_TERMS} more terms" if len(pairs) > MOST_TERMS else ""
    own, total = sum(value * weight for value, weight in pairs), int(convolve(conv)[conv.place(position)])
    if conv.in_channels == 1:
        return f"{terms}{more} = {total}"
    return f"channel 0: {terms}{more} = {own}\nwith the other {conv.in_channels - 1} channels: {total}"


def _check(conv: Convolution) -> None:
    """Hold the workbench against torch at every change, once that is loaded or asked for."""
    wanted = st.toggle(
        _("Check against torch"),
        value="torch" in sys.modules,
        key="network_conv_check",
        persist_state="session",
        help=_(
            "Builds nn.ZeroPad2d and nn.Conv2d with these settings and compares size, parameters and every number of "
            "the first output channel, at each change. Loading PyTorch takes some seconds, once."
        ),
    )
    if not wanted:
        return
    load_torch()
    from alexcore.analysis.convolution_check import check_with_torch

    checked = check_with_torch(conv)
    sizes = f"torch gives {checked.output.height} × {checked.output.width} and {checked.parameters:,} parameters"
    if checked.same and checked.output == conv.output and checked.parameters == conv.parameters:
        st.success(f"{sizes}; all {conv.positions:,} numbers of the first channel are equal.", icon=":material/check:")
    else:
        st.error(f"{sizes}, but the numbers differ by up to {checked.largest_difference:g}: please report this.")
