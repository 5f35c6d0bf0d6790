"""What a pipeline makes of pictures: many draws from a seed, one draw step by step, and the evaluation beside it.

All but the choice of the seed load torch; a page calls `ui.parts.lazy_torch.load_torch` first.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from alexcore.augment.operations import OPERATIONS, Operation, for_batches
from alexcore.config import FIELDS
from alexcore.words.language import _
from ui.parts.captioned_pictures import Tile, tiles_html
from ui.parts.picture_choice import ShownPicture
from ui.parts.text import plain

if TYPE_CHECKING:
    from alexcore.augment.trace import Result, Step

_SEED = "augment_seed"


def choose_seed() -> int:
    """Draw the seed and "Draw again"; return the seed."""
    spec = FIELDS["seed"]
    if _SEED not in st.session_state:
        text = st.query_params.get("seed", "")
        st.session_state[_SEED] = int(text) if text.isdecimal() and len(text) < 10 else int(spec.default)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(
            _("Seed"),
            step=1,
            format="%d",
            key=_SEED,
            width=140,
            persist_state="session",
            help=_("The seed of a run. The same seed gives the same draws, here and in training."),
        )
        st.button(_("Draw again"), key="augment_redraw", on_click=_next, icon=":material/casino:")
    if seed is None or not (spec.minimum or 0) <= seed <= (spec.maximum or seed):
        st.error(f"Seed = {seed} is not allowed: it must be {spec.legal}; {spec.default} is used.")
        return int(spec.default)
    st.query_params["seed"] = str(seed)
    return int(seed)


def _next() -> None:
    seed = st.session_state[_SEED]
    st.session_state[_SEED] = 0 if seed is None or seed >= (FIELDS["seed"].maximum or seed) else int(seed) + 1


def trace(operations: list[Operation], picture: ShownPicture, seed: int, epoch: int) -> list[Step]:
    """The draw that epoch `epoch` (counted from 0) of a run with this seed makes of a picture, step by step."""
    from alexcore.augment.pipeline import sample_seed
    from alexcore.augment.trace import Tracer

    return Tracer(operations).draw(picture.image, sample_seed(seed, epoch, picture.index))


def draws_grid(operations: list[Operation], pictures: list[ShownPicture], seed: int, draws: int) -> None:
    """Draw the grid: each picture, and what the first epochs of a run with this seed would see of it."""
    keys = tuple((each.key, each.index, each.name) for each in pictures)
    with st.container(key="augment_grid"):
        st.html(_grid(json.dumps(operations), keys, seed, draws, pictures))
    mixed = " MixUp and CutMix act later, on a whole batch: see below." if for_batches(operations) else ""
    st.caption(
        f"What the epochs 1 to {draws} of a run with seed {seed} see of each picture: a draw depends on seed, epoch "
        f"and picture alone, not on the number of loader processes.{mixed}"
    )


# By content: the same grid is asked for again whenever anything else on the page changes.
@st.cache_data(max_entries=8, show_spinner=False)
def _grid(pipeline: str, keys: tuple[object, ...], seed: int, draws: int, _pictures: list[ShownPicture]) -> str:  # noqa: ARG001
    return grid_html(json.loads(pipeline), _pictures, seed, draws)


def grid_html(operations: list[Operation], pictures: list[ShownPicture], seed: int, draws: int) -> str:
    """The grid as HTML; its pictures are the tensors that a run gets, denormalised for the eye."""
    from alexcore.augment.pipeline import sample_seed
    from alexcore.augment.preview import to_picture
    from alexcore.augment.trace import Tracer

    tracer = Tracer(operations)
    rows = []
    for picture in pictures:
        tiles = [Tile(picture.image, [picture.name, _pixels(picture.image.size), f"picture {picture.index:,}"])]
        for epoch in range(draws):
            steps = tracer.draw(picture.image, sample_seed(seed, epoch, picture.index))
            words = [each.in_words for each in steps]
            result = to_picture(steps[-1].result, operations)
            tiles.append(Tile(result, [f"epoch {epoch + 1}", *filter(None, words)]))
        rows.append(tiles_html(tiles, least=78, one_row=True))
    return "".join(rows)


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]} px"


def steps_view(operations: list[Operation], picture: ShownPicture, steps: list[Step]) -> None:
    """Draw one draw step by step: a column an operation, with size, type and range, and the crops on the original."""
    from alexcore.augment.preview import to_picture, with_boxes
    from alexcore.augment.trace import crop_boxes

    boxes = crop_boxes(steps)
    original = with_boxes(picture.image, boxes)
    tiles = [Tile(original, ["original", *_facts(picture.image), *(["the crop in yellow"] if boxes else [])])]
    for number, step in enumerate(steps):
        # Only the Normalize that has already happened is undone.
        image = to_picture(step.result, [each.operation for each in steps[: number + 1]])
        lines = [f"{number + 1}. {step.operation['op']}", *_facts(step.result), step.in_words]
        tiles.append(Tile(image, list(filter(None, lines))))
    with st.container(key="augment_steps"):
        st.html(tiles_html(tiles, least=170, longest=320))
        left_out = [each["op"] for each in operations if not each.get("on", True)]
        off = f" Switched off: {', '.join(left_out)}." if left_out else ""
        st.caption(
            f"{plain(picture.name)} from the picture to the tensor. A picture is height × width × 3 bytes; from "
            f"ToTensor on it is 3 × height × width numbers.{off}"
        )


def _facts(result: Result) -> list[str]:
    from alexcore.augment.trace import size_of

    if isinstance(result, Image.Image):
        values = np.asarray(result)
        return [_pixels(size_of(result)), f"uint8, {values.min()} to {values.max()}"]
    kind = str(result.dtype).removeprefix("torch.")
    return [_pixels(size_of(result)), f"{kind}, {float(result.min()):.2f} to {float(result.max()):.2f}"]


def evaluation_view(
    operations: list[Operation], steps: list[Step], evaluation: list[Operation], picture: ShownPicture, side: int
) -> None:
    """Draw the evaluation beside a training draw, and the two meanings of Resize."""
    from alexcore.augment.pipeline import build_step, build_transform
    from alexcore.augment.preview import to_picture

    training = to_picture(steps[-1].result, operations)
    width, height = picture.image.size
    image, note = picture.image, ""
    if width == height:
        # A square shows no difference; its middle part does.
        image = image.crop((0, height // 6, width, height - height // 6))
        note = "This picture is square, so its middle part is taken here. "
        width, height = image.size
    squeezed = to_picture(build_transform(evaluation)(image), evaluation)
    kept = build_step({"op": "Resize", "size": side})(image)
    tiles = [
        Tile(training, ["training", "the draw above", _pixels(training.size)]),
        Tile(image, ["original", _pixels(image.size)]),
        Tile(squeezed, ["evaluation", f"Resize(({side}, {side})), no chance", _pixels(squeezed.size)]),
        Tile(kept, [f"Resize({side})", "keeps the aspect", _pixels(kept.size)]),
    ]
    with st.container(key="augment_evaluation"):
        st.html(tiles_html(tiles, least=170, longest=320))
    told = (
        f"{note}`Resize({side})` brings the shorter side to {side} px and keeps the aspect of {width / height:.2f}, so "
        f"pictures still differ in size and cannot form a batch. `Resize(({side}, {side}))` shows the whole "
        f"picture, squeezed {max(width, height) / min(width, height):.2f} to 1."
    )
    random = sum(OPERATIONS[each["op"]].random and each.get("on", True) for each in operations)
    st.caption(
        f"{told} Evaluation, *Classify* and `predict` leave out the {random} random operations and normalise as "
        "training does."
    )
