"""Sentences of facts: lists, numbers, and what becomes of a fact that nobody here knows."""

from __future__ import annotations

import ast
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from alexcore.words import extract, language, phases
from alexcore.words.experiment import arms_in_words
from alexcore.words.findings import SAID, said, same, told
from alexcore.words.template import filled


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"names": ["a"], "count": 1}, "1 file is no picture and left out: a."),
        ({"names": ["a", "b"], "count": 2}, "2 files are no picture and left out: a, b."),
        ({"names": ["a", "b", "c", "d"], "count": 7}, "7 files are no picture and left out: a, b, c, d and 3 more."),
    ],
)
def test_a_list_tells_what_it_leaves_out(values, text):
    assert said("data.no-pictures", values)[0] == text


def test_a_truth_chooses_between_two_forms():
    assert [filled("{yes:?on|off}", {"yes": each}) for each in (True, False)] == ["on", "off"]


@pytest.mark.parametrize(
    "fact",
    [
        {"message": "Old.", "hint": "As it was."},
        {"message": "Old.", "hint": "As it was.", "code": "run.of-tomorrow", "values": {}},
        {"message": "Old.", "hint": "As it was.", "code": "run.stopped-early", "values": {}},
        {"message": "Old.", "hint": "As it was.", "code": "run.stopped-early", "values": None},
        {"message": "Old.", "hint": "As it was.", "code": "data.no-pictures", "values": {"names": 3, "count": "x"}},
        {"message": "Old.", "hint": "As it was.", "code": ["x"], "values": {}},
    ],
)
def test_a_fact_that_is_not_known_here_keeps_its_english_sentence(fact):
    assert told(fact) == ("Old.", "As it was.")


def test_a_known_fact_is_told_anew():
    assert told({"code": "run.stopped-early", "values": {"patience": 4}, "message": "Alt."}) == (
        "Stopped early: no better validation accuracy for 4 epochs.",
        "best.pt holds the best epoch.",
    )


def test_facts_are_the_same_by_code_and_values_and_old_ones_by_their_sentence():
    fact = {"code": "run.stopped-early", "values": {"patience": 4}, "message": "A."}
    assert same(fact, {**fact, "message": "B."})
    assert not same(fact, {**fact, "values": {"patience": 5}})
    assert same({"message": "A."}, fact)
    assert not same({"message": "B."}, fact)


@pytest.mark.parametrize("phase", get_args(phases.Phase))
def test_every_phase_has_words(phase):
    said = phases.phase_in_words(phase, {"run": "other"})
    assert said == (phases.SAID[phase].replace("{run}", "other") if phase else "")
    assert set(phases.SAID) | {""} == set(get_args(phases.Phase))


def test_a_phase_of_version_0_1_is_known_by_its_words():
    """They stand in files, so they are repeated here: what `SAID` says may change only if these are still read."""
    for words, code in (
        ("loading PyTorch", "loading-pytorch"),
        ("starting again, because a process was lost", "starting-again"),
        ("waiting for the other processes", "waiting-for-processes"),
        ("checking pictures", "checking-pictures"),
        ("measuring colours", "measuring-colours"),
        ("building the network", "building-network"),
        ("building the networks", "building-networks"),
        ("loading weights", "loading-weights"),
        ("reading the probe pictures", "reading-probe-pictures"),
    ):
        assert phases.phase_of(words) == phases.phase_of(code) == (code, {})
    assert phases.phase_of("waiting for flowers-1") == ("waiting-for-run", {"run": "flowers-1"})
    assert phases.phase_of("dreaming") == ("starting", {})


def test_a_phase_of_tomorrow_says_itself():
    assert phases.phase_in_words("dreaming") == "dreaming"
    assert phases.phase_in_words("waiting-for-run") == "waiting-for-run"


def test_the_template_of_a_catalogue_lists_what_is_said():
    """Titles of settings, templates of findings and phases, and the labels of pages; each once."""
    made = extract.template()
    for text in ("Learning rate", "waiting for {run}", "Not decided by this experiment", "Draw again"):
        assert made.count(f'msgid "{text}"\n') == 1, text
    assert all(f"msgid {json.dumps(each.message)}\n" in made for each in SAID.values())


def test_a_text_in_the_code_is_one_that_can_be_listed():
    """`_(name)` and `_(f"...")` would be looked up, and never found in a catalogue; only data is looked up by name."""
    odd = []
    for part in ("alexcore", "ui", "pages"):
        for file in sorted((extract.ROOT / part).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"
                if called and not isinstance(node.args[0], ast.Constant):
                    odd.append(file.relative_to(extract.ROOT).as_posix())
    assert odd == [
        "alexcore/fields.py",
        "alexcore/fields.py",
        "alexcore/findings/pictures.py",
        "alexcore/words/template.py",
    ]


def test_a_second_language_is_a_catalogue_and_nothing_else(tmp_path: Path):
    """A .mo file in the folder, chosen by the environment, changes a sentence; what it lacks stays English."""
    folder = tmp_path / "eo" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "alexcore.mo").write_bytes(catalogue({"best.pt holds the best epoch.": "best.pt enhavas la plej bonan."}))
    program = (
        "from pathlib import Path; from alexcore.words import language;"
        f"language.LOCALE = Path({str(tmp_path)!r}); language._chosen = language._catalogue();"
        "from alexcore.words.findings import said; print(said('run.stopped-early', {'patience': 2}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={language.LANGUAGE: "eo"}, capture_output=True, text=True, check=True
    )
    assert "for 2 epochs." in done.stdout
    assert "enhavas la plej bonan" in done.stdout


def catalogue(texts: dict[str, str]) -> bytes:
    """A compiled catalogue of gettext: a header, two tables of (length, place), and the texts."""
    pairs = sorted(
        {"": "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);", **texts}.items()
    )
    keys, values = ([each[side].encode() + b"\0" for each in pairs] for side in (0, 1))
    count, place, tables = len(pairs), 28 + 16 * len(pairs), []
    for texts_ in (keys, values):
        for text in texts_:
            tables.append(struct.pack("<II", len(text) - 1, place))
            place += len(text)
    return struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, 0) + b"".join([*tables, *keys, *values])


def test_arms_in_words() -> None:
    assert arms_in_words({"none-s0": 0.667, "batch-s0": 0.87, "group-s0": 0.507}) == "3 arms: 67 / 87 / 51 %"
    assert arms_in_words({"none-s0": 0.5, "none-s1": 0.7, "batch-s0": None}) == "2 arms: 60 / - %"
    assert arms_in_words({}) == "no arm is validated yet"
