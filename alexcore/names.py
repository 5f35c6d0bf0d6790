"""Names are text: what somebody has called a class, a file, a run or a data set, put where people read it.

A name may hold whatever a disk, a list or a browser lets through: markup, a formula, an escape sequence. Each kind of
place has one function here that makes text of it which means nothing there but itself. All that goes to such a place
passes through it, our own sentences too: they hold names.
"""

from __future__ import annotations

import re
from typing import TypeVar

T = TypeVar("T")

# What acts without being seen: control characters, what turns the direction of writing around, ends of lines, and
# halves of characters, which nothing can print. Joiners of emoji and marks of Arabic and Hebrew words stay.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# Takes no room and allows no line break.
JOINER = "\u2060"
# What is taken for an address without any markup: its beginning, or the sign in the middle of a mail address.
_ADDRESS = re.compile(r"(?:https?|ftp|mailto|xmpp):(?=\S)|www(?=\.)|(?<=\S)@(?=\S)", re.IGNORECASE)
# The colon that begins ":smile:", ":material/home:" or ":red[".
_SHORTCODE = re.compile(r":(?=[\w+-]+(?:/[\w-]+)?[:\[])")
# What Streamlit draws as an arrow, a dash or a sign of mathematics where it stands alone.
_DRAWN = re.compile(r"(?<!\S)([<>~-])(?=(?:->|-|>|=)(?!\S))")
_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>#$|~:&"})
# What makes a list or a heading of a line that begins with it.
_LINE = re.compile(r"^(\d*)([-+=.)])")
_FORMULA = re.compile(r"(?![-+]?\d+(\.\d+)?(e[-+]?\d+)?$)[=+@\uff1d\uff0b\uff0d\uff20-]", re.IGNORECASE)


def visible(text: str) -> str:
    """Write out by its code what acts without being seen."""
    return _UNSEEN.sub(lambda found: _code(found[0]), text)


def _code(character: str) -> str:
    return ascii(character)[1:-1]


def in_markdown(text: str) -> str:
    """For Markdown, that of Streamlit or of a file: no markup, no link, no icon; its lines stay lines.

    A backslash does not stop what Streamlit makes of bare addresses, emoji names, icons and arrows: an invisible word
    joiner does, which stands where such a thing would begin.
    """
    return "  \n".join(_line(line) for line in text.replace("\r\n", "\n").split("\n"))


def _line(text: str) -> str:
    text = visible(text).strip()
    for beginning in (_ADDRESS, _SHORTCODE, _DRAWN):
        text = beginning.sub(lambda found: found[0] + JOINER, text)
    return _LINE.sub(r"\1\\\2", text.translate(_MARKS))


def in_figure(text: str) -> str:
    """For Plotly, which reads some HTML in whatever it writes."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def in_cell(value: T) -> T | str:
    """For a file that a person may open in a spreadsheet: a text that would be a formula there gets an apostrophe."""
    if not isinstance(value, str):
        return value
    return f"'{visible(value)}" if _FORMULA.match(value) else visible(value)


def in_terminal(text: str) -> str:
    """For one line on a terminal, which obeys what it is sent."""
    return visible(text)


def in_json(document: str) -> str:
    """For JSON that goes to a terminal: what acts there is written as JSON's own escapes, so that it reads the same."""
    return _UNSEEN.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", document)
