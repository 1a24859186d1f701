"""Kafka in and out: groups, restarts, crashes, start positions, logins, certificates, rejects."""

import base64
import json
import time
from collections import Counter

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from harness.sluice import eventually

READ = """
pipeline: p
settings: {{state: state, checkpoint: 300ms}}
flows:
  f:
    steps:
      - source-kafka: {{brokers: "{brokers}", topics: {topics}, group: "{group}", session_timeout: 1500ms{more}}}
      - sink-file: {{path: out.json, format: json, mode: append}}
"""

WRITE = """
pipeline: w
settings: {{state: state-w}}
flows:
  f:
    steps:
      - source-file: {{path: in.json, format: json, schema: {{{schema}}}}}
      - sink-kafka: {{brokers: "{brokers}", topic: "{topic}"{more}}}
"""


def reading(kafka, topics, group="g", brokers=None, **options):
    """A pipeline that copies topics into out.json, one JSON line a record."""
    more = "".join(f', {name}: "{value}"' for name, value in options.items())
    topics = json.dumps([topics] if isinstance(topics, str) else topics)
    return READ.format(brokers=brokers or kafka.bootstrap, topics=topics, group=group, more=more)


def rows(sluice):
    """What came out; keys and values, which are bytes, as text."""
    path = sluice.folder / "out.json"
    text = path.read_text() if path.exists() else ""
    # While it is being written the last line can be half a line.
    read = [json.loads(line) for line in text.splitlines(True) if line.endswith("\n")]
    for row in read:
        for column in ("key", "value"):
            if row[column] is not None:
                row[column] = base64.b64decode(row[column]).decode()
    return read


def values(sluice):
    return [row["value"] for row in rows(sluice)]


def names(first, count):
    return [f"v{i}" for i in range(first, first + count)]


def assert_each_once(sluice, wanted):
    assert Counter(values(sluice)) == Counter(wanted)


@pytest.fixture
def group(request):
    """A group of the test's own: the broker outlives the test."""
    return f"g-{request.node.name}-{time.time_ns()}".replace("[", "-").replace("]", "")


def committed(kafka, group, topic, partitions=6):
    return kafka.committed(group, topic, partitions)


def test_every_record_comes_once_and_a_restart_goes_on_at_the_group(sluice, kafka, group):
    topic = kafka.create_topic()
    pipeline = sluice.write("p.yaml", reading(kafka, topic, group))
    kafka.produce(topic, names(0, 20000))
    sluice.run_ok("run", "--once", pipeline)
    assert_each_once(sluice, names(0, 20000))
    assert sum(entry.offset for entry in committed(kafka, group, topic)) == 20000

    kafka.produce(topic, names(20000, 500))
    sluice.run_ok("run", "--once", pipeline)
    sluice.run_ok("run", "--once", pipeline)
    assert_each_once(sluice, names(0, 20500))


def test_a_deleted_group_goes_on_where_the_state_says(sluice, kafka, group):
    """Offsets that expired or were deleted: the checkpoint knows where it was."""
    topic = kafka.create_topic()
    pipeline = sluice.write("p.yaml", reading(kafka, topic, group))
    kafka.produce(topic, names(0, 3000))
    sluice.run_ok("run", "--once", pipeline)
    admin = kafka.admin()
    # A static member leaves when its session has timed out.
    eventually(lambda: not list(admin.delete_consumer_groups([group]).values())[0].exception(30),
               what="the deletion of the group")
    kafka.produce(topic, names(3000, 200))
    sluice.run_ok("run", "--once", pipeline)
    assert_each_once(sluice, names(0, 3200))


def test_columns_hold_key_headers_topic_and_place(sluice, kafka, group):
    topic = kafka.create_topic(partitions=1)
    kafka.produce(topic, ["a"], keys=["k"], headers=[("h", b"1"), ("h", b"\xff"), ("n", None)])
    kafka.produce(topic, [None])
    kafka.produce(topic, [""], keys=[""])
    sluice.run_ok("run", "--once", sluice.write("p.yaml", reading(kafka, topic, group)))
    first, second, third = rows(sluice)
    assert (first["key"], first["value"], first["topic"]) == ("k", "a", topic)
    assert [row["offset"] for row in (first, second, third)] == [0, 1, 2]
    assert first["partition"] == 0 and first["timestamp"].endswith("Z")
    assert json.loads(first["headers"]) == {"h": ["1", {"base64": "/w=="}], "n": None}
    assert second["key"] is None and second["value"] is None and second["headers"] is None
    assert third["key"] == "" and third["value"] == ""


