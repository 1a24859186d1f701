"""Sessions and groups that memory has no room for go to disk: the answer is that of DuckDB, memory
stays within its bound, and nothing is left of it on disk, whatever happens to the process."""

import csv
import json
import os
import re
import subprocess
import threading

import pytest

from harness import clicks
from harness.sluice import PROGRAM, Sluice, environment, eventually
from test_nth_fault import SmallDisk

ROWS = 150_000
BUDGET_MIB = 24
CONSTANT_MIB = 64  # program and libraries, what the allocator keeps

GENERATE = f"""
pipeline: generate
schemas:
  click: {{user_id: string, timestamp: timestamp, url: string, country: string, city: string, user_agent: string}}
flows:
  generate:
    steps:
      - source-generate: {{count: {ROWS}, seed: 11, users: 60000, pages: 40000, page_skew: 0.6}}
      - transform-parse: {{format: json, schema: click}}
      - sink-file: {{path: clicks.json, format: json}}
"""

PROCESS = """
pipeline: process
settings: {lanes: 2, memory: %(memory)s, spill: spill}
schemas:
  click: {user_id: string, timestamp: timestamp, url: string, country: string, city: string, user_agent: string}
flows:
  process:
    every: 1h
    steps:
      - source-file: {path: "clicks*.json", format: json, schema: click}
      - transform-session: {key: user_id, time: timestamp, order: [timestamp, url, country], gap: 30m}
      - transform-agg: {group_by: [url, country], aggregates: {clicks: count, unique_users: distinct(user_id), avg_seconds_on_page: mean(time_on_page)}}
      - sink-file: {path: pages.csv, format: csv}
"""


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """Path of the events, and what DuckDB makes of them."""
    sluice = Sluice(tmp_path_factory.mktemp("events"))
    sluice.write("generate.yaml", GENERATE)
    sluice.run_ok("run", "--once", "generate.yaml")
    path = sluice.folder / "clicks.json"
    with open(path, "rb") as lines:
        return path, clicks.expected_pages([json.loads(line) for line in lines])


def prepare(sluice, events, memory=f"{BUDGET_MIB}MiB"):
    sluice.write("process.yaml", PROCESS % {"memory": memory})
    (sluice.folder / "clicks.json").symlink_to(events[0])


def assert_right(folder, events):
    with open(folder / "pages.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pages = {(row["url"], row["country"]):
             (int(row["clicks"]), int(row["unique_users"]),
              float(row["avg_seconds_on_page"]) if row["avg_seconds_on_page"] else None)
             for row in rows}
    assert len(pages) == len(rows), "a group occurs twice"
    clicks.assert_pages_equal(pages, events[1])


def spilled_steps(text):
    return re.findall(r"process: (\S+) moved .* to disk, for want of memory", text)


def peak_mib(process):
    """The highest peak that could be read while the process lived."""
    peak = 0
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as status:
                found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
        except OSError:
            break
        peak = max(peak, int(found[1]) / 1024 if found else 0)
        threading.Event().wait(0.02)
    return peak


def test_a_small_budget_gives_the_same_answer_within_its_bound(sluice, events):
    prepare(sluice, events)
    process = sluice.start("run", "--once", "process.yaml")
    peak = peak_mib(process)
    assert process.wait() == 0, sluice.log()
    assert_right(sluice.folder, events)
    assert spilled_steps(sluice.log()) == ["transform-session", "transform-agg"]
    assert list((sluice.folder / "spill").iterdir()) == []
    assert 0 < peak < BUDGET_MIB + CONSTANT_MIB, f"{peak:.0f} MiB"


def test_with_memory_enough_nothing_goes_to_disk(sluice, events):
    prepare(sluice, events, "1GiB")
    outcome = sluice.run_ok("run", "--once", "process.yaml")
    assert_right(sluice.folder, events)
    assert spilled_steps(outcome.stderr) == []


def is_spilling(process, folder):
    """Whether it has a file open there, which has no name."""
    fds = f"/proc/{process.pid}/fd"
    links = [os.readlink(f"{fds}/{fd}") for fd in os.listdir(fds) if os.path.islink(f"{fds}/{fd}")]
    return any(link.startswith(str(folder)) and "(deleted)" in link for link in links)


def test_a_kill_while_rows_are_on_disk_leaves_nothing_there(sluice, events):
    prepare(sluice, events)
    # Input that never ends: the process waits for it with rows on disk.
    os.mkfifo(sluice.folder / "clicks2.json")
    process = sluice.start("run", "--once", "process.yaml")
    spill = sluice.folder / "spill"
    eventually(lambda: spill.is_dir() and is_spilling(process, spill.resolve()), 60, "a spill")
    sluice.kill(process)
    assert list(spill.iterdir()) == []
    assert not (sluice.folder / "pages.csv").exists()
    os.unlink(sluice.folder / "clicks2.json")
    sluice.run_ok("run", "--once", "process.yaml")
    assert_right(sluice.folder, events)
    assert list(spill.iterdir()) == []


def test_a_full_disk_is_told_and_the_next_run_makes_it_good(sluice, events):
    prepare(sluice, events)
    disk = SmallDisk(sluice.folder / "spill", 100)
    run = disk.command("sh", "-c", f'cd "$0" && exec {PROGRAM} run --once process.yaml',
                       sluice.folder)
    try:
        result = subprocess.run(run, env=environment(), capture_output=True, text=True, timeout=120)
        assert result.returncode == 1, result.stderr
        said = re.search(r"process: failed: .*", result.stderr)[0]
        assert "is over its share of `memory` and cannot write to spill: No space left" in said
        assert "name another folder with `spill` in the settings, or raise `memory`" in said
        assert not (sluice.folder / "pages.csv").exists()
    finally:
        disk.close()
    sluice.run_ok("run", "--once", "process.yaml")
    assert_right(sluice.folder, events)
