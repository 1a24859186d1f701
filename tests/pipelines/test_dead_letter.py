"""The dead letter as a product: list, show, purge, and replay, which takes effect exactly once."""

import gzip
import json
import os
import re
import shutil
import uuid

import pytest

from harness.sluice import Sluice, eventually

PIPELINE = """
pipeline: p
settings: {{checkpoint: 200ms}}
schemas: {{click: {{n: int64, user: {user}, seen: {{type: timestamp, required: false}}}}}}
flows:
  f:
    steps:
      - source-file: {{path: in.ndjson}}
      - transform-parse: {{format: json, schema: click}}
      - sink-file: {{path: out.ndjson, format: json}}
"""
STRICT = "string"
LENIENT = "{type: string, required: false}"

GOOD = [json.dumps({"n": n, "user": f"u{n}"}) for n in range(5)]
NO_USER = [json.dumps({"n": n}) for n in range(10, 14)]  # good once the schema is lenient
HOPELESS = ["rubbish", '{"n": "x", "user": "y"}', "\x1b[31mred"]


def rows(sluice, name="out.ndjson"):
    path = sluice.folder / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def numbers(sluice):
    return sorted(row["n"] for row in rows(sluice))


def letters(sluice, *arguments, file="p.yaml", env=None):
    shown = sluice.run_ok("deadletter", "show", "--json", "--limit", "0", *arguments, file, env=env)
    return [json.loads(line) for line in shown.stdout.splitlines()]


def originals(found):
    return [letter["original"] for letter in found]


def write_pipeline(sluice, user=STRICT):
    sluice.write("p.yaml", PIPELINE.format(user=user))


@pytest.fixture
def rejected(sluice):
    """A flow that ran over lines of which seven are in its dead letter."""
    write_pipeline(sluice)
    sluice.write("in.ndjson", "\n".join(GOOD + NO_USER + HOPELESS) + "\n")
    sluice.run_ok("run", "--once", "p.yaml")
    return sluice


# ---- list and show ----

def test_list_counts_by_step_and_code(rejected):
    listed = rejected.run_ok("deadletter", "list", "p.yaml").stdout
    assert listed.startswith("f: 7 letters, ") and "deadletter/f.ndjson" in listed
    assert re.search(r"4 +transform-parse +field_missing", listed)
    assert re.search(r"2 +transform-parse +json_malformed", listed)


def test_list_says_where_a_declared_dead_letter_goes(sluice):
    declared = "    dead_letter:\n      sink-file: {path: rejected.ndjson, format: json}\n"
    sluice.write("p.yaml", PIPELINE.format(user=STRICT) + declared)
    listed = sluice.run_ok("deadletter", "list", "p.yaml").stdout
    assert "f: rejected rows go to sink-file-2 (p.yaml:12)" in listed


def test_show_is_safe_to_print_and_filters(rejected):
    shown = rejected.run_ok("deadletter", "show", "--code", "json_malformed", "p.yaml").stdout
    assert "original  rubbish" in shown and "\\x1b[31mred" in shown and "\x1b" not in shown
    assert "from      in.ndjson, line 10" in shown and "u1" not in shown
    assert originals(letters(rejected, "--number", "7")) == [HOPELESS[2]]
    assert letters(rejected, "--until", "2000-01-01T00:00:00Z") == []


def test_bytes_that_are_no_text_are_shown_escaped_and_kept(sluice):
    write_pipeline(sluice)
    sluice.write("in.ndjson", b'{"n": 1, "user": "\xff"}\n')
    sluice.run_ok("run", "--once", "p.yaml")
    assert 'bytes     {"n": 1, "user": "\\xff"}' in sluice.run_ok("deadletter", "show",
                                                                  "p.yaml").stdout
    assert sluice.run_ok("deadletter", "replay", "p.yaml").stdout == (
        "f: 1 letter replayed: 0 delivered, 1 rejected again\n")
    [letter] = letters(sluice)
    assert letter["original"] is None and letter["position"] == 1


# ---- replay ----

