"""The simulator as a pipeline's source: reproducible, restartable, and refused where it cannot end."""

import json

import pytest

from harness import clicks
from harness.sluice import eventually

PIPELINE = """
pipeline: simulate
settings: {checkpoint: 200ms}
schemas:
  click: {user_id: string, timestamp: timestamp, url: string, country: string, city: string, user_agent: string}
flows:
  simulate:
    steps:
      - source-generate: {%(options)s}
      - transform-parse: {format: json, schema: click}
      - sink-file: {path: "%(path)s", format: json}
"""


def simulate(sluice, options, path="clicks.json"):
    sluice.write("simulate.yaml", PIPELINE % locals())
    sluice.run_ok("run", "--once", "simulate.yaml")
    return (sluice.folder / path).read_bytes()


@pytest.fixture
def another(tmp_path_factory):
    from harness.sluice import Sluice
    return Sluice(tmp_path_factory.mktemp("another"))


def test_the_same_seed_gives_the_same_file(sluice, another):
    options = "count: 50000, seed: 5, malformed: 0.002, late: 0.05, duplicates: 0.01"
    first = simulate(sluice, options)
    assert first == simulate(another, options)
    events = [json.loads(line) for line in first.splitlines()]
    assert len(events) > 49_000
    assert len(clicks.expected_pages(events)) > 1000


def test_a_simulation_that_is_killed_goes_on_with_the_same_bytes(sluice, another):
    options = "count: 40000, seed: 6, duplicates: 0.01, late: 0.05"
    expected = simulate(another, options)

    sluice.write("simulate.yaml", PIPELINE % {"options": options + ", rate: 20000",
                                              "path": "clicks.json"})
    path = sluice.folder / "clicks.json"
    for part in (1, 2):
        process = sluice.start("run", "--once", "simulate.yaml")
        eventually(lambda: path.exists() and path.stat().st_size > part * len(expected) // 4,
                   what="a part of the file")
        sluice.kill(process)
    sluice.run_ok("run", "--once", "simulate.yaml")

    assert path.read_bytes() == expected


def test_a_simulation_that_has_ended_adds_nothing_when_run_again(sluice):
    first = simulate(sluice, "count: 1000")
    assert simulate(sluice, "count: 1000") == first
    assert len(simulate(sluice, "count: 1500").splitlines()) == 1500


def test_another_seed_on_the_same_state_is_refused(sluice):
    simulate(sluice, "count: 1000, seed: 1")
    sluice.write("simulate.yaml", PIPELINE % {"options": "count: 2000, seed: 2",
                                              "path": "clicks.json"})
    outcome = sluice.run("run", "--once", "simulate.yaml")
    assert outcome.code != 0
    assert "seed, users, pages" in outcome.stderr, outcome


def test_an_endless_simulation_is_refused_where_the_run_must_end(sluice):
    sluice.write("simulate.yaml", PIPELINE % {"options": "seed: 2", "path": "clicks.json"})
    outcome = sluice.run("run", "--once", "simulate.yaml")
    assert outcome.code not in (0, -11, -6), outcome
    assert "count is 0" in outcome.stderr, outcome


def test_a_rate_can_be_stopped_in_good_time(sluice):
    sluice.write("simulate.yaml", PIPELINE % {"options": "rate: 100, clock: real",
                                              "path": "clicks.json"})
    process = sluice.start("run", "simulate.yaml")
    path = sluice.folder / "clicks.json"
    eventually(lambda: path.exists() and path.stat().st_size > 0, what="the first events")
    assert sluice.stop(process) == 0
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize("options, column", [
    ("late: 1.5", "late"), ("clock: real", "clock"), ("malformed: -1", "malformed")])
def test_options_that_cannot_work_are_shown_at_their_place(sluice, options, column):
    sluice.write("simulate.yaml", PIPELINE % {"options": options, "path": "clicks.json"})
    outcome = sluice.run("check", "simulate.yaml")
    assert outcome.code != 0
    value_at = len("      - source-generate: {") + len(column) + 3
    assert f"simulate.yaml:9:{value_at}: error: {column} is " in outcome.stderr, outcome
