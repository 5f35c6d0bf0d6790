"""Autograd, made visible: one tiny graph, its tensors after each step, and what forgetting zero_grad does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from alexcore.figures import new_figure
from alexcore.palette import TRAIN, VAL
from alexcore.words.language import _
from ui.network.drawing import CONV, LINEAR, POOL, draw, svg, text
from ui.parts.controls import side_by_side
from ui.parts.lazy_torch import load_torch
from ui.parts.table_csv import csv_button
from ui.parts.text import plain

if TYPE_CHECKING:  # importing it loads torch, which waits until this part is opened
    from alexcore.analysis.autograd_steps import Node, Round, Scene

PARAMETER = "network_steps"
ROUNDS = 8
EXPLAINED = {
    "z": ("zero_grad", "`optimizer.zero_grad()`, forget the old gradients."),
    "f": ("forward", "`loss = (w * x + b - target) ** 2`, compute, and note how."),
    "b": ("backward", "`loss.backward()`, fill grad, by the chain rule."),
    "s": ("step", "`optimizer.step()`, move w and b against their grad."),
}
DOES = {
    "PowBackward0": "( ) ** 2",
    "SubBackward0": "prediction - target",
    "AddBackward0": "w * x + b",
    "MulBackward0": "w * x",
}
CODE = """from torch.optim import SGD

w = torch.tensor(1.5, requires_grad=True)
b = torch.tensor(0.5, requires_grad=True)
x = torch.tensor(2.0)
target = torch.tensor(1.0)
optimizer = SGD([w, b], lr=0.05)

