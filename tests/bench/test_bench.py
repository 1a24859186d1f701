"""The benchmark does its work and is not taken in by a wrong answer; how fast anything is, it does not
say here."""

import json
import os
import subprocess
import sys

import pytest

from harness.sluice import BUILD, ROOT

sys.path.insert(0, str(ROOT / "bench"))

from answers import different_groups, digest  # noqa: E402
from callgrind import self_costs  # noqa: E402
from contest import OURS, Contender, Contest, Target, hold, judge  # noqa: E402
from measure import Cost, Failed, measure  # noqa: E402
from simulated import FIELDS  # noqa: E402


def contender(name, costs, answer=1, **options):
    """One that plays the given costs, and whose answer is a number."""
    turns = iter(costs)
    return Contender(name, lambda: next(turns), lambda: answer, **options)


def contest(*contenders, ratios=None):
    return Contest("counting", 1000, list(contenders), [Target("rival", ratios or {}, "target")],
                   lambda ours, theirs: "" if ours == theirs else f"{theirs} against {ours}")


def test_the_quick_run_compares_duckdb_with_us_and_tells_ratios(tmp_path):
    result = subprocess.run(
        [sys.executable, ROOT / "bench" / "run", "--quick", "--work", "process", "--case", "from csv",
         "--only", "sluice,duckdb", "--rounds", "1", "--folder", tmp_path, "--output",
         tmp_path / "results.md"],
        capture_output=True, text=True, env=os.environ | {"SLUICE_BUILD": str(BUILD)})
    assert result.returncode == 0, result.stderr
    text = (tmp_path / "results.md").read_text()
    assert text == result.stdout.rstrip("\n") + "\n"
    assert "| sluice |" in text and "| DuckDB |" in text
    assert "wrong answer" not in text and "failed" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["results.md"]


def test_the_works_that_need_no_rival_are_done(tmp_path):
    result = subprocess.run(
        [sys.executable, ROOT / "bench" / "run", "--quick", "--work", "spill,transform,start,slope",
         "--only", "sluice", "--rounds", "1", "--folder", tmp_path],
        capture_output=True, text=True, env=os.environ | {"SLUICE_BUILD": str(BUILD)})
    assert result.returncode == 0, result.stderr
    assert "failed" not in result.stdout and "wrong answer" not in result.stdout
    for title in ("spill", "transform to NDJSON", "transform to CSV", "start-up", "slope"):
        assert f"| {title} |" in result.stdout


