"""Several processes that train one network: the same losses as one, exact resumes, and what a lost process does."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from alexcore.config import TrainConfig, load_config, make_config
from alexcore.errors import AlexError, ConfigError, ProcessLostError
from alexcore.files import read_json, write_json
from alexcore.process import is_alive
from alexcore.runs import group as groups
from alexcore.runs import launcher
from alexcore.runs.events import read_events
from alexcore.runs.status import read_status
from alexcore.runs.store import create_run, read_run
from alexcore.training import distributed
from alexcore.training.checkpoint import load_checkpoint
from alexcore.training.distributed import ALONE, require_group
from alexcore.training.evaluation import Evaluation, Mistake, combined
from alexcore.training.loader import EpochBatches
from alexcore.training.loop import fit
from alexcore.training.plan import make_plan
from tests.support.command_line import refused
from tests.support.interrupted_runs import Watcher
from tests.support.repository import REPOSITORY
from tests.support.run_folders import tiny_config
from tests.support.striped_pictures import write_pictures
from tests.support.warm_process import Started, WarmProcess
from tests.support.watched_runs import PATIENCE_S, events, step, wait_for, wait_until

# Starting processes, and watching them -----------------------------------------------------------------------------


def torchrun(warm: WarmProcess, processes: int, *arguments: object, restarts: int = 0, home: Path) -> Started:
    """Start what a person would type; its output goes to a file beside the home."""
    command = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={processes}",
        f"--max-restarts={restarts}",
        "--monitor-interval=0.2",
        *map(str, arguments),
    ]
    environment = {
        **os.environ,
        **groups.group_environment(processes),
        "ALEXCORE_HOME": str(home),
    }
    return warm.start(command, home / "torchrun.log", environment)


def log_of(home: Path) -> str:
    return (home / "torchrun.log").read_text(errors="replace")[-3000:]


def trained(
    warm: WarmProcess, processes: int, scenarios: list[dict[str, Any]], home: Path
) -> list[tuple[Path, list[dict[str, Any]]]]:
    """Train each configuration in the same group; returns each run's folder and what its reporter heard."""
    file = home / "scenarios.json"
    file.write_text(json.dumps(scenarios))
    done = torchrun(warm, processes, "-m", "tests.support.ranks", file, home / "out", home=home)
    assert done.wait(PATIENCE_S) == 0, log_of(home)
    folders = [home / "out" / str(number) for number in range(len(scenarios))]
    return [(folder, json.loads((folder / "heard.json").read_text())) for folder in folders]


