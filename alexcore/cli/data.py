"""`data ...`: make and inspect data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alexcore.cli.output import Arguments, add_command, print_json, reported


def data_sample(arguments: Arguments) -> int:
    """Write the built-in synthetic flowers."""
    from alexcore.data.synthetic import write_flowers

    with reported("drawing flowers") as on_progress:
        directory = write_flowers(
            arguments.dir,
            images_per_class=arguments.images_per_class,
            size=arguments.size,
            seed=arguments.seed,
            on_progress=on_progress,
        )
    if arguments.json:
        print_json({"data": str(directory)})
    else:
        print(f"Wrote synthetic flowers to {directory}.")
    return 0


def data_info(arguments: Arguments) -> int:
    """Show classes, counts and problems of a data set, after decoding each picture once."""
    from alexcore.data.sources import open_checked

    with reported("checking pictures") as on_progress:
        index = open_checked(arguments.path, arguments.val, on_progress)
    counts = index.counts()
    if arguments.json:
        print_json(
            {
                "data": str(index.root), "layout": index.layout, "class_to_idx": index.class_to_idx,
                "counts": {split: counts[split].to_dict() for split in index.splits},
                "images": len(index.files), "fingerprint": index.fingerprint(),
                "problems": [{"severity": p.severity, "message": p.message, "hint": p.hint} for p in index.problems],
            }
        )  # fmt: skip
        return 0
    print(f"{index.root}: {len(index.files):,} pictures, {index.layout}")
    counts.insert(0, "index", range(len(counts)))
    print(counts.to_string())
    for problem in index.problems:
        print(f"{problem.severity}: {problem.message} {problem.hint}".rstrip())
    return 0


def register(commands: Any) -> None:
    """Add the commands of this module."""
    data = commands.add_parser("data", help="Make and inspect data sets.").add_subparsers(required=True, metavar="WHAT")
    sample = add_command(data, "sample", data_sample)
    sample.add_argument("dir", type=Path, help="a folder that does not exist yet")
    sample.add_argument("--images-per-class", type=int, default=150)
    sample.add_argument("--size", type=int, default=256, help="side of a picture, in pixels")
    sample.add_argument("--seed", type=int, default=0)
    info = add_command(data, "info", data_info)
    info.add_argument("path")
    info.add_argument("--val", default="", help="a separate validation folder")
