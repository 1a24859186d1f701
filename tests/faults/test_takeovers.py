"""Members of a Kafka group that die, hang, come back and lose answers at chosen instants: whoever
has the partitions next finishes what was decided and drops what was not. Each event is in the
bucket once, whatever happened."""

import shutil
import signal
import time

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from commit_proxy import CommitProxy
from group_story import PIPELINE, SESSION_SECONDS, Group, Watch
from harness.fault_server import FaultProxy
from harness.sluice import eventually

# Before the decision, after it, and while the sinks make it visible.
INSTANTS = ["sink.stage-done:2", "checkpoint.saved:2", "source.decide-done:2",
            "checkpoint.decided:2", "sink.commit-done:3", "checkpoint.committed:2"]


@pytest.fixture
def group(tmp_path, kafka, s3):
    made = Group(tmp_path, kafka, s3)
    yield made
    made.kill_all()


@pytest.mark.faultpoints
@pytest.mark.parametrize("instant", INSTANTS)
def test_what_a_dead_member_decided_is_finished_by_another_before_it_reads_on(group, instant):
    """And the member that comes back finds nothing to do again, nor to drop."""
    group.start("m1", kill_at=instant)
    group.produce(500, bad_every=50)
    eventually(lambda: not group.is_running("m1") or group.produce(20, bad_every=7), 60, "the kill")
    group.start("m2")
    group.produce(300)
    group.await_all()
    group.assert_no_uploads()
    group.start("m1")
    group.produce(300, bad_every=50)
    group.await_all()
    group.stop("m1")
    group.stop("m2")
    group.await_all()
    group.assert_no_uploads()
    group.assert_letters()


@pytest.mark.faultpoints
@pytest.mark.parametrize("instant", ["sink.stage:2", "checkpoint.saved:2", "source.decide:2",
                                     "checkpoint.decided:2", "sink.commit-done:3"])
def test_a_member_that_was_stopped_for_long_shows_nothing_undecided_and_comes_back(group, instant):
    watch = Watch(group)
    group.start("m1", stop_at=instant)
    group.produce(500)
    eventually(lambda: group.is_stopped("m1") or group.produce(20), 60, "the stop")
    group.start("m2")
    group.produce(300)
    group.await_all()
    group.signal("m1", signal.SIGCONT)
    eventually(lambda: "m1" in group.owners() or group.produce(6), 60,
               f"the return of the first member\n{group.logs()}")
    group.await_all()
    group.stop("m1")
    group.stop("m2")
    group.await_all()
    group.assert_no_uploads()
    watch.stop()




# ---- answers that are lost ----

@pytest.mark.parametrize("what", ["request", "answer"])
def test_an_offset_commit_that_is_lost_is_settled_by_reading_the_group(group, kafka, what):
    proxy = kafka.make_proxy(CommitProxy)
    watch = Watch(group)
    try:
        group.start("m1", brokers=kafka.proxied)
        group.produce(600)
        group.await_all()
        for _ in range(3):
            proxy.lose(what)
            group.produce(200)
            eventually(lambda: proxy.is_done(), 60, f"a lost {what}")
            group.await_all()
        group.await_progress()
        assert group.is_running("m1"), group.logs()
        group.stop("m1")
        group.await_all()
    finally:
        proxy.stop()
    watch.stop()


# ---- members that the group takes for two ----

def test_a_broker_that_is_away_for_longer_than_the_sessions_shuts_nobody_out(group, kafka):
    """A client that joins anew while its first JoinGroup is still on its way is shut out by itself."""
    names = [f"m{number}" for number in range(1, 5)]
    for name in names:
        group.start(name)
    group.produce(600)
    group.await_all()
    group.produce(600)
    kafka.kill()
    time.sleep(3 * SESSION_SECONDS)
    kafka.start()
    group.produce(600)
    group.await_all()
    eventually(lambda: set(group.owners()) == set(names) or group.produce(12), 120,
               "the return of all members")
    group.await_all()
    group.await_progress()
    for name in names:
        assert group.is_running(name), group.logs()
        group.stop(name)
    group.await_all()


# ---- members that should not be ----

def test_of_two_processes_with_the_same_member_id_one_is_shut_out(group):
    """A copied state folder: the lock in it does not tell. The group does. The later claim wins,
    which as a rule is that of the second process (decision 14, 8)."""
    shut_out, behind = "another process has taken over this member", "which is not in the state"
    group.start("m1")
    group.produce(600)
    group.await_all()
    group.await_progress()
    copy = group.folder / "copy"
    shutil.copytree(group.state, copy)
    group.start("m1b", as_member="m1", state=copy)
    ended, survivor = group.await_end_of_one("m1", "m1b")
    said = group.log(ended)
    assert group.await_end(ended) != 0 and (shut_out in said or behind in said), group.logs()
    group.produce(300)
    eventually(lambda: group.has_all() or not group.is_running(survivor), 90, "the rest, or an end")
    if not group.is_running(survivor):  # the first had decided once more since the copy was made
        assert behind in group.log("m1b"), group.logs()
        survivor = "m1"
        group.start(survivor)
    group.await_all()
    group.stop(survivor)
    group.await_all()


