"""kill -9 at each instruction of the checkpoint protocol: the next start loses nothing, repeats
nothing, and leaves nothing behind. Also where that start is itself killed.

The points are those that an undisturbed run passes, so that a new one is tested without being
listed. Which kills are reached twice depends on time; the oracle holds wherever a process died."""

import gzip
import json
import shutil
import uuid
from collections import Counter

import pytest

from harness.faults import KILLED, calls_made, failing, fresh, in_parallel, points_passed
from harness.sluice import Sluice

pytestmark = pytest.mark.faultpoints

ROWS = 2000
BAD_EVERY = 97
GOOD = [number for number in range(ROWS) if number % BAD_EVERY]
BAD = [number for number in range(ROWS) if number % BAD_EVERY == 0]
SCHEMA = "{id: int64, text: string}"


def line(number):
    return '{"id": %d, "text": "row %d \U0001f600"}' % (number, number) if number % BAD_EVERY \
        else '{"id": %d, "text": broken' % number


def identifiers(lines):
    """Of rows as JSON lines, each of which must be as it came."""
    rows = [json.loads(text) for text in lines]
    assert all(row["text"] == f"row {row['id']} \U0001f600" for row in rows)
    return [row["id"] for row in rows]


def assert_each_once(found, wanted):
    counted, wanted = Counter(found), Counter(wanted)
    missing, extra = wanted - counted, counted - wanted
    assert not missing and not extra, f"missing {list(missing)[:5]}, too many {list(extra)[:5]}"


def assert_letters(sluice, flow):
    """The dead letter accounts for each bad row once."""
    letters = [json.loads(text) for path in sluice.folder.glob(f"state/**/deadletter/{flow}.ndjson")
               for text in path.read_text(encoding="utf-8").splitlines()]
    assert_each_once([int(letter["original"].split(":")[1].split(",")[0]) for letter in letters], BAD)


def assert_no_litter(sluice):
    """Neither temporary files nor uploads of the dead."""
    litter = [path for path in sluice.folder.rglob("*")
              if path.name.endswith(".tmp") or path.parent.name == ".sluice-uploads"]
    assert litter == []


# ---- pipelines on files ----

class Append:
    """file → parse → file, continuous; rejects in the default dead letter."""

    text = f"""
pipeline: kills
settings: {{checkpoint: 20ms, lanes: 2}}
schemas: {{row: {SCHEMA}}}
flows:
  append:
    steps:
      - source-file: {{path: "in/*.ndjson"}}
      - transform-parse: {{format: json, schema: row}}
      - sink-file: {{path: out.ndjson, format: json}}
"""

    def assert_right(self, sluice):
        out = (sluice.folder / "out.ndjson").read_text(encoding="utf-8")
        assert_each_once(identifiers(out.splitlines()), GOOD)
        assert_letters(sluice, "append")


class Uploads(Append):
    """As Append, into objects that become visible when they are decided, and are listed after."""

    text = Append.text.replace("sink-file: {path: out.ndjson, format: json}",
                               'sink-s3: {url: "file:out/", format: json, compression: gzip}')

    def assert_right(self, sluice):
        objects = [path for path in (sluice.folder / "out").rglob("*.gz")
                   if ".sluice-uploads" not in path.parts]
        lines = [text for path in objects for text in gzip.decompress(path.read_bytes()).splitlines()]
        assert_each_once(identifiers(lines), GOOD)
        assert_letters(sluice, "append")


class Batch:
    """Two flows with runs of their own: the second reads what the first has replaced."""

    text = f"""
pipeline: kills
settings: {{lanes: 2}}
schemas: {{row: {SCHEMA}}}
flows:
  copy:
    every: 1h
    steps:
      - source-file: {{path: "in/*.ndjson"}}
      - transform-parse: {{format: json, schema: row}}
      - sink-s3: {{url: "file:middle/", format: json, mode: replace}}
  count:
    after: copy
    steps:
      - source-s3: {{url: "file:middle/", format: json, schema: row}}
      - transform-agg: {{group_by: [], aggregates: {{rows: count, total: sum(id)}}}}
      - sink-file: {{path: out.csv, format: csv}}
"""

    def assert_right(self, sluice):
        middle = (sluice.folder / "middle/copy.json").read_text(encoding="utf-8")
        assert_each_once(identifiers(middle.splitlines()), GOOD)
        out = (sluice.folder / "out.csv").read_text()
        assert out == f"rows,total\n{len(GOOD)},{sum(GOOD)}\n"
        assert_letters(sluice, "copy")


