"""Names that mean something to whatever draws, opens or prints them, unless it makes text of them."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

# Each begins with a word of its own, so that it can be told where it was found, and none is a folder's.
MARKUP = (
    "*star*",
    "<b>bold</b>",
    "[link](javascript:x)",
    "$dollar$",
    ":red[red]",
    ":material/home:",
    "&lt;entity",
    "- item",
    "www.address.org",
)
FORMULAS = ("=HYPERLINK(1)", "+plus", "@at", "-minus")
UNSEEN = ("esc\x1b[31m", "turned\u202egnp.exe", "line\nbreak", "bell\x07", "csi\x9b1m")
OTHERS = ("emoji \U0001f469\u200d\U0001f52c", "long" * 50)
HOSTILE = (*MARKUP, *FORMULAS, *UNSEEN, *OTHERS)


def on_disk(name: str) -> str:
    """The name as a file can have it."""
    return name.replace("/", "\u2215")


def write_hostile_list(folder: Path, pictures: int = 2) -> Path:
    """A list with a hostile name, of pictures with hostile names, whose classes have them, too."""
    folder.mkdir(parents=True)
    rows: dict[str, list[str]] = {"image_names": [], "image_labels": [], "split": []}
    for number, name in enumerate(HOSTILE):
        for copy, split in enumerate(["train"] * pictures + ["val"]):
            file = f"{on_disk(name)[:120]} {copy}.png"
            Image.new("RGB", (24, 24), (10 * number, 40 * copy, 90)).save(folder / file)
            for key, value in zip(rows, (file, name, split), strict=True):
                rows[key].append(value)
    listing = folder / "*list* <i> $x$ :red[l].json"
    listing.write_text(json.dumps({"classes": list(HOSTILE), **rows, "verbatim": True}), encoding="utf-8")
    return listing
