"""From events to curves: incremental reading, no zig-zag after a resume, thinning that does not jitter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alexcore.runs.events import EventWriter
from alexcore.runs.series import Series, thin


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[EventWriter]:
    opened = EventWriter(tmp_path / "events.jsonl")
    yield opened
    opened.close()


def test_refresh_reads_only_what_is_new(writer: EventWriter, tmp_path: Path) -> None:
    series = Series(tmp_path / "events.jsonl")
    assert not series.refresh()
    writer.write("start", classes=["a", "b"])
    writer.write("step", step=1, loss=1.0)
    assert series.refresh()
    writer.write("step", step=2, loss=0.9)
    writer.write("of-the-future", x=1)
    series.refresh()
    assert [each["step"] for each in series.steps] == [1, 2]
    assert not series.refresh()
    assert series.start is not None
    assert series.start["classes"] == ["a", "b"]


def test_a_resume_forgets_what_the_killed_worker_did_after_its_checkpoint(writer: EventWriter, tmp_path: Path) -> None:
    for step in range(1, 8):
        writer.write("step", step=step, loss=1.0)
    writer.write("epoch", step=5, val_acc1=0.5)
    writer.write("end", state="stopped")
    writer.write("resume", epoch=0, step=4)
    for step in range(5, 7):
        writer.write("step", step=step, loss=2.0)
    series = Series(tmp_path / "events.jsonl")
    series.refresh()
    assert [each["step"] for each in series.steps] == [1, 2, 3, 4, 5, 6]
    assert series.epochs == []
    assert series.resumes == [4]
    assert series.end is None


def test_a_warning_that_a_resume_repeats_is_shown_once(writer: EventWriter, tmp_path: Path) -> None:
    for _ in range(2):
        writer.write("warning", message="one picture is left out", hint="")
    series = Series(tmp_path / "events.jsonl")
    series.refresh()
    assert len(series.warnings) == 1


def test_a_replaced_shorter_file_is_read_from_its_beginning(writer: EventWriter, tmp_path: Path) -> None:
    for step in range(1, 9):
        writer.write("step", step=step, loss=1.0)
    series = Series(tmp_path / "events.jsonl")
    series.refresh()
    (tmp_path / "events.jsonl").unlink()
    with closing(EventWriter(tmp_path / "events.jsonl")) as other:
        other.write("step", step=1, loss=3.0)
    series.refresh()
    assert [each["loss"] for each in series.steps] == [3.0]


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1000, 1001, 7777])
def test_thin_keeps_first_and_last_within_the_limit(count: int) -> None:
    kept = thin(list(range(count)))
    assert len(kept) <= 501
    assert kept == sorted(set(kept))
    assert kept[:1] + kept[-1:] == ([0, count - 1] if count else [])


def test_thinned_points_stay_where_they_are_while_a_curve_grows() -> None:
    for count in range(501, 1000):
        assert set(thin(list(range(count)))[:-1]) <= set(range(0, count, 2))
    assert set(thin(list(range(1500)))[:-1]) <= set(thin(list(range(900))) + list(range(900, 1500))), "4n are also 2n"
