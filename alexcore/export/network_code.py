"""A network as the lines of Python that build it, each with the size of what comes out of it."""

from __future__ import annotations

import inspect
from pkgutil import resolve_name
from typing import Any

from alexcore.nn.description import Description
from alexcore.nn.layers import layers_of_description


def network_code(description: Description, size: int) -> dict[str, Any]:
    """What the template of model.py asks for, for pictures of `size` px a side.

    Returns:
        "parts": what the three parts are called; "feature_lines" and "classifier_lines": a line a layer, the last one
        with as many outputs as the caller has classes; "grid", "pool_line": what brings the map to the grid, "" where
        it has that size already; "definitions": the source of layers that torch does not have.
    """
    rows = layers_of_description(description, size)
    lines = [
        (f"{spec.call},", f"  # {row.channels} x {row.side} x {row.side}" if spec.window else "")
        for spec, row in zip(description.features, rows, strict=False)
    ]
    side, grid, (_, pool, _) = rows[len(lines) - 1].side, description.grid, description.parts
    # The comments stand below each other.
    width = max(len(code) for code, _ in lines)
    layers = [str(each.call) for each in description.classifier]
    last = f"nn.Linear({description.classifier[-1].call.arguments[0]}, num_classes)"
    average = f"nn.AdaptiveAvgPool2d(({grid}, {grid}))"
    foreign = {spec.call.name: None for spec in description.features if not spec.call.name.startswith("torch.nn:")}
    return {
        "parts": description.parts,
        "feature_lines": [(code.ljust(width) if comment else code) + comment for code, comment in lines],
        "classifier_lines": [f"{each}," for each in (*layers[:-1], last)],
        "grid": grid,
        "pool_line": f"self.{pool} = {average}  # {side} x {side} -> {grid} x {grid}, without any weight"
        if side != grid
        else "",
        "definitions": [inspect.getsource(resolve_name(name)).rstrip() for name in foreign],
    }
