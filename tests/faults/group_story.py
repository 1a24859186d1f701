"""What the stories about Kafka groups share: members of one group that write to one bucket, events
with known ids, and the oracle that reads the bucket with an independent client."""

import json
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path

import confluent_kafka
from confluent_kafka import Consumer, KafkaException, TopicPartition

from harness.sluice import Sluice, eventually

SESSION_SECONDS = 1.5

PIPELINE = """
pipeline: p
settings: {{state: "{state}", member: {member}, checkpoint: {checkpoint}, lanes: 2}}
schemas: {{event: {{id: int64, text: string}}}}
flows:
  f:
    steps:
      - source-kafka: {{brokers: "{brokers}", topics: [{topic}], group: "{group}", session_timeout: {session}{more}}}
      - transform-parse: {{format: json, schema: event}}
      - sink-s3: {{url: "s3://{bucket}/out", format: json}}
"""


def event(number):
    return json.dumps({"id": number, "text": f"event {number}"})


class Group:
    """Processes of one consumer group, each a member with its own name and working folder, and a
    state folder that all of them reach."""

    text = PIPELINE

    def __init__(self, folder, kafka, s3, partitions=6, checkpoint="200ms", session="1500ms"):
        self.folder, self.kafka, self.s3 = folder, kafka, s3
        self.checkpoint, self.session = checkpoint, session
        self.topic, self.bucket = kafka.create_topic(partitions=partitions), s3.create_bucket()
        self.partitions = partitions
        self.name = f"g-{self.topic}"
        self.state = folder / "state"
        self.runners, self.processes = {}, {}
        self.produced, self.broken = 0, []
        self.environment, self.options = {}, {}  # of every member

    def produce(self, count, partition=None, bad_every=0):
        """The next `count` events; each bad_every-th is no event but broken."""
        numbers = range(self.produced, self.produced + count)
        broken = [number for number in numbers if bad_every and number % bad_every == 0]
        self.kafka.produce(self.topic, [f"broken {number}" if number in broken else event(number)
                                        for number in numbers], partition=partition)
        self.produced += count
        self.broken += broken

    def pipeline(self, member, brokers=None, state=None, **options):
        options = {**self.options, **options}
        more = "".join(f", {name}: {value}" for name, value in options.items())
        return self.text.format(state=state or self.state, member=member, checkpoint=self.checkpoint,
                                brokers=brokers or self.kafka.bootstrap, topic=self.topic,
                                group=self.name, session=self.session, bucket=self.bucket,
                                more=more)

    def use_new_librdkafka(self):
        """The one that the Python client brings along, in place of the system's."""
        libraries = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
        folder = self.folder / "librdkafka"
        folder.mkdir()
        (folder / "librdkafka.so.1").symlink_to(next(libraries.glob("librdkafka-*.so.1")))
        self.environment["LD_LIBRARY_PATH"] = folder

    def runner(self, member):
        if member not in self.runners:
            folder = self.folder / member
            folder.mkdir()
            self.runners[member] = Sluice(folder)
        return self.runners[member]

    def start(self, member, kill_at=None, stop_at=None, env=None, as_member=None, **options):
        """kill_at, stop_at: "POINT:N", an instruction of the checkpoint protocol at which the
        process dies or is stopped."""
        runner = self.runner(member)
        runner.write("p.yaml", self.pipeline(as_member or member, **options))
        extra = dict(self.s3.environment(), **self.environment, **(env or {}))
        if kill_at or stop_at:
            extra["SLUICE_FAULT_POINT"] = kill_at or stop_at
        if stop_at:
            extra["SLUICE_FAULT_POINT_STOP"] = "1"
        self.processes[member] = runner.start("run", "p.yaml", env=extra)
        return self.processes[member]

    def log(self, member):
        return self.runner(member).log()

    def logs(self):
        return "\n".join(f"--- {name}\n{runner.log()[-5000:]}" for name, runner in
                         self.runners.items())

    def signal(self, member, number):
        self.processes[member].send_signal(number)

    def kill(self, member):
        self.runner(member).kill(self.processes[member])

    def stop(self, member):
        """An orderly end; it must be one, unless the process had not even begun."""
        code = self.runner(member).stop(self.processes[member])
        assert code in (0, -signal.SIGTERM), f"{member} ended with {code}\n{self.logs()}"

    def end(self, member):
        """An orderly end. One in the middle of a rebalance may leave something to the next start,
        which is told by 75. False: so it was."""
        code = self.runner(member).stop(self.processes[member])
        assert code in (0, -signal.SIGTERM, 75), f"{member} ended with {code}\n{self.logs()}"
        return code != 75

    def stop_and_finish(self, member):
        """Ends it; what it leaves another start goes on with, until nothing is left."""
        for _ in range(5):
            if self.end(member):
                return
            self.start(member)
            self.await_all()
        raise AssertionError(f"{member} left something five times\n{self.logs()}")

    def is_running(self, member):
        return self.processes[member].poll() is None

    def await_end(self, member, seconds=60):
        try:
            return self.processes[member].wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{member} goes on\n{self.logs()}") from None

    def await_end_of_one(self, one, other, seconds=120):
        """Which of the two has ended, and which goes on."""
        eventually(lambda: not (self.is_running(one) and self.is_running(other)), seconds,
                   f"the end of {one} or {other}\n{self.logs()}")
        return (other, one) if self.is_running(one) else (one, other)

    def is_stopped(self, member):
        """A signal has stopped the process (at stop_at)."""
        stat = Path(f"/proc/{self.processes[member].pid}/stat").read_text(errors="replace")
        return stat.rsplit(")", 1)[1].split()[0] == "T"

    def kill_all(self):
        for name, process in self.processes.items():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
        for runner in self.runners.values():
            runner.kill_all()

    # ---- what came out ----

    def rows(self):
        return [json.loads(line) for key in self.s3.keys(self.bucket)
                for line in self.s3.read(self.bucket, key).splitlines()]

    def ids(self):
        rows = self.rows()
        assert all(row["text"] == f"event {row['id']}" for row in rows)
        return Counter(row["id"] for row in rows)

    def wanted(self):
        return Counter(range(self.produced)) - Counter(self.broken)

    def has_all(self):
        found = self.ids()
        twice = [number for number, count in found.items() if count > 1]
        assert not twice, f"twice: {twice[:10]} ({len(twice)})\n{self.logs()}"
        return len(found) >= len(self.wanted())

    def await_all(self, seconds=90):
        """Every event that was produced is in the bucket; none is there twice, now or later."""
        wanted = self.wanted()
        try:
            eventually(self.has_all, seconds, "all events in the bucket")
        except AssertionError as failure:
            missing = sorted((wanted - self.ids()).keys())
            raise AssertionError(f"{failure}\nmissing: {len(missing)} {missing[:10]}\n"
                                 f"{self.logs()}") from None
        assert self.ids() == wanted, self.logs()

    def assert_no_uploads(self):
        assert self.s3.uploads(self.bucket) == [], self.logs()

    def assert_letters(self):
        """Each broken event is in the dead letter of one member, once."""
        letters = [json.loads(line) for path in self.state.glob("p/members/*/deadletter/f.ndjson")
                   for line in path.read_text().splitlines()]
        found = Counter(letter["original"] for letter in letters)
        wanted = Counter(f"broken {number}" for number in self.broken)
        assert found == wanted, (f"missing {list(wanted - found)[:5]}, "
                                 f"too many {list(found - wanted)[:5]}\n{self.logs()}")

    # ---- what the group says ----

    def committed(self):
        return self.kafka.committed(self.name, self.topic, self.partitions)

    def owners(self):
        """Names that the partitions carry, by partition."""
        return [_member_in(entry) for entry in self.committed()]

    def await_progress(self, seconds=60):
        """All that was produced is decided."""
        eventually(lambda: sum(max(entry.offset, 0) for entry in self.committed()) == self.produced,
                   seconds, f"the decision about all events\n{self.logs()}")


