"""How a run ends: within its deadline whatever hangs, with a last line and an exit code that say
whether anything is left, and so that the next start goes on without anybody's help."""

import json
import signal
import socket
import time
import uuid

import pytest

from harness.fault_server import FaultProxy
from harness.sluice import eventually

SHUTDOWN_S = 1
GRACE_S = 5  # for a call that hears no cancel
SLACK_S = 10  # a busy machine

CLICKS = 30_000

GENERATE = """
pipeline: ends
settings: {checkpoint: 200ms, shutdown: 1s}
flows:
  f:
    %s
    steps:
      - source-generate: {count: 30000, rate: 15000, duplicates: 0, malformed: 0}
      - %s
"""
# So slow that it is in the middle for many times as long as a test needs to see that.
SLOWLY = GENERATE.replace("rate: 15000", "rate: 3000")
FILE = "sink-file: {path: out.ndjson, format: json}"


def last_line(text):
    return text.strip().splitlines()[-1]


def lines(sluice):
    return (sluice.folder / "out.ndjson").read_text().splitlines()


def end_by_signal(sluice, process):
    """Exit code and seconds from SIGTERM to the end."""
    began = time.monotonic()
    code = sluice.stop(process)
    return code, time.monotonic() - began


# ---- the last line ----

def test_the_last_line_says_that_everything_was_committed(sluice):
    sluice.write("p.yaml", GENERATE % ("", FILE))
    outcome = sluice.run_ok("run", "--once", "p.yaml")
    assert last_line(outcome.stderr) == "sluice: done: everything was committed"


def test_the_last_line_of_a_json_log_says_it_too(sluice):
    sluice.write("p.yaml", GENERATE % ("", FILE))
    line = json.loads(last_line(sluice.run_ok("run", "--once", "--log", "json", "p.yaml").stderr))
    assert (line["result"], line["exit_code"]) == ("done", "0") and "uncommitted" not in line


def test_a_failed_flow_is_named_with_where_it_goes_on(sluice):
    sluice.write("p.yaml", GENERATE % ("", FILE))
    sluice.run_ok("run", "--once", "p.yaml")
    [newest] = sluice.folder.glob("state/ends/checkpoints/f/*/*.checkpoint")
    number = int(newest.name.split(".")[0])
    sluice.write("p.yaml", GENERATE % ("", "sink-file: {path: no-folder.ndjson/x, format: json}"))
    sluice.write("no-folder.ndjson", "a file, not a folder")
    outcome = sluice.run("run", "--once", "p.yaml")
    assert outcome.code == 1
    assert last_line(outcome.stderr) == (
        f"sluice: failed: flow f failed: the next start goes on from checkpoint {number}")


# ---- within the deadline ----

def deaf_port():
    """A server that takes connections and never says a word."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    return listener, listener.getsockname()[1]


@pytest.mark.parametrize("trigger", ["", "every: 1h"], ids=["continuous", "batch"])
def test_a_server_that_never_answered_does_not_hold_up_the_end(sluice, trigger):
    listener, port = deaf_port()
    sink = 'sink-es: {url: "http://127.0.0.1:%d", index: i, id: [value]}' % port
    sluice.write("p.yaml", GENERATE % (trigger, sink))
    process = sluice.start("run", "p.yaml")
    listener.accept()  # it has asked
    code, seconds = end_by_signal(sluice, process)
    listener.close()
    assert seconds < SHUTDOWN_S + GRACE_S + SLACK_S, sluice.log()[-2000:]
    if trigger:
        assert (code, last_line(sluice.log())) == (
            75, "sluice: stopped: flow f left something uncommitted: the next start runs it again")
    else:  # nothing was read yet
        assert (code, last_line(sluice.log())) == (0, "sluice: done: everything was committed")


@pytest.mark.parametrize("fault, trigger", [("stall", ""), ("refuse", "every: 1h")],
                         ids=["deaf, continuous", "gone, batch"])
def test_a_server_that_dies_in_the_middle_does_not_hold_up_the_end(sluice, s3, fault, trigger):
    bucket = s3.create_bucket()
    proxy = FaultProxy(s3.port)
    sink = 'sink-s3: {url: "s3://%s/x/", format: json, max_rows: 1000}' % bucket
    sluice.write("p.yaml", SLOWLY % (trigger, sink))
    environment = s3.environment() | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
    process = sluice.start("run", "p.yaml", env=environment)
    eventually(lambda: s3.uploads(bucket) or s3.keys(bucket), what="the first object")
    getattr(proxy, fault)()
    code, seconds = end_by_signal(sluice, process)
    assert seconds < SHUTDOWN_S + GRACE_S + SLACK_S, sluice.log()[-2000:]
    assert code == 75, sluice.log()[-2000:]
    assert last_line(sluice.log()).startswith(
        "sluice: stopped: flow f left something uncommitted: the next start ")
    proxy.heal()
    sluice.write("p.yaml", GENERATE % (trigger, sink))
    sluice.run_ok("run", "--once", "p.yaml", env=environment)
    found = [line for key in s3.keys(bucket) for line in s3.read(bucket, key).splitlines()]
    assert len(found) == len(set(found)) == CLICKS and not s3.uploads(bucket)


def test_a_stalled_broker_does_not_hold_up_the_end_and_loses_nothing(sluice, kafka):
    topic = kafka.create_topic()
    kafka.produce(topic, [b'{"n": %d}' % n for n in range(1000)])
    sluice.write("p.yaml", """