def alone(config: TrainConfig, folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """Train in this process."""
    watcher = Watcher()
    assert fit(config, create_run(config, folder), watcher) == "finished"
    return folder, watcher.events


def of(heard: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in heard if event["type"] == kind]


def model(folder: Path, name: str = "last.pt") -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_checkpoint(folder / "checkpoints" / name)["model"]
    return found


def assert_same_weights(ours: Path, theirs: Path) -> None:
    first, second = model(ours), model(theirs)
    assert list(first) == list(second)
    for key in first:
        assert torch.equal(first[key], second[key]), key


def process_of(run: Path, rank: int) -> psutil.Process:
    """A process of a run that is active: the first one is that which writes the status."""
    raw = read_json(run / "status.json") or {}
    return next(each for each in psutil.Process(raw["agent_pid"]).children() if (each.pid != raw["pid"]) == bool(rank))


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> Path:
    """39 training pictures and 15 for validation: no number of processes shares them equally."""
    return write_pictures(tmp_path_factory.mktemp("odd"), ("fine", "level", "wide"), {"train": 13, "val": 5})


# The same losses as one process ------------------------------------------------------------------------------------

PLAIN: dict[str, Any] = {"norm": "none", "init": "kaiming", "dropout": 0.0, "epochs": 2, "lr": 2e-3}
# Each in 2 processes, against one with twice the batch.
SAME: dict[str, dict[str, Any]] = {
    "plain": {},
    "weights, accumulation, a short last window": {
        "batch_size": 3,
        "accumulation_steps": 2,
        "class_weights": "1,2,5",
        "label_smoothing": 0.1,
        "epochs": 3,
    },
    "a class that does not count": {"ignore_index": 1, "class_weights": "inverse", "batch_size": 5},
    "a rank without a picture in the last batch": {"batch_size": 19, "epochs": 3},
    "group norm, clipping, average, plateau": {
        "norm": "group",
        "grad_clip": 0.5,
        "ema_decay": 0.9,
        "scheduler": "plateau",
        "plateau_patience": 0,
        "epochs": 4,
    },
    "sgd, early stopping": {"optimizer": "sgd", "momentum": 0.9, "lr": 1e-5, "early_stopping": 1, "epochs": 6},
    "bf16": {"precision": "bf16", "lr": 1e-4},
    "loader processes": {"num_workers": 1},
}
# bfloat16 has 8 bits: another order of sums shows.
CLOSE = {"bf16": 3e-2}


@pytest.fixture(scope="module")
def pairs(warm, odd, tmp_path_factory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("same")
    both = [tiny_config(odd, **{"batch_size": 4, **PLAIN, **values}, processes=2) for values in SAME.values()]
    scenarios: list[dict[str, Any]] = [{"config": config.model_dump()} for config in both]
    *found, stopped = trained(warm, 2, [*scenarios, {**scenarios[0], "stop_at": [3]}], home)
    single = [
        config.model_copy(update={"processes": 1, "batch_size": 2 * config.batch_size, "num_workers": 0})
        for config in both
    ]
    return {"stopped": stopped} | {
        name: (ours, alone(config, home / "alone" / str(number)))
        for number, (name, ours, config) in enumerate(zip(SAME, found, single, strict=True))
    }


@pytest.mark.parametrize("name", SAME)
def test_two_processes_with_half_the_batch_each_have_the_losses_of_one(pairs, name):
    (ours_at, ours), (theirs_at, theirs) = pairs[name]
    for field in ("step", "acc1", "lr"):
        if name not in CLOSE:
            assert [event[field] for event in of(ours, "step")] == [event[field] for event in of(theirs, "step")], field
    for kind, field in (("step", "loss"), ("epoch", "train_loss"), ("epoch", "val_loss")):
        expected, found = ([event[field] for event in of(heard, kind)] for heard in (theirs, ours))
        assert len(found) > 0
        # Without a norm to the letter; group norm's losses are larger here, so it is a share of them, and 20 steps at
        # that rate have let the last bits of the first grow.
        near = 5e-5 if name.startswith("group norm") else 0
        assert found == pytest.approx(expected, rel=near, abs=CLOSE.get(name, 1e-5)), field
    if name in CLOSE:
        return
    norms = [[event["grad_norm"] for event in of(heard, "step")] for heard in (ours, theirs)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-3)
    for event, other in zip(of(ours, "epoch"), of(theirs, "epoch"), strict=True):
        for field in ("train_acc1", "val_acc1", "recall", "confusion"):
            assert event[field] == other[field], field
        assert [each["path"] for each in event["worst"]] == [each["path"] for each in other["worst"]]
    for key, value in model(theirs_at).items():
        torch.testing.assert_close(model(ours_at)[key], value, rtol=0, atol=1e-4)


def test_those_runs_are_what_they_are_called(pairs, odd):
    started = {name: of(pairs[name][0][1], "start")[0] for name in SAME}
    assert all(each["processes"] == 2 for each in started.values())
    assert started["a rank without a picture in the last batch"]["last_batch"] == 1
    weighted = started["weights, accumulation, a short last window"]
    assert (weighted["micro_batches"], weighted["steps_per_epoch"]) == (7, 4)
    stopped = pairs["sgd, early stopping"][0][1]
    assert len(of(stopped, "epoch")) < 6
    assert "run.stopped-early" in [event["code"] for event in of(stopped, "warning")]
    losses = [event["train_loss"] for event in of(pairs["plain"][0][1], "epoch")]
    assert losses[-1] < losses[0]


def test_processes_count_together_what_can_no_longer_be_read(warm, odd, tmp_path):
    roots = [shutil.copytree(odd, tmp_path / name) for name in ("one", "many")]
    gone = [
        [str(root / f"train/{name}/{name}_001.jpg") for name in names]
        for root, names in zip(roots, (["fine"], ["fine", "level", "wide"]), strict=True)
    ]
    configs = [tiny_config(root, batch_size=4, epochs=3, processes=2).model_dump() for root in roots]
    one, many = trained(
        warm, 2, [{"config": config, "gone": files} for config, files in zip(configs, gone, strict=True)], tmp_path
    )
    (told,) = [event for event in of(one[1], "warning") if event["code"] == "run.pictures-skipped"]
    assert (told["values"]["count"], told["values"]["names"]) == (1, ["train/fine/fine_001.jpg"])
    assert of(one[1], "state")[0]["state"] == "finished"
    assert "pictures can no longer be read, and the limit is 1" in of(many[1], "state")[0]["state"]
    assert load_checkpoint(many[0] / "checkpoints" / "last.pt")["position"]["step"] >= 1


# Resume -----------------------------------------------------------------------------------------------------------

EVERYTHING: dict[str, Any] = {
    "norm": "batch",
    "augment": "strong",
    "dropout": 0.5,
    "ema_decay": 0.9,
    "epochs": 4,
    "batch_size": 5,
    "accumulation_steps": 2,
    "class_weights": "effective",
    "grad_clip": 1.0,
    "lr": 2e-3,
    "seed": 5,
}


def test_three_processes_resume_bit_by_bit_whoever_is_asked_to_stop(warm, odd, tmp_path):
    """Three, because the sum of three numbers depends on their order; a signal to any rank stops all of them."""
    config = tiny_config(odd, **EVERYTHING, processes=3).model_dump()
    whole, pieces, other = trained(
        warm,
        3,
        [{"config": config}, {"config": config, "stop_at": [1, 2, 5], "asked": 2}, {"config": {**config, "seed": 6}}],
        tmp_path,
    )
    states = [event["state"] for event in of(pieces[1], "state")]
    assert states == ["stopped", "stopped", "stopped", "finished"]
    assert len(of(pieces[1], "resume")) == 3
    assert_same_weights(whole[0], pieces[0])
    pick = ("loss", "acc1", "lr", "grad_norm")
    assert [[event[name] for name in pick] for event in of(pieces[1], "step")] == [
        [event[name] for name in pick] for event in of(whole[1], "step")
    ]
    with pytest.raises(AssertionError):
        assert_same_weights(whole[0], other[0])


def test_another_number_of_processes_keeps_the_pictures_of_a_step_and_says_so(pairs, tmp_path):
    """Stopped in step 3 and finished by two processes, it goes on in one."""
    folder = shutil.copytree(pairs["stopped"][0], tmp_path / "run")
    assert_same_weights(folder, pairs["plain"][0][0])
    write_json(folder / "status.json", {"state": "stopped", "epoch": 2, "step": 10, "total_steps": 10})
    changed = launcher.prepare_resume(read_run(folder), epochs=3, processes=1)
    assert (changed.processes, changed.batch_size) == (1, 8)
    watcher = Watcher()
    assert fit(changed, folder, watcher, resume=True) == "finished"
    (told,) = [event["values"] for event in of(watcher.events, "warning") if event["code"] == "run.processes-changed"]
    assert [told[name] for name in ("before", "after", "batch_before", "batch_after")] == [2, 1, 4, 8]
    assert [event["step"] for event in of(watcher.events, "epoch")] == [15]


@pytest.mark.parametrize(
    ("processes", "message"),
    [(3, r"3 processes cannot share the 8 pictures of each step of this run equally\. Choose 1, 2, 4 or 8 processes")],
)
def test_a_number_of_processes_that_does_not_fit_is_refused(odd, processes, message, home):
    folder = create_run(tiny_config(odd, batch_size=4, processes=2))
    (folder / "checkpoints" / "last.pt").touch()
    write_json(folder / "status.json", {"state": "stopped"})
    with pytest.raises(AlexError, match=message):
        launcher.prepare_resume(read_run(folder), processes=processes)


# Runs that the dashboard starts -----------------------------------------------------------------------------------

LONG: dict[str, Any] = {**EVERYTHING, "batch_size": 5, "accumulation_steps": 1, "epochs": 9}
# 39 pictures in batches of 2 times 5.
STEPS = 36


@pytest.fixture(scope="module")
def straight(odd, tmp_path_factory) -> Path:
    """A run of two processes that the launcher has started; `STEPS` steps."""
    home = tmp_path_factory.mktemp("straight")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALEXCORE_HOME", str(home))
        run = launcher.start(tiny_config(odd, **LONG, processes=2))
        wait_for(run, "finished")
    return run


@pytest.fixture
def start(home) -> Iterator[Callable[[TrainConfig], Path]]:
    """`launcher.start`; whatever still runs at the end is killed."""
    folders: list[Path] = []

    def begin(config: TrainConfig) -> Path:
        folders.append(launcher.start(config))
        return folders[-1]

    yield begin
    for folder in folders:
        raw = read_json(folder / "status.json") or {}
        if raw.get("agent_pid") and is_alive(raw["agent_pid"], raw["agent_started"]):
            agent = psutil.Process(raw["agent_pid"])
            for each in [agent, *agent.children(recursive=True)]:
                each.kill()


def test_a_run_of_two_processes_has_the_files_of_any_run(straight):
    history, _ = read_events(straight / "events.jsonl")
    assert [event["seq"] for event in history] == list(range(len(history)))
    assert (history[0]["type"], history[-1]["type"]) == ("start", "end")
    assert [event["step"] for event in events(straight, "step")] == list(range(1, STEPS + 1))
    status = read_json(straight / "status.json") or {}
    assert (status["state"], status["step"], status["error"]) == ("finished", STEPS, None)
    assert len(list((straight / "tensorboard").iterdir())) == 1
    assert not list(straight.rglob("*.tmp"))
    assert load_config(straight / "config.json").processes == 2
    log = (straight / "worker.log").read_text()
    assert "Traceback" not in log
    assert "Warning" not in log


def test_paused_stopped_killed_and_resumed_two_processes_end_as_the_straight_run(odd, start, straight):
    run = start(tiny_config(odd, **LONG, processes=2, checkpoint_every_minutes=0.3 / 60))
    launcher.request(run, "pause")
    wait_for(run, "paused")
    assert step(run) == 0
    launcher.request(run, "continue")
    wait_until(run, lambda: step(run) >= 3, "three steps")
    launcher.request(run, "stop")
    wait_for(run, "stopped")
    assert 3 <= step(run) < STEPS
    raw = read_json(run / "status.json") or {}
    wait_until(run, lambda: not is_alive(raw["agent_pid"], raw["agent_started"]), "the end of torchrun")

    launcher.resume(read_run(run))
    stopped_at = step(run)
    wait_until(run, lambda: step(run) >= stopped_at + 2, "a step after the resume")
    raw = read_json(run / "status.json") or {}
    os.kill(raw["pid"], signal.SIGKILL)  # the first process: torchrun ends the other one
    wait_for(run, "lost")
    assert not is_alive(raw["agent_pid"], raw["agent_started"])

    # A power cut: torchrun and both processes at once.
    launcher.resume(read_run(run))
    wait_until(run, lambda: len(events(run, "resume")) == 2, "a resume")
    begin = step(run)
    wait_until(run, lambda: step(run) > begin or read_status(run).state == "finished", "a step after the resume")
    agent = psutil.Process((read_json(run / "status.json") or {})["agent_pid"])
    everybody = [agent, *agent.children(recursive=True)]
    for each in everybody:
        each.kill()
    psutil.wait_procs(everybody, timeout=PATIENCE_S)
    assert read_status(run).state == "lost"

    launcher.resume(read_run(run))
    wait_for(run, "finished")
    assert len(events(run, "resume")) == 3
    assert_same_weights(run, straight)


def test_a_picture_that_only_another_rank_reads_is_told_by_name(odd, start, tmp_path):
    """Symptom: the first process sees a broken connection, and the run fails with an error of the network."""
    data = write_pictures(tmp_path / "data", ("fine", "level", "wide"), {"train": 13, "val": 5})
    run = start(tiny_config(data, batch_size=2, epochs=1, processes=2, norm="group", unreadable_limit=0))
    launcher.request(run, "pause")
    wait_for(run, "paused")
    index = next(iter(EpochBatches(39, 2, 0, True, rank=1, ranks=2)))[0][1]
    lost = sorted((data / "train").glob("*/*.jpg"))[index]
    lost.unlink()
    launcher.request(run, "continue")
    wait_for(run, "failed")
    status = read_status(run)
    assert status.error["type"] == "DataError"
    assert str(lost) in status.error["message"]
    assert [event["state"] for event in events(run, "end")] == ["failed"]


# torchrun, typed by a person --------------------------------------------------------------------------------------


@pytest.mark.nightly
def test_a_killed_process_is_started_again_and_the_run_ends_as_if_nothing_had_happened(warm, odd, straight, home):
    """`torchrun --max-restarts`: the group finds its run and goes on from its last checkpoint."""
    values = {**LONG, "checkpoint_every_minutes": 0.3 / 60}
    asked = {name: value for name, value in tiny_config(odd, **values).model_dump().items() if name != "processes"}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items() if not isinstance(value, bool)]
    agent = torchrun(warm, 2, "-m", "alexcore", "train", *flags, restarts=2, home=home)
    try:
        runs = home / "runs"
        found: list[Path] = []

        def begun() -> bool:
            found[:] = [path for path in runs.glob("[!.]*")] if runs.is_dir() else []
            return bool(found) and step(found[0]) >= 4 and (found[0] / "checkpoints" / "last.pt").is_file()

        deadline = time.monotonic() + PATIENCE_S
        while not begun():
            assert time.monotonic() < deadline, log_of(home)
            time.sleep(0.05)
        (run,) = found
        process_of(run, 1).kill()
        wait_until(run, lambda: events(run, "resume"), "a resume")
        assert read_status(run).active
        again = step(run)
        wait_until(run, lambda: step(run) >= min(again + 2, STEPS), "more steps")
        if read_status(run).state == "running":
            process_of(run, 0).kill()
        assert agent.wait(PATIENCE_S) == 0, log_of(home)
    finally:
        for each in [*psutil.Process(agent.pid).children(recursive=True), agent] if agent.poll() is None else []:
            each.kill()
        agent.wait()
    assert [path for path in runs.glob("[!.]*")] == [run]
    assert read_status(run).state == "finished"
    assert [event["state"] for event in events(run, "end")] == ["finished"]
    assert len(events(run, "resume")) >= 1
    assert_same_weights(run, straight)


@pytest.mark.nightly
def test_a_plain_command_starts_its_processes_itself(odd, home):
    said = subprocess.run(
        [
            sys.executable,
            "-m",
            "alexcore",
            "train",
            f"--data={odd}",
            "--processes=2",
            "--epochs=1",
            "--batch-size=4",
            "--image-size=64",
            "--width=0.25",
            "--num-workers=0",
            "--device=cpu",
            "--precision=fp32",
            "--json",
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    result = json.loads(said.stdout.splitlines()[-1])
    assert (result["status"], result["steps"], result["epochs"]) == ("finished", 5, 1)
    assert load_config(Path(result["run"]) / "config.json").processes == 2


# Without any process ----------------------------------------------------------------------------------------------


def test_what_cannot_be_shared_is_refused_before_a_run_exists(odd, home):
    flags = ["--data", odd, "--batch-size", 20, "--image-size", 64, "--device", "cpu"]
    refused("train", *flags, "--processes", 0)
    assert "needs GPUs" in refused("train", *flags, "--processes", 2, "--sync-batchnorm")


def test_torchrun_decides_how_many_processes_there_are(odd, home, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "4")
    line = refused("train", "--data", odd, "--processes", 3)
    assert line == "error: processes = 3, but torchrun has started 4. Leave --processes away: torchrun decides it."


def test_only_the_first_process_says_what_is_wrong(home, monkeypatch, capsys):
    from alexcore.cli import main

    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SystemExit) as end:
        main(["train", "--epoch-count", "3"])
    assert end.value.code == 2
    assert capsys.readouterr().err == ""


def test_a_run_of_two_is_not_trained_by_one(odd, home):
    config = tiny_config(odd, processes=2)
    with pytest.raises(ConfigError, match="processes = 2, and 1 is at work"):
        fit(config, create_run(config), Watcher())


def test_batch_norm_over_processes_is_refused_on_a_cpu_with_the_reason():
    config = make_config(sync_batchnorm=True)
    with pytest.raises(ConfigError, match=r"torch's SyncBatchNorm has no CPU implementation\. Leave it, or"):
        require_group(config, ALONE, torch.device("cpu"))
    require_group(config, ALONE, torch.device("cuda"))


def test_torch_still_refuses_it_itself():
    """The day that this fails, the refusal above can go."""
    source = Path(torch.nn.modules.batchnorm.__file__).read_text()
    assert "SyncBatchNorm expected input tensor to be on GPU" in source


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"batch_size": 20},
            r"20 in each of 2 processes is larger than the training split \(39 pictures\)",
        ),
        (
            {"batch_size": 6},
            r"a last batch of 1 picture for one of the 2 processes out of 39.* batch size of 7,",
        ),
        ({"batch_size": 19}, r"leaves a last batch of 1 picture for one of the 2 processes out of 39"),
    ],
    ids=["too-large", "parts-of-2-and-1", "parts-of-1-and-0"],
)
def test_a_batch_that_processes_cannot_share_is_refused(odd, values, message):
    from alexcore.data.sources import open_source

    config = tiny_config(odd, norm="batch", **values, processes=2)
    with pytest.raises(ConfigError, match=message):
        make_plan(config, open_source(odd))


