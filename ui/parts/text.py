"""Text that no Markdown reads as markup, by its short name: pages say it in every second line."""

from __future__ import annotations

from alexcore.names import in_markdown as plain

__all__ = ["plain"]
