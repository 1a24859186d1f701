"""Somebody sets the wall clock while sluice runs: nothing stops, nothing waits for the old time."""

import json
import time
import uuid

import pytest

from campaign.machine import Machine

from harness.sluice import eventually

HOUR_MS = 3_600_000
JUMPS = pytest.mark.parametrize("jump_ms", [-HOUR_MS, HOUR_MS], ids=["back", "forward"])


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "state")


def committed_runs(sluice):
    return sluice.log().count(" committed ") + sluice.log().count('committed"')


@JUMPS
def test_a_flow_with_every_keeps_its_interval(sluice, machine, jump_ms):
    process = sluice.start("run", "--log", "json", sluice.write("often.yaml", """
pipeline: often
flows:
  often:
    every: 200ms
    steps:
      - source-generate: {count: 10}
      - sink-file: {path: out.ndjson, format: json}
"""), env=machine.environment())
    eventually(lambda: committed_runs(sluice) >= 2, 30, "two runs")
    machine.shift_clock(jump_ms)
    before = committed_runs(sluice)
    eventually(lambda: committed_runs(sluice) >= before + 3, 30, "three runs after the jump")
    machine.shift_clock(0)
    before = committed_runs(sluice)
    eventually(lambda: committed_runs(sluice) >= before + 3, 30, "three runs after the jump back")
    assert sluice.stop(process) in (0, 75)


def follow(sluice, machine, brokers, topic):
    """A process that copies events to a file, and what it has written."""
    process = sluice.start("run", sluice.write("follow.yaml", f"""
pipeline: follow
settings: {{checkpoint: 200ms}}
schemas: {{event: {{id: int64}}}}
flows:
  follow:
    steps:
      - source-kafka: {{brokers: "{brokers}", topics: [{topic}], group: {uuid.uuid4().hex}, session_timeout: 1500ms}}
      - transform-parse: {{format: json, schema: event}}
      - sink-file: {{path: out.ndjson, format: json}}
"""), env=machine.environment())
    out = sluice.folder / "out.ndjson"

    def written():
        text = out.read_text() if out.exists() else ""
        return [json.loads(line)["id"] for line in text.splitlines()]
    return process, written


@JUMPS
def test_a_topic_is_read_on(sluice, machine, kafka, jump_ms):
    """All waits end in time: the controller's, the lanes', the Kafka client's."""
    topic = kafka.create_topic(partitions=1)
    process, written = follow(sluice, machine, kafka.bootstrap, topic)
    for number, shift_ms in enumerate([0, jump_ms, 0]):
        machine.shift_clock(shift_ms)
        kafka.produce(topic, [b'{"id": %d}' % number])
        eventually(lambda: written() == list(range(number + 1)), 30, f"event {number}")
    machine.shift_clock(-HOUR_MS)  # and no record comes any more that would end a wait
    assert sluice.stop(process, seconds=60) == 0, sluice.log()[-3000:]
    assert written() == [0, 1, 2]


def test_a_broker_is_found_again_after_the_clock_was_ahead_while_it_was_away(sluice, machine, kafka):
    """The client waits between attempts to connect, too."""
    topic, proxy = kafka.create_topic(partitions=1), kafka.make_proxy()
    process, written = follow(sluice, machine, kafka.proxied, topic)
    kafka.produce(topic, [b'{"id": 0}'])
    eventually(lambda: written() == [0], 60, "the first event")
    proxy.refuse()
    eventually(lambda: "no Kafka broker can be reached" in sluice.log(), 60, "a word about the broker")
    machine.shift_clock(HOUR_MS)
    time.sleep(3)  # longer than the longest wait between two attempts
    machine.shift_clock(0)
    time.sleep(1)
    proxy.accept()
    kafka.produce(topic, [b'{"id": 1}'])
    eventually(lambda: written() == [0, 1], 60, "the second event")
    assert sluice.stop(process, seconds=60) == 0, sluice.log()[-3000:]
    proxy.stop()
