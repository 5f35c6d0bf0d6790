"""What a field of a configuration knows about itself: its title, its explanation and its legal values.

A form, a command-line parser and an error message are all made from the same FieldSpec.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic import Field, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from alexcore.words.language import _

Names = Callable[[], tuple[str, ...]]


@dataclass(frozen=True)
class OneOf:
    """Marks a text that is one of some names; they are asked for each time, so what is registered later counts, too."""

    names: Names

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's way to a rule of one's own."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: str) -> str:
        if value not in self.names():
            raise ValueError(value)
        return value


def field(
    default: Any,
    group: str,
    title: str,
    text: str,
    *,
    code: str = "",
    essential: bool = False,
    suggestions: tuple[str, ...] = (),
    otherwise: str = "",
    legal: str = "",
    **bounds: float,
) -> Any:
    """Describe a field: `text` says what it does and what to expect, `code` names the function that does it.

    A text that is one of `suggestions` or something else has to say in `otherwise` what else; one that is not free in
    another way, in `legal`, what it may be.
    """
    extra = {
        "group": group,
        "code": code,
        "essential": essential,
        "suggestions": suggestions,
        "otherwise": otherwise,
        "legal": legal,
    }
    return Field(default, title=_(title), description=_(text), json_schema_extra=extra, **bounds)  # type: ignore[call-overload]


@dataclass(frozen=True)
class FieldSpec:
    """What a form or a command-line parser needs to know about one field of TrainConfig."""

    name: str
    kind: type
    default: Any
    title: str
    text: str
    group: str
    code: str
    essential: bool
    names: Names = tuple
    otherwise: str = ""
    words: str = ""
    minimum: float | None = None
    maximum: float | None = None
    open_minimum: bool = False
    open_maximum: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """The legal names, or those that are suggested; none where the field is no choice."""
        return self.names()

    @property
    def legal(self) -> str:
        """The legal values in words, e.g. "a whole number from 1 to 10000"."""
        if self.words:
            return self.words
        if self.choices:
            return "one of " + ", ".join(self.choices) + (f", or {self.otherwise}" if self.otherwise else "")
        if self.kind is bool:
            return "true or false"
        if self.kind is str:
            return "a text"
        noun = "a whole number" if self.kind is int else "a number"
        low = "" if self.minimum is None else f" {'above' if self.open_minimum else 'from'} {self.minimum:g}"
        if self.maximum is None:
            return noun + low
        # %g would print 2147483647 as 2.14748e+09
        high = f"{self.maximum:.0f}" if self.kind is int else f"{self.maximum:g}"
        joint = "and below" if self.open_maximum else ("to" if low and not self.open_minimum else "and at most")
        return f"{noun}{low} {joint} {high}"


def spec_of(name: str, info: FieldInfo) -> FieldSpec:
    """Read a FieldSpec out of a pydantic field that was made by `field`."""
    extra = info.json_schema_extra
    assert isinstance(extra, dict)
    choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else extra["suggestions"]
    assert isinstance(choices, tuple)
    bounds: dict[str, Any] = {}
    for rule in info.metadata:
        if isinstance(rule, annotated_types.Ge | annotated_types.Gt):
            bounds["open_minimum"] = isinstance(rule, annotated_types.Gt)
            bounds["minimum"] = rule.gt if isinstance(rule, annotated_types.Gt) else rule.ge
        if isinstance(rule, annotated_types.Le | annotated_types.Lt):
            bounds["open_maximum"] = isinstance(rule, annotated_types.Lt)
            bounds["maximum"] = rule.lt if isinstance(rule, annotated_types.Lt) else rule.le
    live = next((rule.names for rule in info.metadata if isinstance(rule, OneOf)), None)
    kind = str if choices else info.annotation
    assert isinstance(kind, type)
    return FieldSpec(
        name=name,
        kind=kind,
        default=info.default,
        title=info.title or name,
        text=info.description or "",
        group=str(extra["group"]),
        code=str(extra["code"]),
        essential=bool(extra["essential"]),
        names=live or (lambda: choices),
        otherwise=str(extra["otherwise"]),
        words=str(extra["legal"]),
        **bounds,
    )


def numbers_in(text: str, kind: type = float) -> list[Any]:
    """Read a text such as "6, 8" as numbers.

    Raises:
        ValueError: a part is no number of this kind.
    """
    return [kind(part) for part in text.split(",")] if text.strip() else []
