"""The exported project trains the run's own weights, bit by bit, whatever the run had switched on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from alexcore.analysis.prediction import Classifier
from alexcore.augment.presets import training_operations
from alexcore.config import FIELDS, PRESETS, make_config
from alexcore.data.decoding.images import read_picture
from alexcore.data.lists.manifest import write_manifest
from alexcore.data.pack import pack
from alexcore.errors import ConfigError
from alexcore.export.formats import Wish
from alexcore.export.project import make_project
from alexcore.export.project_code import CARRIED, NotCarriedError, require_carried
from alexcore.export.source import Source, load_trained
from alexcore.export.write import write_export
from alexcore.runs.store import create_run
from alexcore.training.loop import fit
from tests.support.exported import modules, source_of, unpacked_project
from tests.support.interrupted_runs import Watcher, at_step, straight
from tests.support.run_folders import tiny_config
from tests.support.small_trees import open_folder
from tests.support.striped_pictures import write_pictures

# A machine of few cores warns of loader processes; newer Pythons warn of a fork beside torch's threads.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:This process .* is multi-threaded"),
]

# What one run may have switched on, and what it may not have at the same time lies in different rows.
GRID: dict[str, dict[str, Any]] = {
    "plain": {"norm": "none", "optimizer": "sgd", "scheduler": "constant", "init": "kaiming", "lr": 0.01},
    "default, growing": {"image_size": 96, "start_size": 64, "epochs": 3, "num_workers": 2},
    "weighted": {
        "class_weights": "inverse",
        "label_smoothing": 0.1,
        "grad_clip": 0.5,
        "accumulation_steps": 3,
        "norm": "group",
        "scheduler": "onecycle",
        "warmup_steps": 3,
        "checkpoint_every_epochs": 2,
        "checkpoint_every_minutes": 0,
    },
    "effective": {
        "class_weights": "effective",
        "scheduler": "exponential",
        "warmup_steps": 2,
        "optimizer": "adam",
        "augment": "trivial-augment",
        "early_stopping": 1,
        "epochs": 3,
        "init": "torch",
    },
    "typed": {
        "class_weights": "1,2,0",
        "num_workers": 2,
        "accumulation_steps": 2,
        "augment": "strong",
        "scheduler": "multistep",
        "lr_milestones": "1",
        "init": "xavier",
        "activation": "tanh",
    },
    "measured": {
        "normalize": "data",
        "augment": "rand-augment",
        "variant": "torchvision",
        "optimizer": "sgd",
        "nesterov": True,
        "scheduler": "step",
        "lr_step_epochs": 1,
        "cudnn_benchmark": False,
    },
    "crop, growing": {
        "image_size": 96,
        "start_size": 64,
        "epochs": 3,
        "augment": [
            {"op": "Resize", "size": 110},
            {"op": "RandomCrop", "size": [96, 96], "padding": 12},
            {"op": "GaussianBlur", "kernel_size": 3, "sigma": [0.1, 1.0]},
            {"op": "ToTensor"},
        ],
    },
    "a limit of steps": {"max_steps": 7, "start_size": 64, "image_size": 96, "epochs": 3},
    "half": {
        "precision": "bf16",
        "dropout": 0.0,
        "activation": "sigmoid",
        "augment": "imagenet",
        "variant": "2012",
        "image_size": 80,
        "warmup_steps": 2,
    },
}
# Off by default, and more than a project has lines for.
NOT_CARRIED: dict[str, Any] = {
    "ema_decay": 0.9,
    "decay_all": True,
    "ignore_index": 1,
    "time_budget_s": 60.0,
    "processes": 2,
    "sync_batchnorm": True,
    "deterministic": True,
    "channels_last": False,
    "compile": True,
    "freeze_features": True,
}


def same_weights(ours: Path, theirs: Path) -> bool:
    """Whether two checkpoints hold the same bits: weights, optimizer, generator."""
    one, other = (torch.load(path, weights_only=True) for path in (ours, theirs))
    assert one["position"]["step"] == other["position"]["step"] > 0
    weights = all(torch.equal(value, other["model"][name]) for name, value in one["model"].items())
    moments = [
        torch.equal(value, other["optimizer"]["state"][number][name])
        for number, state in one["optimizer"]["state"].items()
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
    ]
    return weights and all(moments) and torch.equal(one["rng"]["torch"], other["rng"]["torch"])


class _CutShort(Exception):
    """Stands for a power cut."""


@pytest.mark.parametrize("name", GRID)
def test_the_project_trains_resumes_and_predicts_as_the_run(stripes, tmp_path, name):
    config = tiny_config(stripes, **{"seed": 3, "width": 0.1, **GRID[name]})
    run, watcher = straight(config)
    project = unpacked_project(source_of(run, config, watcher), tmp_path)
    rules = ["--isolated", "--select", "E,F,W,B", "--ignore", "B905", "--line-length", "120"]
    linted = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *rules, *sorted(project.glob("*.py"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout  # no import and no name that this run does not use
    assert "alexcore" not in "".join(file.read_text() for file in project.glob("*.py"))
    theirs, ours = run / "checkpoints" / "last.pt", project / "checkpoints" / "last.pt"
    with modules(project, "train", "predict") as (train, predict):
        # With a cut between the last step of an epoch and its validation, after which it goes on from its checkpoint.
        evaluate, calls = train.evaluate, []

        def cut(net: Any, loader: Any) -> Any:
            calls.append(1)
            if len(calls) == 2:
                raise _CutShort
            return evaluate(net, loader)

        train.evaluate = cut
        with pytest.raises(_CutShort):
            train.main()
        train.evaluate = evaluate
        train.main(resume="checkpoints/last.pt")
        assert same_weights(theirs, ours)
        best = torch.load(project / "checkpoints" / "best.pt", weights_only=True)
        assert best["position"]["step"] == torch.load(run / "checkpoints" / "best.pt")["position"]["step"]
        # The run's checkpoint predicts, bit by bit.
        files = sorted(stripes.glob("val/*/*.jpg"))[::3]
        net, classes = predict.load(str(theirs))
        classifier = Classifier(theirs)
        assert tuple(classes) == classifier.classes
        answers = classifier.probabilities([read_picture(file).image for file in files])
        assert torch.equal(predict.predict(net, files), answers)


def test_a_stopped_run_goes_on_in_the_project(stripes, tmp_path):
    """From the run's own checkpoint, in the middle of an epoch and in the middle of its random numbers."""
    config = tiny_config(stripes, seed=3, width=0.1, augment="strong", accumulation_steps=2)
    run, watcher = straight(config)
    project = unpacked_project(source_of(run, config, watcher), tmp_path)
    half = create_run(config)
    assert fit(config, half, Watcher(at_step(4))) == "stopped"
    with modules(project, "train") as (train,):
        train.main(resume=str(half / "checkpoints" / "last.pt"))
    assert same_weights(run / "checkpoints" / "last.pt", project / "checkpoints" / "last.pt")


