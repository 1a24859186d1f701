"""The headline job: one file, from events in Kafka to pages in a search index, on real servers."""

import csv
import gzip
import io
import json
import random
import time
import urllib.error
from collections import Counter
from pathlib import Path

import pytest

from harness import clicks
from harness.sluice import ROOT, eventually

DATACO = ROOT / "pipelines" / "dataco.yaml"
SIMULATE = ROOT / "pipelines" / "simulate.yaml"
EVENTS = 200_000


def dead_letters(folder, flow="ingest"):
    """Rows of a flow's default dead letter."""
    rows = []
    for path in Path(folder).glob(f"state/dataco/members/*/deadletter/{flow}.ndjson"):
        rows += [json.loads(line) for line in path.read_text().splitlines()]
    return rows


def raw_events(text, is_csv):
    rows = csv.DictReader(io.StringIO(text, newline="")) if is_csv else map(
        json.loads, text.splitlines())
    return [clicks.normal(row) for row in rows]


def pages(documents):
    return {(page["url"], page["country"]):
            (page["clicks"], page["unique_users"], page["avg_seconds_on_page"])
            for page in documents}


@pytest.fixture(scope="module")
def topic(kafka, tmp_path_factory):
    """A topic of 6 partitions with simulated events, some malformed, late or twice."""
    from harness.sluice import Sluice
    name = kafka.create_topic(partitions=6)
    Sluice(tmp_path_factory.mktemp("simulate")).run_ok(
        "run", "--once", SIMULATE,
        env={"KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": name, "EVENTS": EVENTS, "SEED": 7})
    return name


@pytest.fixture(scope="module")
def events(kafka, topic):
    """(accepted events, {(partition, offset): value} of the others), read by another client."""
    accepted, rejected = [], {}
    for message in kafka.consume(topic, EVENTS):
        event = clicks.accept(message.value())
        if event is None:
            rejected[message.partition(), message.offset()] = message.value()
        else:
            accepted.append(event)
    assert len(accepted) + len(rejected) == EVENTS
    assert 0 < len(rejected) < EVENTS / 100
    return accepted, rejected


@pytest.mark.parametrize("raw_format", ["json", "csv"])
def test_every_row_of_the_index_equals_the_oracle_answer(sluice, kafka, s3, search, topic, events,
                                                        raw_format):
    accepted, rejected = events
    bucket, index = s3.create_bucket(), search.new_index_name()
    sluice.run_ok("run", "--once", DATACO, timeout=300, env=s3.environment() | {
        "KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic, "KAFKA_GROUP": index,
        "RAW_URL": f"s3://{bucket}/raw/", "RAW_FORMAT": raw_format,
        "PROCESSED_URL": f"s3://{bucket}/processed/", "ES_URL": search.url, "ES_INDEX": index})

    clicks.assert_pages_equal(pages(search.documents(index).values()),
                              clicks.expected_pages(accepted))

    raw = Counter()
    for key in s3.keys(bucket, "raw/"):
        assert key.endswith(f".{raw_format}.gz"), key
        raw.update(raw_events(gzip.decompress(s3.read(bucket, key)).decode(), raw_format == "csv"))
    assert raw == Counter(map(clicks.normal, accepted))
    assert s3.uploads(bucket) == []

    letters = dead_letters(sluice.folder)
    assert {(row["partition"], row["position"]) for row in letters} == rejected.keys()
    assert len(letters) == len(rejected)
    assert all(row["origin"] == topic and row["code"] and row["reason"] for row in letters)


def test_a_second_run_adds_nothing(sluice, kafka, s3, search, topic, events):
    """Restarted on a finished topic: no event is stored twice, and the index stays equal."""
    bucket, index = s3.create_bucket(), search.new_index_name()
    environment = s3.environment() | {
        "KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic, "KAFKA_GROUP": index,
        "RAW_URL": f"s3://{bucket}/raw/", "PROCESSED_URL": f"s3://{bucket}/processed/",
        "ES_URL": search.url, "ES_INDEX": index}
    sluice.run_ok("run", "--once", DATACO, env=environment, timeout=300)
    keys = s3.keys(bucket, "raw/")
    sluice.run_ok("run", "--once", DATACO, env=environment, timeout=300)
    assert s3.keys(bucket, "raw/") == keys
    clicks.assert_pages_equal(pages(search.documents(index).values()),
                              clicks.expected_pages(events[0]))


def test_the_embedded_default_gives_the_oracle_answer(sluice):
    """Nothing but this machine: simulator, embedded broker, local folders, local index."""
    sluice.run_ok("run", "--once", SIMULATE, DATACO, timeout=300,
                  env={"EVENTS": EVENTS, "SEED": 11})
    accepted = []
    for path in sluice.folder.glob("data/raw/**/*.json.gz"):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            event = clicks.accept(line)
            assert event, line
            accepted.append(event)
    assert len(accepted) + len(dead_letters(sluice.folder)) == EVENTS
    lines = (sluice.folder / "data/index/dataco-pages.ndjson").read_text().splitlines()
    clicks.assert_pages_equal(pages(map(json.loads, lines)), clicks.expected_pages(accepted))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_ingest_stores_each_event_once(sluice, kafka, s3, topic, events, seed):
    """kill -9 at random instants, then a last run to the end: nothing lost, nothing twice."""
    accepted, rejected = events
    bucket, chance = s3.create_bucket(), random.Random(seed)
    environment = s3.environment() | {
        "KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic, "KAFKA_GROUP": bucket,
        "RAW_URL": f"s3://{bucket}/raw/", "SLUICE_CHECKPOINT": "150ms"}
    for _ in range(6):
        process = sluice.start("run", "--flow", "ingest", DATACO, env=environment)
        time.sleep(chance.uniform(0.3, 1.5))
        sluice.kill(process)
    sluice.run_ok("run", "--once", "--flow", "ingest", DATACO, env=environment)

    raw = Counter()
    for key in s3.keys(bucket, "raw/"):
        raw.update(raw_events(gzip.decompress(s3.read(bucket, key)).decode(), False))
    assert raw == Counter(map(clicks.normal, accepted)), sluice.log()
    assert s3.uploads(bucket) == []
    letters = Counter((row["partition"], row["position"]) for row in dead_letters(sluice.folder))
    assert letters == Counter(rejected.keys())


def test_a_service_follows_the_topic_and_ends_in_order(sluice, kafka, s3, search, topic, events):
    """Without --once: events arrive, the result follows, SIGTERM ends it with exit code 0."""
    bucket, index = s3.create_bucket(), search.new_index_name()
    pipeline = DATACO.read_text().replace("every: 5m", "every: 1s")
    process = sluice.start("run", sluice.write("often.yaml", pipeline), env=s3.environment() | {
        "KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic, "KAFKA_GROUP": bucket,
        "RAW_URL": f"s3://{bucket}/raw/", "PROCESSED_URL": f"s3://{bucket}/processed/",
        "ES_URL": search.url, "ES_INDEX": index, "SLUICE_CHECKPOINT": "500ms"})
    expected = clicks.expected_pages(events[0])

    def clicks_in_index():
        try:
            return sum(page[0] for page in pages(search.documents(index).values()).values())
        except urllib.error.HTTPError:
            return 0  # no index yet
    eventually(lambda: clicks_in_index() == len(events[0]), what="all clicks in the index")
    assert sluice.stop(process) == 0, sluice.log()
    clicks.assert_pages_equal(pages(search.documents(index).values()), expected)
