"""What a field of a configuration knows about itself: its title, its explanation and its legal values.

A form, a command-line parser and an error message are all made from the same FieldSpec.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, Field, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from alexcore.words.language import _

Names = Callable[[], tuple[str, ...]]


@dataclass(frozen=True)
class OneOf:
    """Marks a text that is one of some names; they are asked for each time, so what is registered later counts, too.

    `told` says in a sentence what each of them is.
    """

    names: Names
    told: Callable[[], str] = str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's way to a rule of one's own."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: str) -> str:
        if value not in self.names():
            raise ValueError(value)
        return value


def field(
    default: Any,
    title: str,
    text: str,
    *,
    code: str = "",
    essential: bool = False,
    suggestions: tuple[str, ...] = (),
    otherwise: str = "",
    legal: str = "",
) -> Any:
    """Describe a field: `text` says what it does and what to expect, `code` names the function that does it.

    Its range belongs to its type: `Annotated[int, Ge(0), Le(9)]`. A text that is one of `suggestions` or something
    else has to say in `otherwise` what else; one that is not free in another way, in `legal`, what it may be.
    """
    extra = {"code": code, "essential": essential, "otherwise": otherwise, "words": legal}
    return Field(
        default,
        title=_(title),
        description=_(text),
        json_schema_extra={"suggestions": suggestions, **extra},  # type: ignore[dict-item]
    )


@dataclass(frozen=True)
class FieldSpec:
    """What a form or a command-line parser needs to know about one field of TrainConfig."""

    name: str
    kind: type
    default: Any
    title: str
    about: str
    one_of: OneOf
    group: str
    code: str
    essential: bool
    otherwise: str
    words: str
    minimum: float | None = None
    maximum: float | None = None
    open_minimum: bool = False
    open_maximum: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """The legal names, or those that are suggested; none where the field is no choice."""
        return self.one_of.names()

    @property
    def text(self) -> str:
        """What the field does and what to expect of it, and what the names that it may have stand for."""
        return f"{self.about} {self.one_of.told()}".rstrip()

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


def specs_of(model: type[BaseModel], groups: Mapping[str, str]) -> dict[str, FieldSpec]:
    """Describe the fields of a model, which `field` has made, by their names and in the order of their groups.

    A group goes from the field that `groups` names for it to the field before the next group.
    """
    begins, group, found = {first: group for group, first in groups.items()}, "", []
    for name, info in model.model_fields.items():
        group = begins.get(name, group)
        found.append(_spec(name, group, info))
    return {spec.name: spec for spec in sorted(found, key=lambda spec: list(groups).index(spec.group))}


def _spec(name: str, group: str, info: FieldInfo) -> FieldSpec:
    assert isinstance(info.json_schema_extra, dict)
    extra: dict[str, Any] = {**info.json_schema_extra}
    suggestions = extra.pop("suggestions")
    choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else suggestions
    bounds: dict[str, Any] = {}
    for rule in info.metadata:
        if isinstance(rule, Ge | Gt):
            bounds |= {"minimum": rule.gt if isinstance(rule, Gt) else rule.ge, "open_minimum": isinstance(rule, Gt)}
        if isinstance(rule, Le | Lt):
            bounds |= {"maximum": rule.lt if isinstance(rule, Lt) else rule.le, "open_maximum": isinstance(rule, Lt)}
    one_of = next((rule for rule in info.metadata if isinstance(rule, OneOf)), OneOf(lambda: choices))
    kind = str if choices else info.annotation
    assert isinstance(kind, type)
    title, about = info.title or name, info.description or ""
    return FieldSpec(name, kind, info.default, title, about, one_of, group, **extra, **bounds)


def numbers_in(text: str, kind: type = float) -> list[Any]:
    """Read a text such as "6, 8" as numbers.

    Raises:
        ValueError: a part is no number of this kind.
    """
    return [kind(part) for part in text.split(",")] if text.strip() else []