def test_replay_delivers_what_a_corrected_pipeline_takes(rejected):
    write_pipeline(rejected, LENIENT)
    before = {letter["original"]: letter["position"] for letter in letters(rejected)}
    dry = rejected.run_ok("deadletter", "replay", "--dry-run", "p.yaml").stdout
    assert dry == "f: 7 letters would be replayed\n" and len(letters(rejected)) == 7
    outcome = rejected.run_ok("deadletter", "replay", "p.yaml")
    assert outcome.stdout == "f: 7 letters replayed: 4 delivered, 3 rejected again\n"
    assert numbers(rejected) == [0, 1, 2, 3, 4, 10, 11, 12, 13]
    again = letters(rejected)
    assert sorted(originals(again)) == sorted(HOPELESS)
    assert all(letter["position"] == before[letter["original"]] and letter["origin"] == "in.ndjson"
               for letter in again)
    rejected.run_ok("run", "--once", "p.yaml")
    assert len(numbers(rejected)) == 9 and len(letters(rejected)) == 3


def test_replay_takes_only_what_is_meant(rejected):
    write_pipeline(rejected, LENIENT)
    rejected.run_ok("deadletter", "replay", "--number", "2", "p.yaml")
    assert numbers(rejected) == [0, 1, 2, 3, 4, 11]
    rejected.run_ok("deadletter", "replay", "--code", "field_missing", "p.yaml")
    assert numbers(rejected) == [0, 1, 2, 3, 4, 10, 11, 12, 13]
    assert sorted(originals(letters(rejected))) == sorted(HOPELESS)
    none = rejected.run_ok("deadletter", "replay", "--code", "field_missing", "p.yaml")
    assert none.stdout == "f: 0 letters replayed\n"


def test_records_that_the_source_itself_rejected_are_read_by_its_codec_again(sluice):
    text = """
pipeline: p
schemas: {click: {n: int64, user: %s}}
flows:
  f:
    steps:
      - source-file: {path: in.ndjson, format: json, schema: click}
      - sink-file: {path: out.ndjson, format: json}
"""
    sluice.write("p.yaml", text % STRICT)
    sluice.write("in.ndjson", "\n".join(GOOD + NO_USER + HOPELESS[:1]) + "\n")
    sluice.run_ok("run", "--once", "p.yaml")
    sluice.write("p.yaml", text % LENIENT)
    assert "4 delivered, 1 rejected" in sluice.run_ok("deadletter", "replay", "p.yaml").stdout
    assert numbers(sluice) == [0, 1, 2, 3, 4, 10, 11, 12, 13]
    [letter] = letters(sluice)
    assert (letter["origin"], letter["position"], letter["step"]) == ("in.ndjson", 10, "source-file")


def test_records_under_a_header_stay_because_a_letter_does_not_know_it(sluice):
    sluice.write("p.yaml", """
pipeline: p
schemas: {click: {n: int64, user: string}}
flows:
  f:
    steps:
      - source-file: {path: in.csv, format: csv, schema: click}
      - sink-file: {path: out.ndjson, format: json}
""")
    sluice.write("in.csv", "user,n\nada,1\nbob,x\n")
    sluice.run_ok("run", "--once", "p.yaml")
    outcome = sluice.run_ok("deadletter", "replay", "p.yaml")
    assert outcome.stdout.startswith("f: 0 letters replayed; 1 left\n  1 left: records of `source-f")
    assert len(letters(sluice)) == 1


def test_columns_beside_the_original_come_back_with_it(sluice, kafka):
    topic, group = kafka.create_topic(partitions=1), uuid.uuid4().hex
    text = """
pipeline: p
schemas: {click: {n: int64, user: %s}}
flows:
  f:
    steps:
      - source-kafka: {brokers: "${KAFKA_BROKERS}", topics: ["${KAFKA_TOPIC}"], group: "${KAFKA_GROUP}", start: earliest}
      - transform-parse: {format: json, schema: click, keep: [offset, timestamp]}
      - sink-file: {path: out.ndjson, format: json}
"""
    environment = {"KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic, "KAFKA_GROUP": group}
    kafka.produce(topic, [line.encode() for line in GOOD + NO_USER])
    sluice.write("p.yaml", text % STRICT)
    sluice.run_ok("run", "--once", "p.yaml", env=environment)
    sluice.write("p.yaml", text % LENIENT)
    done = sluice.run_ok("deadletter", "replay", "p.yaml", env=environment)
    assert done.stdout == "f: 4 letters replayed: 4 delivered, 0 rejected again\n"
    offsets = {row["n"]: row["offset"] for row in rows(sluice)}
    assert [offsets[n] for n in range(10, 14)] == [5, 6, 7, 8] and all(
        row["timestamp"] for row in rows(sluice))
    # The group is where it was: what comes next is read, and nothing again.
    kafka.produce(topic, [b'{"n": 99, "user": "late"}'])
    sluice.run_ok("run", "--once", "p.yaml", env=environment)
    assert numbers(sluice) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 99]


