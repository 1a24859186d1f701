"""Sinks that stall: memory stays under the budget for as long as it takes, the source is held back,
and when the sink answers again every row arrives once."""

import gzip
import json
import re
import secrets
import time
import uuid
from collections import Counter
from urllib.error import HTTPError

import pytest

from harness.fault_server import FaultProxy, FaultServer, answer, delayed
from harness.sluice import eventually

BUDGET_MIB = 64
UNCOMMITTED = 75  # the exit code that says so
# What stands outside the account: the program and its libraries, thread stacks, buffers of sockets
# and TLS, what the allocator keeps, librdkafka's and libcurl's own bookkeeping.
CONSTANT_MIB = 64
STALL_SECONDS = 6
ROWS = 40_000
ROW_BYTES = 2_000  # 80 MB of input: more than the budget
FILLER = "x" * ROW_BYTES

HEAD = """
pipeline: slow
settings: {checkpoint: 500ms, memory: 64MiB, lanes: %(lanes)d}
schemas: {event: {id: int64, filler: string}}
flows:
  ingest:
    steps:
"""
FROM_KAFKA = """
      - source-kafka: {brokers: "${KAFKA_BROKERS}", topics: ["${KAFKA_TOPIC}"], group: "${KAFKA_GROUP}", start: earliest}
      - transform-parse: {format: json, schema: event}
"""
FROM_FILE = """
      - source-file: {path: input.ndjson, format: json, schema: event}
"""
TO_S3 = """
      - sink-s3: {url: "${RAW_URL}", format: json, compression: gzip}
"""
TO_INDEX = """
      - sink-es: {url: "${ES_URL}", index: "${ES_INDEX}", id: [id]}
"""


