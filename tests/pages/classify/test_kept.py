"""What a visit has brought to Classify stays while one looks elsewhere; and what only the way of a file can spoil."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.runtime.uploaded_file_manager import DeletedFile
from streamlit.testing.v1 import AppTest

from alexcore.analysis import batch_prediction
from tests.support.opened_pages import errors_of, open_page, picture, text_of
from tests.support.run_folders import write_run
from ui.parts import upload_field

PAGE = "pages/classify.py"
Files = tuple[tuple[str, bytes], ...]


@pytest.fixture
def asked(flowers: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pictures that were read for an answer; there are two runs, of which the newer one is taken by itself."""
    for name in ("older", "newer"):
        write_run("finished", name, data=flowers, checkpoint=True)
    read: list[str] = []
    real = batch_prediction.decode

    def decode(one, *more):
        read.append(one.name)
        return real(one, *more)

    monkeypatch.setattr(batch_prediction, "decode", decode)
    return read


def give(at: AppTest, *names: str) -> AppTest:
    at.file_uploader(key="classify_upload").set_value([(name, picture(), "image/jpeg") for name in names]).run()
    return at


def look_elsewhere(at: AppTest) -> AppTest:
    at.switch_page("../pages/overview.py").run()
    at.query_params.clear()
    return at.switch_page(f"../{PAGE}").run()


def test_uploads_answers_and_the_run_stay_and_another_image_is_answered_alone(asked: list[str]) -> None:
    at = give(open_page(PAGE, run="older"), "a.jpg", "b.jpg")
    at.button(key="classify_explain_1").click().run()
    at.toggle(key="classify_tta").set_value(True).run()
    del asked[:]
    at = look_elsewhere(at)
    assert not errors_of(at)
    assert at.selectbox(key="classify_run").value == "older"
    assert at.toggle(key="classify_tta").value
    assert "2 pictures; " in text_of(at)
    assert "Still here from before: a.jpg, b.jpg." in text_of(at)
    assert at.button(key="classify_explain_1").label == "Close the explanation"
    assert asked == []
    give(at, "c.jpg")
    assert "3 pictures; " in text_of(at)
    assert asked == ["c.jpg"]
    assert at.button(key="classify_explain_1").label == "Close the explanation"
    at.file_uploader(key="classify_upload").set_value([]).run()
    assert "2 pictures; " in text_of(at), "what is taken out of the field goes"
    at.button(key="classify_upload_forget").click().run()
    assert "No picture yet" in text_of(at)
    assert asked == ["c.jpg"]


def test_another_source_on_the_page_and_back_again(asked: list[str]) -> None:
    at = give(open_page(PAGE), "a.jpg")
    at.get("button_group")[0].set_value("Paste").run()
    assert "No picture yet" in text_of(at)
    at.get("button_group")[0].set_value("Upload").run()
    assert "1 picture; " in text_of(at)
    assert at.query_params["run"] == "newer", "who has answered is the chosen run, whatever finishes meanwhile"


def test_an_upload_that_the_server_has_lost_says_what_to_do(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(PAGE)
    assert "no longer has" not in text_of(at)
    # As Streamlit hands over a file that the browser shows and a new server never had.
    serde = "streamlit.elements.widgets.file_uploader._get_upload_files"
    monkeypatch.setattr(serde, lambda value: [DeletedFile("gone")] if value is not None else [])
    give(at, "a.jpg")
    assert "The server no longer has what the field above shows" in text_of(at)
    assert "give it again" in text_of(at)
    assert "No picture yet" in text_of(at)


@pytest.mark.parametrize(
    ("address", "works"),
    [
        ("http://192.168.1.7:8501/classify", False),
        ("http://localhost:8501/classify", True),
        ("http://127.0.0.1:8501/classify", True),
        ("https://school.example/classify", True),
    ],
)
def test_without_https_the_camera_says_why_it_is_not_there(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, address: str, works: bool
) -> None:
    monkeypatch.setattr(upload_field.st, "context", SimpleNamespace(url=address, headers={}))
    at = open_page(PAGE, classify_source="Camera")
    assert bool(at.get("camera_input")) is works
    assert ("give it under Upload" in text_of(at)) is not works


def test_behind_a_proxy_its_limit_is_named(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "AxiosError" not in text_of(open_page(PAGE))
    context = SimpleNamespace(url="https://school.example", headers={"X-Forwarded-For": "10.0.0.1"})
    monkeypatch.setattr(upload_field.st, "context", context)
    said = text_of(open_page(PAGE))
    assert "AxiosError and 413" in said
    assert "client_max_body_size" in said