pipeline: ends
settings: {checkpoint: 1h, shutdown: 1s}
schemas: {event: {n: int64}}
flows:
  f:
    steps:
      - source-kafka: {brokers: "${KAFKA_BROKERS}", topics: ["${KAFKA_TOPIC}"], group: "${KAFKA_GROUP}", start: earliest}
      - transform-parse: {format: json, schema: event}
      - %s
""" % FILE)
    proxy = kafka.make_proxy()
    environment = {"KAFKA_BROKERS": f"127.0.0.1:{proxy.port}", "KAFKA_TOPIC": topic,
                   "KAFKA_GROUP": uuid.uuid4().hex}
    process = sluice.start("run", "p.yaml", env=environment)
    path = sluice.folder / "out.ndjson"
    eventually(lambda: path.exists() and len(lines(sluice)) == 1000, what="the rows")
    proxy.stall()
    code, seconds = end_by_signal(sluice, process)
    proxy.heal()
    assert code == 75 and seconds < SHUTDOWN_S + GRACE_S + SLACK_S, sluice.log()[-2000:]
    assert last_line(sluice.log()).startswith("sluice: stopped: ")
    sluice.run_ok("run", "--once", "p.yaml", env=environment)
    proxy.stop()
    assert sorted(json.loads(line)["n"] for line in lines(sluice)) == list(range(1000))


# ---- and on again ----

def kill_it(sluice, process):
    sluice.kill(process)
    return -9


def stop_it(sluice, process):
    return sluice.stop(process)


def stop_it_twice(sluice, process):
    process.send_signal(signal.SIGSTOP)  # so that it cannot end before the second one
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    eventually(lambda: "stopping" in sluice.log() or process.poll() is not None, what="the first")
    time.sleep(0.6)
    process.send_signal(signal.SIGINT)
    return process.wait(60)


def fail_it(sluice, process):
    """The folder of its checkpoints is taken away."""
    for folder in sluice.folder.glob("state/ends/checkpoints/f/*"):
        folder.rename(folder.with_name(f"{folder.name}.away"))
        folder.write_text("in the way")
    return process.wait(60)


@pytest.mark.parametrize("end, codes", [(kill_it, [-9]), (stop_it, [0]), (stop_it_twice, [0, 75]),
                                        (fail_it, [1])])
def test_the_next_start_goes_on_after_any_end(sluice, end, codes):
    sluice.write("p.yaml", SLOWLY % ("", FILE))
    process = sluice.start("run", "p.yaml")
    path = sluice.folder / "out.ndjson"
    eventually(lambda: path.exists() and len(lines(sluice)) > 1000, what="some rows")
    assert end(sluice, process) in codes, sluice.log()[-2000:]
    for away in sluice.folder.glob("state/ends/checkpoints/f/*.away"):
        away.with_name(away.name.removesuffix(".away")).unlink()
        away.rename(away.with_name(away.name.removesuffix(".away")))
    sluice.write("p.yaml", GENERATE % ("", FILE))
    sluice.run_ok("run", "--once", "p.yaml")
    assert len(lines(sluice)) == CLICKS and len(set(lines(sluice))) == CLICKS
