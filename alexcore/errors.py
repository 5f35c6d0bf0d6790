"""The one tree of expected errors.

    AlexError
    ├── ConfigError       a setting is out of range or contradicts another
    ├── DataError         a data set, an image or an upload cannot be used
    ├── CheckpointError   a checkpoint is missing, damaged or of another kind
    │   └── DamagedCheckpointError    its bytes are not those that were written
    ├── RunError          a run folder is missing, busy or in the wrong state
    └── TrainingError     training cannot go on (loss not finite, out of memory)
        └── ProcessLostError    another process of the run has ended without a word

Each carries a sentence that names the offending value and, in `hint`, what to do about it. The command
line prints both and exits with 2; a page shows both. Anything that is not an AlexError is a bug.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from alexcore.words.limits import limit_of


class AlexError(Exception):
    """An error that a user can cause and can mend: in a sentence what is wrong with which value, in a hint what to do.

    If a finding is refused, `code` and `values` are those of the finding.
    """

    def __init__(
        self, message: str, hint: str = "", *, code: str = "", values: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code, self.values = code, values or {}

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def as_dict(self) -> dict[str, Any]:
        """Return `{"type", "message", "hint"}`, of a finding also "code" and "values", as status.json has it."""
        known = {"code": self.code, "values": self.values} if self.code else {}
        return {"type": type(self).__name__, "message": self.message, "hint": self.hint, **known}

    @classmethod
    @contextmanager
    def from_system(cls, what: str, hint: str) -> Iterator[None]:
        """Raise this error in place of an OSError in the block: "WHAT: the system's reason." and the hint.

        Where a limit of the system is the reason, the hint is about that one.
        """
        try:
            yield
        except OSError as error:
            raise cls(f"{what}: {error.strerror or error}.", limit_of(error) or hint) from error

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> AlexError:
        """The error that `as_dict` has told of; one of a kind that is not known here is a TrainingError."""
        found: list[type[AlexError]] = [cls]
        for each in found:
            found += each.__subclasses__()
        kind = {each.__name__: each for each in found}.get(str(told.get("type")), TrainingError)
        message, hint, code = (str(told.get(name, "")) for name in ("message", "hint", "code"))
        return kind(message, hint, code=code, values=told.get("values"))


def refused_by_system(error: OSError) -> AlexError | None:
    """The error of a limit that the system has, such as a full disk, wherever it was reached; None for another one."""
    limit = limit_of(error)
    what = f"{error.filename} cannot be used" if error.filename else "A file cannot be read or written"
    return RunError(f"{what}: {error.strerror or error}.", limit) if limit else None


class ConfigError(AlexError):
    """A setting is out of range or contradicts another one."""


class DataError(AlexError):
    """A data set, an image or an upload cannot be used."""


class CheckpointError(AlexError):
    """A checkpoint is missing, damaged or of another kind."""


class DamagedCheckpointError(CheckpointError):
    """What is in a checkpoint's file is not what was written, or was written by no run."""


class RunError(AlexError):
    """A run folder is missing, busy or in the wrong state."""


class TrainingError(AlexError):
    """Training cannot go on."""


class ProcessLostError(TrainingError):
    """Another process of the run has ended without a word."""
