"""Sessions and aggregation as a pipeline, against DuckDB on the same events, to the last row."""

import csv
import json
import random
from fractions import Fraction

import pytest

from harness import clicks

pytestmark = pytest.mark.sanitize

GENERATE = """
pipeline: generate
schemas:
  click: {user_id: string, timestamp: timestamp, url: string, country: string, city: string, user_agent: string}
flows:
  generate:
    steps:
      - source-generate: {count: %(count)d, seed: %(seed)d, users: %(users)d, pages: %(pages)d, malformed: 0.001, late: 0.02}
      - transform-parse: {format: json, schema: click}
      - sink-file: {path: clicks.json, format: json}
"""

PROCESS = """
pipeline: process
settings: {lanes: %(lanes)d, memory: %(memory)s}
schemas:
  click: {user_id: string, timestamp: timestamp, url: string, country: string, city: string, user_agent: string}
flows:
  process:
    every: 1h
    steps:
      - source-file: {path: "%(input)s", format: json, schema: click}
      - transform-session: {key: user_id, time: timestamp, order: [timestamp, url, country], gap: 30m}
      - transform-agg: {group_by: [url, country], aggregates: {clicks: count, unique_users: distinct(user_id), avg_seconds_on_page: mean(time_on_page)}}
      - sink-file: {path: pages.csv, format: csv}
"""


def run_process(sluice, input="clicks.json", lanes=2, memory="512MiB"):
    sluice.write("process.yaml", PROCESS % locals())
    return sluice.run("run", "--once", "process.yaml")


def read_pages(sluice):
    with open(sluice.folder / "pages.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pages = {(row["url"], row["country"]):
             (int(row["clicks"]), int(row["unique_users"]),
              float(row["avg_seconds_on_page"]) if row["avg_seconds_on_page"] else None)
             for row in rows}
    assert len(pages) == len(rows), "a group occurs twice"
    return pages


