"""What the stories about delivery share: sources that are fed, sinks that another client reads.

Every tenth event cannot be parsed, so each story has rejected rows, too. Sources know by themselves
what they were fed; nothing that sluice says is used to tell what should come out."""

import base64
import contextlib
import functools
import json
import random
import time
import urllib.error
from collections import Counter

from confluent_kafka import Consumer, TopicPartition

from harness import clicks
from harness.sluice import Sluice

LIMIT = 120  # seconds for an event to come: no story depends on how fast the machine is


# ---- what is sent ----

class Events:
    """Events with known ids: the accepted ones as rows, the rejected ones as they were sent."""

    schema = "{id: int64, generation: int64, text: string}"
    id = "[id]"

    def __init__(self, sluice, request):
        self.count, self.generation = 0, 0
        self.accepted, self.rejected = [], []

    def more(self, count):
        values = []
        for number in range(self.count, self.count + count):
            row = {"id": number, "generation": self.generation, "text": f"the text of {number} ü"}
            if number % 10 == 3:
                values.append(json.dumps(row | {"id": f"no {number}"}))
                self.rejected.append(values[-1])
            else:
                values.append(json.dumps(row))
                self.accepted.append(self.key(row))
        self.count += count
        return [value.encode() for value in values]

    def anew(self, count):
        """The same ids once more, as the next generation."""
        self.count, self.accepted, self.rejected = 0, [], []
        self.generation += 1
        return self.more(count)

    @staticmethod
    def key(row):
        return row["id"], row["generation"], row["text"]


# ---- sources ----

class FileSource(Events):
    """A continuous flow finds one more file at each start, a batch flow a new one in its place."""

    chunk = 6_000

    def __init__(self, sluice, request):
        super().__init__(sluice, request)
        self.sluice, self.parts = sluice, 0

    def feed(self, count):
        self.parts += 1
        self.sluice.write(f"in/part-{self.parts:04d}.json", b"\n".join(self.more(count)) + b"\n")

    def renew(self, count):
        self.sluice.write("in/only.json", b"\n".join(self.anew(count)) + b"\n")

    def steps(self):
        return "- source-file: {path: 'in/*', format: json, schema: event}"


class KafkaSource(Events):
    chunk = 2_000

    def __init__(self, sluice, request):
        super().__init__(sluice, request)
        self.kafka = request.getfixturevalue("kafka")
        self.topic = self.kafka.create_topic(partitions=3)
        self.group = f"group-of-{self.topic}"

    def feed(self, count):
        self.kafka.produce(self.topic, self.more(count))

    def steps(self):
        return (f'- source-kafka: {{brokers: "{self.kafka.bootstrap}", topics: [{self.topic}], '
                f"group: {self.group}, start: earliest, session_timeout: 1500ms}}\n"
                "      - transform-parse: {format: json, schema: event}")

    def decided(self):
        """{partition: offset} from which on nothing is decided, as the broker tells."""
        client = Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": self.group})
        partitions = [TopicPartition(self.topic, number) for number in range(3)]
        answer = client.committed(partitions, timeout=30)
        client.close()
        return {place.partition: place.offset for place in answer}

    def accepted_below(self, offsets):
        """The accepted rows of the topic before these places, read by another client."""
        events = [json.loads(message.value()) for message in self.kafka.read_all(self.topic)
                  if message.offset() < offsets[message.partition()]]
        return {self.key(event) for event in events if isinstance(event["id"], int)}


class S3Source(Events):
    def __init__(self, sluice, request):
        super().__init__(sluice, request)
        self.s3 = request.getfixturevalue("s3")
        self.environment = self.s3.environment()
        self.bucket = self.s3.create_bucket()

    def renew(self, count):
        values = self.anew(count)
        for part in range(3):
            self.s3.client().put_object(Bucket=self.bucket, Key=f"in/part-{part}.json",
                                        Body=b"\n".join(values[part::3]) + b"\n")

    def steps(self):
        return (f'- source-s3: {{url: "s3://{self.bucket}/in/", format: json, schema: event, '
                "read: all}")


class StandardInput(Events):
    """Whoever pours goes on after a crash with what was not poured yet."""

    def steps(self):
        return "- source-file: {path: '-', format: json, schema: event}"

    def pour(self, pipe):
        """Until nobody reads any more."""
        with contextlib.suppress(BrokenPipeError), pipe:
            while True:
                pipe.write(b"\n".join(self.more(20)) + b"\n")
                pipe.flush()
                time.sleep(0.01)