def test_its_commands_work_alone(warm, stripes, tmp_path):
    """The three files as processes that cannot see this package, with loader processes of their own."""
    config = tiny_config(stripes, num_workers=2, epochs=1, width=0.1)
    run, watcher = straight(config)
    project = unpacked_project(source_of(run, config, watcher, "best.pt"), tmp_path)

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def python(*arguments: object) -> str:
        log = tmp_path / f"{time.monotonic_ns()}.log"
        assert warm.start(arguments, log, environment, project).wait(200) == 0, log.read_text()
        return log.read_text()

    picture = next(stripes.glob("val/wide/*.jpg"))
    before = python("predict.py", picture)  # with the run's own weights
    assert python("train.py", "--data", stripes).startswith("epoch 1: train loss ")
    assert same_weights(run / "checkpoints" / "last.pt", project / "checkpoints" / "last.pt")
    assert python("predict.py", picture) == before  # with its own best epoch
    (top,) = Classifier(run / "checkpoints" / "best.pt").classify([read_picture(picture).image], 1)[0]
    assert before.startswith(f"{picture}: {top.name} {top.probability:.1%}")


def trained_as_the_run(config: Any, folder: Path) -> tuple[Source, Path]:
    run, watcher = straight(config)
    source = source_of(run, config, watcher)
    project = unpacked_project(source, folder)
    with modules(project, "train") as (train,):
        train.main()
    assert same_weights(run / "checkpoints" / "last.pt", project / "checkpoints" / "last.pt")
    return source, project


def test_a_manifest_becomes_a_list_of_pictures(stripes, tmp_path):
    manifest = tmp_path / "two.csv"
    index = open_folder(stripes)
    kept = index.files[index.files["label"] != 1]
    write_manifest(replace(index, files=kept), manifest)
    config = tiny_config(manifest, epochs=1, untrained="drop")
    _, project = trained_as_the_run(config, tmp_path / "out")
    assert "class ListedPictures(Dataset)" in (project / "train.py").read_text()
    assert "ImageFolder" not in (project / "train.py").read_text()
    assert (project / "pictures.csv").read_text().splitlines()[0] == "path,label,split"


def test_class_folders_whose_split_was_drawn_become_a_list(tmp_path):
    data = write_pictures(tmp_path / "flat", ("a", "b"), {".": 10})
    _, project = trained_as_the_run(tiny_config(data, epochs=1, batch_size=4), tmp_path / "out")
    rows = (project / "pictures.csv").read_text().splitlines()[1:]
    assert sum(row.endswith(",val") for row in rows) == 4


def test_a_damaged_picture_is_left_out_of_the_list(stripes, tmp_path):
    data = shutil.copytree(stripes, tmp_path / "damaged")
    next(data.glob("train/level/*.jpg")).write_bytes(b"no picture")
    _, project = trained_as_the_run(tiny_config(data, epochs=1), tmp_path / "out")
    assert len((project / "pictures.csv").read_text().splitlines()) == 1 + 35 + 12