@pytest.mark.parametrize("at", [0.2, 0.5, 1.0, 1.6])
def test_a_crash_at_any_time_neither_loses_nor_repeats(sluice, kafka, group, at):
    topic = kafka.create_topic()
    pipeline = sluice.write("p.yaml", reading(kafka, topic, group))
    kafka.produce(topic, names(0, 30000))
    process = sluice.start("run", pipeline)
    time.sleep(at)  # the instant of the crash is the story, not a wait
    sluice.kill(process)
    kafka.produce(topic, names(30000, 1000))
    sluice.run_ok("run", "--once", pipeline)
    assert_each_once(sluice, names(0, 31000))


def test_a_stop_drains_and_commits(sluice, kafka, group):
    topic = kafka.create_topic()
    pipeline = sluice.write("p.yaml", reading(kafka, topic, group))
    process = sluice.start("run", pipeline)
    kafka.produce(topic, names(0, 5000))
    eventually(lambda: len(values(sluice)) == 5000, what="all rows")
    assert sluice.stop(process) == 0
    assert sum(entry.offset for entry in committed(kafka, group, topic)) == 5000


def test_several_topics_and_a_pattern(sluice, kafka, group):
    mark = group.replace("_", "").replace("-", "")[-12:]
    topics = [kafka.create_topic(f"story-{mark}-{i}", partitions=2) for i in range(3)]
    other = kafka.create_topic(f"other-{mark}", partitions=1)
    for index, topic in enumerate([*topics, other]):
        kafka.produce(topic, names(index * 100, 100))
    pipeline = reading(kafka, [f"^story-{mark}-.*", other], group)
    sluice.run_ok("run", "--once", sluice.write("p.yaml", pipeline))
    assert_each_once(sluice, names(0, 400))
    assert {row["topic"] for row in rows(sluice)} == {*topics, other}


def test_a_topic_that_is_added_is_read_after_a_quick_restart(sluice, kafka, group):
    """A broker gives a static member that comes back what it had; it does not look at its topics."""
    one, other = kafka.create_topic(), kafka.create_topic()
    kafka.produce(one, names(0, 100))
    kafka.produce(other, names(100, 100))
    sluice.write("p.yaml", reading(kafka, one, group))
    sluice.run_ok("run", "--once", "p.yaml")
    sluice.write("p.yaml", reading(kafka, [one, other], group))
    sluice.run_ok("run", "--once", "p.yaml")
    assert_each_once(sluice, names(0, 200))


def test_start_latest_leaves_out_what_was_there_but_nothing_after(sluice, kafka, group):
    topic = kafka.create_topic()
    pipeline = sluice.write("p.yaml", reading(kafka, topic, group, start="latest"))
    kafka.produce(topic, names(0, 100))
    sluice.run_ok("run", "--once", pipeline)
    kafka.produce(topic, names(100, 100))
    sluice.run_ok("run", "--once", pipeline)
    assert_each_once(sluice, names(100, 100))


def test_start_at_a_timestamp(sluice, kafka, group):
    topic = kafka.create_topic(partitions=2)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for index in range(10):
        producer.produce(topic, f"v{index}", partition=index % 2,
                         timestamp=1767225600000 + index * 60000)
    producer.flush(30)
    pipeline = reading(kafka, topic, group, start="2026-01-01T00:05:00Z")
    sluice.run_ok("run", "--once", sluice.write("p.yaml", pipeline))
    assert_each_once(sluice, names(5, 5))


