"""Text that no Markdown reads as markup."""

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