def test_pictures_of_every_kind_are_read_alike(tmp_path):
    """Turned, transparent, 16 bits, grey, a palette: the policy of one picture goes along."""
    data = write_pictures(tmp_path / "kinds", ("a", "b"), {"train": 6, "val": 2})
    folder = data / "train" / "a"
    picture = Image.open(folder / "a_000.jpg")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    picture.crop((0, 0, 72, 40)).save(folder / "turned.jpg", exif=exif)
    picture.convert("RGBA").rotate(30).save(folder / "transparent.png")
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(folder / "sixteen.png")
    picture.convert("P").save(folder / "palette.png")
    picture.convert("CMYK").save(folder / "cmyk.tif")
    Image.fromarray(np.asarray(picture.convert("L"), dtype=np.float32)).save(folder / "floats.tif")
    trained_as_the_run(tiny_config(data, epochs=1, batch_size=5), tmp_path / "out")


def test_a_run_that_started_from_another_begins_with_its_weights(stripes, tmp_path):
    first, _ = straight(tiny_config(stripes, epochs=1))
    one, project = trained_as_the_run(tiny_config(stripes, epochs=1, start_from=str(first), seed=1), tmp_path / "one")
    assert (project / "start.pt").is_file()
    # Other classes: a new last layer.
    two = write_pictures(tmp_path / "two", ("a", "b"), {"train": 8, "val": 2})
    config = tiny_config(two, epochs=1, start_from=str(first), seed=1, init="torch")
    _, project = trained_as_the_run(config, tmp_path / "other")
    assert not [name for name in torch.load(project / "start.pt") if name.startswith("classifier.6")]
    shutil.rmtree(first)
    with pytest.raises(ConfigError, match="is no run with a checkpoint"):
        make_project(one, load_trained(one))


def test_a_data_set_that_is_gone_or_sharded_is_told(stripes, tmp_path):
    data = shutil.copytree(stripes, tmp_path / "gone")
    config = tiny_config(data, epochs=1)
    run, watcher = straight(config)
    shutil.rmtree(data)
    project = make_project(source_of(run, config, watcher), load_trained(source_of(run, config, watcher)))
    assert project.notes[0].startswith("The run's data set could not be opened when this was exported")
    assert "could not be opened" in project.files["README.md"].decode()
    config = tiny_config(pack(open_folder(stripes), tmp_path / "shards", 10), epochs=1)
    run, watcher = straight(config)
    project = make_project(source_of(run, config, watcher), load_trained(source_of(run, config, watcher)))
    assert project.notes[0].startswith("The run read its pictures from tar shards")


def test_names_cannot_become_code(tmp_path):
    data = write_pictures(tmp_path / "a \"quoted\" 'folder'", ('x"""\nimport os', "b"), {"train": 6, "val": 2})
    config = tiny_config(data, epochs=1)
    run = create_run(config, tmp_path / 'run """ {{ config }} #')
    watcher = Watcher()
    assert fit(config, run, watcher) == "finished"
    project = unpacked_project(source_of(run, config, watcher), tmp_path / "out")
    assert project.name == "run_config_"
    with modules(project, "train", "predict") as (train, predict):
        assert str(data) == train.DATA
        train.main()
        assert 'x"""\nimport os' in predict.load("weights.pt")[1]


@pytest.mark.parametrize("name", [*PRESETS, *(f"growing {name}" for name in PRESETS)])
def test_every_preset_can_become_a_project(name):
    config = make_config(name.removeprefix("growing "), **({"start_size": 64} if "growing" in name else {}))
    require_carried(config, training_operations(config.augment, config.image_size), "bfloat16")


def test_a_setting_is_carried_or_refused(stripes):
    """A new field of TrainConfig needs its lines in the templates, then its name in CARRIED."""
    assert set(FIELDS) == CARRIED | set(NOT_CARRIED)
    config = tiny_config(stripes)
    for name, value in NOT_CARRIED.items():
        with pytest.raises(NotCarriedError, match=f"cannot carry {name} = {value!r}: its train.py has only"):
            require_carried(config.model_copy(update={name: value}), [], "float32")
    plateau = config.model_copy(update={"scheduler": "plateau"})
    with pytest.raises(NotCarriedError, match="scheduler = 'plateau', MixUp in augment, precision = 'fp32', which was"):
        require_carried(plateau, [{"op": "MixUp"}], "float16")


@pytest.mark.parametrize("form", ["project", "notebook"])
def test_a_run_that_is_refused_leaves_no_file(stripes, tmp_path, form):
    config = tiny_config(stripes, epochs=1, ema_decay=0.9, decay_all=True, width=0.1)
    run, watcher = straight(config)
    target = tmp_path / "out" / "file"
    target.parent.mkdir()
    with pytest.raises(NotCarriedError, match=r"cannot carry decay_all = True, ema_decay = 0\.9") as refused:
        write_export(source_of(run, config, watcher), form, target, Wish(lambda _done, _total: None))
    assert "Export the weights" in refused.value.hint
    assert not list(target.parent.iterdir())