def test_a_checkpoint_that_the_group_names_and_nobody_has_stops_the_start(group):
    group.start("m1")
    group.produce(100)
    group.await_all()
    group.await_progress()
    group.stop("m1")
    shutil.rmtree(group.state)
    group.start("m1")
    assert group.await_end("m1") != 0
    said = group.log("m1")
    assert "the consumer group names checkpoint" in said and "reset the group's offsets" in said


def test_offsets_that_a_tool_has_set_are_where_reading_begins(group):
    group.start("m1")
    group.produce(600, partition=0)
    group.await_all()
    group.await_progress()
    group.stop("m1")

    def is_reset():
        client = Consumer({"bootstrap.servers": group.kafka.bootstrap, "group.id": group.name})
        try:
            return client.commit(offsets=[TopicPartition(group.topic, number, 590 if number == 0 else 0)
                                          for number in range(group.partitions)],
                                 asynchronous=False)
        except KafkaException:
            return False  # the static member's session is not over
        finally:
            client.close()
    eventually(is_reset, 30, "the tool's reset")
    group.start("m2")
    eventually(lambda: sum(group.ids().values()) == 610, 60, "the last ten again")
    group.stop("m2")
    found = group.ids()
    assert {number for number, count in found.items() if count == 2} == set(range(590, 600))


# ---- long lives ----

def test_a_partition_without_rows_does_not_hold_on_to_a_checkpoint_of_its_last_owner(group):
    """The member that got it names itself, so the other may forget."""
    group.start("m1")
    group.produce(600)
    group.await_all()
    group.await_progress()
    group.start("m2")
    eventually(lambda: set(group.owners()) == {"m1", "m2"}, 60,
               f"both names in the group\n{group.logs()}")
    idle = group.owners().index("m2")
    busy = group.owners().index("m1")
    for _ in range(15):  # more checkpoints of the first than are kept
        group.produce(5, partition=busy)
        group.await_progress()
    assert group.owners()[idle] == "m2"
    group.kill("m1")
    group.kill("m2")
    group.start("m3")
    group.produce(300)
    group.await_all()
    group.stop("m3")
    group.assert_no_uploads()


def test_an_idle_member_keeps_its_partitions(group):
    group.start("m1")
    group.produce(60)
    group.await_all()
    time.sleep(4 * SESSION_SECONDS)
    group.produce(60)
    group.await_all()
    assert group.log("m1").count("partitions assigned") == 1, group.log("m1")


def test_a_member_that_its_sink_holds_up_stays_in_the_group(group, s3):
    """Longer than librdkafka allows between two polls."""
    proxy = FaultProxy(s3.port)
    try:
        group.environment = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
        group.start("m1", properties="{max.poll.interval.ms: 6000}")
        group.produce(60)
        group.await_all()
        proxy.stall()
        group.produce(60)
        time.sleep(9)
        proxy.flow()
        group.await_all()
        assert group.log("m1").count("partitions assigned") == 1, group.log("m1")
    finally:
        group.kill_all()
        proxy.stop()


def test_a_member_that_has_stopped_reading_ends_in_the_middle_of_a_rebalance(group, s3):
    """librdkafka gives it more partitions, and waits for its answer."""
    group.use_new_librdkafka()
    group.options = {"assignor": "cooperative-sticky"}
    group.text = PIPELINE.replace("lanes: 2", "lanes: 2, shutdown: 10m")
    proxy = FaultProxy(s3.port)
    try:
        group.start("m1", env={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"})
        group.start("m2")
        group.start("m3")
        eventually(lambda: set(group.owners()) == {"m1", "m2", "m3"} or group.produce(12), 60,
                   f"all names in the group\n{group.logs()}")
        group.await_all()
        proxy.stall()
        group.produce(60)
        group.signal("m1", signal.SIGTERM)
        assigned = group.log("m3").count("partitions assigned")
        group.kill("m2")
        eventually(lambda: group.log("m3").count("partitions assigned") > assigned, 60,
                   f"the rebalance\n{group.logs()}")
        proxy.flow()
        assert group.await_end("m1", 120) == 0, group.logs()
        group.await_all()
        group.stop("m3")
    finally:
        group.kill_all()
        proxy.stop()


def test_two_hundred_partitions_are_taken_over(tmp_path, kafka, s3):
    group = Group(tmp_path, kafka, s3, partitions=200)
    try:
        group.start("m1")
        group.produce(4000)
        group.await_all()
        group.await_progress()
        group.kill("m1")
        group.produce(4000)
        group.start("m2")
        group.await_all()
        group.await_progress()
        group.stop("m2")
        assert set(group.owners()) == {"m2"}
    finally:
        group.kill_all()