class GeneratedSource:
    """The simulator. What it has to give is what it gives where nobody kills it."""

    schema = ("{user_id: string, timestamp: timestamp, url: string, country: string, "
              "city: string, user_agent: string}")
    id = "[user_id, timestamp, url]"
    key = staticmethod(clicks.normal)
    chunk = 3_000

    def __init__(self, sluice, request):
        self.elsewhere = Sluice(request.getfixturevalue("tmp_path_factory").mktemp("elsewhere"))
        self.count = 0

    def feed(self, count):
        self.count += count

    def source(self, options=""):
        return (f"- source-generate: {{count: {self.count}, seed: 3, malformed: 0.05, "
                f"duplicates: 0{options}}}")

    def steps(self):
        return self.source(", rate: 20000") + (
            "\n      - transform-parse: {format: json, schema: event}")

    @functools.cached_property
    def lines(self):
        """To be asked for when nothing is fed any more."""
        self.elsewhere.write("all.yaml", "pipeline: all\nflows:\n  all:\n    steps:\n"
                             f"      {self.source()}\n"
                             "      - sink-file: {path: all.json, format: json}\n")
        self.elsewhere.run_ok("run", "--once", "all.yaml")
        return [base64.b64decode(json.loads(text)["value"]) for text in
                (self.elsewhere.folder / "all.json").read_text().splitlines()]

    @property
    def accepted(self):
        return [self.key(event) for event in map(clicks.accept, self.lines) if event]

    @property
    def rejected(self):
        return [value.decode(errors="replace") for value in self.lines if not clicks.accept(value)]


# ---- sinks: the step, and the rows that another client finds ----

class S3Sink:
    def __init__(self, sluice, request):
        self.s3 = request.getfixturevalue("s3")
        self.environment = self.s3.environment()
        self.bucket = self.s3.create_bucket()

    def step(self, id, options=""):
        return f'sink-s3: {{url: "s3://{self.bucket}/out/", format: json{options}}}'

    def rows(self):
        return [json.loads(text) for key in self.s3.keys(self.bucket)
                for text in self.s3.read(self.bucket, key).splitlines()]

    def uploads(self):
        return self.s3.uploads(self.bucket)


class Several:
    """Two sinks that read the same step."""

    def __init__(self, sluice, request):
        self.sinks = [S3Sink(sluice, request), FileSink(sluice, request)]
        self.environment = self.sinks[0].environment

    def step(self, id, options=""):
        steps = [f"{sink.step(id)}\n        from: source-file" for sink in self.sinks]
        return "\n      - ".join(steps)

    def rows(self):
        return [row for sink in self.sinks for row in sink.rows()]

    def uploads(self):
        return [name for sink in self.sinks for name in sink.uploads()]


class FileSink:
    def __init__(self, sluice, request):
        self.path = sluice.folder / "out.json"

    def step(self, id, options=""):
        return f"sink-file: {{path: out.json, format: json{options}}}"

    def rows(self):
        text = self.path.read_text() if self.path.exists() else ""
        # In the middle of a crash the last line of a file that grows may be cut off.
        return [json.loads(line) for line in text.splitlines(True) if line.endswith("\n")]

    def uploads(self):
        return [path.name for path in self.path.parent.glob(".out*")]


class OutputSink:
    """Standard output: of each process a file, whose last line a crash may have cut off."""

    def __init__(self, sluice, request):
        self.folder = sluice.folder

    def step(self, id, options=""):
        return 'sink-file: {path: "-", format: json}'

    def rows(self):
        return [json.loads(line) for path in self.folder.glob("printed-*")
                for line in path.read_text().splitlines(True) if line.endswith("\n")]

    def uploads(self):
        return []


class IndexSink:
    has_id = True

    def __init__(self, sluice, request):
        self.search = request.getfixturevalue("search")
        self.index = self.search.new_index_name()

    def step(self, id, options=""):
        id = f", id: {id}" if self.has_id else ""
        return (f'sink-es: {{url: "{self.search.url}", index: {self.index}, bulk_age: 20ms'
                f"{id}{options}}}")

    def rows(self):
        try:
            return list(self.search.documents(self.index).values())
        except urllib.error.HTTPError:
            return []  # no index yet

    def uploads(self):
        return []


class IndexSinkWithoutId(IndexSink):
    has_id = False


