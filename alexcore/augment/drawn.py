"""What an operation has drawn, in a few words: "part 312 × 240 at 40, 12". `operations` says which words are whose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

# What was drawn, by torchvision's names; of an automatic operation each change with its magnitude.
Drawn = Sequence[tuple[str, Any]]
# From what was drawn, and whether chance let it happen.
InWords = Callable[[Drawn, bool], str]


def happened(yes: str, no: str) -> InWords:
    """Words for an operation with a chance and nothing else to tell."""
    return lambda _drawn, applied: yes if applied else no


nothing = happened("", "")  # where there is nothing to draw


def cut_out(drawn: Drawn, _applied: bool) -> str:
    """Of a crop of any size."""
    values = dict(drawn)
    return f"part {values['width']} × {values['height']} at {values['left']}, {values['top']}"


def cut_out_with_border(drawn: Drawn, _applied: bool) -> str:
    """Of a crop whose size is known."""
    values = dict(drawn)
    border = values["padding"] if values["needs_pad"] else (0, 0)
    return f"part at {values['left'] - border[0]}, {values['top'] - border[1]}"


def moved(drawn: Drawn, _applied: bool) -> str:
    """Of a turn, or a turn, shift, scale and slant."""
    values = dict(drawn)
    parts = [f"turned {values['angle']:z.1f}°"]
    if "translate" in values:
        across, down = values["translate"]
        parts += [f"moved {across}, {down} px", f"scaled × {values['scale']:.2f}"]
        if any(values["shear"]):
            parts.append(f"slanted {values['shear'][0]:.1f}°")
    return ", ".join(parts)


def coloured(drawn: Drawn, _applied: bool) -> str:
    """Of other light."""
    values = dict(drawn)
    parts = [
        f"{name} × {values[f'{name}_factor']:.2f}"
        for name in ("brightness", "contrast", "saturation")
        if values[f"{name}_factor"] is not None
    ]
    if values["hue_factor"] is not None:
        parts.append(f"hue {values['hue_factor']:+.2f}")
    return ", ".join(parts) or "no change"


def blurred(drawn: Drawn, _applied: bool) -> str:
    """Of a blur."""
    return f"blur {dict(drawn)['sigma'][0]:.2f} px"


def erased(drawn: Drawn, applied: bool) -> str:
    """Of a blank rectangle."""
    values = dict(drawn)
    return f"erased {values['w']} × {values['h']} at {values['j']}, {values['i']}" if applied else "not erased"


def changes(drawn: Drawn, _applied: bool) -> str:
    """Of an automatic operation; a change without a strength comes with 0, and so does a strength of nothing."""
    return ", ".join(f"{name} {size:.2f}" if size else name for name, size in drawn) or "no change"
