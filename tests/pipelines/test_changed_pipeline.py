"""A pipeline file that changes between runs: what can be kept is kept, what cannot is refused with
its reason, and --reset-state is how to start over."""

import json
import uuid

import pytest

from harness.sluice import eventually

PIPELINE = """
pipeline: p
schemas: {click: {n: int64, user: {type: string, required: false}%(field)s}}
flows:
  f:
    %(trigger)s
    steps:
      - %(source)s
        name: input
      - transform-parse: {format: json, schema: click}
      - sink-file: {path: %(sink)s, format: json}
        name: output
"""
FILES = "source-file: {path: in/*.ndjson}"


def write(sluice, source=FILES, sink="out.ndjson", trigger="", field=""):
    sluice.write("p.yaml", PIPELINE % locals())


def numbers(sluice, name="out.ndjson"):
    return [json.loads(line)["n"] for line in (sluice.folder / name).read_text().splitlines()]


def put(sluice, name, *values):
    sluice.write(f"in/{name}.ndjson", "".join('{"n": %d}\n' % value for value in values))


@pytest.fixture
def ran(sluice):
    write(sluice)
    put(sluice, "a", 1, 2)
    sluice.run_ok("run", "--once", "p.yaml")
    return sluice


def checkpoints(sluice):
    return {path.name: path.read_bytes() for path in sluice.folder.glob("state/**/*.checkpoint")}


# ---- what is kept ----

def test_a_wider_schema_and_another_output_go_on_where_the_source_was(ran):
    write(ran, sink="other.ndjson", field=", seen: {type: timestamp, required: false}")
    put(ran, "b", 3)
    ran.run_ok("run", "--once", "p.yaml")
    assert numbers(ran) == [1, 2] and numbers(ran, "other.ndjson") == [3]


def test_more_files_under_another_pattern_are_read_and_old_ones_not_again(ran):
    write(ran, source="source-file: {path: [in/a.ndjson, in/c*.ndjson]}")
    put(ran, "c1", 4)
    ran.run_ok("run", "--once", "p.yaml")
    assert numbers(ran) == [1, 2, 4]


def test_other_lanes_go_on_where_the_source_was(ran):
    text = (ran.folder / "p.yaml").read_text().replace("schemas:", "settings: {lanes: 1}\nschemas:")
    ran.write("p.yaml", text)
    put(ran, "b", 3)
    ran.run_ok("run", "--once", "p.yaml")
    assert numbers(ran) == [1, 2, 3]


def test_another_group_goes_on_where_the_state_is(sluice, kafka):
    topic = kafka.create_topic()
    source = "source-kafka: {brokers: \"%s\", topics: [%s], group: %s, start: earliest}"
    kafka.produce(topic, [b'{"n": 1}', b'{"n": 2}'])
    write(sluice, source % (kafka.bootstrap, topic, uuid.uuid4().hex))
    sluice.run_ok("run", "--once", "p.yaml")
    kafka.produce(topic, [b'{"n": 3}'])
    write(sluice, source % (kafka.bootstrap, topic, uuid.uuid4().hex))
    sluice.run_ok("run", "--once", "p.yaml")
    assert sorted(numbers(sluice)) == [1, 2, 3]


# ---- what is refused ----

def test_another_source_under_the_same_name_is_refused_and_changes_nothing(ran):
    before = checkpoints(ran)
    write(ran, source="source-generate: {count: 5}")
    outcome = ran.run("run", "--once", "p.yaml")
    assert outcome.code == 78 and "--reset-state" in outcome.stderr
    assert ("step `input` was source-file when the last checkpoint was taken, which holds how far it "
            "has read, and now it is source-generate") in outcome.stderr
    assert checkpoints(ran) == before and numbers(ran) == [1, 2]


def test_a_file_that_was_being_read_and_is_gone_from_the_pattern_is_named(sluice):
    write(sluice)
    put(sluice, "a", *range(200_000))
    process = sluice.start("run", "p.yaml")
    out = sluice.folder / "out.ndjson"
    eventually(lambda: out.exists() and out.stat().st_size > 100_000, what="rows")
    sluice.stop(process)
    if len(numbers(sluice)) == 200_000:
        return  # it was faster: there is nothing in the middle of which it could be
    (sluice.folder / "in/a.ndjson").rename(sluice.folder / "in/b.ndjson")
    outcome = sluice.run("run", "--once", "p.yaml")
    assert outcome.code == 1 and "`in/a.ndjson`" in outcome.stderr


