"""The exported project trains the run's own weights, bit by bit, whatever the run had switched on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from alexcore.analysis.prediction import Classifier
from alexcore.config import FIELDS
from alexcore.data.folder import open_folder
from alexcore.data.images import read_picture
from alexcore.data.manifest import write_manifest
from alexcore.data.pack import pack
from alexcore.errors import ConfigError
from alexcore.export import project as project_module
from alexcore.export.project import make_project
from alexcore.export.source import Source, load_trained
from alexcore.runs.store import create_run
from alexcore.training.loop import fit
from tests.support.augment_pipelines import PIPELINE
from tests.support.exported import modules, source_of, unpacked_project
from tests.support.interrupted_runs import Watcher, at_step, straight
from tests.support.run_folders import tiny_config
from tests.support.striped_pictures import write_pictures

# A machine of few cores warns of loader processes; newer Pythons warn of a fork beside torch's threads.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:This process .* is multi-threaded"),
]

# What one run may have switched on, and what it may not have at the same time lies in different rows.
GRID: dict[str, dict[str, Any]] = {
    "plain": {"norm": "none", "optimizer": "sgd", "scheduler": "constant", "init": "kaiming", "lr": 0.01},
    "default": {},
    "two-processes": {"num_workers": 2, "norm": "none", "init": "torch", "scheduler": "step", "lr_step_epochs": 1},
    "batch-two-processes": {"num_workers": 2, "accumulation_steps": 2, "warmup_steps": 2, "augment": "strong"},
    "weighted": {
        "class_weights": "inverse",
        "label_smoothing": 0.1,
        "grad_clip": 0.5,
        "accumulation_steps": 3,
        "norm": "group",
        "scheduler": "onecycle",
        "warmup_steps": 3,
        "channels_last": False,
        "decay_all": True,
    },
    "average": {
        "ema_decay": 0.9,
        "class_weights": "effective",
        "scheduler": "exponential",
        "warmup_steps": 2,
        "optimizer": "adam",
        "augment": "trivial-augment",
        "early_stopping": 1,
        "epochs": 3,
    },
    "mixed": {
        "augment": PIPELINE,
        "accumulation_steps": 2,
        "class_weights": "1,2,0.5",
        "scheduler": "multistep",
        "lr_milestones": "1",
        "init": "xavier",
        "activation": "tanh",
    },
    "mixed-ignoring": {"augment": PIPELINE[:-1], "ignore_index": 1, "optimizer": "sgd", "nesterov": True},
    "ignoring": {"ignore_index": 2, "accumulation_steps": 2, "class_weights": "3,1,1"},
    "measured": {
        "normalize": "data",
        "augment": "rand-augment",
        "max_steps": 7,
        "variant": "torchvision",
        "deterministic": True,
        "cudnn_benchmark": False,
    },
    "plateau": {
        "scheduler": "plateau",
        "plateau_patience": 0,
        "epochs": 4,
        "checkpoint_every_epochs": 2,
        "checkpoint_every_minutes": 0,
        "variant": "2012",
        "norm": "none",
        "image_size": 80,
        "lr": 0.02,
    },
    "growing": {"image_size": 96, "start_size": 64, "epochs": 3, "num_workers": 2, "norm": "none"},
    "growing-cut": {"image_size": 96, "start_size": 64, "epochs": 9, "max_steps": 7, "norm": "none"},
    "growing-crop": {
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
    "half": {"precision": "bf16", "dropout": 0.0, "activation": "sigmoid", "augment": "imagenet"},
}


def same_weights(ours: Path, theirs: Path) -> bool:
    """Whether two checkpoints hold the same bits: weights, optimizer, and what an average has beside it."""
    one, other = (torch.load(path, weights_only=True) for path in (ours, theirs))
    assert one["position"]["step"] == other["position"]["step"] > 0
    states = [("model",), ("trained",)] if "trained" in one else [("model",)]
    weights = all(torch.equal(one[key][name], other[key][name]) for (key,) in states for name in one[key])
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
    config = tiny_config(stripes, **{"seed": 3, **GRID[name]})
    run, watcher = straight(config)
    project = unpacked_project(source_of(run, config, watcher), tmp_path)
    linted = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--select",
            "E,F,W,B",
            "--ignore",
            "B905",
            "--line-length",
            "120",
            *sorted(project.glob("*.py")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout  # no import and no name that this run does not use
    assert "alexcore" not in "".join(file.read_text() for file in project.glob("*.py"))
    theirs = run / "checkpoints" / "last.pt"
    with modules(project, "train", "predict") as (train, predict):
        # From beginning to end.
        train.main()
        assert same_weights(theirs, project / "checkpoints" / "last.pt")
        best = torch.load(project / "checkpoints" / "best.pt", weights_only=True)
        assert best["position"]["step"] == torch.load(run / "checkpoints" / "best.pt")["position"]["step"]
        # Its own checkpoint, after a cut between the last step and the last validation.
        shutil.rmtree(project / "checkpoints")
        evaluate, calls = train.evaluate, []

        def cut(net: Any, loader: Any) -> Any:
            calls.append(1)
            if len(calls) == 2 + (config.checkpoint_every_epochs > 1):
                raise _CutShort
            return evaluate(net, loader)

        train.evaluate = cut
        with pytest.raises(_CutShort):
            train.main()
        train.evaluate = evaluate
        train.main(resume="checkpoints/last.pt")
        assert same_weights(theirs, project / "checkpoints" / "last.pt")
        # The run's own checkpoint from the middle of an epoch.
        half = create_run(config)
        assert fit(config, half, Watcher(at_step(min(3, config.max_steps or 3)))) == "stopped"
        train.main(resume=str(half / "checkpoints" / "last.pt"))
        assert same_weights(theirs, project / "checkpoints" / "last.pt")
        # The run's checkpoint predicts, bit by bit.
        files = sorted(stripes.glob("val/*/*.jpg"))[::3]
        net, classes = predict.load(str(theirs))
        ours = Classifier(theirs)
        assert tuple(classes) == ours.classes
        answers = ours.probabilities([read_picture(file).image for file in files])
        assert torch.equal(predict.predict(net, files), answers)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_its_commands_work_alone(warm, stripes, tmp_path, norm, workers):
    """The three files as processes that cannot see this package."""
    config = tiny_config(stripes, norm=norm, num_workers=workers, epochs=1)
    run, watcher = straight(config)
    project = unpacked_project(source_of(run, config, watcher, "best.pt"), tmp_path)

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def python(*arguments: object) -> str:
        log = tmp_path / f"{time.monotonic_ns()}.log"
        assert warm.start(arguments, log, environment, project).wait(200) == 0, log.read_text()
        return log.read_text()

    picture = next(stripes.glob("val/wide/*.jpg"))
    before = python("predict.py", picture)  # with the run's own weights
    assert python("train.py").startswith("epoch 1: train loss ")
    assert same_weights(run / "checkpoints" / "last.pt", project / "checkpoints" / "last.pt")
    if workers:
        return
    # Nothing is left to do, so a resume ends at once; and its own best epoch predicts as the run's.
    assert python("train.py", "--data", stripes, "--resume", "checkpoints/last.pt") == ""
    assert python("predict.py", picture) == before
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
    _, project = trained_as_the_run(tiny_config(manifest, epochs=1), tmp_path / "out")
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
    # Other classes: a new last layer, and frozen convolutions.
    two = write_pictures(tmp_path / "two", ("a", "b"), {"train": 8, "val": 2})
    config = tiny_config(two, epochs=1, start_from=str(first), seed=1, freeze_features=True, init="torch")
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


def test_a_time_budget_becomes_a_number_of_steps(stripes, tmp_path):
    config = tiny_config(stripes, time_budget_s=1.5)
    run, watcher = straight(config)
    project = make_project(source_of(run, config, watcher), load_trained(source_of(run, config, watcher)))
    code = project.files["train.py"].decode()
    assert f"MAX_STEPS = {watcher.step}  # what fitted into the run's time budget of 1.5 s" in code
    assert "EPOCHS" not in code
    assert project.notes[0].startswith("The run had a time budget")


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


def test_compiled_and_half_precision_branches_are_python(stripes, tmp_path):
    """What this machine cannot run, a GPU's GradScaler and torch.compile, is at least whole."""
    config = tiny_config(stripes, epochs=1)
    run, watcher = straight(config)
    source = source_of(run, config, watcher)
    trained = load_trained(source)
    rich = config.model_copy(
        update={
            "compile": True,
            "accumulation_steps": 2,
            "grad_clip": 1.0,
            "ema_decay": 0.9,
            "start_from": "imagenet",
            "variant": "torchvision",
            "norm": "none",
        }
    )
    told = copy(source.history)
    told.start = {**source.start, "precision": "float16"}
    project = make_project(replace(source, config=rich, history=told), trained)
    code = project.files["train.py"].decode()
    compile(code, "train.py", "exec")
    for line in (
        "scaler.scale(loss).backward()",
        "scaler.update()",
        "trained = torch.compile(net)",
        "dtype=torch.float16",
        "AlexNet_Weights.IMAGENET1K_V1",
    ):
        assert line in code


def test_no_setting_is_left_out_in_silence(stripes, tmp_path, monkeypatch):
    """A new field of TrainConfig needs its lines in the templates, then its name in KNOWN."""
    assert set(FIELDS) <= project_module.KNOWN
    config = tiny_config(stripes, epochs=1, grad_clip=1.0)
    run, watcher = straight(config)
    source = source_of(run, config, watcher)
    monkeypatch.setattr(project_module, "KNOWN", project_module.KNOWN - {"grad_clip", "ema_decay"})
    made = make_project(source, load_trained(source))
    note = "The project does not know what to make of grad_clip = 1.0: it trains as if left alone."
    assert made.notes == [note]
    assert note in made.files["README.md"].decode()


def test_several_processes_become_micro_batches(stripes, tmp_path):
    config = tiny_config(stripes, epochs=1, accumulation_steps=2)
    run, watcher = straight(config)
    source = source_of(run, config, watcher)
    together = replace(source, config=config.model_copy(update={"processes": 3}))
    made = make_project(together, load_trained(source))
    assert "ACCUMULATION_STEPS = 6 " in made.files["train.py"].decode()
    assert made.notes[0].startswith("The run trained in 3 processes.")
