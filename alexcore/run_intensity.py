"""The setting `intensity`: how a person says which values beyond 8 bits become black and white."""

from __future__ import annotations

import math

# As version 0.1 read them: 16-bit values by their type, floating-point ones by the range of each picture alone.
EACH = "each"
INTENSITIES = ("auto", "type", "minmax", EACH)
WINDOW = "window"
LEGAL = "one of auto, type, minmax, each, or window LOW HIGH with LOW below HIGH, such as window 0 4095"


def window_of(text: str) -> tuple[float, float] | None:
    """The two numbers of "window LOW HIGH"; None if the text is another one, or no window."""
    words = text.split()
    if words[:1] != [WINDOW] or len(words) != 3:
        return None
    try:
        low, high = float(words[1]), float(words[2])
    except ValueError:
        return None
    return (low, high) if -math.inf < low < high < math.inf else None


def is_intensity(text: str) -> bool:
    """Whether the setting may have this value."""
    return text in INTENSITIES or window_of(text) is not None


def joined(arguments: list[str]) -> list[str]:
    """A command line with `--intensity window LOW HIGH` as one argument: a LOW below 0 would look like a flag."""
    flag = "--intensity"
    for place, each in enumerate(arguments):
        words = arguments[place + 1 : place + 4] if each == flag else []
        if each == f"{flag}={WINDOW}":
            words = [WINDOW, *arguments[place + 1 : place + 3]]
        if words[:1] == [WINDOW]:
            end = place + (4 if each == flag else 3)
            return [*arguments[:place], f"{flag}={' '.join(words)}", *arguments[end:]]
    return arguments
