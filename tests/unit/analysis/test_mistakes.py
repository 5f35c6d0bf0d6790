"""The pictures that a network gets most wrong: found by the evaluation, named in the event of an epoch."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from alexcore.data.pack import pack
from alexcore.data.sources import open_source
from alexcore.training.evaluation import MOST_WRONG, Mistake, evaluate, most_wrong
from alexcore.training.loop import fit
from tests.support.run_folders import tiny_config

LOGITS = torch.tensor([[3.0, 0.0], [0.0, 1.0], [2.0, 0.0], [4.0, 0.0], [0.0, 1.0]])
LABELS = torch.tensor([0, 0, 1, 1, 1])


class Given(nn.Module):
    """Answers with logits that were put into the picture."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_wrong_answers_come_sorted_by_their_loss_whatever_the_batch(size):
    batches = list(zip(LOGITS.view(-1, 1, 1, 2).split(size), LABELS.split(size), strict=True))
    result = evaluate(Given(), batches, 2, torch.device("cpu"))
    assert [(each.position, each.label, each.predicted) for each in result.worst] == [(3, 1, 0), (2, 1, 0), (1, 0, 1)]
    assert result.worst[0].loss == pytest.approx(math.log1p(math.exp(4)))
    assert result.worst[0].probability == pytest.approx(1 / (1 + math.exp(-4)))


def test_there_are_at_most_twelve_and_a_loss_that_is_no_number_is_last():
    logits = torch.cat([torch.tensor([[math.nan, 0.0]]), torch.linspace(1, 5, 40)[:, None] * torch.tensor([1.0, 0.0])])
    labels = torch.ones(41, dtype=torch.int64)
    result = evaluate(Given(), [(logits.view(-1, 1, 1, 2), labels)], 2, torch.device("cpu"))
    assert len(result.worst) == MOST_WRONG
    assert [each.position for each in result.worst] == list(range(40, 40 - MOST_WRONG, -1))


class Silent:
    """A reporter that keeps the events."""

    def __init__(self) -> None:
        self.epochs: list[dict] = []

    def event(self, kind, **fields):
        if kind == "epoch":
            self.epochs.append(fields)

    def progress(self, *_args, **_fields):
        pass

    def request(self):
        return ""

    def moved(self): ...

    def paused(self, paused):
        pass


def test_an_epoch_names_its_mistakes_and_they_are_pictures_of_the_validation_split(stripes: Path, tmp_path: Path):
    (tmp_path / "checkpoints").mkdir()
    watcher = Silent()
    fit(tiny_config(stripes, epochs=1, lr=1e-6), tmp_path, watcher)
    (epoch,) = watcher.epochs
    wrong = sum(sum(row) for row in epoch["confusion"]) - sum(row[k] for k, row in enumerate(epoch["confusion"]))
    assert len(epoch["worst"]) == wrong > 0
    index = open_source(stripes)
    for each in epoch["worst"]:
        row = index.files.iloc[index.position_of(each["path"])]
        assert (row["split"], row["label"]) == ("val", each["label"])
        assert each["predicted"] != each["label"]
        assert 1 / 3 <= each["probability"] <= 1


def test_shards_name_none(stripes: Path, tmp_path: Path):
    pack(open_source(stripes), tmp_path / "shards")
    result = evaluate(Given(), [(LOGITS.view(-1, 1, 1, 2), LABELS)], 2, torch.device("cpu"))
    assert most_wrong(result, open_source(tmp_path / "shards")) == []
    assert result.worst[0] == Mistake(pytest.approx(4.0181, abs=1e-3), 3, 1, 0, pytest.approx(0.982, abs=1e-3))
