"""Class weights as typed, and a class that does not count."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from alexcore.analysis.run_evaluation import answer_pictures, report_of
from alexcore.config import make_config
from alexcore.errors import ConfigError
from alexcore.nn import Network
from alexcore.training.evaluation import evaluate
from alexcore.training.objective import Objective, weights_for
from alexcore.training.plan import make_plan
from alexcore.training.step import train_step
from tests.support.interrupted_runs import straight
from tests.support.run_folders import tiny_config
from tests.support.small_trees import open_folder

CPU = torch.device("cpu")


@pytest.mark.parametrize("text", ["1,2,x", "", "-1,2,3", "0,0,0", "nan,1,1", "inf,1", "rare", "1;2"])
def test_weights_that_are_none(text):
    with pytest.raises(ConfigError, match="is not allowed: it must be one of none, inverse, effective, or a weight"):
        make_config(class_weights=text)


def test_weights_as_typed_and_as_a_scheme():
    typed = weights_for(make_config(class_weights="1, 2,0.5"), [3, 4, 5])
    assert (typed.tolist(), typed.dtype) == ([1.0, 2.0, 0.5], torch.float32)
    assert weights_for(make_config(), [3, 4]) is None
    torch.testing.assert_close(weights_for(make_config(class_weights="inverse"), [3, 4]), torch.tensor([7 / 6, 7 / 8]))


def test_one_weight_a_class(stripes):
    config = make_config(class_weights="1,2", batch_size=8)
    sentence = "class_weights = '1,2' has 2 numbers, and the data set has 3 classes"
    with pytest.raises(ConfigError, match=sentence):
        make_plan(config, open_folder(stripes))
    with pytest.raises(ConfigError, match=sentence):
        weights_for(config, [1, 1, 1])


@pytest.mark.parametrize("number", [-1, 3])
def test_an_ignored_class_that_is_none(stripes, number):
    with pytest.raises(
        ConfigError, match=f"ignore_index = {number} is no class: there are 3, counted from 0"
    ) as caught:
        make_plan(make_config(ignore_index=number, batch_size=8), open_folder(stripes))
    assert caught.value.hint == "Choose a number from 0 to 2, or -100 for none."


@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 2.0, 4.0])])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_torchs(weight, smoothing):
    logits = 3 * torch.randn(10, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 2, 1, 0, 1, 1, 2, 0])
    objective = Objective(weight, smoothing, ignore_index=1)
    theirs = nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing, ignore_index=1)(logits, labels)
    torch.testing.assert_close(objective(logits, labels, objective.total_weight(labels)), theirs)
    # In micro-batches, one of which has nothing that counts.
    parts = [[1, 4, 6], [0, 2], [3, 5, 7, 8, 9]]
    total = sum((objective.total_weight(labels[part]) for part in parts), torch.tensor(0.0))
    torch.testing.assert_close(sum(objective(logits[part], labels[part], total) for part in parts), theirs)


def test_a_step_in_which_nothing_counts_does_nothing():
    """Symptom: 0 / 0 ends the run with "the loss is nan"."""
    model = Network(3, norm="group", width=0.125)
    window = [(torch.randn(2, 3, 64, 64), torch.tensor([1, 1]))]
    result = train_step(model, torch.optim.SGD(model.parameters(), lr=1.0), Objective(ignore_index=1), window, CPU)
    assert tuple(result) == (0.0, 0, 0, 0.0)


def test_of_a_mixed_picture_only_the_share_of_the_other_classes_counts():
    logits = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[0.25, 0.75, 0.0], [0.5, 0.0, 0.5]])
    objective = Objective(ignore_index=1)
    assert objective.counted(labels).tolist() == [False, True]
    assert objective.total_weight(labels).item() == 1.25
    logs = logits.log_softmax(dim=1)
    expected = -(0.25 * logs[0, 0] + 0.5 * logs[1, 0] + 0.5 * logs[1, 2]) / 1.25
    torch.testing.assert_close(objective(logits, labels, objective.total_weight(labels)), expected)
    assert labels[0, 1] == 0.75


class Answers(nn.Module):
    """Says what the first pixel says."""

    def forward(self, images):
        assert len(images), "an empty batch"
        return 5.0 * nn.functional.one_hot(images[:, 0, 0, 0].long(), 3)


def test_evaluation_leaves_the_class_out():
    truth, answers = torch.tensor([0, 0, 1, 2, 1, 2, 2]), torch.tensor([0, 2, 1, 2, 0, 1, 2])
    images = answers.view(-1, 1, 1, 1) * torch.ones(1, 3, 2, 2)
    done: list[int] = []
    batches = list(zip(images.split(3), truth.split(3), strict=True))
    found = evaluate(Answers(), batches, 3, CPU, lambda count: done.append(count) or True, ignore_index=1)
    assert (found.images, found.acc1, done) == (5, 3 / 5, [3, 6, 7])
    assert found.confusion == [[1, 0, 1], [0, 0, 0], [0, 1, 2]]
    assert found.recall == [0.5, None, pytest.approx(2 / 3)]


def test_a_run_with_an_ignored_class(stripes):
    folder, watcher = straight(tiny_config(stripes, epochs=1, ignore_index=1, class_weights="1,5,2"))
    (epoch,) = watcher.of("epoch")
    assert [sum(row) for row in epoch["confusion"]] == [4, 0, 4]
    report = report_of(answer_pictures(folder / "checkpoints" / "last.pt"))
    assert (report["images"], report["acc1"]) == (8, epoch["val_acc1"])