def test_a_lost_process_is_told_from_a_mistake_of_ones_own():
    class Store:
        told = b""

        def check(self, _keys: list[str]) -> bool:
            return bool(self.told)

        def get(self, _key: str) -> bytes:
            return self.told

    group = distributed.Ranks.__new__(distributed.Ranks)
    group._store = Store()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributed, "LAST_WORDS_S", 0.0)
        lost = group.told_by_another(RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer"))
        assert isinstance(lost, ProcessLostError)
        assert "Another process of this run has ended without a word" in lost.message
    Store.told = json.dumps({"type": "DataError", "message": "a.jpg cannot be decoded.", "hint": "Save it."}).encode()
    known = group.told_by_another(RuntimeError("NCCL error: remote process exited"))
    assert (type(known).__name__, str(known)) == ("DataError", "a.jpg cannot be decoded. Save it.")
    assert group.told_by_another(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
    assert group.told_by_another(RuntimeError("CUDA out of memory, says the gloo of doom")) is None
    assert group.told_by_another(ValueError("Connection closed by peer")) is None


def test_what_two_ranks_have_found_is_put_together_exactly():
    parts = [
        Evaluation(3, 1.0, 2 / 3, [[2, 1], [0, 0]], (Mistake(2.0, 1, 0, 1, 0.9),)),
        Evaluation(1, 5.0, 0.0, [[0, 0], [1, 0]], (Mistake(5.0, 0, 1, 0, 0.8),)),
        Evaluation(0, 0.0, 0.0, [[0, 0], [0, 0]], ()),
    ]
    whole = combined(parts, lambda rank, position: 10 * rank + position)
    assert (whole.images, whole.loss, whole.acc1) == (4, 2.0, 0.5)
    assert whole.confusion == [[2, 1], [1, 0]]
    assert [(each.loss, each.position) for each in whole.worst] == [(5.0, 10), (2.0, 1)]
    assert math.isclose(whole.recall[0] or 0, 2 / 3)


def test_a_run_is_not_lost_while_torchrun_may_start_it_again(odd, home):
    run = create_run(tiny_config(odd, processes=2))
    this = psutil.Process()
    status = {"state": "running", "pid": 1, "process_started": 1.0, "heartbeat": time.time(), "step": 3}
    write_json(run / "status.json", {**status, "agent_pid": this.pid, "agent_started": this.create_time()})
    assert read_status(run).state == "running"
    write_json(run / "status.json", {**status, "agent_pid": 1, "agent_started": 1.0})
    assert read_status(run).state == "lost"


def test_a_group_finds_its_run_again_and_other_notes_do_not_matter(home, monkeypatch, tmp_path):
    assert groups.run_of_group() is None
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert groups.run_of_group() is None
    folder = home / "runs" / ".groups"
    folder.mkdir(parents=True)
    stale = folder / "1-1.00.json"
    stale.write_text("{}")
    groups.remember_run(tmp_path)
    assert groups.run_of_group() == tmp_path
    assert not stale.exists()
