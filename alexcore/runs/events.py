"""A run's events.jsonl. It is `alexcore.event_file`, which lies so low that an analysis can write and read it, too."""

from __future__ import annotations

from alexcore.event_file import VERSION, Event, EventWriter, read_events

__all__ = ["VERSION", "Event", "EventWriter", "read_events"]
