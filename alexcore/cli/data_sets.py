"""`data ...`: make and inspect data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alexcore.cli.flags import add_choice_flags, chosen
from alexcore.cli.output import Arguments, add_command, add_upload_flags, answer, reported
from alexcore.errors import ConfigError, DataError
from alexcore.home import data_dir
from alexcore.run_intensity import LEGAL, is_intensity

if TYPE_CHECKING:
    from alexcore.data.index import DataIndex
    from alexcore.data.reading import FolderChoice

# Paths that a finding prints; --json has all of them.
SHOWN = 5


def data_sample(arguments: Arguments) -> int:
    """Write the built-in synthetic flowers."""
    from alexcore.data.flowers.synthetic import write_flowers

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


def _intensity(arguments: Arguments) -> str:
    """What was typed for --intensity.

    Raises:
        ConfigError: it is none.
    """
    if not is_intensity(arguments.intensity):
        raise ConfigError(f"intensity = {arguments.intensity!r} is not allowed: it must be {LEGAL}.")
    return str(arguments.intensity)


def data_info(arguments: Arguments) -> int:
    """Show classes, counts and problems of a data set, after decoding each picture once."""
    from alexcore.data.inspection.doubles import known_in_two_splits
    from alexcore.data.sources import open_checked, reading_of

    with reported("checking pictures") as on_progress:
        index = open_checked(arguments.path, arguments.val, on_progress, chosen(arguments), _intensity(arguments))
    counts = index.counts()
    doubled = known_in_two_splits(index)
    findings = [*index.problems, *([doubled] if doubled else [])]
    found = {
        "data": str(index.root),
        "layout": index.layout,
        "reading": reading_of(index).as_json(),
        "class_to_idx": index.class_to_idx,
        "counts": {split: counts[split].to_dict() for split in index.splits},
        "images": len(index.files),
        "fingerprint": index.fingerprint(),
        "problems": [{"severity": each.severity, **each.as_event()} for each in findings],
    }
    counts.insert(0, "index", range(len(counts)))
    problems = [f"{each.severity}: {each.sentence}" for each in findings]
    reading = reading_of(index)
    problems += [f"It could also be read as {each.words}: {_or_default(each.choice)}" for each in reading.alternatives]
    count = f"{len(index.files):,} {'picture' if len(index.files) == 1 else 'pictures'}"
    head = f"{index.root}: {count}, {index.layout}"
    return answer(arguments.json, found, head, *counts.to_string().split("\n"), *problems)


def _or_default(choice: FolderChoice) -> str:
    return choice.flags or "without --layout and --classes-from"


def data_pack(arguments: Arguments) -> int:
    """Write any data set as WebDataset tar shards; `train --data DIR` opens them."""
    from alexcore.data.pack import pack
    from alexcore.data.sources import open_checked

    with reported("checking pictures") as on_progress:
        index = open_checked(arguments.src, "", on_progress, chosen(arguments))
    with reported("packing") as on_progress:
        directory = pack(index, arguments.dir, arguments.images_per_shard, on_progress)
    return _written(directory, arguments)


def data_scan(arguments: Arguments) -> int:
    """Look for damaged, repeated, leaking, dark, blurry and otherwise odd pictures; nothing is changed."""
    from alexcore.data.decoding.intensity import with_rendering
    from alexcore.data.inspection.quality import scan
    from alexcore.data.sources import open_source

    # Not open_checked: the damaged pictures are among what is looked for.
    with reported("looking at pictures") as on_progress:
        index = open_source(arguments.path, arguments.val, choice=chosen(arguments))
        index = with_rendering(index, _intensity(arguments))
        findings = scan(index, on_progress)
    lines = [] if findings else ["Nothing was found."]
    for finding in findings:
        lines += [f"{finding.title()}: {finding.sentence}", *(f"  {path}" for path in finding.paths[:SHOWN])]
        if len(finding.paths) > SHOWN:
            lines.append(f"  and {len(finding.paths) - SHOWN} more")
    found = {"data": str(index.origin), "findings": [finding.as_dict() for finding in findings]}
    return answer(arguments.json, found, *lines)


def data_stats(arguments: Arguments) -> int:
    """Measure mean and standard deviation of the colours, sizes, and the average picture of each class."""
    from alexcore.data.sources import open_checked
    from alexcore.data.statistics import measure

    with reported("measuring") as on_progress:
        index = open_checked(arguments.path, arguments.val, on_progress, chosen(arguments), _intensity(arguments))
        found = measure(index, on_progress=on_progress)
    lines = [found.normalize_code(), *([found.constant] if found.constant else [])]
    return answer(arguments.json, {"data": str(index.origin), **found.summary()}, *lines)


def data_derive(arguments: Arguments) -> int:
    """Save a data set with fewer or merged classes as a manifest; no picture is touched."""
    from alexcore.data.derive import group_in, merge_classes, names_in, select_classes
    from alexcore.data.lists.manifest import write_manifest
    from alexcore.data.sources import open_source

    index = open_source(arguments.src, choice=chosen(arguments))
    _require_free(arguments.manifest, index, arguments.force)
    groups = dict(group_in(text, index.classes) for text in arguments.merge or [])
    if groups:
        index = merge_classes(index, groups)
    if arguments.keep:
        index = select_classes(index, names_in(arguments.keep, index.classes, ","))
    return _written(write_manifest(index, arguments.manifest), arguments)


def _require_free(target: Path, index: DataIndex, force: bool) -> None:
    """Refuse to write over a file, unless that is asked for; over the data set itself in any case."""
    if target.exists() and target.samefile(index.origin):
        raise DataError(f"{target} is the data set that is read.", "Choose another file for what is derived from it.")
    if target.exists() and not force:
        raise DataError(f"There is a file {target} already.", "Choose another name, or add --force to replace it.")


def data_download(arguments: Arguments) -> int:
    """Download the real photographs of five kinds of flowers (218 MB), and unpack them."""
    from alexcore.data.archives.download import download_flower_photos

    with reported("downloading", "B") as on_progress:
        directory = download_flower_photos(arguments.dir or data_dir() / arguments.name, on_progress)
    return _written(directory, arguments)


def data_unpack(arguments: Arguments) -> int:
    """Unpack a .zip or .tar of class folders, plain or compressed, refusing whatever leads outside or never ends."""
    from alexcore.data.archives.archive import unpack
    from alexcore.data.archives.uploads import UPLOAD_LIMITS, require_archive, require_data_set

    notes: list[str] = []
    name = arguments.uploaded_as
    limits = UPLOAD_LIMITS if name else None
    more = {"name": name, "encoding": arguments.encoding, "say": notes.append, "accept": require_data_set}
    try:
        with reported("unpacking", "B", notes) as progress:
            require_archive(arguments.archive, name)
            target = unpack(arguments.archive, arguments.dir, limits, progress, **more)
    finally:
        if arguments.remove:
            arguments.archive.unlink(missing_ok=True)
    told = {"data": str(target), "notes": notes}
    return answer(arguments.json, told, f"The data set is in {target}.", *notes)


def data_export_torchvision(arguments: Arguments) -> int:
    """Write a data set of torchvision that lies on disk as class folders."""
    from alexcore.data.torchvision_sets import export_torchvision

    with reported("writing pictures") as on_progress:
        directory = export_torchvision(
            arguments.name, arguments.root, arguments.dir, arguments.download, on_progress=on_progress
        )
    return _written(directory, arguments)


def _written(directory: Path, arguments: Arguments) -> int:
    return answer(arguments.json, {"data": str(directory)}, f"The data set is in {directory}.")


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
    info.add_argument("--intensity", default="auto", help=LEGAL)
    add_choice_flags(info)
    packing = add_command(data, "pack", data_pack)
    packing.add_argument("src", help="any data set")
    packing.add_argument("dir", type=Path, help="a folder that does not exist yet")
    packing.add_argument("--images-per-shard", type=int, default=1000)
    add_choice_flags(packing)
    for name, command in (("scan", data_scan), ("stats", data_stats)):
        looking = add_command(data, name, command)
        looking.add_argument("path")
        looking.add_argument("--val", default="", help="a separate validation folder")
        looking.add_argument("--intensity", default="auto", help=LEGAL)
        add_choice_flags(looking)
    deriving = add_command(data, "derive", data_derive)
    deriving.add_argument("src", help="any data set")
    deriving.add_argument("manifest", type=Path, help="the .csv, .tsv, .json or .jsonl file to write")
    deriving.add_argument("--keep", help="classes to keep, joined by commas, or a JSON list")
    deriving.add_argument("--merge", action="append", metavar="NEW=OLD+OLD", help="merge classes; may be repeated")
    deriving.add_argument("--force", action="store_true", help="replace the file if it exists")
    add_choice_flags(deriving)
    downloading = add_command(data, "download", data_download)
    downloading.add_argument("name", choices=["flower_photos"])
    downloading.add_argument("dir", type=Path, nargs="?", help="a folder that does not exist yet")
    unpacking = add_command(data, "unpack", data_unpack)
    unpacking.add_argument("archive", type=Path)
    unpacking.add_argument("dir", type=Path, help="a folder that does not exist yet")
    unpacking.add_argument(
        "--encoding",
        default="",
        help="of names that do not say how they are written, e.g. gbk (default: the likeliest, if one is)",
    )
    add_upload_flags(unpacking)
    exporting = add_command(data, "export-torchvision", data_export_torchvision)
    exporting.add_argument("name", help="cifar10, flowers102 or oxford_iiit_pet")
    exporting.add_argument("root", type=Path, help="where torchvision keeps it")
    exporting.add_argument("dir", type=Path, help="a folder that does not exist yet")
    exporting.add_argument("--download", action="store_true", help="let torchvision fetch it first")
