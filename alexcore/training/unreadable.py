"""Pictures that a run can no longer read, although they passed the check before its first step: counted and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from alexcore.config import TrainConfig
from alexcore.errors import DataError
from alexcore.findings.finding import few
from alexcore.findings.run import PicturesSkipped, TooManyUnreadable
from alexcore.training.run_data import RunData
from alexcore.training.session import Session


def most_unreadable(share: float, pictures: int) -> int:
    """How many of so many pictures a run may lose: this share of them, one at least, none if the share is 0."""
    return max(1, int(share * pictures)) if share else 0


class Losing(Protocol):
    """What reads pictures, and knows which of them it could not: path -> sentence."""

    @property
    def lost(self) -> Mapping[str, str]:
        """The pictures that could not be read so far."""


class Unreadable:
    """What has been lost since the run began or went on, in all ranks together.

    Attributes:
        most: How many pictures may be lost.
        lost: Path of each -> the sentence of why.
    """

    def __init__(
        self, config: TrainConfig, data: RunData, session: Session, sources: Sequence[Losing] | None = None
    ) -> None:
        """`sources` is whatever reads pictures, where that is more than the two loaders of `data`."""
        self.data, self.session = data, session
        self.sources = [data.train, data.val] if sources is None else sources
        self.total = data.plan.train_images + data.plan.val_images
        self.most = most_unreadable(config.unreadable_limit, self.total)
        self.lost: dict[str, str] = {}
        self._seen, self._told = 0, 0

    @property
    def too_many(self) -> bool:
        """Whether more are lost than may be."""
        return len(self.lost) > self.most

    def look(self) -> None:
        """Take in what the loaders have met; every rank asks at the same moments, and all then know the same."""
        group, own = self.session.group, {path: why for each in self.sources for path, why in each.lost.items()}
        new, self._seen = len(own) - self._seen, len(own)
        (met,) = group.sum(new)
        if not met:
            return
        for each in group.gather(own):
            self.lost |= each
        # A disk that goes away takes one batch after the other: a line for each would tell no more.
        if len(self.lost) >= 2 * self._told:
            self.tell()

    def tell(self) -> None:
        """Say how many there are, if that has not been said yet."""
        if len(self.lost) > self._told and not self.too_many:
            self._told = len(self.lost)
            names, why = self._named()
            self.session.tell(PicturesSkipped(names, len(self.lost), self.total, self.most, why))

    def refusal(self, step: int) -> DataError:
        """The error with which the run ends after this step."""
        names, why = self._named()
        return TooManyUnreadable(names, len(self.lost), self.total, self.most, why, step).refusal(DataError)

    def _named(self) -> tuple[tuple[str, ...], str]:
        """The first few, as the data set calls them, and the sentence of the first."""
        root = self.data.index.root
        names = [_relative(path, root) for path in few(list(self.lost))]
        return tuple(names), next(iter(self.lost.values())).rstrip(".")


def _relative(path: str, root: Path) -> str:
    return Path(path).relative_to(root).as_posix() if Path(path).is_relative_to(root) else path
