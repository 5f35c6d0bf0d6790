"""Bytes, times, shares and numbers in words: the same on every page, in every command and in every report."""

from __future__ import annotations

import math

MISSING = "not a number"


def size_text(count: float) -> str:
    """Bytes in words, by thousands as file managers and download pages count: "812 B", "5.3 kB", "218 MB"."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{value:,.0f} {unit}" if unit == "B" or value >= 99.5 else f"{value:.3g} {unit}"


def duration(seconds: float | None) -> str:
    """Seconds in words: "45 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds or 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def number(value: float | None, missing: str = MISSING) -> str:
    """A figure in words, three digits: 0.0123, 1.2e-05, 1,230."""
    if value is None or not math.isfinite(value):
        return missing
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(value: float | None, digits: int = 1, missing: str = MISSING) -> str:
    """A share, 0 to 1, in words: "61.2%"; one that would be rounded to nothing keeps two digits, "0.012%"."""
    if value is None or not math.isfinite(value):
        return missing
    return f"{100 * value:.2g}%" if 0 < abs(value) < 0.5 / 10 ** (digits + 2) else f"{value:.{digits}%}"
