"""Servers that go away in the middle of a run and come back: nothing lost, nothing twice."""

import gzip
import json
import time
import uuid
from collections import Counter

import pytest

from harness.sluice import eventually

EVENTS = 60_000

PIPELINE = """
pipeline: outage
settings: {checkpoint: 300ms}
schemas: {event: {id: int64}}
flows:
  ingest:
    steps:
      - source-kafka: {brokers: "${KAFKA_BROKERS}", topics: ["${KAFKA_TOPIC}"], group: "${KAFKA_GROUP}", start: earliest}
      - transform-parse: {format: json, schema: event}
      - sink-s3: {url: "${RAW_URL}", format: json, compression: gzip}
"""


@pytest.fixture
def story(kafka, s3):
    """(topic, bucket, environment) of one run."""
    topic, bucket = kafka.create_topic(partitions=3), s3.create_bucket()
    return topic, bucket, s3.environment() | {
        "KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic, "KAFKA_GROUP": uuid.uuid4().hex,
        "RAW_URL": f"s3://{bucket}/raw/"}


def produce(kafka, topic, first, count):
    kafka.produce(topic, [b'{"id": %d}' % number for number in range(first, first + count)])


def stored(s3, bucket):
    found = Counter()
    for key in s3.keys(bucket, "raw/"):
        for line in gzip.decompress(s3.read(bucket, key)).splitlines():
            found[json.loads(line)["id"]] += 1
    return found


def await_all_stored(s3, bucket):
    eventually(lambda: len(stored(s3, bucket)) == EVENTS, what="all events to be stored")


def assert_stored_once(s3, bucket, sluice):
    assert set(stored(s3, bucket).values()) == {1}, sluice.log()[-3000:]


def test_an_s3_server_that_dies_and_comes_back(sluice, kafka, s3, story):
    topic, bucket, environment = story
    produce(kafka, topic, 0, EVENTS // 2)
    process = sluice.start("run", sluice.write("outage.yaml", PIPELINE), env=environment)
    eventually(lambda: s3.keys(bucket), what="the first objects")
    s3.kill()
    produce(kafka, topic, EVENTS // 2, EVENTS // 2)
    time.sleep(2)
    s3.start()
    await_all_stored(s3, bucket)
    assert sluice.stop(process) == 0, sluice.log()[-3000:]
    assert_stored_once(s3, bucket, sluice)
    assert s3.uploads(bucket) == []


def test_a_broker_that_dies_and_comes_back(sluice, kafka, s3, story):
    topic, bucket, environment = story
    produce(kafka, topic, 0, EVENTS // 2)
    process = sluice.start("run", sluice.write("outage.yaml", PIPELINE), env=environment)
    eventually(lambda: s3.keys(bucket), what="the first objects")
    kafka.kill()
    time.sleep(3)
    kafka.start()
    produce(kafka, topic, EVENTS // 2, EVENTS // 2)
    await_all_stored(s3, bucket)
    assert sluice.stop(process) == 0, sluice.log()[-3000:]
    assert_stored_once(s3, bucket, sluice)


def test_servers_that_are_not_there_at_the_start(sluice, kafka, s3, story):
    """The flow waits for them, and says for what."""
    topic, bucket, environment = story
    produce(kafka, topic, 0, EVENTS)
    s3.kill()
    process = sluice.start("run", sluice.write("outage.yaml", PIPELINE), env=environment)
    eventually(lambda: "connect_failed" in sluice.log(), what="a warning")
    s3.start()
    await_all_stored(s3, bucket)
    assert sluice.stop(process) == 0, sluice.log()[-3000:]
    assert_stored_once(s3, bucket, sluice)


INDEXING = """
pipeline: indexing
settings: {checkpoint: 200ms}
schemas: {event: {id: int64, city: string}}
flows:
  index:
    steps:
      - source-kafka: {brokers: "${KAFKA_BROKERS}", topics: ["${KAFKA_TOPIC}"], group: "${KAFKA_GROUP}", start: earliest, session_timeout: 1500ms}
      - transform-parse: {format: json, schema: event, keep: [offset]}
      - sink-es: {url: "${ES_URL}", index: "${ES_INDEX}", id: [id], version: offset}
"""


def test_kills_between_kafka_and_the_index(sluice, kafka, search):
    """kill -9 at random instants: each event is one document, with the newest of its values."""
    topic, index = kafka.create_topic(partitions=1), search.new_index_name()
    environment = {"KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic,
                   "KAFKA_GROUP": uuid.uuid4().hex, "ES_URL": search.url, "ES_INDEX": index}
    kafka.produce(topic, [b'{"id": %d, "city": "city %d"}' % (number % 5000, number)
                          for number in range(20_000)])
    pipeline = sluice.write("indexing.yaml", INDEXING)
    for pause in (0.4, 0.9, 0.6):
        process = sluice.start("run", pipeline, env=environment)
        time.sleep(pause)
        sluice.kill(process)
    sluice.run_ok("run", "--once", pipeline, env=environment)
    documents = search.documents(index).values()
    assert {page["id"]: page["city"] for page in documents} == {
        number: f"city {number + 15_000}" for number in range(5000)}
    assert len(documents) == 5000
