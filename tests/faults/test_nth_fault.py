"""The n-th call of the system fails, for n = 1, 2, 3 … to the end: each run ends with the right
answer, or with a documented exit code and a reason; no crash, no leak, no hang; and the next run
makes everything good."""

import csv
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from harness.faults import (DOCUMENTED_CODES, SANITIZER_WORDS, assert_no_sanitizer_report,
                            calls_made, failing, fresh, in_parallel, place_hit)
from harness.sluice import PROGRAM, Sluice, environment, eventually

pytestmark = pytest.mark.faultpoints

ROWS = 300
BAD_EVERY = 29
GOOD = [number for number in range(ROWS) if number % BAD_EVERY]
BAD = [number for number in range(ROWS) if number % BAD_EVERY == 0]

PIPELINE = """
pipeline: small
settings: {checkpoint: 1h, lanes: 2}
schemas: {event: {user: string, id: int64, at: timestamp}}
flows:
  copy:
    steps:
      - source-file: {path: in.ndjson}
      - transform-parse: {format: json, schema: event}
      - sink-file: {path: out.ndjson, format: json}
  report:
    every: 1h
    steps:
      - source-file: {path: in.ndjson, format: json, schema: event}
      - transform-session: {key: user, time: at, gap: 5m}
      - transform-agg: {group_by: [user], aggregates: {events: count, total: sum(id)}}
      - sink-file: {path: report.csv, format: csv}
"""

S3_PIPELINE = """
pipeline: small
settings: {checkpoint: 1h, lanes: 2}
schemas: {event: {user: string, id: int64, at: timestamp}}
flows:
  copy:
    steps:
      - source-file: {path: in.ndjson}
      - transform-parse: {format: json, schema: event}
      - sink-s3: {url: "${RAW_URL}", format: json}
"""

KAFKA_PIPELINE = """
pipeline: small
settings: {checkpoint: 1h, lanes: 2}
schemas: {event: {user: string, id: int64, at: timestamp}}
flows:
  copy:
    steps:
      - source-kafka: {brokers: "${BROKERS}", topics: ["${TOPIC}"], group: "${GROUP}"}
      - transform-parse: {format: json, schema: event}
      - sink-file: {path: out.ndjson, format: json}
"""

# A line that tells a person what went wrong.
REASON = re.compile(r"^sluice: |level=error |: error: ", re.M)


