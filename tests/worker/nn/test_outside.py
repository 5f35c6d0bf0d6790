"""A norm and a network that only this file knows go all the way: trained, resumed, explained, compared, exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from alexcore.analysis.explanations import grad_cam, occlusion
from alexcore.analysis.inside import layer_outputs
from alexcore.analysis.prediction import Classifier
from alexcore.batchnorm.measure.gain import learned_scales
from alexcore.batchnorm.read.record import Experiment
from alexcore.config import FIELDS
from alexcore.errors import ConfigError
from alexcore.export.source import exported_run
from alexcore.nn import NETWORKS, NORMS, Network
from alexcore.nn.call import Call
from alexcore.nn.description import (
    Description,
    Design,
    Window,
    activation,
    convolution,
    dropout,
    linear,
    max_pooling,
    norm_layer,
)
from alexcore.nn.layers import layer_table, totals
from alexcore.nn.norms import Norm, look_of
from alexcore.runs.comparison import differing
from alexcore.runs.store import read_run
from alexcore.training.checkpoint import load_checkpoint
from alexcore.training.health import gradient_reach
from tests.support.command_line import done
from tests.support.exported import modules, unpacked_project
from tests.support.run_folders import tiny_config

TINY = ["--batch-size", "8", "--image-size", "48", "--start-size", "0", "--num-workers", "0", "--precision", "fp32"]
OURS = ["--variant", "two", "--norm", "scale", *TINY]


class ScaleNorm(nn.Module):
    """Divides a picture's maps by their deviation, and learns a factor for each channel, which begins at 2."""

    def __init__(self, channels):
        super().__init__()
        self.eps = 1e-5
        self.weight = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.constant_(self.weight, 2.0)

    def forward(self, maps):
        variance = maps.var(dim=(1, 2, 3), correction=0, keepdim=True)
        return maps / (variance + self.eps).sqrt() * self.weight.view(1, -1, 1, 1)


SCALE = Norm(
    "scale",
    "ScaleNorm",
    "scale norm",
    colour="#CC79A7",
    layer=lambda channels: Call(f"{__name__}:ScaleNorm", (channels,)),
    classes=(f"{__name__}:ScaleNorm",),
    per_channel=1,
    groups=lambda _channels: 1,
)


@dataclass(frozen=True)
class TwoConvolutions:
    name: str = "two"
    title: str = "Two convolutions and one linear layer"
    class_name: str = "TwoConvolutions"

    def describe(self, design: Design) -> Description:
        plain = design.norm.layer is None
        features = (
            convolution(3, 8, Window(5, 2, 2), bias=plain),
            *norm_layer(design.norm, 8),
            activation(design.activation),
            max_pooling(2, 2),
            convolution(8, 16, Window(3, 1, 1), bias=plain),
            *norm_layer(design.norm, 16),
            activation(design.activation),
        )
        answer = (dropout(design.dropout), linear(16 * 4**2, design.num_classes))
        return Description(features, 4, answer, ("body", "pool", "answer"))


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NORMS, "scale", SCALE)
    monkeypatch.setitem(NETWORKS, "two", TwoConvolutions())


def test_settings_and_tables_have_them():
    assert FIELDS["norm"].choices == ("none", "batch", "group", "scale")
    assert FIELDS["variant"].choices[-1] == "two"
    model, rows = Network(3, "two", "scale"), layer_table("two", 48, "scale", num_classes=3)
    names = ["conv1", "norm1", "relu1", "pool1", "conv2", "norm2", "relu2", "pool", "dropout1", "linear1"]
    assert [row.name for row in rows] == names
    assert [row.path for row in rows] == [*(f"body.{place}" for place in range(7)), "pool", "answer.0", "answer.1"]
    assert totals(rows)[0] == sum(each.numel() for each in model.parameters()) == 8 * 75 + 8 + 16 * 72 + 16 + 3 * 257
    assert [type(stage.norm) for stage in model.stages()] == [ScaleNorm] * 2
    assert model.head is model.get_submodule(model.head_path) is model.answer[1]


def test_initial_weights_include_the_norms():
    model = Network(3, "two", "scale")
    for stage in model.stages():
        nn.init.zeros_(stage.norm.weight)
    from alexcore.nn.init import initialise

    initialise(model)
    assert all((stage.norm.weight == 2).all() for stage in model.stages())