def peak_mib(process):
    with open(f"/proc/{process.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) / 1024


def rows(filler=lambda: FILLER):
    return [json.dumps({"id": number, "filler": filler()}).encode() for number in range(ROWS)]


def indexed(search, index):
    try:
        return search.count(index)
    except HTTPError:  # the first bulk request makes the index
        return 0


def assert_bounded(process):
    assert process.poll() is None, "sluice ended"
    peak = peak_mib(process)
    print(f"peak {peak:.0f} MiB")
    assert peak < BUDGET_MIB + CONSTANT_MIB, f"{peak:.0f} MiB"


@pytest.fixture
def filled_topic(kafka):
    topic = kafka.create_topic(partitions=4)
    kafka.produce(topic, rows())
    return {"KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic,
            "KAFKA_GROUP": uuid.uuid4().hex}


@pytest.fixture
def input_file(sluice):
    sluice.write("input.ndjson", b"\n".join(rows()) + b"\n")


def ids_in(objects):
    return Counter(json.loads(line)["id"] for text in objects for line in text.splitlines())


def test_kafka_to_a_stalled_object_store(sluice, s3, filled_topic):
    bucket, proxy = s3.create_bucket(), FaultProxy(s3.port)
    environment = filled_topic | s3.environment() | {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}", "RAW_URL": f"s3://{bucket}/raw/"}
    pipeline = sluice.write("slow.yaml", HEAD % {"lanes": 4} + FROM_KAFKA + TO_S3)
    process = sluice.start("run", pipeline, env=environment)
    eventually(lambda: s3.keys(bucket, "raw/"), 60, "the first objects")
    proxy.stall()
    time.sleep(STALL_SECONDS)
    assert_bounded(process)
    proxy.flow()

    def stored():
        return ids_in(gzip.decompress(s3.read(bucket, key)) for key in s3.keys(bucket, "raw/"))
    eventually(lambda: len(stored()) == ROWS, 60, "all rows")
    assert set(stored().values()) == {1}
    assert_bounded(process)
    assert sluice.stop(process) == 0, sluice.log()[-3000:]
    proxy.stop()


def test_kafka_to_a_stalled_index(sluice, search, filled_topic):
    index, proxy = search.new_index_name(), FaultProxy(search.port)
    environment = filled_topic | {"ES_URL": f"http://127.0.0.1:{proxy.port}", "ES_INDEX": index}
    pipeline = sluice.write("slow.yaml", HEAD % {"lanes": 2} + FROM_KAFKA + TO_INDEX)
    process = sluice.start("run", pipeline, env=environment)
    eventually(lambda: indexed(search, index) > 0, 60, "the first rows")
    proxy.stall()
    blocked = "waits for step sink-es"
    eventually(lambda: blocked in sluice.log(), 30, "word of who waits for whom")
    assert_bounded(process)
    proxy.flow()
    eventually(lambda: "step sink-es moves again" in sluice.log(), 60, "word that it moves")
    eventually(lambda: indexed(search, index) == ROWS, 90, "all rows")
    assert_bounded(process)
    assert sluice.stop(process) == 0, sluice.log()[-3000:]
    proxy.stop()


def test_many_small_records_before_an_index_that_hangs(sluice, kafka):
    """What the Kafka client keeps for each record is bounded, too."""
    topic, index = kafka.create_topic(partitions=4), FaultServer()
    kafka.produce(topic, [b'{"id": %d}' % number for number in range(400_000)])
    version = {"version": {"number": "2.19.3", "distribution": "opensearch"}}
    index.always("GET", "^/$", answer(200, version)).always("HEAD", "", answer(200))
    index.always("PUT", "", answer(200, {})).always("POST", "_bulk", delayed(60))
    text = (HEAD + FROM_KAFKA + TO_INDEX).replace("id: [id]", "id: [id], mapping: none")
    pipeline = sluice.write("slow.yaml", text.replace(", filler: string", "") % {"lanes": 2})
    process = sluice.start("run", pipeline, env={
        "KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic, "KAFKA_GROUP": uuid.uuid4().hex,
        "ES_URL": index.url, "ES_INDEX": "small"})
    eventually(lambda: "waits for step sink-es" in sluice.log(), 60, "word of who waits for whom")
    assert_bounded(process)
    sluice.kill(process)
    index.stop()


TO_KAFKA = """
      - sink-kafka: {brokers: "${PROXIED}", topic: "${OUT_TOPIC}", format: json}
"""


@pytest.mark.parametrize("server, step", list(enumerate([TO_S3, TO_INDEX, TO_KAFKA])),
                         ids=["s3", "index", "kafka"])
def test_a_stop_does_not_wait_for_a_server_that_hangs(sluice, s3, search, kafka, server, step):
    """SIGTERM ends in time, and says that something is left."""
    # No compression gets around the pace below: what is left takes longer than the test.
    sluice.write("input.ndjson", b"\n".join(rows(lambda: secrets.token_hex(ROW_BYTES // 2))))
    bucket, index, kafka_proxy = s3.create_bucket(), search.new_index_name(), kafka.make_proxy()
    s3_proxy, search_proxy = FaultProxy(s3.port), FaultProxy(search.port)
    proxies = [s3_proxy, search_proxy, kafka_proxy]
    for proxy in proxies:
        proxy.drip(2_000_000)  # so that nothing is done before they hang
    environment = s3.environment() | {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3_proxy.port}", "RAW_URL": f"s3://{bucket}/raw/",
        "ES_URL": f"http://127.0.0.1:{search_proxy.port}", "ES_INDEX": index,
        "PROXIED": kafka.proxied, "OUT_TOPIC": kafka.create_topic()}
    text = HEAD.replace("memory: 64MiB", "memory: 64MiB, shutdown: 1s") % {"lanes": 2}
    pipeline = sluice.write("slow.yaml", text + FROM_FILE + step)
    process = sluice.start("run", pipeline, env=environment)
    eventually(lambda: proxies[server].passed_bytes > 1_000_000, 60, "rows on their way")
    for proxy in proxies:
        proxy.stall()
    began = time.monotonic()
    code = sluice.stop(process, 30)
    assert time.monotonic() - began < 10, sluice.log()[-3000:]
    assert code == UNCOMMITTED, sluice.log()[-3000:]
    for proxy in proxies:
        proxy.stop()


def test_a_file_to_two_sinks_of_which_one_answers_503(sluice, search, input_file):
    index, faults = search.new_index_name(), FaultServer(upstream=search.url)
    faults.always("POST", "/_bulk", answer(503))
    pipeline = sluice.write("slow.yaml", HEAD % {"lanes": 4} + FROM_FILE + TO_INDEX + """
      - sink-file: {path: out/copy.ndjson, format: json}
        from: source-file
""")
    process = sluice.start("run", pipeline, env={"ES_URL": faults.url, "ES_INDEX": index})
    time.sleep(STALL_SECONDS)
    assert_bounded(process)
    faults.scripts.clear()
    assert process.wait(120) == 0, sluice.log()[-3000:]  # the file has an end
    assert indexed(search, index) == ROWS
    copies = ids_in(path.read_bytes() for path in (sluice.folder / "out").glob("*"))
    assert len(copies) == ROWS and set(copies.values()) == {1}
    faults.stop()
