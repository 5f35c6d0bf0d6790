"""Fill a template with values: `str.format`, and two kinds of field more.

{names:listed {count}}     rose, tulip and 7 more       the names that are there, and how many of `count` are not
{count:?file is|files are} file is                      a form for each number, as the language counts; or, of a
truth, the one for yes and the one for no
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any, NamedTuple

from alexcore.words.language import _, plural_form


class Said(NamedTuple):
    """What is said of a fact: a template of the sentence, and one of what to do about it."""

    message: str
    hint: str = ""


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec.startswith("?"):
            forms = format_spec[1:].split("|")
            return forms[int(not value) if isinstance(value, bool) else plural_form(value)]
        if format_spec.startswith("listed"):
            kind, count, *pattern = format_spec.split(" ", 2)
            mark = kind.removeprefix("listed")
            named = f"{mark or ','} ".join(_joined(each, *pattern) for each in value)
            more = int(count) - len(value)
            return _("{named} and {more} more").format(named=named + mark, more=more) if more > 0 else named
        return str(super().format_field(value, format_spec))


def _joined(item: Any, pattern: str = "") -> str:
    if isinstance(item, str):
        return item
    return pattern % tuple(item) if pattern else _(" and ").join(map(repr, item))


_formatter = _Formatter()


def filled(template: str, values: Mapping[str, Any]) -> str:
    """The template in the language of this process, with the values in it.

    Raises:
        LookupError, TypeError, ValueError: the values are not those of the template.
    """
    return _formatter.vformat(_(template), (), values)
