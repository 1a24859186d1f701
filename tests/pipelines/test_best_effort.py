"""A sink of best effort: when it is away the flow goes on, its rows are in the dead letter, and each
row is in one place."""

import json
import uuid
from collections import Counter
from urllib.error import HTTPError

import pytest

from harness.fault_server import FaultProxy, FaultServer, answer
from harness.sluice import eventually

PIPELINE = """
pipeline: branches
settings: {checkpoint: 200ms}
schemas: {event: {id: int64}}
flows:
  ingest:
    steps:
      - source-kafka: {brokers: "${KAFKA_BROKERS}", topics: ["${KAFKA_TOPIC}"], group: "${KAFKA_GROUP}", start: earliest}
      - transform-parse: {format: json, schema: event}
      - sink-file: {path: out/all.ndjson, format: json}
      - %s
        from: transform-parse
        delivery: best_effort
        patience: 3s
    dead_letter: {sink-file: {path: out/rejected.ndjson, format: json}}
"""
TO_INDEX = 'sink-es: {url: "${ES_URL}", index: "${ES_INDEX}", id: [id], bulk_rows: 500}'
TO_S3 = 'sink-s3: {url: "${RAW_URL}", format: json}'


@pytest.fixture
def topic(kafka):
    name = kafka.create_topic(partitions=2)
    return name, {"KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": name,
                  "KAFKA_GROUP": uuid.uuid4().hex}


def indexed(search, index):
    try:
        return search.count(index)
    except HTTPError:  # the first bulk request makes the index
        return 0


def produce(kafka, topic, first, count):
    kafka.produce(topic[0], [b'{"id": %d}' % number for number in range(first, first + count)])


def go_away(faults):
    for method in ("GET", "POST", "PUT", "HEAD", "DELETE"):
        faults.always(method, "", answer(503))


def come_back(faults, sluice):
    before = sluice.log().count("answers again")
    faults.clear()
    eventually(lambda: sluice.log().count("answers again") > before, 60, "the sink is back")


def ids_in(sluice, name, key=None):
    text = "".join(path.read_text() for path in (sluice.folder / "out").glob(name))
    rows = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    return Counter(json.loads(row[key])["id"] if key else row["id"] for row in rows)


def shed(sluice):
    rows = [json.loads(line) for path in (sluice.folder / "out").glob("rejected.ndjson")
            for line in path.read_text().splitlines()]
    assert {row["code"] for row in rows} <= {"sink_unavailable"}
    return Counter(json.loads(row["original"])["id"] for row in rows)


def assert_one_place(sluice, indexed, count):
    everywhere = ids_in(sluice, "all.ndjson")
    assert len(everywhere) == count and set(everywhere.values()) == {1}
    rejected = shed(sluice)
    assert set(rejected.values()) <= {1}, "a row is in the dead letter twice"
    assert set(indexed) | set(rejected) == set(range(count)), "a row is lost"
    assert not set(indexed) & set(rejected), "a row is in both places"


class Placed:
    """Rows that have come to their place. A slow machine may shed rows where a fast one does not."""

    def __init__(self, sluice, at_the_sink):
        self.sluice, self.at_the_sink = sluice, at_the_sink

    def wait(self, count):
        def are_placed():
            placed = self.at_the_sink() + len(shed(self.sluice))
            return placed == len(ids_in(self.sluice, "all.ndjson")) == count
        eventually(are_placed, what=f"{count} rows at the sink or in the dead letter")

    def wait_shed(self, count, least):
        """As wait(); of them at least so many are shed."""
        self.wait(count)
        assert len(shed(self.sluice)) >= least


def test_an_index_that_goes_away_and_comes_back(sluice, kafka, search, topic):
    index, faults = search.new_index_name(), FaultServer(upstream=search.url)
    environment = topic[1] | {"ES_URL": faults.url, "ES_INDEX": index}
    placed = Placed(sluice, lambda: indexed(search, index))
    produce(kafka, topic, 0, 5000)
    process = sluice.start("run", sluice.write("branches.yaml", PIPELINE % TO_INDEX),
                           env=environment)
    placed.wait(5000)
    go_away(faults)
    produce(kafka, topic, 5000, 5000)
    placed.wait_shed(10_000, least=5000)
    come_back(faults, sluice)
    produce(kafka, topic, 10_000, 5000)
    placed.wait(15_000)
    assert sluice.stop(process) == 0, sluice.log()[-3000:]
    assert_one_place(sluice, [page["id"] for page in search.documents(index).values()], 15_000)


def test_an_index_that_hangs_and_comes_back(sluice, kafka, search, topic):
    """A call that gives no sign of life is cut off."""
    index, proxy = search.new_index_name(), FaultProxy(search.port)
    environment = topic[1] | {"ES_URL": f"http://127.0.0.1:{proxy.port}", "ES_INDEX": index}
    placed = Placed(sluice, lambda: indexed(search, index))
    produce(kafka, topic, 0, 3000)
    process = sluice.start("run", sluice.write("branches.yaml", PIPELINE % TO_INDEX),
                           env=environment)
    placed.wait(3000)
    proxy.stall()
    produce(kafka, topic, 3000, 3000)
    placed.wait_shed(6000, least=3000)
    produce(kafka, topic, 6000, 3000)
    placed.wait_shed(9000, least=6000)
    before = sluice.log().count("answers again")
    proxy.cut()  # what it holds must not arrive late
    proxy.flow()
    eventually(lambda: sluice.log().count("answers again") > before, 60, "the sink is back")
    assert sluice.stop(process) == 0, sluice.log()[-3000:]
    assert_one_place(sluice, [page["id"] for page in search.documents(index).values()], 9000)


