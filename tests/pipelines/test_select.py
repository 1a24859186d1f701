"""transform-select: some columns, some rows, beside the steps that it stands between."""

import csv
import json
from collections import Counter

import pytest

pytestmark = pytest.mark.sanitize

SELECT = """
pipeline: select
schemas:
  click: {user: string, n: {type: int64, required: false}, country: {type: string, required: false}}
flows:
  select:
    every: 1h
    steps:
      - source-file: {path: in.json, format: json, schema: click}
      - transform-select: {%(options)s}
      - %(rest)s
"""
SINK = "sink-file: {path: out.json, format: json}"
COUNTRIES = ["Germany", "France", "Côte d'Ivoire", None]
ROWS = [{"user": f"u{i % 7}", "n": None if i % 11 == 0 else i, "country": COUNTRIES[i % 4]}
        for i in range(5000)]


def write(sluice, options, rest=SINK):
    sluice.write("in.json", "".join(json.dumps(row) + "\n" for row in ROWS))
    sluice.write("select.yaml", SELECT % {"options": options, "rest": rest})


def select(sluice, options):
    write(sluice, options)
    sluice.run_ok("run", "--once", "select.yaml")
    return [json.loads(line) for line in (sluice.folder / "out.json").open(encoding="utf-8")]


def test_columns_go_on_in_the_order_wanted(sluice):
    got = select(sluice, "columns: [n, user]")
    assert got == [{"n": row["n"], "user": row["user"]} for row in ROWS]
    assert list(got[0]) == ["n", "user"]


def test_rows_that_fulfil_a_condition_go_on(sluice):
    got = select(sluice, """where: "country in ('Germany', 'Côte d''Ivoire') and n >= 100" """)
    assert got == [row for row in ROWS
                   if row["country"] in ("Germany", "Côte d'Ivoire") and (row["n"] or 0) >= 100]


@pytest.mark.parametrize("condition, is_wanted", [
    ("n < 100", lambda n: n is not None and n < 100),
    ("n = 4999", lambda n: n == 4999),
    ("n in (0, 1, 2, 3)", lambda n: n in (1, 2, 3)),
    ("n >= -5 and not n > 7", lambda n: n is not None and n <= 7)])
def test_a_condition_may_compare_numbers(sluice, condition, is_wanted):
    """The numbers of a condition are read while the flow is planned, by `check` as by `run`."""
    got = select(sluice, f'where: "{condition}"')
    assert got == [row for row in ROWS if is_wanted(row["n"])]
    sluice.run_ok("check", "select.yaml")


def test_a_condition_may_look_at_columns_that_do_not_go_on(sluice):
    got = select(sluice, """columns: [user], where: "n is null or not country != 'France'" """)
    assert got == [{"user": row["user"]} for row in ROWS
                   if row["n"] is None or row["country"] == "France"]


def test_rows_without_a_value_fulfil_neither_a_test_nor_its_opposite(sluice):
    same = select(sluice, """where: "country = 'Germany'" """)
    others = select(sluice, """where: "not country = 'Germany'" """)
    assert len(same) + len(others) == sum(row["country"] is not None for row in ROWS)


def test_rows_are_left_out_before_they_are_counted(sluice):
    counted = """transform-agg: {group_by: [country], aggregates: {rows: count}}
      - sink-file: {path: out.csv, format: csv}"""
    write(sluice, """where: "user starts with 'u' and not user in ('u1', 'u2')" """, counted)
    sluice.run_ok("run", "--once", "select.yaml")
    with (sluice.folder / "out.csv").open(encoding="utf-8", newline="") as file:
        got = {row["country"]: int(row["rows"]) for row in csv.DictReader(file)}
    assert got == Counter(row["country"] or "" for row in ROWS if row["user"] not in ("u1", "u2"))


def test_a_mistake_in_a_condition_is_found_by_check(sluice):
    write(sluice, """where: "n > 10 and contry = 'Germany'" """)
    checked = sluice.run("check", "select.yaml")
    assert checked.code != 0
    assert "select.yaml:10:" in checked.stderr
    assert "character 12, `contry`: expected a column of the input" in checked.stderr