# ---- --reset-state ----

def test_reset_state_starts_over_and_says_what_it_gives_up(ran):
    outcome = ran.run_ok("run", "--once", "--reset-state", "p.yaml")
    assert "gives up checkpoint" in outcome.stderr and "position of input" in outcome.stderr
    assert numbers(ran) == [1, 2, 1, 2]
    ran.run_ok("run", "--once", "p.yaml")
    assert numbers(ran) == [1, 2, 1, 2]


def test_reset_state_takes_another_source_under_the_name(ran):
    write(ran, source="source-generate: {count: 3, malformed: 0, duplicates: 0}", sink="new.ndjson")
    ran.run("run", "--once", "--reset-state", "p.yaml")
    ran.run_ok("run", "--once", "p.yaml")  # no complaint any more


def test_reset_state_without_state_is_an_ordinary_run(sluice):
    write(sluice)
    put(sluice, "a", 1)
    sluice.run_ok("run", "--once", "--reset-state", "p.yaml")
    assert numbers(sluice) == [1]


def test_reset_state_is_refused_while_the_member_is_running(sluice):
    sluice.write("p.yaml", """
pipeline: p
settings: {checkpoint: 100ms}
flows:
  f:
    steps:
      - source-generate: {count: 10000000, rate: 1000}
      - sink-file: {path: out.ndjson, format: json}
""")
    sluice.stop(started(sluice))
    process = started(sluice)
    outcome = sluice.run("run", "--once", "--reset-state", "p.yaml")
    sluice.stop(process)
    assert outcome.code == 1 and "which is running" in outcome.stderr


def started(sluice):
    """A process that has rows."""
    out = sluice.folder / "out.ndjson"
    before = out.stat().st_size if out.exists() else 0
    process = sluice.start("run", "p.yaml")
    eventually(lambda: out.exists() and out.stat().st_size > before, what="rows")
    return process


@pytest.mark.faultpoints
@pytest.mark.parametrize("point, is_reset", [
    ("run.recovered", False), ("checkpoint.gathered", False), ("checkpoint.saved", True),
    ("checkpoint.committed", True), ("checkpoint.told", True)])
def test_a_reset_that_is_killed_is_done_or_not_begun(ran, point, is_reset):
    died = ran.run("run", "--once", "--reset-state", "p.yaml",
                   env={"SLUICE_FAULT_POINT": f"{point}:1"})
    assert died.code == -9, died
    ran.run_ok("run", "--once", "p.yaml")
    assert numbers(ran) == ([1, 2, 1, 2] if is_reset else [1, 2])


def test_reset_state_of_a_kafka_flow_goes_on_where_the_group_is(sluice, kafka):
    topic, group = kafka.create_topic(), uuid.uuid4().hex
    kafka.produce(topic, [b'{"n": 1}', b'{"n": 2}'])
    write(sluice, f'source-kafka: {{brokers: "{kafka.bootstrap}", topics: [{topic}], '
                  f'group: {group}, start: earliest}}')
    sluice.run_ok("run", "--once", "p.yaml")
    kafka.produce(topic, [b'{"n": 3}'])
    outcome = sluice.run_ok("run", "--once", "--reset-state", "p.yaml")
    assert "where its consumer group is" in outcome.stderr
    sluice.run_ok("run", "--once", "p.yaml")
    assert sorted(numbers(sluice)) == [1, 2, 3]


def test_reset_state_leaves_no_upload_behind(sluice, s3):
    bucket = s3.create_bucket()
    text = ('pipeline: p\nsettings: {checkpoint: 1h}\nflows:\n  f:\n    steps:\n'
            '      - source-generate: {count: 10000000, rate: 100000}\n'
            '      - sink-s3: {url: "s3://%s/x/", format: json, part_size: 5MiB}\n' % bucket)
    process = sluice.start("run", sluice.write("p.yaml", text), env=s3.environment())
    eventually(lambda: s3.uploads(bucket), what="an upload")
    sluice.kill(process)
    sluice.write("p.yaml", text.replace("count: 10000000, rate: 100000", "count: 10"))
    sluice.run_ok("run", "--once", "--reset-state", "p.yaml", env=s3.environment())
    assert not s3.uploads(bucket)