def stored(s3, bucket):
    found = Counter(json.loads(line)["id"] for key in s3.keys(bucket, "raw/")
                    for line in s3.read(bucket, key).splitlines())
    assert set(found.values()) <= {1}
    return found


def test_an_object_store_that_goes_away_and_comes_back(sluice, kafka, s3, topic):
    """What the sink had taken and not staged is shed; what it had staged is finished later."""
    bucket, faults = s3.create_bucket(), FaultServer(upstream=s3.endpoint)
    environment = topic[1] | s3.environment() | {
        "AWS_ENDPOINT_URL": faults.url, "RAW_URL": f"s3://{bucket}/raw/"}
    placed = Placed(sluice, lambda: len(stored(s3, bucket)))
    produce(kafka, topic, 0, 5000)
    process = sluice.start("run", sluice.write("branches.yaml", PIPELINE % TO_S3),
                           env=environment)
    placed.wait(5000)
    go_away(faults)
    produce(kafka, topic, 5000, 5000)
    placed.wait_shed(10_000, least=5000)
    come_back(faults, sluice)
    produce(kafka, topic, 10_000, 5000)
    placed.wait(15_000)
    assert sluice.stop(process) == 0, sluice.log()[-3000:]
    assert_one_place(sluice, stored(s3, bucket), 15_000)
    assert s3.uploads(bucket) == []


def test_a_store_that_goes_away_between_stage_and_commit(sluice, kafka, s3, topic):
    """The rows were decided to be the sink's: they are, after a kill -9, too."""
    bucket, faults = s3.create_bucket(), FaultServer(upstream=s3.endpoint)
    environment = topic[1] | s3.environment() | {
        "AWS_ENDPOINT_URL": faults.url, "RAW_URL": f"s3://{bucket}/raw/"}
    faults.always("POST", "uploadId=", answer(503))  # completions
    produce(kafka, topic, 0, 3000)
    pipeline = sluice.write("branches.yaml", PIPELINE % TO_S3)
    process = sluice.start("run", pipeline, env=environment)
    eventually(lambda: "rows go to the dead letter" in sluice.log(), 60, "the sink is given up")
    produce(kafka, topic, 3000, 3000)
    eventually(lambda: len(ids_in(sluice, "all.ndjson")) == 6000, 60, "the other branch")
    sluice.kill(process)
    faults.clear()
    produce(kafka, topic, 6000, 1000)
    sluice.run_ok("run", "--once", pipeline, env=environment)
    assert stored(s3, bucket), "what was decided to be the sink's is not"
    assert_one_place(sluice, stored(s3, bucket), 7000)


def test_a_sink_that_is_not_there_at_the_start(sluice, kafka, topic):
    environment = topic[1] | {"ES_URL": "http://127.0.0.1:9", "ES_INDEX": "nowhere"}
    produce(kafka, topic, 0, 2000)
    pipeline = sluice.write("branches.yaml", PIPELINE % TO_INDEX)
    sluice.run_ok("run", "--once", pipeline, env=environment)
    assert_one_place(sluice, [], 2000)


@pytest.mark.parametrize("step, message", [
    ("- sink-kafka: {brokers: b, topic: t}\n        delivery: best_effort",
     "this sink cannot be of best effort"),
    ("- sink-file: {path: a, format: json}\n        delivery: best_efort",
     "did you mean `best_effort`"),
    ("- sink-file: {path: a, format: json}\n        patience: 5s",
     "`patience` is for `delivery: best_effort`"),
])
def test_check_refuses_what_cannot_be_kept(sluice, step, message):
    sluice.write("input.ndjson", '{"id": 1}\n')
    pipeline = sluice.write("wrong.yaml", f"""
pipeline: wrong
schemas: {{event: {{id: int64}}}}
flows:
  ingest:
    steps:
      - source-file: {{path: input.ndjson, format: json, schema: event}}
      {step}
""")
    outcome = sluice.run("check", pipeline)
    assert outcome.code != 0 and message in outcome.stdout + outcome.stderr, outcome


def test_check_refuses_best_effort_in_a_batch_flow(sluice):
    sluice.write("input.ndjson", '{"id": 1}\n')
    pipeline = sluice.write("wrong.yaml", """
pipeline: wrong
schemas: {event: {id: int64}}
flows:
  ingest:
    every: 5m
    steps:
      - source-file: {path: input.ndjson, format: json, schema: event}
      - sink-file: {path: a, format: json}
        delivery: best_effort
""")
    outcome = sluice.run("check", pipeline)
    assert outcome.code != 0 and "flow of its own" in outcome.stdout + outcome.stderr, outcome
