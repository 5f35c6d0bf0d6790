"""The probes on a GPU: the same numbers as on the CPU, and no trace in the training."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F

from alexcore.batchnorm.measure.gradients import internal_covariate_shift
from alexcore.batchnorm.measure.loss_surface import loss_surface
from alexcore.batchnorm.measure.moments import layer_statistics
from alexcore.nn import Network
from tests.support.bn_probes import every_probe, everything

pytestmark = pytest.mark.filterwarnings("ignore:.*deterministic")


@pytest.fixture(autouse=True)
def deterministic(monkeypatch: pytest.MonkeyPatch):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(16, 3, 96, 96, generator=generator), torch.arange(16) % 4


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_the_numbers_are_those_of_the_cpu(norm):
    model, (images, labels) = Network(4, norm=norm, width=0.25, init="kaiming"), batch()
    there = copy.deepcopy(model).cuda()
    for probe, arguments in ((internal_covariate_shift, (0.01,)), (loss_surface, (0.01,))):
        here, far = probe(model, images, labels, *arguments), probe(there, images.cuda(), labels.cuda(), *arguments)
        if probe is loss_surface:
            here, far = {"rel": here["Q6r"]["relative"]}, {"rel": far["Q6r"]["relative"]}
        for key in here.keys() - {"layers", "lr"}:
            assert far[key] == pytest.approx(here[key], rel=0.02, abs=1e-4), key
    one, other = layer_statistics(model, images)[0], layer_statistics(there, images.cuda())[0]
    assert other["Q2"]["deviation"] == pytest.approx(one["Q2"]["deviation"], rel=1e-3)
    assert other["Q12"]["zero"][:7] == pytest.approx(one["Q12"]["zero"][:7], abs=1e-3)


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_a_probed_training_is_the_same_to_the_bit(norm):
    def train(model: torch.nn.Module, probed: bool) -> dict[str, object]:
        torch.manual_seed(0)
        optimizer = torch.optim.SGD(model.train().parameters(), 0.01, momentum=0.9)
        images, labels = (each.cuda() for each in batch())
        for _ in range(3):
            if probed:
                every_probe(model, images, labels)
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        return everything(model, optimizer)

    model = Network(4, norm=norm, width=0.25, init="kaiming", dropout=0.5).cuda()
    plain = train(copy.deepcopy(model), False)
    if train(copy.deepcopy(model), False) != plain:
        pytest.skip("this GPU's kernels do not repeat themselves, with or without probes")
    assert train(model, True) == plain
