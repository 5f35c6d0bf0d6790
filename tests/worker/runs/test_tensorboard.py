"""What TensorBoard shows of a run that was interrupted: one line, as the straight run has it, without zig-zag."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from alexcore.config import TrainConfig
from alexcore.runs.store import create_run
from alexcore.runs.tensorboard import ScalarWriter
from alexcore.runs.worker import execute
from alexcore.training import run_parts
from alexcore.training.step import StepResult
from tests.support.run_folders import tiny_config

# tensorboard's reader still uses names that its libraries have deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TAGS = ("train/loss_step", "train/acc1_step", "train/lr", "train/grad_norm", "train/loss", "val/loss", "val/acc1")


def lines(run: Path) -> dict[str, list[tuple[int, float]]]:
    """Every scalar as TensorBoard shows it: (step, value), in the order in which the points are joined."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shown = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    return {tag: [(each.step, each.value) for each in shown.Scalars(tag)] for tag in TAGS}


@pytest.fixture(scope="module")
def config(stripes: Path) -> TrainConfig:
    return tiny_config(stripes, epochs=3, seed=4)


@pytest.fixture(scope="module")
def straight(config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[int, float]]]:
    home = tmp_path_factory.mktemp("straight")
    patch = pytest.MonkeyPatch()
    patch.setenv("ALEXCORE_HOME", str(home))
    run = create_run(config)
    assert execute(run) == "finished"
    patch.undo()
    return lines(run)


class _KilledError(BaseException):
    """Ends a run as a kill does: nothing is saved."""


def kill_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    train_step, made = run_parts.train_step, []

    def step(*parts: object, **more: object) -> StepResult:
        if len(made) == steps:
            raise _KilledError
        made.append(1)
        return train_step(*parts, **more)

    monkeypatch.setattr(run_parts, "train_step", step)


@pytest.mark.parametrize("kills", [(8,), (12, 3), (6, 1, 1, 7)])
def test_a_run_killed_beyond_its_checkpoint_has_one_line(config, straight, monkeypatch, kills):
    """Each kill comes some steps after the checkpoint of an epoch's end (5 steps): those are drawn a second time."""
    run = create_run(config)
    for steps in kills:
        with monkeypatch.context() as patch:
            kill_after(patch, steps)
            with pytest.raises(_KilledError):
                execute(run)
    assert execute(run) == "finished"
    assert len(list((run / "tensorboard").iterdir())) == len(kills) + 1
    found = lines(run)
    for tag in TAGS:
        assert [step for step, _ in found[tag]] == sorted({step for step, _ in found[tag]}), f"{tag} goes back"
    assert found == straight


def test_a_writer_of_the_same_second_goes_on_in_order(tmp_path):
    """Two processes may start within one second, as in a short run that is stopped and resumed at once."""
    (tmp_path / "run").mkdir()
    folder = tmp_path / "run" / "tensorboard"
    first = ScalarWriter(folder)
    for step in (1, 2, 3):
        first.write("step", {"step": step, "loss": float(step)})
    first.close()
    (one,) = folder.iterdir()
    # The other process has a smaller number, so that by its name alone its file would come first.
    one.rename(one.with_name(one.name.rsplit(".", 1)[0] + ".9999999"))
    second = ScalarWriter(folder)
    second.write("resume", {"step": 1})
    for step in (2, 3, 4):
        second.write("step", {"step": step, "loss": 10.0 + step})
    second.close()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shown = EventAccumulator(str(folder)).Reload().Scalars("train/loss_step")
    assert [(each.step, each.value) for each in shown] == [(1, 1.0), (2, 12.0), (3, 13.0), (4, 14.0)]
    shutil.rmtree(tmp_path / "run")
