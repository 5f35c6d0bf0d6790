"""`runs`: find, show, mark, delete and bring back runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from alexcore.cli.output import Arguments, add_command, answer, reported
from alexcore.errors import AlexError, RunError
from alexcore.names import in_json
from alexcore.runs.events import finite
from alexcore.words.numbers import size_text

if TYPE_CHECKING:
    from alexcore.runs.store import Run


def runs(arguments: Arguments) -> int:
    """List runs, show, mark, delete and restore them."""
    action: str = arguments.action
    needed, told_in_help, do = ACTIONS[action]
    if needed and not needed.startswith("[") and not arguments.id:
        raise RunError(f"`runs {action}` needs the ID of a run; `runs list` shows them.")
    if action in ("rename", "tag", "untag") and not arguments.words:
        raise RunError(f"`runs {action}` needs {needed}.", f"`runs {action}` {told_in_help}.")
    if action == "note" and arguments.clear == bool(" ".join(arguments.words).strip()):
        raise RunError("`runs note` needs either the ID and the words of a note, or the ID and --clear.")
    told, text = do(arguments)
    return answer(arguments.json, told, *text.split("\n"))


def _list(arguments: Arguments) -> tuple[dict[str, Any], str]:
    from alexcore.runs.run_list import matching, summaries

    found = matching(summaries(), arguments.search)
    lines = []
    for each in found:
        accuracy = "-" if each.best_val_acc1 is None else f"{each.best_val_acc1:.3f}"
        result = each.in_words if each.kind.arms else f"best val acc1 {accuracy}"
        marks = " ".join([each.name, *(f"#{tag}" for tag in each.tags), each.problem.split(". ")[0]]).strip()
        line = f"{each.id}  {each.status.state:9}  epochs {each.status.epoch:>3}  {result}  {marks}"
        lines.append(line.rstrip())
    nothing = (
        f"No run matches {arguments.search!r}."
        if arguments.search
        else "There are no runs yet. Start one with `train --data PATH`."
    )
    return {"runs": [each.as_json() for each in found]}, "\n".join(lines) or nothing


def _show(arguments: Arguments) -> tuple[dict[str, Any], str]:
    from alexcore.runs.run_list import summarised
    from alexcore.runs.store import find_run

    run = find_run(arguments.id)
    if not any((run.path / name).is_file() for name in ("config.json", "status.json")):
        raise RunError(
            f"{arguments.id} is no run: it has neither config.json nor status.json.", "`runs list` shows the runs."
        )
    found = summarised(run)
    shown = {
        **found.figures(run.path),
        "error": run.status.error or None,
        "problem": run.problem or None,
        "edited": [each.name for each in run.edited],
        "config": run.config.model_dump() if run.config else None,
        "name": found.name,
        "tags": list(found.tags),
        "note": found.note,
        "bytes": found.bytes,
        "command": _command(run),
    }
    return shown, in_json(json.dumps(finite(shown), indent=1, ensure_ascii=False))


def _command(run: Run) -> str | None:
    """The command that does the same again; None if the run's settings cannot be read."""
    from alexcore.batchnorm.comparable import experiment_command
    from alexcore.batchnorm.settings import load_bn_config
    from alexcore.command_line import train_command
    from alexcore.runs.kinds import BATCHNORM

    if run.config is None:
        return None
    if run.kind is not BATCHNORM:
        return train_command(run.config)
    try:
        return experiment_command(run.config, load_bn_config(run.path))
    except AlexError:  # its experiment.json is damaged
        return None


def _delete(arguments: Arguments) -> tuple[dict[str, Any], str]:
    from alexcore.runs.store import open_run
    from alexcore.runs.trash import trash_run

    trashed = trash_run(open_run(arguments.id))
    text = (
        f"Deleted the run {trashed.id}.\n{size_text(trashed.bytes)} lie in the trash: `runs restore {trashed.id}` "
        "brings it back, `runs empty-trash` frees the disk."
    )
    return {"deleted": trashed.id, "bytes": trashed.bytes, "place": trashed.place}, text


def _request(arguments: Arguments) -> tuple[dict[str, Any], str]:
    from alexcore.runs.launcher import request
    from alexcore.runs.stopping import waits_for
    from alexcore.runs.store import find_run

    run, word = find_run(arguments.id), arguments.action
    request(run.path, word)
    text = f"Asked {run.id} to {word}; it obeys after its present step."
    return {"run": str(run.path), "requested": word}, f"{text} {waits_for(run.status)}" if word == "stop" else text


def _restore(arguments: Arguments) -> tuple[dict[str, Any], str]:
    from alexcore.runs.trash import find_trashed, restore_run

    found = find_trashed(arguments.id)
    folder = restore_run(found)
    renamed = "" if folder.name == found.id else f" It is called {folder.name}, because {found.id} exists again."
    return {"restored": folder.name}, f"Restored the run {found.id}.{renamed}"


