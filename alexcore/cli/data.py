"""`data ...`: make and inspect data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alexcore.cli.output import Arguments, add_command, print_json, reported
from alexcore.home import data_dir


def data_sample(arguments: Arguments) -> int:
    """Write the built-in synthetic flowers."""
    from alexcore.data.synthetic import write_flowers

    with reported("drawing flowers") as on_progress:
        directory = write_flowers(
            arguments.dir,
            images_per_class=arguments.images_per_class,
            size=arguments.size,
            seed=arguments.seed,
            difficulty=arguments.difficulty,
            on_progress=on_progress,
        )
    return _written(directory, arguments)


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


def data_download(arguments: Arguments) -> int:
    """Download the real photographs of five kinds of flowers (218 MB), and unpack them."""
    from alexcore.data.download import download_flower_photos

    with reported("downloading", "B") as on_progress:
        directory = download_flower_photos(arguments.dir or data_dir() / arguments.name, on_progress)
    return _written(directory, arguments)


def data_unpack(arguments: Arguments) -> int:
    """Unpack a .zip, .tar or .tar.gz of class folders, refusing whatever leads outside or never ends."""
    from alexcore.data.archive import unpack

    try:
        with reported("unpacking", "B") as on_progress:
            directory = unpack(arguments.archive, arguments.dir, on_progress=on_progress)
    finally:
        if arguments.remove:
            arguments.archive.unlink(missing_ok=True)
    return _written(directory, arguments)


def data_export_torchvision(arguments: Arguments) -> int:
    """Write a data set of torchvision that lies on disk as class folders."""
    from alexcore.data.torchvision_sets import export_torchvision

    with reported("writing pictures") as on_progress:
        directory = export_torchvision(
            arguments.name, arguments.root, arguments.dir, arguments.download, on_progress=on_progress
        )
    return _written(directory, arguments)


def _written(directory: Path, arguments: Arguments) -> int:
    if arguments.json:
        print_json({"data": str(directory)})
    else:
        print(f"The data set is in {directory}.")
    return 0


def register(commands: Any) -> None:
    """Add the commands of this module."""
    data = commands.add_parser("data", help="Make and inspect data sets.").add_subparsers(required=True, metavar="WHAT")
    sample = add_command(data, "sample", data_sample)
    sample.add_argument("dir", type=Path, help="a folder that does not exist yet")
    sample.add_argument("--images-per-class", type=int, default=150)
    sample.add_argument("--size", type=int, default=256, help="side of a picture, in pixels")
    sample.add_argument("--seed", type=int, default=0)
    sample.add_argument("--difficulty", type=float, default=0.5, help="0 to 1: blur, occlusion, light, scale, colours")
    info = add_command(data, "info", data_info)
    info.add_argument("path")
    info.add_argument("--val", default="", help="a separate validation folder")
    downloading = add_command(data, "download", data_download)
    downloading.add_argument("name", choices=["flower_photos"])
    downloading.add_argument("dir", type=Path, nargs="?", help="a folder that does not exist yet")
    unpacking = add_command(data, "unpack", data_unpack)
    unpacking.add_argument("archive", type=Path)
    unpacking.add_argument("dir", type=Path, help="a folder that does not exist yet")
    unpacking.add_argument("--remove", action="store_true", help="delete the archive afterwards")
    exporting = add_command(data, "export-torchvision", data_export_torchvision)
    exporting.add_argument("name", help="cifar10, flowers102 or oxford_iiit_pet")
    exporting.add_argument("root", type=Path, help="where torchvision keeps it")
    exporting.add_argument("dir", type=Path, help="a folder that does not exist yet")
    exporting.add_argument("--download", action="store_true", help="let torchvision fetch it first")
