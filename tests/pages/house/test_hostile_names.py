"""Names that mean something to Markdown, to charts or to a terminal are text on every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from alexcore.data.inspection.quality import scan
from alexcore.data.sources import open_checked
from alexcore.data.statistics import measure
from alexcore.files import write_json
from alexcore.runs.about import change_about
from alexcore.runs.events import EventWriter
from tests.support.hostile_names import HOSTILE, MARKUP, on_disk, write_hostile_list
from tests.support.opened_pages import PAGES, open_page
from tests.support.run_folders import tiny_config, write_checkpoint, write_run

RUN, NAME = "*run* <b>r :red[x]", "$named$ [a](javascript:x)"
# Where the browser shows text as it is; everywhere else it reads Markdown or HTML.
PLAIN = re.compile(r"(options|default|raw_value|code_text|alt|spec|url|query_string|id|key|name|placeholder|data)$")
# Names in their own form, which a place that reads markup would not show; escaped they have a backslash somewhere.
MARKED = (RUN, "$named$", "*tag*", "<b>note", "*folder*", "*list*", *(name for name in MARKUP if name[0] not in "-w"))
READ = re.compile("|".join(rf"(?<!\\){re.escape(name)}" for name in MARKED))
TAGS = re.compile(r"<b>(bold|note|r :red)|<i> \$")
ACTING = re.compile("[\x1b\x07\x9b\u202e]|line\nbreak")


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hostile_list(tmp_path_factory.mktemp("hostile") / "*folder* <b>")


@pytest.fixture
def run(listing: Path) -> str:
    """A finished run of which everything has a hostile name, with an epoch's mistakes."""
    folder = write_run("finished", RUN, data=listing)
    change_about(folder, name=NAME, tags=("*tag*",), note="<b>note</b>")
    write_json(folder / "class_indices.json", {str(number): name for number, name in enumerate(HOSTILE)})
    for name in ("best", "last"):
        write_checkpoint(folder / "checkpoints" / f"{name}.pt", tiny_config(listing), HOSTILE)
    many = len(HOSTILE)
    confusion = [[int(row == column) for column in range(many)] for row in range(many)]
    worst = [
        {
            "path": f"{on_disk(name)[:120]} 2.png",
            "label": place,
            "predicted": (place + 1) % many,
            "probability": 0.9,
            "loss": 2,
        }
        for place, name in enumerate(HOSTILE)
    ]
    writer = EventWriter(folder / "events.jsonl")
    writer.write("start", classes=list(HOSTILE), total_steps=10, steps_per_epoch=5)
    figures = {"train_loss": 1.0, "val_loss": 1.1, "val_acc1": 0.5, "recall": [0.5] * many}
    writer.write(
        "epoch", epoch=1, step=9, confusion=confusion, worst=[{**each, "loss": 2.0} for each in worst], **figures
    )
    writer.close()
    return RUN


def strings(message: Message, place: str) -> Iterator[tuple[str, str]]:
    """Every text in an element, and where it stands."""
    for field, value in message.ListFields():
        where = f"{place}.{field.name}"
        repeated = value if field.is_repeated else [value]
        for each in repeated:
            if isinstance(each, str):
                yield where, each
            elif isinstance(each, Message):
                yield from strings(each, where)


def texts(at: AppTest) -> Iterator[tuple[str, str]]:
    """Every text that a page sends to the browser."""

    def walk(node: Any) -> Iterator[tuple[str, str]]:
        message = getattr(node, "proto", None)
        if isinstance(message, Message):
            yield from strings(message, message.DESCRIPTOR.name)
        if isinstance(node, Block):
            for child in node.children.values():
                yield from walk(child)

    yield from walk(at._tree)


def wrong(at: AppTest) -> set[tuple[str, str]]:
    """The places at which a name would be more than text, each with what it holds."""
    assert not at.exception, at.exception[0].stack_trace
    found = {(place, text) for place, text in texts(at) if not PLAIN.search(place)}
    read = {"Html.body": TAGS}
    return {(place, text[:300]) for place, text in found if ACTING.search(text) or read.get(place, READ).search(text)}


VIEWS = {
    "overview": ("pages/overview.py", {}),
    "dataset": ("pages/dataset.py", {"dataset": "LIST"}),
    "augment": ("pages/augment.py", {"dataset": "LIST"}),
    "train": ("pages/train.py", {"dataset": "LIST", "run": RUN}),
    "batchnorm": ("pages/batchnorm.py", {"dataset": "LIST"}),
    "classify": ("pages/classify.py", {"run": RUN, "classify_source": "Validation pictures"}),
    "network": ("pages/network.py", {"run": RUN, "network_part": "Inside a run"}),
    "runs": ("pages/runs.py", {}),
    "run": ("pages/runs.py", {"run": RUN}),
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_name_is_text_on_every_page(view: str, listing: Path, run: str) -> None:
    index = open_checked(listing)
    measure(index)
    scan(index)
    page, query = VIEWS[view]
    at = open_page(page, **{key: str(listing) if value == "LIST" else value for key, value in query.items()})
    assert wrong(at) == set()
    assert any("star" in text for _place, text in texts(at)), "the names are there"


def test_every_page_is_looked_at() -> None:
    assert {page for page, _query in VIEWS.values()} == set(PAGES)