def _member_in(entry):
    """The client reads on behind the end of the text: whatever stands there is not part of it."""
    try:
        text = (entry.metadata or "").encode()
    except UnicodeDecodeError as error:
        text = error.object
    words = text.split(b" ")
    return words[3].decode() if len(words) > 3 else None


class Watch(threading.Thread):
    """Reads the group's offsets all the time; they never go back."""

    def __init__(self, group):
        super().__init__(daemon=True)
        self.group, self.seen, self.steps_back = group, {}, []
        self.ending = threading.Event()
        self.start()

    def run(self):
        client = Consumer({"bootstrap.servers": self.group.kafka.bootstrap,
                           "group.id": self.group.name})
        places = [TopicPartition(self.group.topic, number)
                  for number in range(self.group.partitions)]
        while not self.ending.wait(0.05):
            try:
                committed = client.committed(places, timeout=10)
            except KafkaException:
                continue  # a broker that has just come back does not answer for the group yet
            for entry in committed:
                offset = max(entry.offset, -1)  # negative: none
                before = self.seen.get(entry.partition, -1)
                if offset < before:
                    self.steps_back.append((entry.partition, before, offset))
                self.seen[entry.partition] = max(before, offset)
        client.close()

    def stop(self):
        self.ending.set()
        self.join(30)
        assert not self.steps_back, self.steps_back