TO_S3 = """
pipeline: p
settings: {checkpoint: 300ms}
schemas: {click: {n: int64, user: %s}}
flows:
  f:
    steps:
      - source-kafka: {brokers: "${KAFKA_BROKERS}", topics: ["${KAFKA_TOPIC}"], group: "${KAFKA_GROUP}", start: earliest}
      - transform-parse: {format: json, schema: click}
      - sink-s3: {url: "${RAW_URL}", format: json, compression: gzip}
"""


class Stored:
    """A topic with good and bad records, a bucket, and what is in it."""

    def __init__(self, kafka, s3):
        self.s3, self.bucket, self.topic = s3, s3.create_bucket(), kafka.create_topic()
        self.environment = s3.environment() | {
            "KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": self.topic,
            "KAFKA_GROUP": uuid.uuid4().hex, "RAW_URL": f"s3://{self.bucket}/raw/"}
        kafka.produce(self.topic, [line.encode() for line in GOOD + NO_USER + HOPELESS])

    def numbers(self):
        return sorted(json.loads(line)["n"] for key in self.s3.keys(self.bucket, "raw/")
                      for line in gzip.decompress(self.s3.read(self.bucket, key)).splitlines())


def test_kafka_to_s3_replays_once_whatever_runs_before_and_after(sluice, kafka, s3):
    story = Stored(kafka, s3)
    process = sluice.start("run", sluice.write("p.yaml", TO_S3 % STRICT), env=story.environment)
    eventually(lambda: story.numbers() == [0, 1, 2, 3, 4], what="the good ones")
    refused = sluice.run("deadletter", "replay", "p.yaml", env=story.environment)
    assert refused.code == 1 and "is running as member" in refused.stderr
    sluice.kill(process)
    sluice.write("p.yaml", TO_S3 % LENIENT)
    done = sluice.run_ok("deadletter", "replay", "p.yaml", env=story.environment)
    assert "4 delivered, 3 rejected again" in done.stdout
    assert story.numbers() == [0, 1, 2, 3, 4, 10, 11, 12, 13]
    sluice.run_ok("run", "--once", "p.yaml", env=story.environment)
    assert story.numbers() == [0, 1, 2, 3, 4, 10, 11, 12, 13]
    assert sorted(originals(letters(sluice, env=story.environment))) == sorted(HOPELESS)
    assert not s3.uploads(story.bucket)


def test_rows_that_a_sink_rejected_are_rows_again(sluice, s3):
    bucket = s3.create_bucket()
    text = """
pipeline: p
schemas: {click: {n: int64, user: {type: string, required: false}, seen: {type: timestamp, required: false}}}
flows:
  f:
    steps:
      - source-file: {path: in.ndjson, format: json, schema: click}
      - sink-s3: {url: "%s", format: json, partition: "%s"}
"""
    sluice.write("in.ndjson", '{"n": 1, "user": "a", "seen": "2026-01-02T03:04:05Z"}\n'
                              '{"n": 2, "seen": "2026-01-02T03:04:05.5Z"}\n')
    sluice.write("p.yaml", text % (f"s3://{bucket}/", "user={user}"))
    sluice.run_ok("run", "--once", "p.yaml", env=s3.environment())
    assert [letter["step"] for letter in letters(sluice, env=s3.environment())] == ["sink-s3"]
    sluice.write("p.yaml", text % (f"s3://{bucket}/", "day={seen:%Y-%m-%d}"))
    sluice.run_ok("deadletter", "replay", "p.yaml", env=s3.environment())
    [key] = s3.keys(bucket, "day=2026-01-02/")
    assert json.loads(s3.read(bucket, key)) == {"n": 2, "user": None,
                                                "seen": "2026-01-02T03:04:05.500Z"}


