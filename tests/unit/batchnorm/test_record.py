"""Reading an experiment: what is new, what a resume undoes, torn and hostile lines."""

from __future__ import annotations

import json
import math

import pytest

from alexcore.batchnorm.read.record import Experiment, band
from alexcore.files import write_json
from alexcore.runs.events import EventWriter
from tests.support.bn_experiments import PROBED, QUANTITIES, made_of, write_experiment


def read(folder) -> Experiment:
    record = Experiment(folder)
    record.refresh()
    return record


def test_a_finished_one_has_everything():
    record = read(write_experiment("finished", "one", sweeps=True))
    assert record.start is not None
    assert record.norms == ["none", "batch", "group"]
    assert record.seeds == [0, 1, 2]
    assert [len(record.steps[arm]) for arm in record.arms] == [20] * 9
    assert [event["step"] for event in record.evals["batch", 2]] == [0, 10, 20]
    assert set(record.probes) == set(QUANTITIES)
    assert [event["step"] for event in record.probes["Q1"]["none", 1]] == list(PROBED)
    assert len(record.answers) == 5
    assert record.cost is not None
    assert record.end is not None
    assert (len(record.notes), len(record.warnings)) == (1, 1)
    assert {kind: len(lines) for kind, lines in record.sweeps.items()} == {"q14": 36, "q15": 54}


def test_there_is_nothing_new_the_second_time():
    record = Experiment(write_experiment("running", "one", until=7))
    assert record.refresh()
    assert not record.refresh()


@pytest.mark.parametrize("state", ["queued", "missing"])
def test_nothing_is_read_where_nothing_is(tmp_path, state):
    record = Experiment(write_experiment("queued", "one") if state == "queued" else tmp_path / "none")
    assert not record.refresh()
    assert record.start is None
    assert record.arms == []
    assert record.answers == []


def test_half_a_line_waits_for_its_other_half():
    folder = write_experiment("torn", "one", until=5)
    record = read(folder)
    whole = len(record.probes["Q1"]["none", 0])
    with (folder / "events.jsonl").open("ab") as file:
        file.write(b'ne", "seed": 0, "step": 6, "quantity": "Q1", "data": {"conv1": {}}}\n')
    assert record.refresh()
    assert len(record.probes["Q1"]["none", 0]) == whole + 1


@pytest.mark.parametrize(
    "line",
    [
        {"type": "probe"},
        {"type": "probe", "arm": "none", "seed": 0, "step": 3, "quantity": "Q1", "data": [1]},
        {"type": "probe", "arm": "none", "seed": 0, "step": 3, "quantity": 7, "data": {}},
        {"type": "arm_step", "arm": 3, "seed": 0, "step": 1},
        {"type": "arm_step", "arm": "none", "seed": "0", "step": 1},
        {"type": "arm_eval", "arm": "none", "seed": 0},
        {"type": "resume"},
        {"type": "resume", "round": "x"},
        {"type": "surprise"},
    ],
)
def test_a_line_of_another_kind_is_left_out(line):
    folder = write_experiment("running", "one", until=2)
    before = read(folder)
    with (folder / "events.jsonl").open("ab") as file:
        file.write(json.dumps(line).encode() + b"\nnot json\n")
    after = read(folder)
    assert (after.steps, after.evals, after.probes) == (before.steps, before.evals, before.probes)


def test_seeds_that_begin_later_forget_nothing_of_the_others(tmp_path):
    steps = [
        {"type": "arm_step", "arm": "none", "seed": seed, "step": step, "loss": 1.0}
        for seed in (0, 1)
        for step in (1, 2)
    ]
    record = made_of(tmp_path / "one", *steps, {"type": "resume", "round": 0, "seeds": [1]})
    assert [event["step"] for event in record.steps["none", 0]] == [1, 2]
    assert record.steps["none", 1] == []


def test_a_resume_forgets_what_was_beyond_its_checkpoint():
    folder = write_experiment("stopped", "one", until=12)
    writer = EventWriter(folder / "events.jsonl")
    writer.write("resume", round=7, step=7)
    writer.close()
    record = read(folder)
    assert record.resumes == [7]
    assert record.end is None
    assert {event["step"] for event in record.steps["group", 0]} == set(range(1, 8))
    assert [event["step"] for event in record.evals["group", 0]] == [0]
    assert [event["step"] for event in record.probes["Q5"]["group", 0]] == [0, 5]


def test_a_measurement_that_is_made_again_replaces_the_first():
    folder = write_experiment("stopped", "one", until=5)
    writer = EventWriter(folder / "events.jsonl")
    writer.write("probe", arm="none", seed=0, step=5, quantity="Q7", data={"beta": 99.0})
    writer.close()
    events = read(folder).probes["Q7"]["none", 0]
    assert [event["step"] for event in events] == [0, 5]
    assert events[-1]["data"] == {"beta": 99.0}


def test_a_file_that_was_replaced_is_read_anew():
    folder = write_experiment("finished", "one")
    record = read(folder)
    (folder / "events.jsonl").write_text('{"type": "start", "norms": ["none"]}\n')
    assert record.refresh()
    assert record.arms == []
    assert record.start == {"type": "start", "norms": ["none"]}


def test_a_sweep_renews_the_verdict():
    folder = write_experiment("finished", "one")
    record = read(folder)
    write_json(folder / "verdict.json", {"answers": [{"short": "New."}]})
    assert record.refresh()
    assert [each["short"] for each in record.answers] == ["New."]
    (folder / "verdict.json").write_text("{half")
    assert record.refresh()
    assert len(record.answers) == 5


def test_a_band_goes_on_with_the_seeds_that_have_the_point_and_counts_them():
    found = band([[(0, 1.0), (1, 2.0), (2, 9.0)], [(0, 3.0), (1, 1.0)], [(0, 2.0), (1, 6.0), (3, 0.0)]])
    assert found == [(0, 1.0, 2.0, 3.0, 3), (1, 1.0, 2.0, 6.0, 3), (2, 9.0, 9.0, 9.0, 1), (3, 0.0, 0.0, 0.0, 1)]
    assert band([]) == []
    assert band([[], [(1, 1.0)]]) == [(1, 1.0, 1.0, 1.0, 1)]
    assert not math.isnan(found[0][1])
