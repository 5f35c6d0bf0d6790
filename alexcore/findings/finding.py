"""What a finding is: a code, values, how bad it is, and whether a button can mend it.

    class HiddenFiles(Named, code="data.hidden-files"):
        '''Title. Why it is bad, an example, the remedy.'''

A subclass is a frozen dataclass whose fields are the values, of types that JSON has. The docstring is its entry in
docs/findings.md, the sentences stand in `alexcore.words.findings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, Self, TypeVar, dataclass_transform

from alexcore.errors import AlexError
from alexcore.words.findings import said

Severity = Literal["error", "warning", "info"]
Refusal = TypeVar("Refusal", bound=AlexError)
Thing = TypeVar("Thing")
# Every finding by its code; a module of findings adds its own when it is imported.
KNOWN: dict[str, type[Finding]] = {}
# In a sentence; a table shows the others.
SHOWN = 4


@dataclass_transform(frozen_default=True)
class Finding:
    """Something about data, a run or an experiment that its owner should know.

    Attributes:
        code: Stable: files and addresses hold it.
        severity: An `error` must be mended before a run can start, `info` is a note.
        fixable: Whether a button of the dashboard mends it.
    """

    code: ClassVar[str] = ""
    severity: ClassVar[Severity] = "warning"
    fixable: ClassVar[bool] = False

    def __init_subclass__(cls, code: str = "", severity: Severity = "warning", fixable: bool = False) -> None:
        dataclass(frozen=True)(cls)
        cls.code, cls.severity, cls.fixable = code, severity, fixable
        if code:
            KNOWN[code] = cls

    @property
    def values(self) -> dict[str, Any]:
        """The fields, as JSON can hold them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]

    @property
    def message(self) -> str:
        """The sentence, in the language of this process."""
        return said(self.code, self.values)[0]

    @property
    def hint(self) -> str:
        """What to do about it; may be empty."""
        return said(self.code, self.values)[1]

    @property
    def sentence(self) -> str:
        """Both together."""
        return f"{self.message} {self.hint}".rstrip()

    @property
    def event(self) -> Literal["warning", "note"]:
        """The type of event that tells it in a run's history."""
        return "note" if self.severity == "info" else "warning"

    def as_event(self) -> dict[str, Any]:
        """The form in which files keep it: code and values, and the sentences for whoever reads the file."""
        return {"code": self.code, "values": self.values, "message": self.message, "hint": self.hint}

    def refusal(self, kind: type[Refusal]) -> Refusal:
        """The error that refuses something because of it."""
        return kind(self.message, self.hint, code=self.code, values=self.values)


class Named(Finding):
    """A finding about things with names, of which it keeps the first few."""

    names: tuple[str, ...]
    count: int

    @classmethod
    def of(cls, names: Sequence[str], **more: Any) -> list[Self]:
        """Make one of all names; none where there are no names."""
        return [cls(names=few(names), count=len(names), **more)] if names else []


def few(things: Sequence[Thing]) -> tuple[Thing, ...]:
    """The first few: those that a sentence shows."""
    return tuple(things[:SHOWN])


def finding_of(code: str, values: Mapping[str, Any]) -> Finding:
    """A finding that a file has kept.

    Raises:
        KeyError, TypeError: no module of findings that is loaded has the code, or the values are not its own.
    """
    return KNOWN[code](**{name: _frozen(each) for name, each in values.items()})


def errors_first(findings: Iterable[Finding]) -> list[Finding]:
    """What forbids a run before what does not; else in the order given."""
    return sorted(findings, key=lambda finding: finding.severity != "error")


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
