"""What an operation has drawn, in a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# What is said of an operation with a chance and nothing else to tell: if it happened, and if not.
_HAPPENED = {
    "RandomHorizontalFlip": ("mirrored", "not mirrored"),
    "RandomVerticalFlip": ("upside down", "upright"),
    "RandomPerspective": ("tilted", "not tilted"),
    "RandomGrayscale": ("grey", "in colour"),
    "RandomAdjustSharpness": ("sharpness changed", "sharpness kept"),
    "RandomEqualize": ("equalized", "not equalized"),
    "RandomPosterize": ("posterized", "not posterized"),
    "RandomSolarize": ("solarized", "not solarized"),
    "RandomErasing": ("erased", "not erased"),
}


def drawn_in_words(name: str, drawn: Sequence[tuple[str, Any]], applied: bool) -> str:
    """What was drawn for one operation: "part 312 × 240 at 40, 12"; empty where there is nothing to draw.

    Args:
        name: The operation.
        drawn: As `trace.Step` has it.
        applied: Whether chance let it happen.
    """
    values = dict(drawn)
    if name == "RandomResizedCrop":
        return f"part {values['width']} × {values['height']} at {values['left']}, {values['top']}"
    if name == "RandomCrop":
        border = values["padding"] if values["needs_pad"] else (0, 0)
        return f"part at {values['left'] - border[0]}, {values['top'] - border[1]}"
    if name in ("RandomRotation", "RandomAffine"):
        return _motion(values)
    if name == "ColorJitter":
        return _colours(values)
    if name == "GaussianBlur":
        return f"blur {values['sigma'][0]:.2f} px"
    if name == "RandomErasing" and applied:
        return f"erased {values['w']} × {values['h']} at {values['j']}, {values['i']}"
    if name in _HAPPENED:
        return _HAPPENED[name][0 if applied else 1]
    if name in ("RandAugment", "TrivialAugmentWide", "AutoAugment"):
        return ", ".join(_change(change, magnitude) for change, magnitude in drawn) or "no change"
    return ""


def _motion(values: Mapping[str, Any]) -> str:
    parts = [f"turned {values['angle']:z.1f}°"]
    if "translate" in values:
        across, down = values["translate"]
        parts += [f"moved {across}, {down} px", f"scaled × {values['scale']:.2f}"]
        if any(values["shear"]):
            parts.append(f"slanted {values['shear'][0]:.1f}°")
    return ", ".join(parts)


def _colours(values: Mapping[str, Any]) -> str:
    parts = [
        f"{name} × {values[f'{name}_factor']:.2f}"
        for name in ("brightness", "contrast", "saturation")
        if values[f"{name}_factor"] is not None
    ]
    if values["hue_factor"] is not None:
        parts.append(f"hue {values['hue_factor']:+.2f}")
    return ", ".join(parts) or "no change"


def _change(name: str, magnitude: float) -> str:
    # Those without a strength come with 0, and so does a strength of nothing.
    return f"{name} {magnitude:.2f}" if magnitude else name
