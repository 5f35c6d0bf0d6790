"""Every format of a run, round trip: what comes back answers on real photographs as the run itself does."""

from __future__ import annotations

import errno
import io
import json
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from alexcore.analysis.prediction import Classifier
from alexcore.data.decoding.images import read_picture
from alexcore.errors import RunError
from alexcore.export import graph, write
from alexcore.export.formats import FORMATS, Format, Wish, Written
from alexcore.export.notebook import as_notebook
from alexcore.export.project import make_project
from alexcore.export.source import Source, exported_run, load_trained
from alexcore.export.write import write_export
from alexcore.runs.store import create_run, find_run, read_run
from alexcore.runs.worker import execute
from tests.support.command_line import call, done, refused
from tests.support.exported import modules
from tests.support.run_folders import tiny_config, write_run

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:This process .* is multi-threaded"),
]
SIDE = 64


@dataclass(frozen=True)
class Flowers:
    """A run that was trained for a few steps on a few photographs, and what it says about others."""

    data: Path
    run: Path
    pictures: list[Path]
    answers: torch.Tensor


@pytest.fixture(scope="module")
def flowers(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Flowers:
    folder = tmp_path_factory.mktemp("flowers")
    data = folder / "data"
    for split, count in (("train", 6), ("val", 3)):
        for each in sorted((photographs / split).iterdir()):
            (data / split / each.name).mkdir(parents=True)
            for picture in sorted(each.glob("*.jpg"))[:count]:
                shutil.copy(picture, data / split / each.name)
    config = tiny_config(data, epochs=2, lr=2e-3, normalize="data")
    patch = pytest.MonkeyPatch()
    patch.setenv("ALEXCORE_HOME", str(folder))
    run = create_run(config, folder / "runs" / "flowers")
    assert execute(run) == "finished"
    patch.undo()
    pictures = sorted(data.glob("val/*/*.jpg"))
    answers = Classifier(run / "checkpoints" / "best.pt").probabilities([read_picture(each).image for each in pictures])
    return Flowers(data, run, pictures, answers)


def exported(flowers: Flowers, name: str, folder: Path, *flags: str) -> Path:
    file = folder / f"it{FORMATS[name].suffix}"
    said = done("export", flowers.run, "--to", file, "--format", name, "--json", *flags)
    assert said.json["file"] == str(file)
    assert said.json["notes"] == []
    assert said.json["bytes"] == file.stat().st_size
    return file


def snippet(name: str, file: Path) -> str:
    code = FORMATS[name].uses[0].code
    assert code is not None
    return code(str(file), "AlexNet")


def unnormalised(pictures: list[Path]) -> torch.Tensor:
    """(N, 3, S, S) in [0, 1], as somebody without this package would prepare them."""
    resize = v2.Compose([v2.Resize([SIDE, SIDE]), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    return torch.stack([resize(Image.open(each).convert("RGB")) for each in pictures])


def project_of(flowers: Flowers, folder: Path) -> Path:
    with zipfile.ZipFile(exported(flowers, "project", folder)) as archive:
        archive.extractall(folder)
    return folder / "flowers"


# Weights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["weights", "safetensors"])
def test_the_loading_snippet_gives_the_runs_answers(flowers, tmp_path, name):
    project = project_of(flowers, tmp_path)
    file = exported(flowers, name, tmp_path)
    scope: dict[str, Any] = {}
    with modules(project, "model") as (model,):
        exec(compile(snippet(name, file), "snippet", "exec"), scope)
        images = torch.stack([model.eval_transform(model.read_picture(each)) for each in flowers.pictures])
        with torch.no_grad():
            answers = torch.softmax(scope["net"](images), dim=1)
    # The run computes channels-last: the same sums in another order.
    assert torch.allclose(answers, flowers.answers, atol=1e-5)
    assert list(scope["class_to_idx"]) == ["daisy", "dandelion", "roses", "sunflowers", "tulips"]


def test_the_metadata_say_what_a_stranger_must_know(flowers, tmp_path):
    from safetensors import safe_open

    saved = torch.load(exported(flowers, "weights", tmp_path), weights_only=True)
    with safe_open(exported(flowers, "safetensors", tmp_path), framework="pt") as file:
        facts = {name: json.loads(value) for name, value in file.metadata().items() if name != "format"}
    assert facts == {name: value for name, value in saved.items() if name != "state_dict"}
    assert saved["input_size"] == [3, SIDE, SIDE]
    images = unnormalised(flowers.pictures)
    by_hand = (images - torch.tensor(saved["mean"]).view(3, 1, 1)) / torch.tensor(saved["std"]).view(3, 1, 1)
    ours = Classifier(flowers.run / "checkpoints" / "best.pt")
    assert torch.allclose(by_hand[0], ours.transform(read_picture(flowers.pictures[0]).image), atol=1e-6)


def test_a_whole_saved_model_does_what_the_page_warns_of(flowers, tmp_path):
    """torch.save(net) holds no code: elsewhere it cannot be opened, and weights_only=True refuses it anywhere."""
    project = project_of(flowers, tmp_path)
    with modules(project, "model") as (model,):
        torch.save(model.AlexNet(), tmp_path / "whole.pt")
        with pytest.raises(Exception, match="Weights only load failed"):
            torch.load(tmp_path / "whole.pt", weights_only=True)
        assert isinstance(torch.load(tmp_path / "whole.pt", weights_only=False), model.AlexNet)
    with pytest.raises(ModuleNotFoundError, match="No module named 'model'"):
        torch.load(tmp_path / "whole.pt", weights_only=False)


def test_the_last_checkpoint_can_be_asked_for(flowers, tmp_path):
    best = torch.load(exported(flowers, "weights", tmp_path), weights_only=True)
    last = torch.load(exported(flowers, "weights", tmp_path, "--checkpoint", "last", "--force"), weights_only=True)
    theirs = torch.load(flowers.run / "checkpoints" / "last.pt", weights_only=True)["model"]
    assert all(torch.equal(last["state_dict"][name], value) for name, value in theirs.items())
    assert list(best["state_dict"]) == list(theirs)


# Graphs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["onnx", "exported-program"])
@pytest.mark.parametrize("inside", [True, False])
def test_a_graph_gives_the_runs_answers_for_any_batch(flowers, tmp_path, name, inside):
    flags = [] if inside else ["--no-normalize", "--no-softmax"]
    file = exported(flowers, name, tmp_path, *flags)
    images = unnormalised(flowers.pictures)
    scope: dict[str, Any] = {}
    exec(compile(snippet(name, file), "snippet", "exec"), scope)
    if name == "onnx":
        facts = scope["session"].get_modelmeta().custom_metadata_map
        about = {key: json.loads(facts[key]) for key in ("mean", "std", "class_to_idx")}
        run = lambda batch: torch.from_numpy(scope["session"].run(None, {"images": batch.numpy()})[0])  # noqa: E731
        assert [each.name for each in scope["session"].get_outputs()] == ["probabilities" if inside else "logits"]
        assert np.asarray(scope["answers"]).shape == (2, 5)
    else:
        about = json.loads(scope["about"]["about.json"])
        run = scope["network"]
    assert about["class_to_idx"]["tulips"] == 4
    if not inside:
        images = (images - torch.tensor(about["mean"]).view(3, 1, 1)) / torch.tensor(about["std"]).view(3, 1, 1)
    for size in (1, 4, len(images)):
        with torch.no_grad():
            answers = run(images[:size])
        answers = answers if inside else torch.softmax(answers, dim=1)
        assert float((answers - flowers.answers[:size]).abs().max()) < 1e-4


def test_a_graph_that_answers_otherwise_is_not_handed_out(flowers, tmp_path, monkeypatch):
    source = exported_run(read_run(flowers.run))
    original = graph.Packed.forward

    def drifting(self: graph.Packed, images: torch.Tensor) -> torch.Tensor:
        # What is traced is not what is compared with, as a faulty conversion would have it.
        return original(self, images) + (0.01 if torch.compiler.is_exporting() else 0.0)

    monkeypatch.setattr(graph.Packed, "forward", drifting)
    for name in ("onnx", "exported-program"):
        with pytest.raises(RunError, match=r"answers otherwise than the network: by 0\.01, and 0\.0001 is allowed"):
            write_export(source, name, tmp_path / "it", Wish(lambda _done, _total: None))
    assert [each.name for each in tmp_path.iterdir()] == ["home"]


# The notebook -------------------------------------------------------------------------------------------------


def test_the_cells_of_the_notebook_train_the_run_and_predict(flowers, tmp_path, monkeypatch):
    book = nbformat.read(exported(flowers, "notebook", tmp_path), as_version=4)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {"__name__": "__main__"}
    for cell in book.cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, cell.id, "exec"), scope)
    ours = torch.load("checkpoints/last.pt", weights_only=True)["model"]
    theirs = torch.load(flowers.run / "checkpoints" / "last.pt", weights_only=True)["model"]
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    assert torch.equal(scope["predict"](scope["net"], flowers.pictures), flowers.answers)
    titles = [cell.source for cell in book.cells if cell.cell_type == "markdown"]
    steps = [title for title in titles if re.match(r"### \d", title)]
    assert [title.split(". ")[0] for title in steps] == [f"### {number}" for number in range(1, 11)]


def test_a_notebook_holds_a_short_list_of_pictures_only(flowers):
    source = exported_run(read_run(flowers.run))
    project = make_project(source, load_trained(source))
    project.files["pictures.csv"] = b"path,label,split\nan.jpg,a,train\n"
    assert "an.jpg,a,train" in as_notebook(source, project).decode()
    project.files["pictures.csv"] *= 100_000
    with pytest.raises(RunError, match=r"too long for a notebook \(3\.2 MB\)"):
        as_notebook(source, project)


# The project on photographs -----------------------------------------------------------------------------------


def test_the_project_predicts_as_the_run_and_the_same_run_gives_the_same_zip(flowers, tmp_path):
    first = exported(flowers, "project", tmp_path)
    again = tmp_path / "again.zip"
    done("export", flowers.run, "--to", again, "--format", "project")
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(again) as two:
        for name in one.namelist():
            assert one.read(name) == two.read(name), name
        one.extractall(tmp_path)
    with modules(tmp_path / "flowers", "predict") as (predict,):
        for weights in ("weights.pt", flowers.run / "checkpoints" / "best.pt"):
            net, _ = predict.load(str(weights))
            assert torch.equal(predict.predict(net, flowers.pictures), flowers.answers)


# The report ---------------------------------------------------------------------------------------------------


def test_the_report_holds_the_runs_numbers_and_asks_nobody(flowers, tmp_path):
    page = exported(flowers, "report", tmp_path).read_text()
    best = max(event["val_acc1"] for event in exported_run(read_run(flowers.run)).history.epochs)
    assert f"<b>{best:.1%}</b> validation accuracy" in page
    assert page.count("<img ") == 5 * 4 + page.count(", taken for ") // 2
    assert page.count("<svg ") == 4
    for part in (
        "Data set",
        "Learning",
        "Confusion matrix",
        "Worst mistakes",
        "Settings",
        "Environment",
        "How to repeat it",
        "Model card",
    ):
        assert f"<h2>{part}" in page
    assert "python -m alexcore train --data=" in page
    # Addresses of anything that would be loaded, but for the name space of SVG and a text.
    loaded = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'>\s)]+)""", page)
    assert loaded
    assert all(address.startswith("data:") for address in loaded)
    assert "<script" not in page


def test_names_in_a_report_are_text(tmp_path, home):
    run = write_run("finished", "evil <img src=x onerror=alert(1)>", data=tmp_path / "<gone>", checkpoint=True)
    evil = '<script>alert("1")</script>'
    (run / "class_indices.json").write_text(json.dumps({"0": evil, "1": "b", "2": "c | `d`"}))
    (run / "env.json").write_text(json.dumps({"cpu": "<b>fast</b>", "data_fingerprint": "<i>"}))
    done("export", run, "--to", tmp_path / "it.html", "--format", "report")
    page = (tmp_path / "it.html").read_text()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;" in page
    assert "&lt;b&gt;fast" in page
    assert "could not be opened when this report was written" in page


# Bad input ----------------------------------------------------------------------------------------------------


def test_a_run_without_a_checkpoint_cannot_be_exported(tmp_path, home):
    for name in FORMATS:
        line = refused("export", write_run("failed", f"bare-{name}"), "--to", tmp_path / "it", "--format", name)
        assert line == f"error: The run bare-{name} (failed) has no checkpoint. Choose another run."
    write_run("running", "young")
    line = refused("export", "young", "--to", tmp_path / "it", "--format", "onnx")
    assert line.endswith("has no checkpoint. Wait for its first epoch to end.")
    write_run("finished", "old", checkpoint=True)
    (find_run("old").path / "checkpoints" / "best.pt").unlink()
    line = refused("export", "old", "--to", tmp_path / "it", "--format", "onnx", "--checkpoint", "best")
    assert line == "error: The run old has no checkpoint best.pt. Choose the other one."
    assert list(tmp_path.glob("it*")) == []


@pytest.mark.parametrize("state", ["running", "stopped", "lost"])
@pytest.mark.parametrize("name", ["weights", "project", "report", "bundle"])
def test_an_unfinished_run_can_be_exported_and_that_is_said(tmp_path, home, state, name):
    run = write_run(state, "half", checkpoint=True)
    file = tmp_path / "it"
    said = done("export", run, "--to", file, "--format", name, "--json")
    words = f"The run is {state}, not finished: after 1 of 2 epochs this is its best.pt."
    assert said.json["notes"][0].startswith(words)
    if name == "report":
        assert words in file.read_text()
    if name == "project":
        with zipfile.ZipFile(file) as archive:
            assert words in archive.read("half/README.md").decode()


def test_nothing_is_overwritten_unasked(flowers, tmp_path):
    file = tmp_path / "it.pt"
    file.write_text("mine")
    line = refused("export", flowers.run, "--to", file, "--format", "weights")
    assert line == f"error: {file} exists. Choose another name, or add --force to overwrite it."
    assert file.read_text() == "mine"
    done("export", flowers.run, "--to", file, "--format", "weights", "--force")
    assert "state_dict" in torch.load(file, weights_only=True)
    assert refused("export", flowers.run, "--to", tmp_path, "--format", "weights").startswith(f"error: {tmp_path} is a")
    missing = tmp_path / "no" / "it.pt"
    assert "There is no folder" in refused("export", flowers.run, "--to", missing, "--format", "weights")
    assert "cannot be written" in refused("export", flowers.run, "--to", tmp_path / ("n" * 300), "--format", "weights")


def test_an_unknown_format_or_run_is_named(flowers, tmp_path):
    line = refused("export", flowers.run, "--to", tmp_path / "it", "--format", "keras")
    assert line == f"error: There is no format 'keras'. Choose one of {', '.join(FORMATS)}."
    assert refused("export", "nobody", "--to", tmp_path / "it", "--format", "onnx").startswith("error: There is no run")


def test_a_format_from_outside_is_one_entry(flowers, tmp_path, monkeypatch):
    def names(source: Source, file: Path, wish: Wish) -> Written:
        file.write_text("\n".join(source.classes))
        return Written(notes=["only their names"])

    monkeypatch.setitem(FORMATS, "classes", Format("Classes", ".txt", "text/plain", "Their names.", names))
    said = done("export", flowers.run, "--to", tmp_path / "it.txt", "--format", "classes", "--json").json
    assert (tmp_path / "it.txt").read_text().split() == ["daisy", "dandelion", "roses", "sunflowers", "tulips"]
    assert said["format"] == "classes"
    assert said["notes"] == ["only their names"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("name", ["weights", "bundle"])
def test_a_full_or_read_only_disk_is_a_sentence_and_spares_the_older_file(flowers, tmp_path, monkeypatch, number, name):
    file = tmp_path / "it"
    file.write_text("older")

    def full(*_parts: Any, **_more: Any) -> None:
        raise OSError(number, "No space left on device" if number == errno.ENOSPC else "Read-only file system")

    monkeypatch.setattr(write.Path, "write_bytes", full)
    monkeypatch.setattr(zipfile.ZipFile, "open", full)
    said = call("export", flowers.run, "--to", file, "--format", name, "--force")
    assert said.code == 2
    line = said.err.splitlines()[-1]  # after the bar, which a bundle has
    words = "No space left on device" if number == errno.ENOSPC else "Read-only file system"
    limit = "Free some disk space" if number == errno.ENOSPC else "The disk can only be read"
    assert line.startswith(f"error: {file} cannot be written: {words}. {limit}")
    assert file.read_text() == "older"
    assert [each.name for each in tmp_path.iterdir() if each.name != "home"] == ["it"]


def test_a_damaged_checkpoint_is_a_sentence(tmp_path, home):
    run = write_run("finished", "damaged", checkpoint=True)
    (run / "checkpoints" / "best.pt").write_bytes(b"not a checkpoint")
    for name in ("weights", "onnx", "project"):
        line = refused("export", run, "--to", tmp_path / "it", "--format", name)
        assert "is no checkpoint, or a damaged one" in line


def test_a_run_without_its_mapping_is_a_sentence(tmp_path, home):
    run = write_run("finished", "nameless", checkpoint=True)
    (run / "class_indices.json").write_text("{}")
    line = refused("export", run, "--to", tmp_path / "it", "--format", "report")
    assert "has no usable class_indices.json" in line


def test_a_name_is_no_path_and_no_code(flowers):
    source = exported_run(read_run(flowers.run))
    from dataclasses import replace

    assert replace(source, path=Path("/x/a b'\"\n../c")).name == "c"
    assert replace(source, path=Path("/x/a b'\"{{}}")).name == "a_b_"
    assert io.StringIO(source.name).read() == "flowers"


@pytest.mark.parametrize("name", ["report", "bundle", "project"])
def test_a_job_reads_no_pictures_outside_the_data_roots(stripes, tmp_path, home, monkeypatch, name):
    """A run that was copied here may name any folder of this machine; whoever types a command may read it anyway."""
    run = write_run("finished", "foreign", data=stripes, checkpoint=True)
    monkeypatch.setenv("ALEXCORE_DATA_ROOTS", str(tmp_path / "allowed"))
    assert done("export", run, "--to", tmp_path / "typed", "--format", name, "--json").json["notes"] == []
    monkeypatch.setenv("ALEXCORE_JOB", str(tmp_path / "job.json"))
    said = done("export", run, "--to", tmp_path / "it", "--format", name, "--json")
    if name == "report":
        assert "lies outside the folders that the dashboard may open" in (tmp_path / "it").read_text()
        assert "<img" not in (tmp_path / "it").read_text()
    else:
        assert "lies outside the folders that the dashboard may open" in said.json["notes"][0]