def test_a_letter_of_a_step_that_is_gone_is_left_with_its_reason(rejected):
    text = PIPELINE.format(user=LENIENT).replace(
        "transform-parse: {{", "transform-parse: {").replace(
        "schema: click}", "schema: click}\n        name: reader")
    rejected.write("p.yaml", text)
    outcome = rejected.run_ok("deadletter", "replay", "p.yaml")
    assert "7 left: the flow has no step `transform-parse` any more" in outcome.stdout
    assert len(letters(rejected)) == 7


def test_a_batch_flow_is_refused_with_what_to_do(sluice):
    write_pipeline(sluice)
    batch = (sluice.folder / "p.yaml").read_text().replace("    steps:", "    every: 1h\n    steps:")
    sluice.write("p.yaml", batch)
    sluice.write("in.ndjson", "\n".join(GOOD + HOPELESS) + "\n")
    sluice.run_ok("run", "--once", "p.yaml")
    outcome = sluice.run("deadletter", "replay", "p.yaml")
    assert outcome.code == 2 and "its next run reads everything again" in outcome.stderr


def test_several_members_are_told_apart(rejected):
    text = (rejected.folder / "p.yaml").read_text().replace("200ms}", "200ms, member: other}")
    rejected.write("other.yaml", text)
    rejected.run_ok("run", "--once", "other.yaml")  # reads the file from its beginning
    both = rejected.run("deadletter", "replay", "p.yaml")
    assert both.code == 2 and "--member" in both.stderr
    write_pipeline(rejected, LENIENT)
    rejected.run_ok("deadletter", "replay", "--member", "other", "p.yaml")
    assert "(member other): 3 letters" in rejected.run_ok("deadletter", "list", "p.yaml").stdout


# ---- purge ----

def test_purge_takes_out_what_is_meant_and_nothing_by_accident(rejected):
    refused = rejected.run("deadletter", "purge", "p.yaml")
    assert refused.code == 2 and "--all" in refused.stderr
    rejected.run_ok("deadletter", "purge", "--code", "json_malformed", "p.yaml")
    assert {letter["code"] for letter in letters(rejected)} == {"field_missing", "type_mismatch"}
    rejected.write("in.ndjson", "\n".join(GOOD + NO_USER + HOPELESS + HOPELESS) + "\n")
    rejected.run_ok("run", "--once", "p.yaml")
    rejected.run_ok("deadletter", "purge", "--all", "p.yaml")
    assert letters(rejected) == []
    rejected.write("in.ndjson", "\n".join(GOOD + NO_USER + HOPELESS * 3) + "\n")
    rejected.run_ok("run", "--once", "p.yaml")
    assert numbers(rejected) == [0, 1, 2, 3, 4]


def test_purge_waits_until_a_flow_that_was_killed_is_settled(sluice):
    write_pipeline(sluice)
    pipe = sluice.folder / "in.ndjson"
    os.mkfifo(pipe)
    process = sluice.start("run", "p.yaml")
    with open(pipe, "w") as writer:
        writer.write("\n".join(GOOD + HOPELESS) + "\n")
        writer.flush()
        eventually(lambda: list(sluice.folder.glob("state/p/members/*/deadletter/f.ndjson")) and
                   sluice.run_ok("deadletter", "list", "p.yaml").stdout.startswith("f: 3 letters"),
                   what="letters")
        running = sluice.run("deadletter", "purge", "--all", "p.yaml")
        assert running.code == 1 and "stop it first" in running.stderr
        sluice.kill(process)
    unsettled = sluice.run("deadletter", "purge", "--all", "p.yaml")
    assert unsettled.code == 1 and "start it once" in unsettled.stderr
    pipe.unlink()
    sluice.write("in.ndjson", "")
    sluice.run_ok("run", "--once", "p.yaml")
    sluice.run_ok("deadletter", "purge", "--all", "p.yaml")
    assert letters(sluice) == []


