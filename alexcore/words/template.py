"""Fill a template with values: `str.format`, and two kinds of field more.

    {names:listed {count}}          rose, tulip and 7 more      those that are there, and how many of `count` are not
    {sizes:listed; {count} %s: %s}  a: 1; b: 2; and 7 more      the same of groups, each written by the pattern
    {count:?file is|files are}      file is                     a form for each number, as the language counts them
    {yes:?on|off}                   on                          or, of a truth, the form for yes and the one for no

    {count:bytes}                   5.3 kB

A list that is not listed stands for its length: `{names:,}`, `{names:?name|names}`.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any, NamedTuple

from alexcore.words.language import _, plural_form
from alexcore.words.numbers import size_text


class Said(NamedTuple):
    """What is said of a fact: a template of the sentence, one of what to do about it, and a few words."""

    message: str
    hint: str = ""
    title: str = ""


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, list | tuple) and not format_spec.startswith("listed"):
            value = len(value)
        if format_spec.startswith("?"):
            forms = format_spec[1:].split("|")
            return forms[int(not value) if isinstance(value, bool) else plural_form(value)]
        if format_spec.startswith("listed"):
            kind, count, *pattern = format_spec.split(" ", 2)
            mark = kind.removeprefix("listed")
            named = f"{mark or ','} ".join(_joined(each, *pattern) for each in value)
            more = int(count) - len(value)
            return _("{named} and {more} more").format(named=named + mark, more=more) if more > 0 else named
        if format_spec == "bytes":
            return size_text(value)
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
