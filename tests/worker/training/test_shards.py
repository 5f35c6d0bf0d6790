"""A run from packed shards, from its start to a resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from alexcore.analysis.run_evaluation import answer_pictures, report_of
from alexcore.data.pack import pack
from alexcore.runs.store import create_run
from alexcore.training.checkpoint import load_checkpoint
from alexcore.training.loop import fit
from tests.support.interrupted_runs import Watcher, assert_same_state, at_step
from tests.support.run_folders import tiny_config
from tests.support.small_trees import open_folder

# A machine of few cores warns of loader processes; newer Pythons warn of a fork beside torch's threads.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:This process .* is multi-threaded"),
]


@pytest.fixture(scope="module")
def packed(stripes, tmp_path_factory) -> Path:
    """The stripes as four training shards (10, 10, 10, 6 pictures) and two for val."""
    return pack(open_folder(stripes), tmp_path_factory.mktemp("packed") / "out", 10)


def test_a_run_from_shards_ends_with_an_accuracy_and_resumes_to_the_bit(packed):
    def config(**values: Any) -> Any:
        return tiny_config(packed, epochs=1, augment="strong", seed=5, **values)

    results = []
    for workers in (0, 2):
        folder, watcher = create_run(config(num_workers=workers)), Watcher()
        assert fit(config(num_workers=workers), folder, watcher) == "finished"
        (epoch,) = watcher.of("epoch")
        assert 0 <= epoch["val_acc1"] <= 1
        assert (epoch["step"], sum(map(sum, epoch["confusion"]))) == (5, 12)
        assert watcher.of("start")[0]["classes"] == ["fine", "level", "wide"]
        results.append(folder / "checkpoints" / "last.pt")
        resumed = create_run(config(num_workers=workers))
        assert fit(config(num_workers=workers), resumed, Watcher(at_step(2))) == "stopped"
        assert fit(config(num_workers=workers), resumed, Watcher(), resume=True) == "finished"
        results.append(resumed / "checkpoints" / "last.pt")
    models = [load_checkpoint(each)["model"] for each in results]
    assert_same_state(models[0], models[1], "model")
    assert_same_state(models[2], models[3], "model")
    assert any(not torch.equal(models[0][key], models[2][key]) for key in models[0]), "the comparison can fail"
    report = report_of(answer_pictures(results[-1]))
    assert (report["images"], report["classes"]) == (12, ["fine", "level", "wide"])
    assert report["acc1"] == pytest.approx(epoch["val_acc1"])
