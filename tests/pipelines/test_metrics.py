"""Metrics and health of a running process: read by a real Prometheus, by a strict OpenMetrics parser,
by clients with and without credentials, and by some that mean no good."""

import socket
import ssl
import time
import uuid

import pytest
import requests
from confluent_kafka import Consumer, TopicPartition

from harness import certificates
from harness.fault_server import FaultProxy
from harness.process import HOST
from harness.prometheus import Prometheus, promtool
from harness.served import Served
from harness.sluice import ROOT, eventually

DATACO = (ROOT / "pipelines" / "dataco.yaml").read_text()
SIMULATE = ROOT / "pipelines" / "simulate.yaml"
ENDLESS = """
pipeline: clicks
settings: {checkpoint: 200ms}
flows:
  copy:
    steps:
      - source-generate: {rate: 2000}
      - sink-file: {path: out.ndjson, format: json}
"""


def test_prometheus_reads_a_whole_run_of_dataco(sluice, kafka, s3, search):
    events = 20_000
    topic, bucket, index = kafka.create_topic(), s3.create_bucket(), search.new_index_name()
    sluice.run_ok("run", "--once", SIMULATE, env={
        "KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic, "EVENTS": events, "SEED": 7,
        "MALFORMED": "0.01"})
    pipeline = sluice.write("dataco.yaml", DATACO.replace("every: 5m", "every: 1s"))
    served = Served(sluice, pipeline, env=s3.environment() | {
        "KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic, "KAFKA_GROUP": index,
        "RAW_URL": f"s3://{bucket}/raw/", "PROCESSED_URL": f"s3://{bucket}/processed/",
        "ES_URL": search.url, "ES_INDEX": index, "SLUICE_CHECKPOINT": "500ms"})
    prometheus = Prometheus([served.target])
    try:
        read = 'sum(sluice_step_output_rows_total{flow="ingest",plugin="source-kafka"})'
        rejected = "sum(sluice_step_rejected_rows_total)"
        written = 'sum(sluice_step_output_rows_total{flow="ingest",step="sink-s3"})'

        def has(expression, value):
            return prometheus.query(expression) == [({}, value)]
        eventually(lambda: has(read, events), what=f"{read} = {events}")
        eventually(lambda: has(f"{rejected} + {written}", events), what="every row to be accounted for")
        eventually(lambda: has("sum(sluice_source_kafka_lag_messages)", 0), what="no lag")
        eventually(lambda: has("count(sluice_source_kafka_lag_seconds)", 6), what="all partitions")
        eventually(lambda: prometheus.query("sum(sluice_sink_es_bulk_items_total) > 0"),
                   what="documents in the index")
        assert prometheus.query('sum(sluice_step_rejected_rows_total{code="json_malformed"}) > 0')
        assert prometheus.query('sum(sluice_sink_s3_parts_total{flow="ingest"}) > 0')
        assert prometheus.query('sum(sluice_sink_s3_objects_total{flow="ingest"}) > 0')
        assert prometheus.query('sluice_flow_checkpoints_total{flow="ingest"} > 0')
        assert prometheus.query('sluice_flow_checkpoint_duration_seconds_count{flow="ingest"} > 0')
        assert prometheus.query('sluice_flow_checkpoint_age_seconds{flow="ingest"} == 0')
        assert prometheus.query('sluice_flow_runs_total{flow="process"} > 0')
        delivered = 'sum(sluice_step_delivery_latency_seconds_count{step="sink-s3",flow="ingest"})'
        assert has(f"{delivered} == bool {written}", 1)
        assert prometheus.query("sluice_pipeline_memory_bytes < sluice_pipeline_memory_limit_bytes")
        assert prometheus.target() == ("up", "")
        assert served.get("/readyz").json() == {"ready": True, "reasons": []}
        checked = promtool("check", "metrics", input=served.get("/metrics").text)
        assert checked.returncode == 0 and not checked.stderr, checked
        assert served.families()["sluice_step_input_rows"].type == "counter"
    finally:
        prometheus.destroy()
    assert sluice.stop(served.process) in (0, 75)  # 75: in the middle of a run of `process`


