"""Many small pictures with words below them, as one piece of HTML: a request each would take seconds."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image

from alexcore.augment.preview import encoded
from alexcore.names import visible

_GRID = "display:grid;grid-template-columns:repeat({columns},minmax({least}px,1fr));gap:10px 8px;margin:4px 0 14px"
_WORDS = "font-size:0.78rem;line-height:1.25;overflow-wrap:anywhere;margin-top:3px"


@dataclass(frozen=True)
class Tile:
    """A picture and the lines below it, the first of which is also its alternative text."""

    image: Image.Image
    lines: Sequence[str]


def tiles_html(tiles: Sequence[Tile], least: int = 130, longest: int = 176, one_row: bool = False) -> str:
    """A grid of tiles, each at least `least` px wide; the longer side of a picture is brought to `longest` px.

    With `one_row` it scrolls sideways where the row is too long, so that rows below each other have common columns.
    """
    style = _GRID.format(columns=len(tiles) if one_row else "auto-fill", least=least)
    style += ";overflow-x:auto" if one_row else ""
    return f'<div style="{style}">{"".join(_tile(each, longest) for each in tiles)}</div>'


def _tile(tile: Tile, longest: int) -> str:
    title, *words = (escape(visible(line)) for line in tile.lines)
    source = b64encode(encoded(tile.image, longest)).decode()
    picture = f'<img src="data:image/jpeg;base64,{source}" alt="{title}" style="width:100%;border-radius:4px">'
    lines = "".join(f"<div>{line}</div>" for line in words)
    return f'<figure style="margin:0">{picture}<figcaption style="{_WORDS}"><b>{title}</b>{lines}</figcaption></figure>'