def test_aborted_transactions_are_left_out_and_their_marks_end_a_run(sluice, kafka, group):
    topic = kafka.create_topic(partitions=1)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": group})
    producer.init_transactions(30)
    for index, is_kept in enumerate([True, False, True, False]):
        producer.begin_transaction()
        producer.produce(topic, f"v{index}")
        producer.flush(30)
        producer.commit_transaction(30) if is_kept else producer.abort_transaction(30)
    sluice.run_ok("run", "--once", sluice.write("p.yaml", reading(kafka, topic, group)))
    assert_each_once(sluice, ["v0", "v2"])
    assert committed(kafka, group, topic, 1)[0].offset == 8


def test_an_empty_topic_ends_at_once(sluice, kafka, group):
    topic = kafka.create_topic()
    sluice.run_ok("run", "--once", sluice.write("p.yaml", reading(kafka, topic, group)))
    assert rows(sluice) == []


def test_a_missing_topic_is_named(sluice, kafka, group):
    outcome = sluice.run("run", "--once", sluice.write("p.yaml", reading(kafka, "nope", group)))
    assert outcome.code != 0
    assert "topic nope does not exist" in outcome.stderr
    assert "nope" not in kafka.admin().list_topics(timeout=60).topics


def test_records_that_are_gone_are_an_error_with_their_range(sluice, kafka, group):
    topic = kafka.create_topic(partitions=1)
    pipeline = sluice.write("p.yaml", reading(kafka, topic, group))
    kafka.produce(topic, names(0, 100))
    sluice.run_ok("run", "--once", pipeline)
    kafka.produce(topic, names(100, 100))
    admin = kafka.admin()  # its futures need it alive
    for future in admin.delete_records([TopicPartition(topic, 0, 150)]).values():
        future.result(30)
    outcome = sluice.run("run", "--once", pipeline)
    assert outcome.code != 0
    assert "offset_out_of_range" in outcome.stderr
    assert "records 100 to 149" in outcome.stderr
    assert_each_once(sluice, names(0, 100))


def test_a_login_that_is_right_reads(sluice, kafka, group):
    topic = kafka.create_topic()
    kafka.produce(topic, names(0, 100))
    pipeline = reading(kafka, topic, group, brokers=kafka.sasl, sasl_mechanism="PLAIN",
                       username=kafka.user, password="${SECRET}")
    outcome = sluice.run_ok("run", "--once", "--log-level", "debug", sluice.write("p.yaml", pipeline),
                            env={"SECRET": kafka.password})
    assert kafka.password not in outcome.stderr
    assert_each_once(sluice, names(0, 100))


def test_a_wrong_login_stops_with_its_reason(sluice, kafka, group):
    topic = kafka.create_topic()
    pipeline = reading(kafka, topic, group, brokers=kafka.sasl, sasl_mechanism="PLAIN",
                       username=kafka.user, password="wr0ng-s3cret")
    outcome = sluice.run("run", "--once", sluice.write("p.yaml", pipeline))
    assert outcome.code != 0
    assert "auth_failed" in outcome.stderr and "wr0ng-s3cret" not in outcome.stderr


def test_tls_reads_with_the_right_authority_only(sluice, kafka, group):
    topic = kafka.create_topic()
    kafka.produce(topic, names(0, 100))
    wrong = reading(kafka, topic, group, brokers=kafka.tls, tls_ca=kafka.other_ca)
    outcome = sluice.run("run", "--once", sluice.write("p.yaml", wrong))
    assert outcome.code != 0
    assert "tls_failed" in outcome.stderr
    right = reading(kafka, topic, group, brokers=kafka.tls, tls_ca=kafka.ca)
    sluice.run_ok("run", "--once", sluice.write("p.yaml", right))
    assert_each_once(sluice, names(0, 100))