def test_lag_is_what_another_client_computes(sluice, kafka):
    topic, group = kafka.create_topic(partitions=3), f"group-{uuid.uuid4().hex[:8]}"
    kafka.produce(topic, [b"{}"] * 50, partition=0)
    pipeline = sluice.write("lag.yaml", f"""
pipeline: lag
settings: {{checkpoint: 1h}}
flows:
  copy:
    steps:
      - source-kafka: {{brokers: "{kafka.bootstrap}", topics: [{topic}], group: {group}, start: earliest}}
      - sink-file: {{path: out.ndjson, format: json}}
""")
    served = Served(sluice, pipeline)
    client = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": group})

    def independent():
        places = [TopicPartition(topic, number) for number in range(3)]
        committed = client.committed(places, timeout=30)
        return {str(place.partition): client.get_watermark_offsets(place, 30)[1] - place.offset
                for place in committed if place.offset >= 0}

    def own(name):
        values = served.values(name, topic=topic)
        return {labels[-1]: value for labels, value in values.items()}
    try:
        messages = "sluice_source_kafka_lag_messages"
        eventually(lambda: served.total("sluice_step_output_rows_total", plugin="source-kafka") == 50)
        eventually(lambda: own(messages) == independent() == {"0": 50, "1": 0, "2": 0},
                   what="what was read and not committed to be lag")
        kafka.produce(topic, [b"{}"] * 7, partition=2)
        eventually(lambda: own(messages) == independent() == {"0": 50, "1": 0, "2": 7},
                   what="lag to follow the topic")
        seconds = own("sluice_source_kafka_lag_seconds")
        assert seconds["0"] >= seconds["2"] >= 0 == seconds["1"]
        assert served.total("sluice_source_kafka_assigned_partitions") == 3
        assert served.total("sluice_source_kafka_uncommitted_partitions") == 0
    finally:
        client.close()
    assert sluice.stop(served.process) == 0
    assert {place.offset for place in kafka.committed(group, topic, 3)} == {50, 0, 7}


def test_lag_and_readiness_are_told_while_the_flow_is_blocked(sluice, kafka, s3):
    topic, bucket = kafka.create_topic(partitions=1), s3.create_bucket()
    proxy = FaultProxy(s3.port)
    kafka.produce(topic, [b'{"a":"b"}'] * 20)
    served = Served(sluice, sluice.write("blocked.yaml", f"""
pipeline: blocked
settings: {{checkpoint: 200ms, shutdown: 100ms}}
flows:
  copy:
    steps:
      - source-kafka: {{brokers: "{kafka.bootstrap}", topics: [{topic}], group: {topic}, start: earliest}}
      - sink-s3: {{url: "s3://{bucket}/", format: json}}
"""), env=s3.environment() | {"AWS_ENDPOINT_URL": f"http://{HOST}:{proxy.port}"})

    def lag(unit):
        return list(served.values(f"sluice_source_kafka_lag_{unit}").values())
    try:
        eventually(lambda: served.total("sluice_step_output_rows_total", plugin="sink-s3") == 20
                   and lag("messages") == [0], what="the first rows to be stored")
        proxy.refuse()
        kafka.produce(topic, [b'{"a":"b"}'] * 5)
        eventually(lambda: lag("messages") == [5] and lag("seconds")[0] > 0, what="lag to be told")
        eventually(lambda: any(reason.get("step") == "sink-s3" and str(proxy.port) in reason["reason"]
                               for reason in served.get("/readyz").json()["reasons"]),
                   what="the reason")
        assert served.get("/readyz").status_code == 503
        assert served.get("/healthz").json()["alive"] is True
        kafka.produce(topic, [b'{"a":"b"}'] * 3)
        eventually(lambda: lag("messages") == [8], what="lag to grow while the flow is blocked")
        eventually(lambda: served.total("sluice_flow_checkpoint_age_seconds") > 0)
        assert served.total("sluice_step_time_seconds_total", activity="waiting_retry") > 0
        proxy.heal()
        eventually(lambda: lag("messages") == [0] and served.get("/readyz").status_code == 200)
    finally:
        proxy.stop()
    sluice.kill(served.process)


def test_only_those_with_credentials_see_metrics_and_reasons(sluice, tmp_path):
    authority = certificates.make_authority(tmp_path, "ca")
    certificates.make_leaf(tmp_path, "ca", "server")
    sluice.write("token", "t0ken-of-the-test\n")
    pipeline = sluice.write("clicks.yaml", ENDLESS.replace("checkpoint: 200ms", """
  checkpoint: 200ms, metrics_certificate: server.pem, metrics_key: server.key,
  metrics_token: "${file:token}", metrics_user: prometheus, metrics_password: "${PASSWORD}" """))
    served = Served(sluice, pipeline, env={"PASSWORD": "pass-of-the-test"})
    assert served.url.startswith("https://")
    trust = {"verify": str(authority)}

    refused = served.get("/metrics", **trust)
    assert refused.status_code == 401 and "sluice_" not in refused.text
    assert "Bearer" in refused.headers["WWW-Authenticate"]
    for wrong in ({"headers": {"Authorization": "Bearer t0ken-of-the-tesT"}},
                  {"auth": ("prometheus", "wrong")}, {"auth": ("", "")}):
        assert served.get("/metrics", **trust, **wrong).status_code == 401
    assert served.get("/", **trust).status_code == 401
    assert served.get("/healthz", **trust).status_code == 200
    eventually(lambda: served.get("/readyz", **trust).text == '{"ready":true}\n')

    token = {"headers": {"Authorization": "Bearer t0ken-of-the-test"}}
    by_token = served.get("/metrics", **trust, **token)
    by_password = served.get("/metrics", **trust, auth=("prometheus", "pass-of-the-test"))
    assert by_token.status_code == by_password.status_code == 200
    assert "reasons" in served.get("/readyz", **trust, **token).json()
    with pytest.raises(requests.exceptions.SSLError):
        served.get("/metrics")  # a certificate that nobody trusts
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with socket.create_connection(served.target.split(":"), 30) as plain:
            old.wrap_socket(plain)
    assert sluice.stop(served.process) == 0
    said = sluice.log() + by_token.text
    assert "of-the-test" not in said