def line(number):
    return '{"user": "u%d", "id": %d, "at": "2026-01-02T03:%02d:%02dZ"}' % (
        number % 7, number, number // 60, number % 60) if number % BAD_EVERY else '{"id": broken'


def prepare(folder, pipeline=PIPELINE):
    sluice = fresh(folder)
    sluice.write("small.yaml", pipeline)
    sluice.write("in.ndjson", "".join(line(number) + "\n" for number in range(ROWS)))
    return sluice


def rejected_places(sluice, flow):
    return [json.loads(text)["position"] - 1
            for path in sluice.folder.glob(f"state/**/deadletter/{flow}.ndjson")
            for text in path.read_text().splitlines()]


def assert_right(sluice):
    out = (sluice.folder / "out.ndjson").read_text().splitlines()
    assert sorted(json.loads(text)["id"] for text in out) == GOOD
    with open(sluice.folder / "report.csv", newline="") as file:
        report = {row["user"]: (int(row["events"]), int(row["total"])) for row in csv.DictReader(file)}
    assert report == {f"u{user}": (len(ids), sum(ids)) for user in range(7)
                      for ids in [[number for number in GOOD if number % 7 == user]]}
    for flow in ("copy", "report"):
        assert sorted(rejected_places(sluice, flow)) == BAD
    assert list(sluice.folder.rglob("*.tmp")) == []


def assert_survives(folder, kind, number, mode, error):
    """One run with a fault, one without."""
    sluice, log = prepare(folder), folder / "calls"
    outcome = sluice.run("run", "--once", "small.yaml", env=failing(kind, number, mode, error, log))
    story = f"{kind} {number} {mode} {error}, made by {place_hit(log)}: {outcome}"
    assert outcome.code in DOCUMENTED_CODES, story
    assert_no_sanitizer_report(outcome)
    if outcome.code == 0:
        assert_right(sluice)
    else:
        assert REASON.search(outcome.stderr), story
    sluice.run_ok("run", "--once", "small.yaml")
    assert_right(sluice)
    shutil.rmtree(folder)


def count_calls(folder, kind):
    sluice, log = prepare(folder), folder / "calls"
    sluice.run_ok("run", "--once", "small.yaml", env=failing(kind, log=log))
    assert_right(sluice)
    return calls_made(log)


# Of each: which share of the calls is tried without --full.
FAULTS = [("malloc", "ENOMEM", 8), ("write", "EIO", 1), ("fsync", "EIO", 1), ("rename", "EIO", 1),
          ("open", "EMFILE", 3), ("mkdir", "EACCES", 2), ("unlink", "EIO", 1), ("read", "EIO", 4),
          ("dlopen", "EIO", 3), ("thread", "EAGAIN", 1)]


@pytest.mark.parametrize("mode", ["once", "always"])
@pytest.mark.parametrize("kind, error, step", FAULTS, ids=[kind for kind, _, _ in FAULTS])
def test_the_nth_call_fails(tmp_path, sample, kind, error, step, mode):
    calls = count_calls(tmp_path / "undisturbed", kind)
    assert calls > 0

    def fail(number):
        assert_survives(tmp_path / str(number), kind, number, mode, error)

    in_parallel(fail, sample(range(1, calls + 1), step))


# ---- every plugin, on nothing at all ----

EVERYTHING = """
pipeline: everything
settings: {checkpoint: 1h, lanes: 2}
schemas:
  click: {user_id: string, timestamp: timestamp, url: string, country: string, city: string, user_agent: string}
flows:
  simulate:
    steps:
      - source-generate: {count: 500, users: 50, pages: 5, malformed: 0.02}
      - sink-kafka: {brokers: embedded, topic: clicks, key: key, value: value}
  ingest:
    steps:
      - source-kafka: {brokers: embedded, topics: [clicks], group: clicks, start: earliest}
      - transform-parse: {format: json, schema: click}
      - sink-s3: {url: "file:raw/", format: json, compression: gzip, partition: "dt={timestamp:%Y-%m-%d}"}
  index:
    every: 1h
    steps:
      - source-s3: {url: "file:raw/", format: json, schema: click, read: all}
      - transform-agg: {group_by: [url, country], aggregates: {clicks: count}}
      - sink-es: {url: "file:index/", index: pages, id: [url, country]}
"""


@pytest.mark.parametrize("mode", ["once", "always"])
def test_no_plugin_stumbles_over_the_nth_malloc(tmp_path, sample, mode):
    """The embedded broker ends with the process: only the end of each run is looked at."""
    def run(number):
        sluice = fresh(tmp_path / str(number))
        sluice.write("all.yaml", EVERYTHING)
        log = sluice.folder / "calls"
        outcome = sluice.run("run", "--once", "all.yaml",
                             env=failing("malloc", number, mode, "ENOMEM", log))
        story = f"malloc {number} {mode}, made by {place_hit(log)}: {outcome}"
        assert outcome.code in DOCUMENTED_CODES, story
        assert outcome.code == 0 or REASON.search(outcome.stderr), story
        assert_no_sanitizer_report(outcome)
        return calls_made(log)

    in_parallel(run, sample(range(1, run(0) + 1), 60))


# ---- over HTTP ----

def stored(s3, bucket):
    return Counter(json.loads(text)["id"] for key in s3.keys(bucket, "raw/")
                   for text in s3.read(bucket, key).splitlines())


def assert_stored(s3, bucket, sluice):
    assert stored(s3, bucket) == Counter(GOOD)
    assert sorted(rejected_places(sluice, "copy")) == BAD
    assert s3.uploads(bucket) == []


@pytest.mark.parametrize("kind, error, step", [
    ("socket", "EMFILE", 1), ("connect", "ECONNREFUSED", 1), ("connect", "ENETUNREACH", 1),
    ("malloc", "ENOMEM", 40)])
def test_the_nth_call_fails_on_the_way_to_s3(tmp_path, s3, sample, kind, error, step):
    def run(folder, number):
        """The bucket, and the calls that were made."""
        bucket, log = s3.create_bucket(), folder / "calls"
        settings = s3.environment() | {"RAW_URL": f"s3://{bucket}/raw/"}
        sluice = prepare(folder, S3_PIPELINE)
        outcome = sluice.run("run", "--once", "small.yaml",
                             env=settings | failing(kind, number, "once", error, log))
        assert outcome.code in DOCUMENTED_CODES, outcome
        assert outcome.code == 0 or REASON.search(outcome.stderr), outcome
        assert_no_sanitizer_report(outcome)
        sluice.run_ok("run", "--once", "small.yaml", env=settings)
        assert_stored(s3, bucket, sluice)
        return calls_made(log)

    calls = run(tmp_path / "undisturbed", 0)
    assert calls > 0
    in_parallel(lambda number: run(tmp_path / str(number), number), sample(range(1, calls + 1), step))


def test_no_connection_at_all_is_told_and_waited_for(sluice, s3):
    bucket = s3.create_bucket()
    settings = s3.environment() | {"RAW_URL": f"s3://{bucket}/raw/"}
    sluice.write("small.yaml", S3_PIPELINE)
    sluice.write("in.ndjson", "".join(line(number) + "\n" for number in range(ROWS)))
    process = sluice.start("run", "small.yaml",
                           env=settings | failing("connect", 1, "always", "ECONNREFUSED"))
    eventually(lambda: "connect_failed" in sluice.log(), 60, "a word about the connection")
    assert sluice.stop(process) in DOCUMENTED_CODES, sluice.log()
    sluice.run_ok("run", "--once", "small.yaml", env=settings)
    assert_stored(s3, bucket, sluice)


# ---- from a broker ----

def assert_copied(sluice):
    """In a topic of one partition a row's number is its offset."""
    out = (sluice.folder / "out.ndjson").read_text().splitlines()
    assert sorted(json.loads(text)["id"] for text in out) == GOOD
    assert sorted(place + 1 for place in rejected_places(sluice, "copy")) == BAD


def test_the_nth_malloc_fails_on_the_way_from_a_broker(tmp_path, kafka, sample):
    topic = kafka.create_topic(partitions=1)
    kafka.produce(topic, [line(number) for number in range(ROWS)], partition=0)

    def run(number):
        """The calls that were made."""
        sluice = prepare(tmp_path / str(number), KAFKA_PIPELINE)
        log = sluice.folder / "calls"
        settings = {"BROKERS": kafka.bootstrap, "TOPIC": topic, "GROUP": f"{topic}-{number}"}
        outcome = sluice.run("run", "--once", "small.yaml",
                             env=settings | failing("malloc", number, "once", "ENOMEM", log))
        story = f"malloc {number}, made by {place_hit(log)}: {outcome}"
        assert outcome.code in DOCUMENTED_CODES, story
        assert outcome.code == 0 or REASON.search(outcome.stderr), story
        assert_no_sanitizer_report(outcome)
        sluice.run_ok("run", "--once", "small.yaml", env=settings)
        assert_copied(sluice)
        return calls_made(log)

    in_parallel(run, sample(range(1, run(0) + 1), 15))


# ---- a disk that is full ----

class SmallDisk:
    """A file system of a few pages, which processes in a name space of its own see on a folder. It
    goes when the process does that holds it."""

    def __init__(self, folder, pages):
        self.folder = folder
        folder.mkdir()
        self.holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
             'mount -t tmpfs -o size=$1k none "$0" && echo ready && exec sleep 600',
             folder, str(4 * pages)], stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"ready\n"

    def command(self, *words):
        return ["nsenter", "--target", str(self.holder.pid), "--user", "--mount",
                "--preserve-credentials", *map(str, words)]

    def grow(self):
        subprocess.run(self.command("mount", "-o", "remount,size=4m", self.folder), check=True)

    def path(self):
        return Path(f"/proc/{self.holder.pid}/root{self.folder}")

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