# ---- a replay that dies ----

def replay_points(sluice, tmp_path):
    """Every fault point that a replay passes, in order, with how often each came before."""
    log = tmp_path / "points"
    sluice.run_ok("deadletter", "replay", "p.yaml", env={"SLUICE_FAULT_POINT_LOG": log})
    seen, points = {}, []
    for name in log.read_text().split():
        seen[name] = seen.get(name, 0) + 1
        points.append((name, seen[name]))
    return points


@pytest.mark.faultpoints
@pytest.mark.parametrize("next_verb", ["run", "replay"])
def test_a_replay_that_is_killed_anywhere_neither_loses_nor_repeats(rejected, tmp_path, sample,
                                                                    next_verb):
    write_pipeline(rejected, LENIENT)
    reference = tmp_path / "reference"
    shutil.copytree(rejected.folder, reference, ignore=shutil.ignore_patterns("reference"))
    points = replay_points(rejected, tmp_path)
    assert {"replay.claimed", "checkpoint.saved", "claim.settled", "letters.removed"} <= {
        name for name, _ in points}
    for name, count in sample(points, 5):
        trial = tmp_path / f"{name}-{count}"
        shutil.copytree(reference, trial)
        sluice = Sluice(trial)
        died = sluice.run("deadletter", "replay", "p.yaml",
                          env={"SLUICE_FAULT_POINT": f"{name}:{count}"})
        assert died.code == -9, (name, count, died)
        if next_verb == "run":
            sluice.run_ok("run", "--once", "p.yaml")
            assert len(numbers(sluice)) in (5, 9), (name, count)
            assert len(letters(sluice)) == (7 if len(numbers(sluice)) == 5 else 3), (name, count)
        sluice.run_ok("deadletter", "replay", "p.yaml")
        assert numbers(sluice) == [0, 1, 2, 3, 4, 10, 11, 12, 13], (name, count)
        found = letters(sluice)
        assert sorted(originals(found)) == sorted(HOPELESS), (name, count)
        sluice.run_ok("deadletter", "purge", "--all", "p.yaml")
        sluice.run_ok("run", "--once", "p.yaml")
        assert numbers(sluice) == [0, 1, 2, 3, 4, 10, 11, 12, 13], (name, count)
        shutil.rmtree(trial)


@pytest.mark.faultpoints
@pytest.mark.parametrize("next_verb", ["run", "replay"])
def test_a_replay_from_kafka_that_is_killed_around_its_decision(sluice, kafka, s3, sample,
                                                                 next_verb):
    """The decision is the offset commit: before it the letters are there, after it they are not."""
    points = ["replay.claimed", "checkpoint.saved", "source.decide-done", "sink.commit-done",
              "checkpoint.committed", "claim.settle"]
    for point in sample(points, 3):
        story = Stored(kafka, s3)
        for name in ("state", "p.yaml"):
            shutil.rmtree(sluice.folder / name, ignore_errors=True)
        sluice.write("p.yaml", TO_S3 % STRICT)
        sluice.run_ok("run", "--once", "p.yaml", env=story.environment)
        sluice.write("p.yaml", TO_S3 % LENIENT)
        died = sluice.run("deadletter", "replay", "p.yaml",
                          env=story.environment | {"SLUICE_FAULT_POINT": f"{point}:1"})
        assert died.code == -9, (point, died)
        if next_verb == "run":
            sluice.run_ok("run", "--once", "p.yaml", env=story.environment)
            is_decided = point not in ("replay.claimed", "checkpoint.saved")
            assert len(story.numbers()) == (9 if is_decided else 5), point
        sluice.run_ok("deadletter", "replay", "p.yaml", env=story.environment)
        assert story.numbers() == [0, 1, 2, 3, 4, 10, 11, 12, 13], point
        found = letters(sluice, env=story.environment)
        assert sorted(originals(found)) == sorted(HOPELESS), point
        assert not s3.uploads(story.bucket), point