def test_hostile_clients_hold_up_neither_the_flow_nor_other_clients_for_long(sluice):
    served = Served(sluice, sluice.write("clicks.yaml", ENDLESS))
    before = served.total("sluice_step_output_rows_total")
    guests = [socket.create_connection(served.target.split(":"), 30) for _ in range(64)]
    for guest in guests:
        guest.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
    started, ended = time.monotonic(), 0
    while ended < len(guests):  # a byte now and then keeps no connection alive
        assert time.monotonic() - started < 120
        ended = 0
        for guest in guests:
            try:
                guest.sendall(b"x")
            except OSError:
                ended += 1
        time.sleep(0.2)
    assert served.total("sluice_step_output_rows_total") > before, "the flow went on"

    def raw(request):
        with socket.create_connection(served.target.split(":"), 30) as client:
            try:
                client.sendall(request)
                client.settimeout(60)
                return client.recv(100)
            except ConnectionError:
                return b""
    assert b" 200 " not in raw(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
    assert b" 200 " not in raw(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n")
    assert b" 200 " not in raw(b"\x16\x03\x01\x00\xff" + b"\x00" * 300 + b"\r\n\r\n")
    assert requests.post(served.url + "/metrics", data=b"x" * 1_000_000, timeout=30).status_code == 405
    assert served.get("/../etc/passwd").status_code == 404
    assert requests.head(served.url + "/metrics", timeout=30).status_code == 200
    assert served.total("sluice_http_answers_total", **{"class": "4xx"}) >= 2
    assert sluice.stop(served.process) == 0


@pytest.mark.sanitize
def test_numbers_are_whole_while_flows_come_and_go(sluice):
    """Executions begin and end all the time while several clients read."""
    sluice.write("in.ndjson", '{"url":"/a"}\n' * 500)
    runs = "".join(f"""
  run-{number}:
    every: 50ms
    steps:
      - source-file: {{path: in.ndjson, format: json, schema: {{url: string}}}}
      - transform-agg: {{group_by: [url], aggregates: {{clicks: count}}}}
      - sink-file: {{path: "out-{number}.csv", format: csv, mode: replace}}""" for number in range(3))
    served = Served(sluice, sluice.write("clicks.yaml", ENDLESS + runs))
    counters = {}

    def look():
        for family in served.families().values():
            for sample in family.samples if family.type in ("counter", "histogram") else []:
                key = (sample.name, *sample.labels.values())
                assert sample.value >= counters.get(key, 0), f"{key} went back"
                counters[key] = sample.value
        return served.get("/readyz").status_code and served.total("sluice_flow_runs_total") >= 12
    eventually(look, what="some runs of each flow")
    committed = served.total("sluice_flow_runs_total")
    rows = served.total("sluice_step_input_rows_total", plugin="transform-agg")
    assert rows >= committed * 500
    assert sluice.stop(served.process) in (0, 75)


def test_a_supervisor_is_told_of_start_life_and_end(sluice, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(60)
        process = sluice.start("run", sluice.write("clicks.yaml", ENDLESS), env={
            "NOTIFY_SOCKET": tmp_path / "notify", "WATCHDOG_USEC": 300_000})
        said = ""
        while not {"READY=1", "STATUS=copy running", "WATCHDOG=1"} <= set(said.splitlines()):
            said += supervisor.recv(1000).decode()
        assert sluice.stop(process) == 0
        while "STOPPING=1" not in said:
            said += supervisor.recv(1000).decode()


def test_what_cannot_be_served_stops_the_start(sluice):
    one = sluice.write("one.yaml", ENDLESS.replace("200ms", "200ms, metrics: ':0'"))
    other = sluice.write("other.yaml", ENDLESS.replace("200ms", "200ms, metrics: '127.0.0.1:0'")
                         .replace("clicks", "others"))
    outcome = sluice.run("run", one, other)
    assert outcome.code == 78 and "say different things of the metrics" in outcome.stderr, outcome
    outcome = sluice.run("run", "--metrics", "9464", one)
    assert outcome.code == 78 and "`9464` is no address to listen at" in outcome.stderr, outcome
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        outcome = sluice.run("run", "--metrics", f":{port}", one)
    assert outcome.code == 78 and "another process has the port" in outcome.stderr, outcome
    half = sluice.write("half.yaml", ENDLESS.replace("200ms", "200ms, metrics: ':0', metrics_key: k"))
    outcome = sluice.run("run", half)
    assert outcome.code == 78 and "the certificate is missing" in outcome.stderr, outcome