def test_a_broker_that_comes_late_and_goes_away_costs_nothing_but_time(sluice, kafka, group):
    """Kafka in and out of one flow; the broker is killed before its start and in the middle."""
    source, target = kafka.create_topic(), kafka.create_topic()
    text = reading(kafka, source, group) + f"""
  g:
    steps:
      - source-kafka: {{brokers: "{kafka.bootstrap}", topics: ["{source}"], group: "{group}-g"}}
      - sink-kafka: {{brokers: "{kafka.bootstrap}", topic: "{target}", value: value}}
"""
    kafka.produce(source, names(0, 1000))
    kafka.kill()
    process = sluice.start("run", "--log-level", "debug", sluice.write("p.yaml", text))
    eventually(lambda: "connect_failed" in sluice.log(), what="the missing broker in the log")
    kafka.start()
    eventually(lambda: len(values(sluice)) >= 1000, what="rows after the start")
    kafka.kill()
    time.sleep(2)
    assert process.poll() is None, sluice.log()
    kafka.start()
    kafka.produce(source, names(1000, 1000))
    for name in (group, f"{group}-g"):
        eventually(lambda: sum(entry.offset for entry in committed(kafka, name, source)) == 2000,
                   what="the decision about the rows after the outage")
    assert sluice.stop(process) == 0, sluice.log()
    assert_each_once(sluice, names(0, 2000))
    copied = {message.value().decode() for message in kafka.read_all(target)}  # at least once
    assert copied == set(names(0, 2000))


def test_a_property_that_delivery_rests_on_is_refused_by_check(sluice, kafka, group):
    text = reading(kafka, "t", group).replace("session_timeout: 1500ms",
                                              "properties: {enable.auto.commit: true}")
    outcome = sluice.run("check", sluice.write("p.yaml", text))
    assert outcome.code != 0
    assert "enable.auto.commit" in outcome.stderr and "checkpoints" in outcome.stderr


def test_a_group_of_another_flow_is_refused(sluice, kafka, group):
    topic = kafka.create_topic()
    kafka.produce(topic, names(0, 10))
    sluice.run_ok("run", "--once", sluice.write("p.yaml", reading(kafka, topic, group)))
    other = reading(kafka, topic, group).replace("pipeline: p", "pipeline: q")
    outcome = sluice.run("run", "--once", sluice.write("q.yaml", other))
    assert outcome.code != 0 and "another flow" in outcome.stderr


def test_a_second_member_shares_and_takes_over_what_the_first_leaves(tmp_path, kafka, group):
    from harness.sluice import Sluice
    topic = kafka.create_topic()
    first, second = Sluice(tmp_path / "one"), Sluice(tmp_path / "two")
    runners = [first, second]
    try:
        for index, runner in enumerate(runners):
            runner.folder.mkdir()
            text = reading(kafka, topic, group).replace(
                "state: state", f"state: {tmp_path}/shared, member: m{index}")
            runner.write("p.yaml", text)
        done = lambda: values(first) + values(second)  # noqa: E731
        process = first.start("run", "p.yaml")
        kafka.produce(topic, names(0, 3000))
        eventually(lambda: len(done()) == 3000, what="the first member's rows")
        other = second.start("run", "p.yaml")

        def shared():
            kafka.produce(topic, ["more"] * 6)
            return len(values(second)) > 0
        eventually(shared, what="rows at the second member")
        kafka.produce(topic, names(3000, 3000))
        first.kill(process)
        kafka.produce(topic, names(6000, 3000))
        wanted = Counter(names(0, 9000))

        def seen():
            return Counter(value for value in done() if value != "more")
        eventually(lambda: seen() == wanted, what="everything after the takeover")
        assert second.stop(other) == 0
        assert seen() == wanted
    finally:
        for runner in runners:
            runner.kill_all()


# ---- sink-kafka ----

def write_rows(sluice, kafka, rows_, topic, schema, **options):
    sluice.write("in.json", "".join(json.dumps(row) + "\n" for row in rows_))
    more = "".join(f", {name}: {json.dumps(value)}" for name, value in options.items())
    text = WRITE.format(brokers=kafka.bootstrap, topic=topic, schema=schema, more=more)
    return sluice.run("run", "--once", sluice.write("w.yaml", text))


def test_rows_become_records_by_codec_with_keys_and_times(sluice, kafka):
    topic = kafka.create_topic()
    given = [{"id": f"k{i}", "n": i, "at": "2026-01-01T00:00:00Z"} for i in range(5000)]
    outcome = write_rows(sluice, kafka, given, topic, "id: string, n: int64, at: timestamp",
                         key="id", format="json", timestamp="at", compression="zstd")
    assert outcome.code == 0, outcome
    messages = kafka.consume(topic, 5000)
    read = sorted((json.loads(message.value()) for message in messages), key=lambda row: row["n"])
    assert read == given
    assert all(message.key().decode() == json.loads(message.value())["id"] for message in messages)
    assert {message.timestamp()[1] for message in messages} == {1767225600000}
    assert all(not message.value().endswith(b"\n") for message in messages)


