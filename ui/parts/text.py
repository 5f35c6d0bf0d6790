"""Words: escaping and units."""

from __future__ import annotations

import re

# Takes no room and allows no line break.
JOINER = "\u2060"
# What is taken for an address without any markup: its beginning, or the sign in the middle of a mail address.
_ADDRESS = re.compile(r"(?:https?|ftp|mailto|xmpp):(?=\S)|www(?=\.)|(?<=\S)@(?=\S)", re.IGNORECASE)
# The colon that begins ":smile:", ":material/home:" or ":red[".
_SHORTCODE = re.compile(r":(?=[\w+-]+(?:/[\w-]+)?[:\[])")


def plain(text: str) -> str:
    """Escape what Markdown would read as markup in a path or a file name.

    A backslash does not stop what Streamlit makes of bare addresses, emoji names and icons: an invisible word joiner
    does, which stands where such a thing would begin.
    """
    text = _ADDRESS.sub(lambda found: found[0] + JOINER, text)
    text = _SHORTCODE.sub(lambda found: found[0] + JOINER, text)
    for mark in "\\`*_{}[]<>#$|~:":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "  \n")


def duration(seconds: float | None) -> str:
    """Seconds in words: "45 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds or 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: int) -> str:
    """Bytes in words, by thousands: "812 B", "5.3 kB", "218 MB"."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 99.5 else f"{value:.1f} {unit}"
