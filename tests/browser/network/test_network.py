"""In a real browser: a confusion cell opens its pictures, the kernel steps, autograd tells its numbers."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
import torch
from playwright.sync_api import FloatRect, Locator, Page, expect

from alexcore.data.class_index import class_indices_json
from alexcore.data.sources import open_source
from tests.support.browser_server import Server, shoot
from tests.support.run_folders import CLASSES, write_run

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module", autouse=True)
def _untrained(server: Server, store: Path) -> None:
    """A run with fresh weights: its answers are nonsense, and just right for mistakes."""
    data = server.home / "data" / "stripes"
    torch.manual_seed(3)
    folder = write_run("finished", "a-run", data=data, checkpoint=True)
    (folder / "class_indices.json").write_text(class_indices_json(open_source(data)))


def answers(server: Server) -> dict[tuple[str, str], list[str]]:
    """(truth, answer) -> file names, the highest loss first, from what the job has written."""
    import pandas as pd

    (table,) = (server.home / "data" / ".cache" / "evaluations").glob("*.parquet")
    rows = pd.read_parquet(table).sort_values("loss", ascending=False)
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows.itertuples():
        found.setdefault((CLASSES[row.label], CLASSES[row.predicted]), []).append(Path(row.path).name)
    return found


def at_rest(page: Page, drawn: Locator) -> FloatRect | None:
    """Where something is once it stays there: a chart draws itself anew, and moves meanwhile."""
    box = None
    while box is None or box != drawn.bounding_box():
        box = drawn.bounding_box()
        page.wait_for_timeout(300)
    return box


def test_a_confusion_cell_opens_its_pictures(page: Page, server: Server, shots: Path | None) -> None:
    page.goto(f"{server.url}/train?run=a-run&evaluation_view=Classes")
    section = page.locator(".st-key-evaluation")
    section.locator(".st-key-evaluation_start button").click()
    expect(section.locator(".st-key-evaluation_figures")).to_contain_text("Balanced accuracy")
    shoot(page, shots, "evaluation-classes")
    section.get_by_role("radio", name="Confusion").click()
    matrix = section.locator(".st-key-evaluation_confusion")
    expect(matrix.locator(".nsewdrag").first).to_be_visible()
    found = answers(server)
    (truth, answer), names = max(found.items(), key=lambda item: (item[0][0] != item[0][1], len(item[1])))

    # Another cell first, by keyboard alone; then the wanted one with the mouse.
    field = section.get_by_role("combobox", name=re.compile("Answer"))
    field.focus()
    field.press("Home")
    page.keyboard.type(truth)
    page.keyboard.press("Enter")
    expect(section).to_contain_text(f"answered {truth}")
    matrix.scroll_into_view_if_needed()
    box = at_rest(page, matrix.locator(".nsewdrag").first)
    assert box
    column, row = CLASSES.index(answer), CLASSES.index(truth)
    page.mouse.click(box["x"] + box["width"] * (column + 0.5) / 3, box["y"] + box["height"] * (row + 0.5) / 3)
    expect(section).to_contain_text(f"of {truth}, answered {answer}")
    pictures = section.locator(".st-key-evaluation_pictures")
    expect(pictures.get_by_test_id("stImage")).to_have_count(len(names))
    for name in names:
        expect(pictures).to_contain_text(name)
    shoot(page, shots, "evaluation-confusion")

    # The link to the explanation, the picture left out, and back.
    link = pictures.get_by_role("link", name="Explain").first
    assert re.search(rf"classify\?.*picture=.*{names[0]}", link.get_attribute("href") or "")
    pictures.get_by_role("button", name="Correct").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Leave out").click()
    expect(section.locator(".st-key-evaluation_corrected")).to_contain_text("1 picture left out")
    manifest = server.home / "data" / "stripes-without-some.csv"
    with manifest.open(newline="", encoding="utf-8") as lines:
        kept = {row["path"].rsplit("/val/")[-1]: row["split"] for row in csv.DictReader(lines)}
    assert kept[f"{truth}/{names[0]}"] == "left out of val"
    pictures.get_by_role("button", name="left out").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Undo").click()
    expect(section.locator(".st-key-evaluation_corrected")).to_have_count(0)
    page.reload()
    expect(section).to_contain_text(f"of {truth}, answered {answer}")


def test_the_kernel_steps_over_the_grid_and_torch_agrees(page: Page, server: Server, shots: Path | None) -> None:
    page.goto(f"{server.url}/network")
    bench = page.locator(".st-key-network_conv")
    expect(bench.locator("svg[role=img]")).to_be_visible()
    expect(bench).to_contain_text("Position 1 of 9: row 0, column 0")
    expect(page.locator(".st-key-network_picture svg title").first).to_have_text("input: 224 px")
    first = bench.locator("svg[role=img]").inner_html()
    bench.locator(".st-key-network_conv_next button").click()
    expect(bench).to_contain_text("Position 2 of 9: row 0, column 1")
    assert bench.locator("svg[role=img]").inner_html() != first
    expect(bench).to_contain_text("= 22")
    bench.get_by_role("radio", name="four sides").click()
    expect(bench.get_by_test_id("stAlert")).to_contain_text("it must be 4 whole numbers")
    bench.get_by_label("Padding", exact=True).fill("1, 0, 2, 0")
    bench.get_by_label("Padding", exact=True).press("Enter")
    expect(bench).to_contain_text("nn.ZeroPad2d((1, 0, 2, 0))")
    page.wait_for_url("**network_conv_padding=**")
    # On from the beginning where the server has loaded torch already.
    if not bench.locator(".st-key-network_conv_check input").is_checked():
        bench.locator(".st-key-network_conv_check label").first.click()
    expect(bench).to_contain_text("numbers of the first channel are equal")
    shoot(page, shots, "network")
    page.reload()
    expect(bench).to_contain_text("nn.ZeroPad2d((1, 0, 2, 0))")
    page.set_viewport_size({"width": 420, "height": 900})
    shoot(page, shots, "network-narrow")


def test_autograd_tells_its_numbers(page: Page, server: Server, shots: Path | None) -> None:
    page.goto(f"{server.url}/network?network_part=Autograd")
    part = page.locator(".st-key-network_autograd")
    expect(part).to_contain_text("Nothing has happened yet")
    for name, says in (
        ("zero_grad", "starts from nothing"),
        ("forward", "= 3.5 and loss = 6.25"),
        ("backward", "added to their grad"),
        ("step", "w from 1.5 to 1"),
        ("forward", "= 2.25 and loss = 1.562"),
        ("backward", "zero_grad was left out"),
    ):
        part.locator(f".st-key-network_autograd_{name} button").click()
        expect(part.locator(".st-key-network_autograd_words")).to_contain_text(says)
    expect(part.locator(".st-key-network_graph svg")).to_contain_text("AccumulateGrad")
    page.wait_for_url("**network_steps=zfbsfb")
    shoot(page, shots, "autograd")
    page.reload()
    expect(part.locator(".st-key-network_autograd_words")).to_contain_text("zero_grad was left out")


def test_a_run_is_looked_into(page: Page, server: Server, shots: Path | None) -> None:
    page.goto(f"{server.url}/network?network_part=Inside+a+run&run=a-run&network_layer=relu2")
    part = page.locator(".st-key-network_inside")
    expect(part).to_contain_text("relu2 gives 32 maps")
    expect(part.locator(".st-key-network_maps img")).to_have_count(32)
    own = next(iter(sorted((server.home / "data" / "stripes" / "val" / "wide").iterdir())))
    part.locator(".st-key-network_upload input[type=file]").set_input_files(own)
    expect(part).to_contain_text(own.name)
    shoot(page, shots, "inside")
    page.set_viewport_size({"width": 420, "height": 900})
    shoot(page, shots, "inside-narrow")
    assert json.loads((server.home / "runs" / "a-run" / "status.json").read_text())["state"] == "finished"