def test_a_run_goes_all_the_way(stripes: Path, tmp_path: Path):
    run, picture = tmp_path / "ours", Image.open(next(stripes.glob("val/*/*.jpg"))).convert("RGB")
    straight, again = tmp_path / "straight", tmp_path / "again"
    even = ["--data", stripes, "--scheduler", "constant", *OURS]
    done("train", "--run", run, "--epochs", 1, *even)
    done("resume", run, "--epochs", 2)
    done("train", "--run", straight, "--epochs", 2, *even)
    done("train", "--run", again, "--epochs", 1, "--start-from", run, "--freeze-features", *even)
    resumed, straight = (load_checkpoint(each / "checkpoints" / "last.pt")["model"] for each in (run, straight))
    assert all(torch.equal(resumed[name], value) for name, value in straight.items())

    evaluated = done("evaluate", run, "--json").json
    assert 0 <= evaluated["acc1"] <= 1
    classifier, frozen = (Classifier(each / "checkpoints" / "best.pt") for each in (run, again))
    trained, kept = classifier.model.state_dict(), frozen.model.state_dict()
    assert all(torch.equal(trained[name], kept[name]) == name.startswith("body.") for name in trained)

    assert np.isfinite(grad_cam(classifier, picture, 0).values).all()
    assert grad_cam(classifier, picture, 0).cells == (12, 12)
    assert np.isfinite(occlusion(classifier, picture, 0).values).all()
    batch = classifier.transform(picture)[None]
    probabilities, units = classifier.look(batch)
    outputs = layer_outputs(classifier, picture)
    assert list(outputs)[1:] == [row.name for row in layer_table("two", 48, "scale")]
    torch.testing.assert_close(torch.softmax(torch.from_numpy(outputs["linear1"]), 0), probabilities[0])
    assert units.shape == (1, 256)
    classifier.model(batch).sum().backward()
    assert 0 < gradient_reach(classifier.model, 3, 1) < float("inf")


def exported_logits(folder: Path, images: Tensor) -> Tensor:
    with modules(folder, "model") as (model,), torch.no_grad():
        network = model.TwoConvolutions()
        network.load_state_dict(torch.load("weights.pt", weights_only=True)["model"])
        return network.eval()(images)


def test_its_exports_answer_as_the_run_does(stripes: Path, tmp_path: Path):
    run = tmp_path / "ours"
    done("train", "--data", stripes, "--run", run, "--epochs", 1, *OURS)
    said = done("export", run, "--to", tmp_path / "ours.onnx", "--format", "onnx", "--json").json
    assert said["difference"] < 1e-4

    folder = unpacked_project(exported_run(read_run(run)), tmp_path / "project")
    images = torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    model = Classifier(run / "checkpoints" / "best.pt").model
    assert "class ScaleNorm(nn.Module):" in (folder / "model.py").read_text()
    torch.testing.assert_close(exported_logits(folder, images), model(images).detach())
    with modules(folder, "train") as (train,):
        train.main(str(stripes))
    trained = torch.load(folder / "checkpoints" / "last.pt", weights_only=True)["model"]
    ours = torch.load(run / "checkpoints" / "last.pt", weights_only=True)["model"]
    assert all(torch.equal(trained[name], value) for name, value in ours.items())


def test_it_is_an_arm_of_the_experiment(stripes: Path, tmp_path: Path):
    run = tmp_path / "compared"
    small = ["--steps", 4, "--probe-images", 8, "--seeds", 1, *TINY]
    said = done("compare-bn", "--data", stripes, "--run", run, "--arms", "none,batch,scale", "--variant", "two", *small)
    assert "ScaleNorm" in said.out
    record = Experiment(run)
    record.refresh()
    assert record.norms == ["none", "batch", "scale"]
    assert (look_of("scale").title, look_of("scale").colour) == ("ScaleNorm", "#CC79A7")
    assert record.probes["scales"]["scale", 0][0]["data"]["gamma_mean"] == [2.0, 2.0]
    report = tmp_path / "report.html"
    done("compare-bn-report", run, "--to", report)
    assert "ScaleNorm" in report.read_text(encoding="utf-8")
    assert done("evaluate", run / "arms" / "scale-s0", "--json").json["loss"] > 0


def test_what_it_divides_by_is_its_own_statistic():
    model, images = Network(3, "two", "scale"), torch.randn(4, 3, 48, 48)
    maps = model.get_submodule("body.0")(images)
    sigma = (maps.var(dim=(1, 2, 3), correction=0) + 1e-5).sqrt().mean().item()
    found = learned_scales(model, images)
    assert found["layers"] == ["conv1", "conv2"]
    assert found["sigma"][0] == pytest.approx(sigma, rel=1e-4)
    assert found["scale"][0] == pytest.approx(2 / sigma, rel=1e-4)


def test_runs_of_it_stand_beside_others(stripes: Path):
    settings = [tiny_config(stripes), tiny_config(stripes, variant="two", norm="scale", width=1.0)]
    found = {each.name: each.values for each in differing([each.model_dump() for each in settings])}
    assert (found["variant"], found["norm"]) == (("seed", "two"), ("batch", "scale"))
    assert "scale: ScaleNorm" in FIELDS["norm"].text
    del NORMS["scale"]
    with pytest.raises(ConfigError, match="norm = 'scale' is not allowed: it must be one of none, batch, group"):
        tiny_config(norm="scale")