def test_topic_and_key_can_be_made_of_columns(sluice, kafka, group):
    mark = group.split("-")[-1][-8:]
    topics = {name: kafka.create_topic(f"to-{mark}-{name}", partitions=1) for name in "ab"}
    given = [{"to": "ab"[i % 2], "n": i} for i in range(100)]
    outcome = write_rows(sluice, kafka, given, f"to-{mark}-{{to}}", "to: string, n: int64",
                         key_template="{to}/{n}", format="json")
    assert outcome.code == 0, outcome
    for name, topic in topics.items():
        messages = kafka.consume(topic, 50)
        assert {message.key().decode() for message in messages} == {
            f"{row['to']}/{row['n']}" for row in given if row["to"] == name}


def test_a_record_that_is_too_large_goes_to_the_dead_letter_and_the_others_on(sluice, kafka):
    topic = kafka.create_topic(partitions=1)
    given = [{"v": "x" * (2_000_000 if i == 1 else 10)} for i in range(3)]
    outcome = write_rows(sluice, kafka, given, topic, "v: string", value="v")
    assert outcome.code == 0, outcome
    assert len(kafka.consume(topic, 2)) == 2
    dead = [json.loads(line) for path in sluice.folder.glob("state-w/w/members/*/deadletter/f.ndjson")
            for line in path.read_text().splitlines()]
    assert len(dead) == 1 and "message_rejected" in json.dumps(dead[0])


def test_null_values_are_tombstones(sluice, kafka):
    topic = kafka.create_topic(partitions=1)
    given = [{"k": "a", "v": "1"}, {"k": "a", "v": None}, {"k": None, "v": ""}]
    outcome = write_rows(sluice, kafka, given, topic,
                         "k: {type: string, required: false}, v: {type: string, required: false}",
                         value="v", key="k")
    assert outcome.code == 0, outcome
    assert [(message.key(), message.value()) for message in kafka.consume(topic, 3)] == [
        (b"a", b"1"), (b"a", None), (None, b"")]


def test_a_missing_target_topic_stops_the_flow(sluice, kafka):
    """librdkafka waits for a topic that may be on its way: half a minute, where nobody says less."""
    outcome = write_rows(sluice, kafka, [{"v": "1"}], "no-such-topic", "v: string", value="v",
                         properties={"topic.metadata.propagation.max.ms": "1000"})
    assert outcome.code != 0
    assert "no-such-topic" in outcome.stderr and "not_found" in outcome.stderr


# ---- the embedded broker ----

EMBEDDED = """
pipeline: e
settings: {{state: state-e, checkpoint: 1s}}
flows:
  make:
    steps:
      - source-generate: {{count: {count}}}
      - sink-kafka: {{brokers: embedded, topic: clicks, key: key, value: value}}
"""

EMBEDDED_READER = """
  copy:
    steps:
      - source-kafka: {{brokers: embedded, topics: [clicks], group: g}}
      - sink-kafka: {{brokers: "{brokers}", topic: "{topic}", value: value}}
"""


@pytest.mark.parametrize("count", [300_000, pytest.param(5_000_000, marks=pytest.mark.full)])
def test_nothing_is_lost_in_the_embedded_broker(sluice, kafka, count):
    topic = kafka.create_topic()
    text = (EMBEDDED + EMBEDDED_READER).format(count=count, brokers=kafka.bootstrap, topic=topic)
    sluice.run_ok("run", "--once", sluice.write("e.yaml", text), timeout=300)
    client = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "count"})
    ends = [client.get_watermark_offsets(TopicPartition(topic, i), timeout=60)[1] for i in range(6)]
    client.close()
    assert sum(ends) == count


def test_the_embedded_broker_without_a_reader_is_refused(sluice):
    outcome = sluice.run("run", "--once", sluice.write("e.yaml", EMBEDDED.format(count=1000)),
                         timeout=60)
    assert outcome.code != 0
    assert "no step of this process reads topic clicks" in outcome.stderr
