"""The project's promise on real flowers, kept by the command line alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.command_line import done, module, pictures


@pytest.mark.timeout(900)
def test_two_epochs_on_photographs_reach_half_and_predict_agrees(photographs, home, monkeypatch):
    """One to two minutes on two cores."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")  # other tests may need the same cores
    trained = module("train", "--data", photographs, "--epochs", 2, "--json", timeout_s=850)
    assert trained.returncode == 0, trained.stderr[-2000:]
    told = json.loads(trained.stdout.splitlines()[-1])
    assert (told["status"], told["epochs"]) == ("finished", 2)
    assert told["val_acc1"] >= 0.50

    few = home / "few"  # 8 photographs of each class; evaluate wants a train/ beside them
    for folder in sorted((photographs / "val").iterdir()):
        for split, count in (("train", 1), ("val", 8)):
            (few / split / folder.name).mkdir(parents=True)
            for picture in sorted(folder.glob("*.jpg"))[:count]:
                shutil.copy(picture, few / split / folder.name)
    evaluated = done("evaluate", told["run"], "--data", few, "--json").json
    predicted = done("predict", told["run"], *pictures(few), "--json").json["predictions"]
    right = [each["top"][0]["class"] == Path(each["file"]).parent.name for each in predicted]
    assert (len(right), evaluated["images"]) == (40, 40)
    assert sum(right) / 40 == pytest.approx(evaluated["acc1"])
