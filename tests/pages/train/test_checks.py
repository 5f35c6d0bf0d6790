"""What the page Train shows before a start: the card, the checks and their jobs, through the router."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from alexcore.analysis.prediction import logits_of, untrained
from alexcore.augment.presets import evaluation_operations
from alexcore.cli import build_parser
from alexcore.cli.flags import config_of
from alexcore.config import make_config
from alexcore.data.decoding.images import read_picture
from alexcore.data.decoding.intensity import with_rendering
from alexcore.data.inspection.quality import scan
from alexcore.data.sources import open_checked, open_source
from alexcore.home import cache_dir
from alexcore.jobs import read_job
from alexcore.training.checks import check_name, remember_check
from tests.support.opened_pages import errors_of, open_page, text_of
from tests.support.run_folders import write_run

KINDS = ("preflight", "prove-accumulation", "repeat-check", "lr-find")
FOUND = {
    "preflight": {
        "step_s": 0.5,
        "images_per_s": 64.0,
        "memory_bytes": 2_100_000_000,
        "gpu_bytes": None,
        "steps_s": [0.5] * 3,
    },
    "prove-accumulation": {
        "pictures": 32,
        "weights": None,
        "sentence": "Micro-batches give the gradient.",
        "rows": [
            {
                "norm": "none",
                "micro_batch": 8,
                "micro_batches": 4,
                "exact_error": 1e-7,
                "exact_cosine": 1.0,
                "naive_error": 0.1,
                "naive_cosine": 0.99,
            }
        ],
    },
    "lr-find": {"suggestion": 0.0012, "points": [[1e-5, 1.6], [1e-3, 1.2], [1e-2, 0.9], [0.1, 5.0], [1.0, None]]},
    "repeat-check": {"same": True, "hashes": ["ab12", "ab12"], "sentence": "The same weights, bit by bit."},
}


def config_here(folder: Path, **values):
    return make_config(data=str(folder.resolve()), **values)


def test_the_card_says_what_a_run_will_do_and_need(flowers: Path) -> None:
    at = open_page("pages/train.py")
    said = text_of(at)
    assert "48 pictures, each will be decoded once before the first step" in said
    assert "train 3, val 3 of 3, numbered alike in every split, from 0 = fine to 2 = wide" in said
    assert "An epoch: 2 batches of 32, the last of 4; 2 optimizer steps." in said
    assert "Batch 32 for the gradient and for BatchNorm's statistics." in said
    assert "Checkpoints take up to" in said
    assert "not measured yet" in said


def test_accumulation_with_batch_norm_is_named_for_what_it_is(flowers: Path) -> None:
    at = open_page("pages/train.py")
    at.number_input(key="train_batch_size").set_value(8)
    at.number_input(key="train_accumulation_steps").set_value(4).run()
    assert "Effective batch 32 for the gradient, 8 for BatchNorm's statistics" in text_of(at)


def test_a_last_batch_of_one_picture_is_refused_before_the_start(flowers: Path) -> None:
    at = open_page("pages/train.py")
    at.number_input(key="train_batch_size").set_value(5).run()
    assert "leaves a last batch of 1 picture out of 36" in errors_of(at)
    assert at.button(key="train_start").disabled
    at.selectbox(key="train_norm").set_value("group").run()
    assert not errors_of(at)
    assert not at.button(key="train_start").disabled


@pytest.mark.parametrize("known_from", ["check", "scan"])
def test_a_picture_in_two_splits_is_warned_of_before_the_start(flowers: Path, known_from: str) -> None:
    root = flowers.resolve()
    copy = root / "val" / "fine" / "copy.jpg"
    shutil.copy(next((root / "train" / "fine").glob("*.jpg")), copy)
    (root / "val" / "fine" / "damaged.jpg").write_bytes(b"no picture")
    assert "two splits" not in text_of(open_page("pages/train.py")), "nobody knows yet"
    open_checked(root) if known_from == "check" else scan(with_rendering(open_source(root)))
    at = open_page("pages/train.py")
    assert "2 pictures are copies that lie in two splits" in text_of(at)
    assert not at.button(key="train_start").disabled
    copy.unlink()
    open_checked(root)
    assert "two splits" not in text_of(open_page("pages/train.py"))


def test_a_disk_too_small_is_said(flowers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexcore.training.room.free_bytes", lambda _folder: 1_000_000)
    at = open_page("pages/train.py")
    assert "1 MB are free." in errors_of(at)
    assert at.button(key="train_start").disabled
    assert open_page("pages/batchnorm.py").button(key="bn_start").disabled


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_is_a_job_with_the_settings_of_the_form(flowers: Path, spawned: list, kind: str) -> None:
    at = open_page("pages/train.py")
    at.number_input(key="train_batch_size").set_value(8).run()
    key = "train_lr_find" if kind == "lr-find" else f"train_check_{kind.replace('-', '_')}"
    at.button(key=key).click().run()
    assert not errors_of(at)
    (command,) = [each for each in spawned if kind in each]
    config = config_here(flowers, batch_size=8)
    assert config_of(build_parser().parse_args(command[1:])) == config
    assert read_job(check_name(kind, config)).state == "running"
    assert at.get("progress")
    with pytest.raises(KeyError):  # while it runs it cannot be started again
        at.button(key=key)


def test_results_are_shown_for_the_settings_that_they_belong_to(flowers: Path) -> None:
    for kind, found in FOUND.items():
        remember_check(kind, config_here(flowers), found)
    at = open_page("pages/train.py")
    # 20 steps of half a second, in which the pictures grow, and 10 validations of 12 pictures.
    assert "About **8 s** on this machine, 2.1 GB of memory" in text_of(at)
    assert "Micro-batches give the gradient." in text_of(at)
    assert "The same weights, bit by bit." in text_of(at)
    assert "lowest, 0.90, at 1.0e-02, and fell fastest near 1.2e-03" in text_of(at)
    at.button(key="train_use_lr").click().run()
    assert at.number_input(key="train_lr").value == 0.0012
    at.number_input(key="train_lr").set_value(5e-4).run()
    at.number_input(key="train_epochs").set_value(20).run()
    assert "About **17 s** on this machine" in text_of(at)
    at.number_input(key="train_batch_size").set_value(16).run()
    assert "not measured yet" in text_of(at)
    assert "bit by bit" not in text_of(at)


def test_a_failed_check_says_why_and_can_be_started_again(flowers: Path) -> None:
    file = cache_dir() / "jobs" / f"{check_name('preflight', config_here(flowers))}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('{"state": "failed", "error": "The GPU is out of memory. Halve batch_size."}')
    at = open_page("pages/train.py")
    assert "The GPU is out of memory" in errors_of(at)
    assert at.button(key="train_check_preflight").label == "Measure 3 steps"


def test_the_rate_is_drawn_and_scaled_with_the_batch(flowers: Path) -> None:
    at = open_page("pages/train.py")
    assert "The rate starts at 0.0005" in text_of(at)
    at.number_input(key="train_batch_size").set_value(8).run()
    at.button(key="train_rate_suggested").click().run()
    assert at.number_input(key="train_lr").value == pytest.approx(5e-4 / 4)


def test_class_weights_are_previewed(flowers: Path) -> None:
    (flowers / "train" / "fine" / "fine_000.jpg").unlink()
    at = open_page("pages/train.py")
    assert "Every picture counts the same" in text_of(at)
    at.session_state["train_class_weights"] = "inverse"
    at.run()
    assert "A picture of fine counts 1.1 times as much as one of level" in text_of(at)


@pytest.mark.parametrize("network", ["an untrained network", "a-run"])
def test_the_loss_of_a_real_picture_is_written_out_and_is_torchs(flowers: Path, network: str) -> None:
    write_run("finished", "a-run", data=flowers, checkpoint=True)
    at = open_page("pages/train.py")
    at.session_state["train_width"], at.session_state["train_label_smoothing"] = 0.25, 0.1
    at.selectbox(key="train_loss_class").set_value(1)
    at.selectbox(key="train_loss_network").set_value(network)
    at.toggle(key="train_loss_show").set_value(True).run()
    assert not errors_of(at)
    lines = next(each.value for each in at.code if "softmax of level" in each.value)
    shown = float(lines.splitlines()[-1].rsplit("= ", 1)[1])
    if network != "a-run":
        picture = read_picture(flowers / "train" / "level" / "level_000.jpg").image
        config = make_config(width=0.25)
        logits = logits_of(untrained(config, 3), evaluation_operations("seed", 224), picture)
        expected = F.cross_entropy(torch.tensor([logits]), torch.tensor([1]), label_smoothing=0.1).item()
        assert shown == pytest.approx(expected, abs=2e-6)
    assert 0 < shown < 20


def test_a_picture_that_is_not_there_is_a_sentence(flowers: Path) -> None:
    at = open_page("pages/train.py")
    at.number_input(key="train_loss_picture").set_value(99)
    at.toggle(key="train_loss_show").set_value(True).run()
    assert "There is no picture 99 of fine: choose 1 to 12." in errors_of(at)


@pytest.mark.parametrize(
    "view", ["Rate and gradient", "Train against val", "Recall", "Confusion", "Waiting", "Most wrong"]
)
@pytest.mark.parametrize("state", ["running", "finished"])
def test_every_view_of_a_run_opens(flowers: Path, view: str, state: str) -> None:
    write_run(state, "a-run", data=flowers)
    at = open_page("pages/train.py", run="a-run")
    at.session_state["train_view"] = view
    at.run()
    assert not errors_of(at)
    # The hand-written run has neither a confusion matrix nor mistakes, and says when they come.
    waits = {"Confusion": "appears when epoch 1 ends", "Most wrong": "appear when an epoch ends"}
    assert waits.get(view, "") in text_of(at)


def test_mistakes_are_shown_with_their_pictures(flowers: Path) -> None:
    folder = write_run("finished", "a-run", data=flowers)
    with (folder / "events.jsonl").open("a") as file:
        file.write(
            '{"v": 1, "seq": 99, "ts": 1, "type": "epoch", "epoch": 1, "step": 10, "val_acc1": 0.5, "worst": '
            '[{"path": "val/wide/wide_001.jpg", "label": 2, "predicted": 0, "probability": 0.97, "loss": 3.5}, '
            '{"path": "val/wide/gone.jpg", "label": 2, "predicted": 1, "probability": 0.9, "loss": 2.5}]}\n'
        )
    at = open_page("pages/train.py", run="a-run")
    at.session_state["train_view"] = "Most wrong"
    at.run()
    assert not errors_of(at)
    assert "of wide, is taken for fine with 97%" in text_of(at)


def test_the_address_holds_the_settings_so_that_a_refresh_keeps_them(flowers: Path) -> None:
    at = open_page("pages/train.py", train_preset="quick", train_epochs="7", train_width="0.5", train_norm="group")
    assert not errors_of(at)
    assert (at.number_input(key="train_epochs").value, at.selectbox(key="train_norm").value) == (7, "group")
    nonsense = open_page("pages/train.py", train_epochs="many", train_norm="nobody's", train_lr="nan")
    assert not nonsense.exception
    assert nonsense.number_input(key="train_epochs").value == make_config().epochs