optimizer.zero_grad()
prediction = w * x + b
loss = (prediction - target) ** 2
loss.backward()
optimizer.step()"""


def autograd_section() -> None:
    """Draw the part: code and buttons, the tensors, the graph, and the comparison."""
    load_torch()
    from alexcore.analysis.autograd_steps import legal_steps, play

    with st.container(key="network_autograd"):
        left, right = st.columns(2, gap="large")
        steps = legal_steps(st.query_params.get(PARAMETER, ""))
        with left:
            st.code(CODE, language="python", wrap_lines=True)
            _buttons(steps)
            about = _("Off: w is frozen, like the convolutions in fine-tuning. No gradient, no step.")
            w_learns = st.toggle(_("w requires grad"), True, "network_w_learns", about, bind="query-params")
            about = _("On: backward also says how the loss depends on the input. Saliency maps are made so.")
            x_learns = st.toggle(_("x requires grad"), False, "network_x_learns", about, bind="query-params")
        scene = play(steps, w_learns=w_learns, x_learns=x_learns)
        with right:
            _said(steps, scene)
            with st.container(key="network_autograd_table"):
                st.dataframe(tensors(scene), hide_index=True, alt="The tensors after the last step")
            st.caption(
                _(
                    "A leaf is a tensor that you made; only leaves that require a gradient get one. grad_fn names the "
                    "operation that made a tensor, and knows its inputs. Of other tensors torch drops the gradient."
                )
            )
        with st.container(key="network_graph"):
            if scene.nodes:
                draw(graph_svg(scene.nodes))
                st.caption(_("The graph that the loss carries in grad_fn; backward walks it from left to right."))
            else:
                st.caption(_("No graph yet: forward builds it."))
        _forgotten()


def _buttons(steps: str) -> None:
    with st.container(horizontal=True, key="network_autograd_steps"):
        for letter, (name, _what) in EXPLAINED.items():
            st.button(name, key=f"network_autograd_{name}", on_click=_add, args=(steps, letter))
        st.button(_("Start again"), key="network_autograd_reset", on_click=_add, args=("", ""), type="tertiary")
    st.caption("  \n".join(f"**{name}**: {said}" for name, said in EXPLAINED.values()))


def _add(steps: str, letter: str) -> None:
    """Put one more step into the URL; a callback."""
    if letter:
        st.query_params[PARAMETER] = steps + letter
    else:
        st.query_params.pop(PARAMETER, None)


def _said(steps: str, scene: Scene) -> None:
    done = " → ".join(EXPLAINED[each][0] for each in steps[-12:]) or "nothing yet"
    more = "... → " if len(steps) > 12 else ""
    with st.container(key="network_autograd_words"):
        st.markdown(f"**{len(steps)} steps**: {more}{done}")
        if scene.refused:
            st.warning(f"{plain(scene.words)}\n\ntorch says: {plain(scene.refused)}", icon=":material/warning:")
        else:
            st.info(plain(scene.words))


def tensors(scene: Scene) -> pd.DataFrame:
    """A row a tensor, as words: what does not exist is a dash."""

    def words(value: float | None) -> str:
        if value is None:
            return "–"
        return str(value) if isinstance(value, bool) else f"{value:.4g}"

    return pd.DataFrame(
        [
            {
                "tensor": row.name,
                "value": words(row.value),
                "grad": "not kept" if row.is_leaf is False else words(row.grad if row.requires_grad else None),
                "grad_fn": row.grad_fn or "None",
                "requires_grad": words(row.requires_grad),
                "leaf": words(row.is_leaf),
            }
            for row in scene.rows
        ]
    )


def graph_svg(nodes: list[Node]) -> str:
    """The graph from the loss (left) to its leaves (right)."""
    depth = [0] * len(nodes)
    for number, node in enumerate(nodes):  # inputs come later in the list, so one pass is enough
        for each in node.inputs:
            depth[each] = max(depth[each], depth[number] + 1)
    rows: dict[int, int] = {}
    places = []
    for column in depth:
        places.append((20 + column * 150, 24 + rows.get(column, 0) * 62))
        rows[column] = rows.get(column, 0) + 1
    lines, boxes = [], []
    for node, (x, y) in zip(nodes, places, strict=True):
        for each in node.inputs:
            to_x, to_y = places[each]
            lines.append(
                f'<line x1="{x + 124}" y1="{y + 18}" x2="{to_x}" y2="{to_y + 18}" stroke="currentColor" '
                'stroke-opacity="0.6" stroke-width="1.5"/>'
            )
        colour = LINEAR if node.leaf else POOL if node is nodes[0] else CONV
        boxes.append(
            f'<rect x="{x}" y="{y}" width="124" height="36" rx="6" fill="{colour}" fill-opacity="0.28" '
            f'stroke="{colour}"/>'
            + text(x + 62, y + 16, node.name, 11, bold=True, middle=True)
            + text(x + 62, y + 30, f"grad of {node.leaf}" if node.leaf else DOES.get(node.name, ""), 10, middle=True)
        )
    words = f"Graph of {len(nodes)} operations: {', '.join(node.name for node in nodes)}"
    width, height = 20 + (max(depth) + 1) * 150, 30 + max(rows.values()) * 62
    return svg(width, height, "".join(lines + boxes), words, least=520)


def _forgotten() -> None:
    from alexcore.analysis.autograd_steps import compared_in_words, rounds

    with st.expander(_("What if zero_grad is forgotten?"), icon=":material/help:", expanded=True):
        kept, lost = rounds(ROUNDS, zero_grad=True), rounds(ROUNDS, zero_grad=False)
        titles = {"loss": "Loss", "grad": "Gradient of w"}
        figures = {field: _lines(kept, lost, field, title) for field, title in titles.items()}
        side_by_side(figures, "network_forgotten")
        st.caption(
            f"{compared_in_words(kept, lost)} Gradients are added up on purpose: so micro-batches make one big batch. "
            "Whoever does not want that has to forget them before each backward."
        )
        names = ["round", "loss with zero_grad", "loss without", "grad of w with", "grad of w without"]
        rows = [(a.number, a.loss, b.loss, a.grad, b.grad, a.w, b.w) for a, b in zip(kept, lost, strict=True)]
        table = pd.DataFrame(rows, columns=[*names, "w with", "w without"]).round(5)
        st.dataframe(table, hide_index=True, alt="Training with and without zero_grad, round by round")
        csv_button(table, "zero-grad.csv", "network_autograd_csv")


def _lines(kept: list[Round], lost: list[Round], field: str, title: str) -> go.Figure:
    figure = new_figure(title, "round", field, 280)
    for found, name, colour, dash, symbol in (
        (kept, "with zero_grad", TRAIN, "solid", "circle"),
        (lost, "forgotten", VAL, "dash", "diamond"),
    ):
        figure.add_scatter(
            x=[each.number for each in found],
            y=[getattr(each, field) for each in found],
            name=name,
            mode="lines+markers",
            line={"color": colour, "dash": dash},
            marker={"symbol": symbol, "size": 7},
        )
    return figure
