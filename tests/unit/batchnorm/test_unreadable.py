"""A picture that breaks in the midst of an experiment: the other pictures go on in all arms, and its rule stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from alexcore.batchnorm.measure import experiment_parts
from alexcore.batchnorm.measure.arms import Arm
from alexcore.batchnorm.measure.batches import open_seeds
from alexcore.batchnorm.measure.experiment import run_experiment
from alexcore.batchnorm.settings import create_experiment
from alexcore.errors import DataError
from alexcore.files import read_json
from tests.support.bn_trainings import Ask, Watcher, at_step, described
from tests.support.striped_pictures import write_pictures


def experiment(data: Path, **values: Any) -> tuple[Any, Any]:
    few = {"steps": 5, "seeds": 1, "probe_every": 100, "eval_every": 100, "batch_size": 6, "arms": "none,batch"}
    return described(data, **{**few, **values})


def breaking(*files: Path) -> Ask:
    """Asks for nothing; breaks files of the validation before the first one, those of training after a step."""

    def ask(watcher: Watcher) -> str:
        if watcher.phase == "reading-probe-pictures":
            for file in files:
                if "val" in file.parts:
                    file.write_bytes(b"nothing")
        if watcher.phase == "training" and watcher.step >= 1:
            for file in files:
                file.write_bytes(b"nothing")
        return ""

    return ask


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "set", ("fine", "level"), {"train": 6, "val": 3})


def test_all_arms_go_on_without_what_broke_and_it_is_named(pictures, monkeypatch):
    """In batches of two each of them leaves one alone: no arm takes it, also the one that could."""
    seen: dict[str, list[int]] = {}
    step = Arm.step

    def counted(arm: Arm, window: Any, *rest: Any) -> Any:
        seen.setdefault(arm.norm, []).append(sum(len(labels) for _, labels in window))
        return step(arm, window, *rest)

    monkeypatch.setattr(Arm, "step", counted)
    config, bn = experiment(pictures, unreadable_limit=0.4, batch_size=2, steps=8)
    lost = [pictures / "train" / "fine" / f"fine_00{number}.jpg" for number in range(3)]
    watcher = Watcher(breaking(*lost, pictures / "val" / "level" / "level_001.jpg"))
    folder = create_experiment(config, bn)
    assert run_experiment(config, bn, folder, watcher) == "finished"
    assert seen["none"] == seen["batch"]
    assert 1 not in seen["none"]
    assert 2 * len(seen["none"]) == sum(seen["none"]) < 2 * 8
    told = [each for each in watcher.of("warning") if each["code"] == "run.pictures-skipped"]
    assert told[-1]["values"]["count"] == 4
    assert told[-1]["values"]["total"] == 18
    assert len(watcher.of("arm_eval")) == 4


def test_above_the_limit_it_saves_and_says_why(pictures):
    config, bn = experiment(pictures)
    lost = [pictures / "train" / "level" / f"level_00{number}.jpg" for number in range(3)]
    folder = create_experiment(config, bn)
    with pytest.raises(DataError, match="can no longer be read, and the limit is 1") as caught:
        run_experiment(config, bn, folder, Watcher(breaking(*lost)))
    assert caught.value.code == "run.too-many-unreadable"
    assert (folder / "checkpoints" / "experiment.pt").is_file()


def test_a_resume_keeps_the_rule_of_intensities(tmp_path, monkeypatch):
    """Brighter pictures came in between: the arms have learned from pictures of the old window."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 2)):
        for name in ("dark", "light"):
            folder = tmp_path / "set" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                values = generator.integers(0, 4096, (48, 48), dtype=np.uint16)
                Image.fromarray(values).save(folder / f"{number}.png")
    config, bn = experiment(tmp_path / "set", steps=2)
    folder = create_experiment(config, bn)
    assert run_experiment(config, bn, folder, Watcher(at_step(1))) == "stopped"
    kept = read_json(folder / "env.json")["rendering"]
    assert kept["windows"] == [["16-bit", 0.0, 4095.0]]
    opened = []

    def opening(*arguments: Any, **more: Any) -> Any:
        opened.append(open_seeds(*arguments, **more))
        return opened[-1]

    monkeypatch.setattr(experiment_parts, "open_seeds", opening)
    for file in (tmp_path / "set" / "train").rglob("*.png"):
        Image.fromarray(generator.integers(0, 65536, (48, 48), dtype=np.uint16)).save(file)
    assert run_experiment(config, bn, folder, Watcher(), resume=True) == "finished"
    ((data,),) = (each.values() for each in opened)
    assert data.index.rendering.as_dict() == kept
    assert read_json(folder / "env.json")["rendering"] == kept
