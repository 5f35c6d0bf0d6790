"""Whatever is written, wherever a writer was killed and however a reader cuts it: complete events, in order, once."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from alexcore.runs.events import Event, EventWriter, read_events

PLAIN = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    PLAIN | st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
RESERVED = {"v", "seq", "ts", "type", "kind", "self"}
FIELDS = st.dictionaries(st.text().filter(lambda name: name not in RESERVED), VALUES, max_size=3)
# Where to cut a file, as a share of its length: its length depends on the time of day.
CUTS = st.floats(0, 1)
HISTORIES = st.lists(st.tuples(st.text(), FIELDS), max_size=6)


def written(history: list[tuple[str, dict]]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        writer = EventWriter(path)
        for kind, fields in history:
            writer.write(kind, **fields)
        writer.close()
        return path.read_bytes()


def read(content: bytes) -> list[Event]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        path.write_bytes(content)
        return read_events(path)[0]


@settings(deadline=None, max_examples=60)
@given(HISTORIES)
def test_what_is_written_is_what_is_read(history):
    events = read(written(history))
    assert [event["seq"] for event in events] == list(range(len(history)))
    for event, (kind, fields) in zip(events, history, strict=True):
        assert event["type"] == kind
        # Through JSON, so that 2.0 and 2 stay two things.
        assert json.dumps({name: event[name] for name in fields}) == json.dumps(fields)


@settings(deadline=None, max_examples=60)
@given(HISTORIES, CUTS)
def test_a_file_cut_anywhere_holds_a_prefix_of_the_events(history, share):
    content = written(history)
    cut = round(share * len(content))
    events = read(content[:cut])
    assert events == read(content)[: content[:cut].count(b"\n")]


@settings(deadline=None, max_examples=60)
@given(HISTORIES, HISTORIES, CUTS, st.booleans())
def test_a_writer_killed_anywhere_and_begun_again_loses_at_most_the_torn_line(before, after, share, at_end):
    content = written(before)
    cut = max(0, len(content) - 1) if at_end else round(share * len(content))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        path.write_bytes(content[:cut])
        writer = EventWriter(path)
        for kind, fields in after:
            writer.write(kind, **fields)
        writer.close()
        events, _ = read_events(path)
    whole = read(content)[: content[:cut].count(b"\n")]
    # A line that lacks nothing but its newline is mended by the next writer.
    kept = whole if content[:cut].endswith(b"\n") or not cut else read(content[:cut] + b"\n")
    assert events[: len(kept)] == kept
    assert [event["type"] for event in events[len(kept) :]] == [kind for kind, _ in after]
    assert [event["seq"] for event in events] == list(range(len(events)))


@settings(deadline=None, max_examples=60)
@given(HISTORIES, st.lists(CUTS, max_size=6))
def test_a_growing_file_read_in_pieces_gives_the_same_as_at_once(history, shares):
    content = written(history)
    cuts = [round(share * len(content)) for share in sorted(shares)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        collected, offset = [], 0
        for cut in [*cuts, len(content)]:
            path.write_bytes(content[:cut])
            events, offset = read_events(path, offset)
            collected += events
    assert collected == read(content)
    assert offset == len(content)