STORIES = [Append(), Uploads(), Batch()]


@pytest.fixture
def prepare(tmp_path, story):
    """Makes folders with the pipeline, input, and what a first run of half the input has left."""
    sluice = fresh(tmp_path / "prepared")
    sluice.write("kills.yaml", story.text)
    lines = [line(number) + "\n" for number in range(ROWS)]
    sluice.write("in/first.ndjson", "".join(lines[:ROWS // 2]))
    sluice.run_ok("run", "--once", "kills.yaml")
    sluice.write("in/second.ndjson", "".join(lines[ROWS // 2:]))

    def copy(*names):
        folder = tmp_path / "-".join(map(str, names))
        shutil.copytree(sluice.folder, folder)
        return Sluice(folder)
    return copy


def run_killed(sluice, environment):
    """Killed, or at its end before the call came that was meant: times differ from run to run."""
    outcome = sluice.run("run", "--once", "kills.yaml", env=environment)
    assert outcome.code in (KILLED, 0), outcome
    return outcome.code == KILLED


def assert_recovers(sluice, story):
    sluice.run_ok("run", "--once", "kills.yaml")
    story.assert_right(sluice)
    assert_no_litter(sluice)


def observe(sluice):
    """(point, n) that a run to the end passes, the first two of each name."""
    log = sluice.folder / "points"
    sluice.run_ok("run", "--once", "kills.yaml", env={"SLUICE_FAULT_POINT_LOG": log})
    return [(name, n) for name, count in points_passed(log).items() for n in (1, 2)[:count]]


def at_point(point):
    return {"SLUICE_FAULT_POINT": "%s:%d" % point}


@pytest.fixture(params=STORIES, ids=lambda story: type(story).__name__.lower())
def story(request):
    return request.param


def test_a_kill_at_each_point(prepare, story):
    points = observe(prepare("undisturbed"))

    def kill(point):
        sluice = prepare(*point)
        is_killed = run_killed(sluice, at_point(point))
        assert is_killed or point[1] > 1, f"{point} was not reached"
        assert_recovers(sluice, story)

    in_parallel(kill, points)
    assert {"checkpoint.saved", "checkpoint.marked", "sink.stage", "sink.commit-done",
            "member.taken", "file.renamed"} <= {name for name, _ in points}


# One of each state that a crash can leave: nothing decided, decided, half committed, all but marked.
FIRST_KILLS = ["checkpoint.gathered", "checkpoint.saved", "sink.commit-done", "checkpoint.committed"]


@pytest.mark.parametrize("first", FIRST_KILLS)
def test_a_kill_at_each_point_of_the_recovery(prepare, story, first, sample):
    observed = prepare("undisturbed")
    assert run_killed(observed, at_point((first, 1)))
    points = observe(observed)

    def kill_again(point):
        sluice = prepare(*point)
        assert run_killed(sluice, at_point((first, 1)))
        run_killed(sluice, at_point(point))
        assert_recovers(sluice, story)

    in_parallel(kill_again, sample(points, 6))


def test_a_kill_before_each_change_of_the_disk(prepare, story, sample):
    """Also those that plugins make, which know no fault points."""
    undisturbed = prepare("undisturbed")
    log = undisturbed.folder / "calls"
    undisturbed.run_ok("run", "--once", "kills.yaml", env=failing("disk", log=log))

    def kill(number):
        sluice = prepare(number)
        run_killed(sluice, failing("disk", number, "kill"))
        assert_recovers(sluice, story)

    in_parallel(kill, sample(range(1, calls_made(log) + 1), 5))


# ---- from Kafka: the offset commit is the decision ----

KAFKA = """
pipeline: kills
settings: {checkpoint: 1h, lanes: 2, member: one}
schemas: {row: {id: int64, text: string}}
flows:
  ingest:
    steps:
      - source-kafka: {brokers: "${KAFKA_BROKERS}", topics: ["${KAFKA_TOPIC}"], group: "${KAFKA_GROUP}", start: earliest, session_timeout: 1500ms}
      - transform-parse: {format: json, schema: row}
      - SINK
"""
TO_S3 = 'sink-s3: {url: "${RAW_URL}", format: json, compression: gzip}'
TO_ES = 'sink-es: {url: "${ES_URL}", index: "${ES_INDEX}", id: [id]}'

# The rest of the protocol is that of the stories on files.
AROUND_THE_DECISION = ["sink.stage", "checkpoint.gathered", "checkpoint.saved", "source.decide",
                       "source.decide-done", "checkpoint.decided", "sink.commit-done",
                       "checkpoint.committed", "checkpoint.marked"]


class KafkaStory:
    """A topic and a group; `where` of the sink, from which stored() reads the identifiers."""

    def __init__(self, folder, kafka, sink, where, stored):
        self.sluice, self.stored = fresh(folder), stored
        self.sluice.write("kills.yaml", KAFKA.replace("SINK", sink))
        topic = kafka.create_topic(partitions=2)
        kafka.produce(topic, [line(number).encode() for number in range(ROWS)])
        self.environment = where | {"KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic,
                                    "KAFKA_GROUP": uuid.uuid4().hex}

    def run(self, point=None, log=None):
        environment = self.environment | (at_point((point, 1)) if point else {})
        environment |= {"SLUICE_FAULT_POINT_LOG": log} if log else {}
        return self.sluice.run("run", "--once", "kills.yaml", env=environment)

    def assert_dies_at(self, point):
        outcome = self.run(point)
        assert outcome.code == KILLED, f"{point} was not reached: {outcome}"

    def assert_recovers(self):
        outcome = self.run()
        assert outcome.code == 0, outcome
        assert_each_once(self.stored(), GOOD)
        assert_letters(self.sluice, "ingest")
        assert_no_litter(self.sluice)


@pytest.fixture
def to_s3(tmp_path, kafka, s3):
    def make(*names):
        bucket = s3.create_bucket()

        def stored():
            assert s3.uploads(bucket) == []
            return identifiers(text for key in s3.keys(bucket, "raw/")
                               for text in gzip.decompress(s3.read(bucket, key)).splitlines())
        where = s3.environment() | {"RAW_URL": f"s3://{bucket}/raw/"}
        return KafkaStory(tmp_path / "-".join(names), kafka, TO_S3, where, stored)
    return make


@pytest.fixture
def to_es(tmp_path, kafka, search):
    def make(name):
        index = search.new_index_name()

        def stored():
            return [page["id"] for page in search.documents(index).values()]
        where = {"ES_URL": search.url, "ES_INDEX": index}
        return KafkaStory(tmp_path / name, kafka, TO_ES, where, stored)
    return make


def test_a_kill_around_the_decision_of_a_group(to_s3):
    def kill(point):
        story = to_s3(point)
        story.assert_dies_at(point)
        story.assert_recovers()

    in_parallel(kill, AROUND_THE_DECISION)


def test_a_kill_while_a_decided_checkpoint_is_finished(to_s3, sample):
    """The first start dies when the group has decided and nothing is visible yet; the second one
    at each point that it passes."""
    observed = to_s3("undisturbed")
    observed.assert_dies_at("checkpoint.decided")
    log = observed.sluice.folder / "points"
    assert observed.run(log=log).code == 0
    points = list(points_passed(log))
    assert "sink.recover-done" in points

    def kill(point):
        story = to_s3(point)
        story.assert_dies_at("checkpoint.decided")
        story.assert_dies_at(point)
        story.assert_recovers()

    in_parallel(kill, sample(points, 6))


@pytest.mark.full  # starts a server for nothing else; test_outages kills here at random instants
def test_a_kill_between_a_group_and_the_index(to_es):
    def kill(point):
        story = to_es(point)
        story.assert_dies_at(point)
        story.assert_recovers()

    in_parallel(kill, ["checkpoint.saved", "source.decide-done", "sink.commit-done"])