class KafkaSink:
    def __init__(self, sluice, request):
        self.kafka = request.getfixturevalue("kafka")
        self.topic = self.kafka.create_topic(partitions=3)

    def step(self, id, options=""):
        return f'sink-kafka: {{brokers: "{self.kafka.bootstrap}", topic: {self.topic}, format: json}}'

    def rows(self):
        return [json.loads(message.value()) for message in self.kafka.read_all(self.topic)]

    def uploads(self):
        return []


# ---- a crash ----

def at_any_time(case, chance):
    time.sleep(chance.uniform(0, 0.2))  # the instant is the story, not a wait


def when_a_checkpoint_is_written(case, chance):
    """Sinks have staged, the source has not decided yet, or just now."""
    case.wait_for_change("state/**/*.checkpoint")
    time.sleep(chance.choice([0, 0, chance.uniform(0, 0.02)]))


def when_a_checkpoint_is_committed(case, chance):
    case.wait_for_change("state/**/committed")
    time.sleep(chance.choice([0, 0, chance.uniform(0, 0.02)]))


INSTANTS = [at_any_time, when_a_checkpoint_is_written, when_a_checkpoint_is_committed]

PIPELINE = """
pipeline: delivery
settings: {checkpoint: 30ms}
schemas: {event: %(schema)s}
flows:
  flow:
    %(trigger)s
    steps:
      %(source)s
      - %(sink)s
    %(dead_letter)s
"""
LETTER_ID = "[origin, partition, position]"


class Case:
    """One source, one sink, and a process between them that is killed again and again."""

    def __init__(self, sluice, request, source, sink, trigger="# continuous", options="",
                 dead_letter=None):
        self.sluice, self.chance = sluice, random.Random(request.node.name)
        self.source, self.sink = source(sluice, request), sink(sluice, request)
        self.dead_letter = dead_letter and dead_letter(sluice, request)
        self.trigger, self.options, self.lives = trigger, options, 0
        self.environment = {}
        for end in (self.source, self.sink, self.dead_letter):
            self.environment |= getattr(end, "environment", {})

    def pipeline(self):
        letters = self.dead_letter and f"dead_letter: {{{self.dead_letter.step(LETTER_ID)}}}"
        return PIPELINE % {
            "schema": self.source.schema, "trigger": self.trigger, "source": self.source.steps(),
            "sink": self.sink.step(self.source.id, self.options), "dead_letter": letters or ""}

    def start(self, *arguments, **keywords):
        self.lives += 1
        self.sluice.write("delivery.yaml", self.pipeline())
        self.process = self.sluice.start(
            "run", *arguments, "delivery.yaml", env=self.environment,
            stdout=self.sluice.folder / f"printed-{self.lives}", **keywords)

    def seen(self, pattern):
        found = {}
        for path in self.sluice.folder.glob(pattern):
            with contextlib.suppress(FileNotFoundError):
                found[path.name, path.parent] = path.read_bytes()
        return found

    def wait_for_change(self, pattern):
        """Until files change, or the process has ended."""
        before, deadline = self.seen(pattern), time.monotonic() + LIMIT
        while self.seen(pattern) == before and self.process.poll() is None:
            assert time.monotonic() < deadline, f"no progress:\n{self.sluice.log()[-3000:]}"
            time.sleep(0.001)

    def is_killed_at(self, instant):
        """One life: kill -9 at that instant; False where all was done before."""
        self.start()
        instant(self, self.chance)
        if self.process.poll() is None:
            self.sluice.kill(self.process)
            return True
        assert self.process.returncode == 0, self.sluice.log()[-3000:]
        return False

    def run_to_the_end(self):
        self.start("--once")
        assert self.process.wait(LIMIT) == 0, self.sluice.log()[-3000:]
        assert self.sink.uploads() == []

    def found(self):
        """The rows at the sink, each so often as it is there."""
        return Counter(self.source.key(row) for row in self.sink.rows())

    def dead_letters(self):
        """Originals in the dead letter, each so often as it is there."""
        if self.dead_letter:
            letters = self.dead_letter.rows()
        else:
            letters = [json.loads(line) for path in
                       self.sluice.folder.glob("state/**/deadletter/flow.ndjson")
                       for line in path.read_text().splitlines()]
        return Counter(map(original, letters))


def original(letter):
    """The bytes that were rejected, as text."""
    if letter["original"] is not None:
        return letter["original"]
    return base64.b64decode(letter["original_base64"]).decode(errors="replace")