def test_two_builds_are_compared_on_the_same_answer():
    result = subprocess.run(
        [sys.executable, ROOT / "bench" / "compare", BUILD, BUILD, "--events", "2000", "--rounds", "1"],
        capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "answers equal in every round" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("old / new: wall ")


def test_instructions_of_a_run_are_told_by_source_file(tmp_path):
    """callgrind gives a file its name once, then its number; the line after `calls=` is the callee's."""
    (tmp_path / "out").write_text(
        "fl=(1) core/a.c\nfn=(1) f\n10 100\ncfi=(2) core/b.c\ncfn=(2) g\ncalls=1 5\n11 900\n12 1\n"
        "fl=(2)\nfn=(2)\n5 40\nfe=(1)\n+3 2\nfi=(2)\n* 860\n")
    assert self_costs(tmp_path / "out") == {"core/a.c": 103, "core/b.c": 900}


def test_the_bare_programs_do_the_work_that_they_are_a_bound_of(tmp_path):
    subprocess.run(["cmake", "--build", BUILD, "--target", "bench"], check=True, capture_output=True)
    clicks = [{"user_id": "u1", "timestamp": "2026-01-01T00:00:00Z", "url": "a,\"b\"", "country": "France",
               "city": "Nîmes", "user_agent": "x"}]
    clicks += [{**clicks[0], "country": "Germany"}]
    lines = [json.dumps(click) for click in clicks] + ["{", '{"user_id": 1}']
    (tmp_path / "in.ndjson").write_text("\n".join(lines))
    for format in ("json", "csv"):
        said = subprocess.run([BUILD / "bench" / "bare" / "transform", tmp_path / "in.ndjson",
                               tmp_path / "out", format, "4", "Germany"],
                              check=True, capture_output=True, text=True).stdout
        assert said == "1 taken, 2 refused\n"
        assert digest([tmp_path / "out"], format, FIELDS[:4])[0] == 1
    assert (tmp_path / "out").read_text().splitlines() == [
        "user_id,timestamp,url,country", 'u1,2026-01-01T00:00:00Z,"a,""b""",France']


def test_costs_are_the_best_round_and_ratios_are_an_event():
    ours = contender(OURS, [Cost(2, 4, 10), Cost(1, 5, 20)])
    rival = contender("rival", [Cost(1, 1, 50)], events=100, rounds=1)
    fight = contest(ours, contender("sluice (a tenth)", [Cost(1, 1, 1)], events=100, rounds=1), rival,
                    ratios={"wall": 10, "cpu": 2.5, "peak": 2.5})
    entries = hold(fight, 2)
    assert entries[OURS].cost == Cost(1, 4, 20)
    verdict, = judge(fight, entries)
    assert verdict.measured == "wall 10.00, cpu 2.50, peak 2.50" and verdict.met


def test_ours_plays_whoever_is_asked_for():
    """An answer is compared with ours of the same events."""
    names = (OURS, "sluice (a tenth)", "rival", "other")
    fight = contest(*(contender(name, [Cost(1, 1, 1)]) for name in names))
    entries = hold(fight, 1, only=("rival",))
    assert set(entries) == {OURS, "sluice (a tenth)", "rival"} and entries["rival"].cost


def test_a_target_that_is_missed_by_one_measure_is_not_met():
    fight = contest(contender(OURS, [Cost(1, 1, 1)]), contender("rival", [Cost(9, 2, 9)]),
                    ratios={"wall": 4, "cpu": 4})
    verdict, = judge(fight, hold(fight, 1))
    assert verdict.met is False


def test_a_wrong_answer_has_no_figures():
    fight = contest(contender(OURS, [Cost(1, 1, 1)]), contender("rival", [Cost(9, 9, 9)], answer=2))
    entries = hold(fight, 1)
    assert entries["rival"].cost is None and "2 against 1" in entries["rival"].failure
    verdict, = judge(fight, entries)
    assert verdict.met is None


def test_a_rival_that_cannot_be_had_is_told_with_the_reason():
    fight = contest(contender(OURS, [Cost(1, 1, 1)]), contender("rival", [], missing="no such package"))
    verdict, = judge(fight, hold(fight, 1))
    assert verdict.met is None and "no such package" in verdict.measured


def test_that_ours_fails_is_a_target_not_met():
    def fail():
        raise Failed("crashed")
    fight = contest(Contender(OURS, fail), contender("rival", [Cost(1, 1, 1)]))
    verdict, = judge(fight, hold(fight, 1))
    assert verdict.met is False and "crashed" in verdict.measured


def test_a_child_that_nobody_waits_for_is_measured_too(tmp_path):
    """PySpark does its work in one."""
    busy = "i = 0\nwhile i < 3_000_000: i += 1"
    cost = measure(["sh", "-c", f"{sys.executable} -S -c '{busy}' & exit 0"], tmp_path)
    alone = measure([sys.executable, "-S", "-c", busy], tmp_path)
    assert cost.cpu > alone.cpu / 4 and cost.peak > alone.peak / 2


def test_the_peak_is_not_that_of_the_process_that_measures(tmp_path):
    held = bytearray(400 << 20)
    assert measure(["true"], tmp_path).peak < 100
    del held


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path):
    with pytest.raises(Failed, match="no luck"):
        measure(["sh", "-c", "echo no luck; exit 3"], tmp_path)


def test_a_daemon_is_ended_when_its_work_is_done(tmp_path):
    cost = measure(["sh", "-c", "touch done; exec sleep 600"], tmp_path,
                   until=(tmp_path / "done").exists)
    assert cost.wall < 300


def test_groups_differ_by_one_number(tmp_path):
    head = "url,country,clicks,unique_users,avg_seconds_on_page\n"
    pages = {"a": "x,DE,2,1,1.5\ny,FR,1,1,\n", "same": "y,FR,1,1,\nx,DE,2,1,1.5000000000000002\n",
             "clicks": "x,DE,3,1,1.5\ny,FR,1,1,\n", "fewer": "x,DE,2,1,1.5\n",
             "average": "x,DE,2,1,1.5\ny,FR,1,1,0\n"}
    for name, rows in pages.items():
        (tmp_path / name).write_text(head + rows)
    assert different_groups(tmp_path / "a", tmp_path / "same") == ""
    for name in ("clicks", "fewer", "average"):
        assert different_groups(tmp_path / "a", tmp_path / name), name


def test_a_digest_knows_rows_in_any_order_and_format(tmp_path):
    (tmp_path / "a.json").write_text(
        '{"url":"x,y","timestamp":"2026-01-01T00:00:00.5Z"}\n'
        '{"url":"z","timestamp":"2026-01-01T00:00:00Z"}\n')
    (tmp_path / "a.csv").write_text(
        'url,timestamp\nz,2026-01-01T00:00:00.000Z\n"x,y",2026-01-01T00:00:00.500Z\n')
    (tmp_path / "b.csv").write_text("url,timestamp\nz,2026-01-01T00:00:00Z\nx,2026-01-01T00:00:00.5Z\n")
    rows = [digest([tmp_path / f"{name}.{format}"], format, ("url", "timestamp"))
            for name, format in (("a", "json"), ("a", "csv"), ("b", "csv"))]
    assert rows[0] == rows[1] != rows[2]
