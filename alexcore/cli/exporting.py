"""`export` and `import`: a run as a file that leaves this machine, and a bundle that comes back."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from alexcore.cli.output import RUN_HELP, Arguments, add_command, add_upload_flags, answer, reported
from alexcore.export.formats import FORMATS, TENSORBOARD, Wish, require_format
from alexcore.home import data_roots, runs_dir
from alexcore.jobs import VARIABLE


def export(arguments: Arguments) -> int:
    """Write a run as weights, a graph, a project in plain PyTorch, a notebook, a report or a bundle."""
    from alexcore.export.source import exported_run
    from alexcore.export.write import require_free, write_bytes, write_export
    from alexcore.runs.store import find_run
    from alexcore.words.numbers import size_text

    # A job is asked for by a browser user, and a run may have been copied here with any path in it.
    roots = data_roots() if VARIABLE in os.environ else None
    target = Path(arguments.to).expanduser()
    with reported("exporting", "B") as on_progress:
        require_format(arguments.format)
        require_free(target, arguments.force)
        source = exported_run(find_run(arguments.run_dir), arguments.checkpoint, roots)
        wish = Wish(on_progress, arguments.normalize, arguments.softmax)
        told = write_export(source, arguments.format, target, wish, arguments.force)
        if arguments.about:
            write_bytes(Path(arguments.about), json.dumps(told, ensure_ascii=True).encode(), force=True)
    lines = [f"{told['file']}: {FORMATS[told['format']].title} of {told['checkpoint']}, {size_text(told['bytes'])}"]
    if told["difference"] is not None:
        lines.append(f"It was compared with the network: the answers differ by at most {told['difference']:.1g}.")
    return answer(arguments.json, told, *lines, *(f"note: {note}" for note in told["notes"]))


def import_run(arguments: Arguments) -> int:
    """Bring a run back from a bundle, after checking the hash of each of its files."""
    from alexcore.data.archives.uploads import UPLOAD_LIMITS
    from alexcore.export.unbundle import import_bundle

    file, called = Path(arguments.file).expanduser(), arguments.uploaded_as
    more = {"called": called, "limits": UPLOAD_LIMITS if called else None}
    where = {"name": arguments.name, "data": arguments.data, "val": arguments.val}
    notes: list[str] = []
    try:
        with reported("importing", "B", notes) as on_progress:
            done = import_bundle(file, runs_dir(), on_progress, **where, **more)
            notes += done.notes
    finally:
        if arguments.remove:
            file.unlink(missing_ok=True)
    told = {"run": str(done.path), "notes": done.notes}
    return answer(arguments.json, told, f"Run {done.path}", *(f"note: {note}" for note in done.notes))


def register(commands: Any) -> None:
    """Add the commands of this module."""
    exporting = add_command(commands, "export", export)
    exporting.epilog = TENSORBOARD.replace("`", "").replace("%", "%%")
    exporting.add_argument("run_dir", help=RUN_HELP)
    exporting.add_argument("--to", required=True, metavar="FILE", help="the file to write; its folder must exist")
    exporting.add_argument("--format", required=True, metavar="FORMAT", help=f"one of {', '.join(FORMATS)}")
    exporting.add_argument("--force", action="store_true", help="overwrite FILE if it exists")
    exporting.add_argument(
        "--checkpoint", choices=["best", "last"], help="whose weights (default: best, or last if there is no best)"
    )
    exporting.add_argument(
        "--about", default="", metavar="FILE", help="a file for what --json prints: size, SHA-256, comparison, notes"
    )
    flag = argparse.BooleanOptionalAction
    graphs = " and ".join(name for name, form in FORMATS.items() if form.graph)
    exporting.add_argument(
        "--normalize", action=flag, default=True, help=f"{graphs}: the normalisation inside the graph"
    )
    exporting.add_argument("--softmax", action=flag, default=True, help=f"{graphs}: probabilities instead of logits")
    importing = add_command(commands, "import", import_run)
    importing.add_argument("file", metavar="FILE", help="a bundle")
    importing.add_argument("--name", default="", help="what to call the run here (default: as it was called)")
    importing.add_argument("--data", default="", help="where its data set lies on this machine")
    add_upload_flags(importing)
    importing.add_argument("--val", default="", help="where its validation pictures lie, if not in --data")