def _trash(_: Arguments) -> tuple[dict[str, Any], str]:
    from alexcore.run_names import title_of
    from alexcore.runs.trash import list_trash

    found = list_trash()
    rows = [{**asdict(each), "deleted": each.deleted.isoformat() if each.deleted else None} for each in found]
    lines = [
        f"{title_of(each.path)}  {size_text(each.bytes)}  deleted {each.deleted or 'some time ago'}" for each in found
    ]
    return {"trash": rows}, "\n".join(lines) or "The trash is empty."


def _empty_trash(_: Arguments) -> tuple[dict[str, Any], str]:
    from alexcore.runs.trash import empty_trash

    freed = empty_trash()
    return {"freed_bytes": freed}, f"The trash is empty; {size_text(freed)} are free again."


def _about(arguments: Arguments) -> tuple[dict[str, Any], str]:
    from alexcore.runs.about import change_about, read_about
    from alexcore.runs.store import open_run

    path, words, action = open_run(arguments.id).path, arguments.words, arguments.action
    if action == "rename":
        about = change_about(path, name=" ".join(words))
    elif action == "note":
        about = change_about(path, note=" ".join(words))
        if arguments.clear:
            return {"id": path.name, "note": ""}, f"The note of {path.name} is gone."
    else:
        tags = [tag for tag in read_about(path).tags if tag not in words]
        about = change_about(path, tags=tuple([*tags, *words] if action == "tag" else tags))
    shown = {"id": path.name, "name": about.name, "tags": list(about.tags), "note": about.note}
    return (
        shown,
        f"{path.name}: name {about.name or '-'}, tags {', '.join(about.tags) or '-'}, note {about.note or '-'}",
    )


def _prune(arguments: Arguments) -> tuple[dict[str, Any], str]:
    from alexcore.runs.store import open_run
    from alexcore.runs.trash import keep_only_best

    run = open_run(arguments.id)
    freed = keep_only_best(run)
    text = f"{run.id} keeps its best checkpoint; {size_text(freed)} are free again, and it cannot be resumed."
    return {"pruned": run.id, "freed_bytes": freed}, text


def _repair(arguments: Arguments) -> tuple[dict[str, Any], str]:
    from alexcore.runs.repair import repair
    from alexcore.runs.store import find_run

    run = find_run(arguments.id)
    written = repair(run)
    text = f"{run.id} has {', '.join(written)} again, as its checkpoint has them; what was there is kept beside them."
    return {"repaired": run.id, "written": written}, text


def _free(arguments: Arguments) -> tuple[dict[str, Any], str]:
    from alexcore.runs.disk import free, spare_bytes
    from alexcore.runs.store import find_run, list_runs

    runs = [find_run(arguments.id)] if arguments.id else [run for run in list_runs() if spare_bytes(run)]
    freed = 0
    notes: list[str] = []
    with reported("freeing", "runs", notes) as on_progress:
        for number, run in enumerate(runs):
            on_progress(number, len(runs))
            more, left = free(run)
            freed += more
            notes += [f"{run.id}: {each.sentence}" for each in left]
        on_progress(len(runs), len(runs))
        notes.append(f"{size_text(freed)} of disk are free again.")
    return {"freed_bytes": freed, "runs": [run.id for run in runs], "notes": notes}, "\n".join(notes)


# What each action needs behind it, what that does, and who does it.
ACTIONS: dict[str, tuple[str, str, Callable[[Arguments], tuple[dict[str, Any], str]]]] = {
    "list": ("", "the runs, the newest first; --search narrows them down", _list),
    "show": ("ID", "everything known of one run, and the command that does the same", _show),
    "stop": ("ID", "saves and stops it after its present step; `resume` goes on", _request),
    "pause": ("ID", "lets it wait, in memory, until `runs continue`", _request),
    "continue": ("ID", "goes on after a pause", _request),
    "delete": ("ID", "moves it to the trash", _delete),
    "restore": ("ID", "brings it back from the trash", _restore),
    "trash": ("", "what lies in the trash", _trash),
    "empty-trash": ("", "deletes what lies in the trash for good", _empty_trash),
    "rename": ("ID NAME", "another name in lists; the id stays", _about),
    "tag": ("ID TAG...", "adds tags", _about),
    "untag": ("ID TAG...", "takes tags off", _about),
    "note": ("ID TEXT", "keeps a note; --clear removes it", _about),
    "free": ("[ID]", "deletes what only a resume needed of a finished run, without ID of all of them", _free),
    "repair": ("ID", "writes config.json and class_indices.json again, as its checkpoint has them", _repair),
    "prune": ("ID", "deletes its checkpoints but the best one; it cannot be resumed then", _prune),
}


def register(commands: Any) -> None:
    """Add the command of this module."""
    listing = add_command(commands, "runs", runs)
    actions = "; ".join(f"{name} {what}".strip() + f": {text}" for name, (what, text, _) in ACTIONS.items())
    listing.add_argument("action", nargs="?", choices=list(ACTIONS), default="list", metavar="ACTION", help=actions)
    listing.add_argument("id", nargs="?", help="the run's id or name; for show and stop also its folder")
    listing.add_argument("words", nargs="*", help="a name, tags or a note")
    listing.add_argument("--clear", action="store_true", help="for note: take the note away")
    listing.add_argument(
        "--search", default="", metavar="WORDS", help="list only runs in which each of these words occurs"
    )