def read_events(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_events(sluice, events, name="clicks.json"):
    lines = [json.dumps(event, ensure_ascii=False) for event in events]
    sluice.write(name, "".join(line + "\n" for line in lines))


@pytest.mark.parametrize("seed, users, pages, lanes", [
    (1, 500, 40, 1), (2, 5000, 300, 2), (3, 50000, 3000, 3), (4, 3, 5, 4)])
def test_simulated_events_give_the_oracle_answer(sluice, seed, users, pages, lanes):
    count = 60_000
    sluice.write("generate.yaml", GENERATE % locals())
    sluice.run_ok("run", "--once", "generate.yaml")
    events = read_events(sluice.folder / "clicks.json")
    assert 0 < count - len(events) < count / 200

    outcome = run_process(sluice, lanes=lanes)

    assert outcome.code == 0, outcome
    clicks.assert_pages_equal(read_pages(sluice), clicks.expected_pages(events))


def random_events(seed, count):
    """Few users, times and pages: ties of every depth, gaps of exactly half an hour, odd names."""
    draw = random.Random(seed)
    urls = ["/", "/a", "/a/", "/ü", "", 'with "quotes", commas', "line\nbreak"]
    countries = ["DK", "Korea, Republic of", "Côte d'Ivoire", "", "日本"]
    return [{"user_id": f"u{draw.randrange(40)}",
             "timestamp": f"2026-03-{draw.randrange(1, 4):02}T{draw.randrange(24):02}:"
                          f"{draw.choice((0, 30)):02}:00{draw.choice(('Z', '.000001Z', '+00:00'))}",
             "url": draw.choice(urls), "country": draw.choice(countries), "city": "x",
             "user_agent": "y"} for _ in range(count)]


@pytest.mark.parametrize("seed", range(4))
def test_ties_and_exact_gaps_give_the_oracle_answer_on_any_lanes(sluice, seed):
    events = random_events(seed, 5000)
    write_events(sluice, events)
    expected = clicks.expected_pages(events)
    for lanes in (1, 2, 5):
        outcome = run_process(sluice, lanes=lanes)
        assert outcome.code == 0, outcome
        clicks.assert_pages_equal(read_pages(sluice), expected)


def test_the_order_of_the_input_changes_no_byte_of_a_value(sluice):
    events = random_events(9, 20000)
    answers = []
    for seed in range(3):
        random.Random(seed).shuffle(events)
        write_events(sluice, events)
        outcome = run_process(sluice, lanes=1 + seed)
        assert outcome.code == 0, outcome
        answers.append(read_pages(sluice))
    assert answers[0] == answers[1] == answers[2]


def test_an_empty_input_gives_no_groups(sluice):
    write_events(sluice, [])
    outcome = run_process(sluice)
    assert outcome.code == 0, outcome
    path = sluice.folder / "pages.csv"
    assert not path.exists() or read_pages(sluice) == {}


def test_a_visitor_who_does_not_fit_the_budget_is_told_with_what_to_raise(sluice):
    """All else goes to disk."""
    draw = random.Random(5)
    write_events(sluice, [
        {"user_id": "robot", "timestamp": "2026-03-01T00:00:00Z",
         "url": f"/{draw.randrange(10**9)}/{'x' * 40}", "country": "DK", "city": "x",
         "user_agent": "y"}
        for _ in range(200_000)])
    outcome = run_process(sluice, memory="10MiB")
    assert outcome.code not in (0, -11, -6), outcome
    assert "settings.memory" in outcome.stderr, outcome
    assert not (sluice.folder / "pages.csv").exists()


def test_mistakes_are_shown_at_their_line(sluice):
    write_events(sluice, [])
    text = PROCESS % {"lanes": 1, "memory": "64MiB", "input": "clicks.json"}
    sluice.write("wrong.yaml", text.replace("distinct(user_id)", "distinct(userid)"))
    outcome = sluice.run("check", "wrong.yaml")
    assert outcome.code != 0
    assert "did you mean `user_id`" in outcome.stderr + outcome.stdout, outcome
    assert "wrong.yaml:12:93: " in outcome.stderr + outcome.stdout, outcome


@pytest.mark.parametrize("step", ["transform-session", "transform-agg"])
def test_a_continuous_flow_is_refused(sluice, step):
    text = PROCESS % {"lanes": 1, "memory": "64MiB", "input": "clicks.json"}
    sluice.write("continuous.yaml", text.replace("    every: 1h\n", ""))
    outcome = sluice.run("check", "continuous.yaml")
    assert outcome.code != 0
    assert step in outcome.stderr + outcome.stdout, outcome


AGGREGATE = """
pipeline: aggregate
settings: {lanes: %(lanes)d}
schemas:
  row:
    g: {type: string, required: false}
    h: {type: int64, required: false}
    n: {type: int64, required: false}
    f: {type: float64, required: false}
    t: {type: timestamp, required: false}
    s: {type: string, required: false}
flows:
  aggregate:
    every: 1h
    steps:
      - source-file: {path: rows.json, format: json, schema: row}
      - transform-agg:
          group_by: %(group_by)s
          aggregates:
            rows: count
            n_count: count(n)
            n_sum: sum(n)
            n_min: min(n)
            n_max: max(n)
            n_mean: mean(n)
            n_distinct: distinct(n)
            f_sum: sum(f)
            f_min: min(f)
            f_max: max(f)
            f_mean: mean(f)
            f_distinct: distinct(f)
            t_min: min(t)
            t_max: max(t)
            s_min: min(s)
            s_max: max(s)
            s_distinct: distinct(s)
      - sink-file: {path: groups.json, format: json}
"""


def random_rows(seed, count):
    draw = random.Random(seed)

    def maybe(value):
        return None if draw.random() < 0.2 else value
    return [{"g": maybe(draw.choice(["", "a", "b", "ü", "日本"])), "h": maybe(draw.randrange(-2, 2)),
             "n": maybe(draw.choice([draw.randrange(-10**15, 10**15), draw.randrange(5)])),
             "f": maybe(draw.choice([draw.uniform(-1, 1) * 10.0 ** draw.randrange(-300, 300),
                                     draw.randrange(1000) / 1000])),
             "t": maybe(f"2026-01-{draw.randrange(1, 29):02}T00:00:{draw.randrange(60):02}Z"),
             "s": maybe("x" * draw.randrange(3) + draw.choice("aäz"))} for _ in range(count)]


def model_group(rows):
    """The aggregates of one group in plain Python, sums and means exact."""
    answer = {"rows": len(rows)}
    for column, functions in (("n", "count sum min max mean distinct"), ("t", "min max"),
                              ("f", "sum min max mean distinct"), ("s", "min max distinct")):
        values = [row[column] for row in rows if row[column] is not None]
        total = sum(Fraction(value) for value in values) if column in "nf" else None
        results = {
            "count": len(values), "distinct": len(set(values)),
            "min": min(values, default=None, key=lambda v: v.encode() if column == "s" else v),
            "max": max(values, default=None, key=lambda v: v.encode() if column == "s" else v),
            "sum": (int if column == "n" else float)(total) if values and total is not None else None,
            "mean": float(total / len(values)) if values and total is not None else None}
        answer.update({f"{column}_{name}": results[name] for name in functions.split()})
    return answer


@pytest.mark.parametrize("group_by", [["g", "h"], ["h"], ["t"], ["g", "s", "h"], []])
@pytest.mark.parametrize("lanes", [1, 3])
def test_every_aggregate_equals_a_model_with_exact_sums(sluice, group_by, lanes):
    rows = random_rows(len(group_by), 3000)
    write_events(sluice, rows, "rows.json")
    sluice.write("aggregate.yaml", AGGREGATE % {"lanes": lanes, "group_by": json.dumps(group_by)})
    sluice.run_ok("run", "--once", "aggregate.yaml")

    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in group_by), []).append(row)
    actual = {tuple(row.get(column) for column in group_by): row
              for row in read_events(sluice.folder / "groups.json")}
    assert actual.keys() == groups.keys()
    for group, members in groups.items():
        for name, value in model_group(members).items():
            got = actual[group].get(name)
            if name.endswith("_mean") and value is not None:
                assert got == pytest.approx(value, rel=3e-16, abs=0), (group, name)
            else:
                assert got == value, (group, name)
