"""events.jsonl: what a writer writes and a killed one leaves behind, and what readers make of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alexcore.runs import events as events_module
from alexcore.runs.events import EventWriter, read_events


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def write(path: Path, *kinds: str, **fields) -> None:
    writer = EventWriter(path)
    for kind in kinds:
        writer.write(kind, **fields)
    writer.close()


def kinds(path: Path, offset: int = 0) -> list[str]:
    return [event["type"] for event in read_events(path, offset)[0]]


def test_a_line_is_an_object_with_version_number_time_and_type(path):
    write(path, "step", "epoch", loss=0.5)
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert list(first) == ["v", "seq", "ts", "type", "loss"]
    assert (first["v"], first["seq"], first["type"], first["loss"]) == (1, 0, "step", 0.5)
    assert (second["seq"], second["type"]) == (1, "epoch")
    assert first["ts"] <= second["ts"]


def test_an_event_can_be_read_before_the_writer_is_closed(path):
    writer = EventWriter(path)
    writer.write("step")
    assert kinds(path) == ["step"]
    writer.close()


def test_a_missing_file_has_no_events(path):
    assert read_events(path, 7) == ([], 0)


def test_half_a_last_line_waits_for_its_other_half(path):
    write(path, "start", "step")
    whole = path.read_bytes()
    for cut in range(1, len(whole.splitlines()[1]) + 1):
        path.write_bytes(whole[:-cut])
        events, offset = read_events(path)
        assert [event["type"] for event in events] == ["start"]
        path.write_bytes(whole)
        assert kinds(path, offset) == ["step"]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"",
        b"null",
        b"[]",
        b'"step"',
        b"7",
        b"{}",
        b'{"type": 7}',
        b'{"seq": 1}',
        b"\xff\xfe",
        b"\0\0\0\0",
        b"[" * 100_000,
        b'{"type": "step", "seq": 1}{"type": "step"}',
    ],
    ids=lambda line: repr(line[:20]),
)
def test_a_broken_line_is_skipped(path, line):
    write(path, "start")
    with path.open("ab") as file:
        file.write(line + b"\n")
    write(path, "end")
    assert kinds(path) == ["start", "end"]


def test_an_unknown_type_and_unknown_fields_are_passed_on(path):
    path.write_text('{"v": 9, "seq": 0, "type": "from_the_future", "colour": "red"}\n')
    assert read_events(path)[0] == [{"v": 9, "seq": 0, "type": "from_the_future", "colour": "red"}]


def test_numbers_that_are_not_finite_become_null(path):
    nan, inf = float("nan"), float("inf")
    write(path, "epoch", loss=nan, rate=-inf, recall=[1.0, nan], nested={"worst": [inf], "best": 1})

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    event = json.loads(path.read_text(), parse_constant=refuse)
    assert event["loss"] is event["rate"] is None
    assert (event["recall"], event["nested"]) == ([1.0, None], {"worst": [None], "best": 1})


def test_any_text_survives(path):
    text = 'Blüten "☘"\n\u2028\x85 caf\udce9'  # the last one: a file name in another encoding
    write(path, "warning", message=text)
    (event,), _ = read_events(path)
    assert event["message"] == text
    assert path.read_bytes().count(b"\n") == 1


def test_a_writer_that_opens_the_file_again_counts_on(path):
    write(path, "start", "step")
    path.write_bytes(path.read_bytes() + b'{"type": "foreign", "seq": null}\n{"type": "foreign"}\n')
    write(path, "resume")
    events, _ = read_events(path)
    assert [event.get("seq") for event in events] == [0, 1, None, None, 2]


def test_half_a_line_of_a_killed_writer_takes_no_other_line_with_it(path):
    write(path, "start", "step")
    path.write_bytes(path.read_bytes()[:-9])
    write(path, "resume", "end")
    events, _ = read_events(path)
    assert [(event["seq"], event["type"]) for event in events] == [(0, "start"), (1, "resume"), (2, "end")]


def test_reading_on_reads_only_what_is_new(path, monkeypatch):
    write(path, *["step"] * 50)
    events, offset = read_events(path)
    assert (len(events), offset) == (50, path.stat().st_size)
    write(path, "end")
    parsed = []
    monkeypatch.setattr(events_module.json, "loads", lambda line, loads=json.loads: parsed.append(line) or loads(line))
    assert kinds(path, offset) == ["end"]
    assert len(parsed) == 1
    assert read_events(path, path.stat().st_size) == ([], path.stat().st_size)


def test_a_file_replaced_by_a_shorter_one_is_read_from_its_beginning(path):
    write(path, *["step"] * 5)
    _, offset = read_events(path)
    path.unlink()
    write(path, "start")
    events, shorter = read_events(path, offset)
    assert [event["type"] for event in events] == ["start"]
    assert shorter == path.stat().st_size < offset
