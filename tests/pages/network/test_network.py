"""`/network` through the router: every part, every state, values of the URL, and no torch until it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from alexcore.nn.convolution import Convolution, Pair, Sides
from alexcore.nn.layers import layer_table
from tests.support.opened_pages import errors_of, open_page, text_of
from tests.support.repository import REPOSITORY
from tests.support.run_folders import STATES, write_run
from ui.network.autograd_section import graph_svg
from ui.network.convolution_drawing import grids_svg
from ui.network.convolution_section import read_padding, sum_of
from ui.network.drawing import architecture_svg
from ui.network.layers_section import layers_in_words, table_of

pytestmark = pytest.mark.usefixtures("flowers")


def network(**query: str) -> AppTest:
    return open_page("pages/network.py", **query)


def drawings(at: AppTest, key: str) -> str:
    return "".join(str(each.value) for each in at.get_by_key(key).markdown if "<svg" in str(each.value))


def test_the_page_loads_no_torch(tmp_path: Path) -> None:
    """In a process of its own, because this one has long loaded it."""
    script = (
        "import sys\nfrom streamlit.testing.v1 import AppTest\n"
        "at = AppTest.from_file('ui/main.py', default_timeout=300).run()\n"
        "at.switch_page('../pages/network.py').run()\n"
        "assert not at.exception, at.exception[0].stack_trace\n"
        "assert at.title[0].value == 'Network'\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)\n"
    )
    (tmp_path / "home").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "ALEXCORE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_contracts_keys_are_there() -> None:
    at = network()
    assert not errors_of(at)
    assert at.selectbox(key="network_variant").value == "seed"
    assert at.get_by_key("network_table")
    assert at.get_by_key("network_conv")


def test_the_table_follows_the_settings_of_the_url() -> None:
    at = network(network_variant="torchvision", network_norm="none", network_classes="1000")
    assert not errors_of(at)
    assert "61,100,840 parameters (244 MB as float32), 714 million multiply-adds" in text_of(at)
    table = at.get_by_key("network_table").dataframe[0].value
    assert table["parameters"].sum() == 61_100_840
    assert table["parameters (%)"].sum() == pytest.approx(100, abs=0.1)
    assert list(table["layer"][:3]) == ["conv1", "relu1", "pool1"]
    assert "conv5" in drawings(at, "network_picture")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("network_size", 20, "takes pictures from 63 to 1024 px"),
        ("network_size", 99999, "99999"),
        ("network_width", 9.0, "at most 4"),
        ("network_classes", -1, "classes = -1"),
    ],
)
def test_a_bad_setting_is_a_sentence_and_the_workbench_goes_on(key: str, value: float, says: str) -> None:
    at = network()
    at.number_input(key=key).set_value(value).run()
    assert says in errors_of(at)
    assert "Position 1 of 9" in text_of(at)


def test_the_words_and_the_csv_follow_the_table() -> None:
    layers = layer_table("seed", 224, "batch", 1.0, 5)
    assert "A pixel of pool3 depends on 195 × 195 pixels" in layers_in_words(layers)
    table = table_of(layers)
    assert isinstance(table, pd.DataFrame)
    assert {"kind", "kernel", "stride", "padding", "output", "receptive field (px)", "multiply-adds (%)"} <= set(table)
    assert table["multiply-adds (%)"].sum() == pytest.approx(100, abs=0.1)


def heights(drawing: str) -> list[float]:
    return [float(part.split('height="')[1].split('"')[0]) for part in drawing.split("<rect ")[1:]]


def test_the_picture_is_to_scale() -> None:
    layers = layer_table("torchvision", 224, "none", 1.0, 1000)
    found = heights(architecture_svg(layers, 224))
    sides = [224, 55, 27, 27, 13, 13, 13, 13, 6, 6]
    assert found[:10] == pytest.approx([side / 224 * 190 for side in sides], abs=0.06)
    assert found[10:] == pytest.approx([190, 190, 1000 / 4096 * 190], abs=0.06)


# The workbench -------------------------------------------------------------------------------------------------


def test_next_steps_the_window_and_comes_round() -> None:
    at = network()
    assert "Position 1 of 9: row 0, column 0" in text_of(at)
    at.button(key="network_conv_next").click().run()
    assert "Position 2 of 9: row 0, column 1" in text_of(at)
    for _ in range(2):
        at.button(key="network_conv_back").click().run()
    assert "Position 9 of 9: row 2, column 2" in text_of(at)
    at.text_input(key="network_conv_stride").set_value("4").run()
    assert "Position 4 of 4" in text_of(at), "a smaller output has its own last position"
    assert not errors_of(at)


def test_the_workbench_is_in_the_url() -> None:
    assert "Position 5 of 9: row 1, column 1" in text_of(network(network_conv_position="4"))
    assert "Position 1 of 9" in text_of(network(network_conv_position="400"))
    at = network(
        network_conv_kernel="2, 3",
        network_conv_size="7",
        network_conv_padding="1,0,2,1",
        network_conv_padding_kind="four sides",
    )
    assert not errors_of(at)
    assert any("nn.ZeroPad2d((1, 0, 2, 1))" in each.value for each in at.code)
    assert any(
        "height: floor((7 + 2 + 1 - 1*(2 - 1) - 1) / 2) + 1 = floor(8 / 2) + 1" in each.value for each in at.code
    )


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("network_conv_kernel", "0", "Kernel = '0' is not allowed"),
        ("network_conv_kernel", "9", "spans 9 pixels of height, but the padded input has only 7"),
        ("network_conv_stride", "a; b", "Stride = 'a; b' is not allowed"),
        ("network_conv_padding", "1, 2", "Padding = '1, 2' is not allowed: it must be 1 whole number"),
        ("network_conv_in", "100000", "Channels in"),
        ("network_conv_size", "<b>", "Input size = '<b>' is not allowed"),
    ],
)
def test_what_torch_would_refuse_is_a_sentence(key: str, value: str, says: str) -> None:
    at = network()
    at.text_input(key=key).set_value(value).run()
    assert says in errors_of(at)


def test_torch_agrees() -> None:
    at = network(network_conv_in="3", network_conv_out="48", network_conv_size="32", network_conv_kernel="11")
    at.toggle(key="network_conv_check").set_value(True).run()
    assert "torch gives 12 × 12 and 17,472 parameters; all 144 numbers of the first channel are equal." in text_of(at)


def test_a_disagreement_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexcore.analysis.convolution_check.convolve", lambda conv: 0 * sum_grid(conv))
    at = network()
    at.toggle(key="network_conv_check").set_value(True).run()
    assert "the numbers differ by up to" in errors_of(at)


def sum_grid(conv: Convolution):
    import numpy as np

    return np.zeros(conv.output, dtype="int64")


def test_padding_in_three_forms() -> None:
    assert read_padding("one number", "2") == Sides(2, 2, 2, 2)
    assert read_padding("height, width", "1, 2") == Sides(left=2, right=2, top=1, bottom=1)
    assert read_padding("four sides", "1, 2, 3, 4") == Sides(1, 2, 3, 4)


def test_the_drawing_marks_the_taps_and_what_is_done() -> None:
    conv = Convolution(Pair(5, 5), kernel=Pair(3, 3), stride=Pair(2, 2), padding=Sides(1, 1, 1, 1))
    drawing = grids_svg(conv, 4)
    assert drawing.count('fill-opacity="0.55"') == 9, "the taps"
    assert drawing.count("stroke-dasharray") == 7 * 7 - 5 * 5, "the padding"
    assert drawing.count('fill-opacity="0.75"') == 1, "the cell that they give"
    assert "row 1, column 1" in drawing
    assert sum_of(conv, 4).count("*") == 9
    many = Convolution(Pair(64, 64), 8, kernel=Pair(16, 16))
    assert "more terms" in sum_of(many, 0)
    assert len(grids_svg(many, 0)) < 1_500_000


# Inside a run --------------------------------------------------------------------------------------------------


def test_without_a_run_it_leads_to_training() -> None:
    at = network(network_part="Inside a run")
    assert not errors_of(at)
    assert "There is no trained network yet" in text_of(at)


@pytest.fixture
def run(flowers: Path) -> Path:
    torch.manual_seed(0)
    return write_run("finished", "a-run", data=flowers.resolve(), checkpoint=True)


@pytest.mark.parametrize("layer", ["conv1", "norm2", "relu3", "pool3", "avgpool", "linear1", "linear3"])
def test_every_layer_of_a_run_opens(run: Path, layer: str) -> None:
    at = network(network_part="Inside a run", run="a-run", network_layer=layer)
    assert not errors_of(at)
    assert at.selectbox(key="network_layer").value == layer
    assert f"{layer} gives" in text_of(at)
    titles = " ".join(chart.proto.spec for chart in at.get("plotly_chart"))
    assert f"What {layer} gives" in titles
    assert (f"Weights of {layer}" in titles) == (not layer.startswith(("relu", "pool", "avgpool")))
    assert ("The filters of the first layer" in text_of(at)) == (layer == "conv1")


def test_an_own_picture_is_looked_at(run: Path) -> None:
    buffer = BytesIO()
    Image.new("RGB", (80, 50), "red").save(buffer, "PNG")
    at = network(network_part="Inside a run", run="a-run")
    at.file_uploader(key="network_upload").set_value(("my red.png", buffer.getvalue(), "image/png")).run()
    assert not errors_of(at)
    assert "What the network gets: 64 px a side" in text_of(at)
    at.file_uploader(key="network_upload").set_value(("broken.png", b"nothing", "image/png")).run()
    assert "broken.png is no picture" in errors_of(at)


def test_a_picture_that_is_not_there_and_a_run_of_the_url(run: Path) -> None:
    at = network(network_part="Inside a run", run="<b>nobody</b>", network_image="99", network_layer="nothing")
    assert "There is no run <b>nobody</b> with a checkpoint" in text_of(at)
    assert "Validation picture = 99 is not allowed: it must be a whole number from 0 to 11." in errors_of(at)


@pytest.mark.parametrize("state", STATES)
def test_it_opens_on_every_store(flowers: Path, state: str) -> None:
    write_run(state, "a-run", data=flowers, checkpoint=state in ("finished", "stopped"))
    at = network(network_part="Inside a run", run="a-run")
    assert not at.exception, at.exception[0].stack_trace
    assert at.title[0].value == "Network"


def test_a_broken_checkpoint_is_a_sentence(run: Path) -> None:
    (run / "checkpoints" / "best.pt").write_bytes(b"no checkpoint")
    assert "is no checkpoint, or a damaged one" in errors_of(network(network_part="Inside a run"))


# Autograd ------------------------------------------------------------------------------------------------------


def tensors_of(at: AppTest) -> pd.DataFrame:
    return at.get_by_key("network_autograd_table").dataframe[0].value.set_index("tensor")


def test_the_four_steps_with_their_numbers() -> None:
    at = network(network_part="Autograd")
    assert "Nothing has happened yet" in text_of(at)
    assert "No graph yet" in text_of(at)
    for name in ("zero_grad", "forward", "backward"):
        at.button(key=f"network_autograd_{name}").click().run()
        assert not errors_of(at)
    table = tensors_of(at)
    assert (table.loc["w", "grad"], table.loc["b", "grad"], table.loc["loss", "grad"]) == ("10", "5", "not kept")
    assert table.loc["loss", "grad_fn"] == "PowBackward0"
    assert "AccumulateGrad" in drawings(at, "network_graph")
    at.button(key="network_autograd_step").click().run()
    assert tensors_of(at).loc["w", "value"] == "1"
    assert at.query_params["network_steps"] in ("zfbs", ["zfbs"])
    at.button(key="network_autograd_reset").click().run()
    assert tensors_of(at).loc["w", "value"] == "1.5"


def test_forgetting_is_shown_and_what_torch_refuses_is_its_own_sentence() -> None:
    at = network(network_part="Autograd", network_steps="zfbsfb")
    assert tensors_of(at).loc["w", "grad"] == "15"
    assert "zero_grad was left out" in text_of(at)
    assert "From round 2 on they part" in text_of(at)
    at.button(key="network_autograd_backward").click().run()
    assert "backward through the graph a second time" in text_of(at)
    assert not errors_of(at)


def test_the_switches_and_a_url_full_of_nonsense() -> None:
    at = network(network_part="Autograd", network_steps="<script>zfb")
    at.toggle(key="network_x_learns").set_value(True)
    at.toggle(key="network_w_learns").set_value(False).run()
    assert not errors_of(at)
    table = tensors_of(at)
    assert (table.loc["w", "grad"], table.loc["x", "requires_grad"]) == ("–", "True")
    assert "nothing" not in network(network_part="everything").title[0].value


def test_the_graph_has_a_line_for_each_edge() -> None:
    from alexcore.analysis.autograd_steps import play

    nodes = play("f", x_learns=True).nodes
    drawing = graph_svg(nodes)
    assert drawing.count("<line") == sum(len(node.inputs) for node in nodes)
    assert drawing.count("<rect") == len(nodes)
    assert "grad of w" in drawing