def assert_waits_for_space(folder, pages):
    """Whether the disk was too small for the run. Then it either waits for space, or ends, and the
    next run makes it good."""
    prepare(folder)
    disk = SmallDisk(folder / "state", pages)
    run = disk.command("sh", "-c", f'cd "$0" && exec {PROGRAM} run --once small.yaml', folder)

    def log():
        return (folder / "log").read_text(errors="replace")
    try:
        with open(folder / "log", "wb") as file:
            process = subprocess.Popen(run, env=environment(), stdout=file, stderr=file)
        eventually(lambda: process.poll() is not None or "No space left" in log(), 60, "an end")
        disk.grow()
        assert process.wait(60) in DOCUMENTED_CODES, log()
        assert not any(word in log() for word in SANITIZER_WORDS), log()
        assert process.returncode == 0 or "No space left" in log(), log()
        subprocess.run(run, env=environment(), check=True, capture_output=True, timeout=60)
        assert_right(Sluice(disk.path().parent))
        return "No space left" in log()
    finally:
        disk.close()


def test_a_disk_of_n_pages_under_the_state_folder(tmp_path):
    """For n = 1, 2, 3 … until one is large enough."""
    pages = 1
    while assert_waits_for_space(tmp_path / str(pages), pages):
        pages += 1
    assert pages > 5
