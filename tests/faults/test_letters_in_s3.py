"""The dead letter with state in a bucket: list, show, purge and replay of letters that are objects,
from machines without a disk of their own."""

import json
import uuid

import pytest

from harness.fault_server import FaultServer, answer, dropped, lost
from harness.faults import KILLED
from harness.sluice import Sluice

PIPELINE = """
pipeline: p
settings: {{state: "s3://{state}/here/", checkpoint: 200ms}}
schemas: {{click: {{n: int64, user: {user}}}}}
flows:
  f:
    steps:
      - source-file: {{path: "{input}/*.ndjson"}}
      - transform-parse: {{format: json, schema: click}}
      - sink-s3: {{url: "s3://{out}/out", format: json}}
"""
FROM_KAFKA = PIPELINE.replace('source-file: {{path: "{input}/*.ndjson"}}', """
          source-kafka: {{brokers: "${{KAFKA_BROKERS}}", topics: ["${{KAFKA_TOPIC}}"],
                         group: "${{KAFKA_GROUP}}", start: earliest}}""")
STRICT = "string"
LENIENT = "{type: string, required: false}"

GOOD = [json.dumps({"n": n, "user": f"u{n}"}) for n in range(5)]
NO_USER = [json.dumps({"n": n}) for n in range(10, 14)]  # good once the schema is lenient
HOPELESS = ["rubbish", '{"n": "x", "user": "y"}', "\x1b[31mred"]


class Cloud:
    """Buckets for state and output, and machines that come and go."""

    def __init__(self, folder, s3, text=PIPELINE, **environment):
        self.folder, self.s3, self.endpoint = folder, s3, s3.endpoint
        self.text, self.environment = text, environment
        self.fresh_buckets()

    def fresh_buckets(self):
        self.state, self.out = self.s3.create_bucket(), self.s3.create_bucket()

    def write_input(self, name, lines):
        (self.folder / "in").mkdir(exist_ok=True)
        (self.folder / "in" / name).write_text("\n".join(lines) + "\n")

    def run(self, *words, user=LENIENT, member="pod-0", **more):
        """On a machine with an empty disk."""
        machine = Sluice(self.folder / uuid.uuid4().hex)
        machine.write("p.yaml", self.text.format(state=self.state, out=self.out, user=user,
                                                 input=self.folder / "in"))
        outcome = machine.run(*words, "p.yaml", env={
            **self.s3.environment(), "AWS_ENDPOINT_URL": self.endpoint, "SLUICE_MEMBER": member,
            **self.environment, **more})
        assert {path.name for path in machine.folder.iterdir()} == {"p.yaml"}
        return outcome

    def run_ok(self, *words, **keywords):
        outcome = self.run(*words, **keywords)
        assert outcome.code == 0, outcome
        return outcome.stdout

    def letters(self, *words):
        shown = self.run_ok("deadletter", "show", "--json", "--limit", "0", *words)
        return sorted(json.loads(line)["original"] for line in shown.splitlines())

    def numbers(self):
        assert self.s3.uploads(self.out) == []
        return sorted(json.loads(line)["n"] for key in self.s3.keys(self.out)
                      for line in self.s3.read(self.out, key).splitlines())

    def objects(self):
        """Of letters, and notes about what was taken."""
        return (self.s3.keys(self.state, "here/p/deadletter/"),
                [key for key in self.s3.keys(self.state, "here/p/members/")
                 if "/deadletter/" in key])


@pytest.fixture
def cloud(tmp_path, s3):
    """A flow that ran over lines of which seven are in its dead letter."""
    made = Cloud(tmp_path, s3)
    made.write_input("first.ndjson", GOOD + NO_USER + HOPELESS)
    made.run_ok("run", "--once", user=STRICT)
    return made


def test_list_and_show_read_the_objects(cloud):
    listed = cloud.run_ok("deadletter", "list")
    assert listed.startswith("f: 7 letters, ") and f"s3://{cloud.state}/here/p/deadletter/f/" in listed
    assert "4  transform-parse  field_missing" in listed
    assert cloud.letters() == sorted(NO_USER + HOPELESS)
    assert cloud.letters("--code", "field_missing") == NO_USER
    shown = cloud.run_ok("deadletter", "show", "--code", "json_malformed")
    assert "original  rubbish" in shown and "\\x1b[31mred" in shown and "\x1b" not in shown


def test_replay_delivers_what_a_corrected_pipeline_takes(cloud):
    assert cloud.run_ok("deadletter", "replay", "--dry-run") == "f: 7 letters would be replayed\n"
    assert cloud.letters() == sorted(NO_USER + HOPELESS)
    done = cloud.run_ok("deadletter", "replay")
    assert done == "f: 7 letters replayed: 4 delivered, 3 rejected again\n"
    assert cloud.numbers() == [0, 1, 2, 3, 4, 10, 11, 12, 13]
    assert cloud.letters() == sorted(HOPELESS)
    cloud.run_ok("run", "--once")
    assert cloud.numbers() == [0, 1, 2, 3, 4, 10, 11, 12, 13]
    assert cloud.letters() == sorted(HOPELESS)


def test_a_part_of_an_object_is_taken_and_the_object_goes_with_its_last_letter(cloud):
    cloud.run_ok("deadletter", "replay", "--number", "2")
    assert cloud.numbers() == [0, 1, 2, 3, 4, 11]
    assert cloud.letters() == sorted(NO_USER[:1] + NO_USER[2:] + HOPELESS)
    assert len(cloud.objects()[1]) == 1
    cloud.run_ok("deadletter", "replay", "--code", "field_missing")
    assert cloud.numbers() == [0, 1, 2, 3, 4, 10, 11, 12, 13]
    assert "f: 3 letters purged" in cloud.run_ok("deadletter", "purge", "--all")
    assert cloud.letters() == []
    assert cloud.objects() == ([], [])
    cloud.run_ok("run", "--once")
    assert cloud.numbers() == [0, 1, 2, 3, 4, 10, 11, 12, 13] and cloud.letters() == []


def test_purge_takes_out_what_is_meant_and_nothing_by_accident(cloud):
    assert "--all" in cloud.run("deadletter", "purge").stderr
    assert "f: 2 letters purged" in cloud.run_ok("deadletter", "purge", "--code", "json_malformed")
    assert cloud.letters() == sorted(NO_USER + HOPELESS[1:2])
    cloud.write_input("second.ndjson", HOPELESS)
    cloud.run_ok("run", "--once", user=STRICT)
    assert cloud.letters() == sorted(NO_USER + HOPELESS + HOPELESS[1:2])
    assert cloud.numbers() == [0, 1, 2, 3, 4]


def test_several_members_are_told_apart(cloud):
    cloud.run_ok("run", "--once", user=STRICT, member="pod-1-b")  # reads the file from its beginning
    listed = cloud.run_ok("deadletter", "list")
    assert "f (member pod-0): 7 letters" in listed and "f (member pod-1-b): 7 letters" in listed
    both = cloud.run("deadletter", "replay")
    assert both.code == 2 and "--member" in both.stderr
    cloud.run_ok("deadletter", "replay", "--member", "pod-1-b")
    listed = cloud.run_ok("deadletter", "list")
    assert "(member pod-0): 7 letters" in listed and "(member pod-1-b): 3 letters" in listed


def test_answers_that_are_lost_do_not_take_a_letter_twice(cloud):
    faults = FaultServer(upstream=cloud.s3.endpoint)
    cloud.endpoint = faults.url
    try:
        faults.on("PUT", r"\.(claim|taken)$", lost(), answer(503), dropped(), lost())
        faults.on("DELETE", r"deadletter", lost(), answer(500))
        faults.on("GET", r"deadletter", dropped(), answer(503))
        done = cloud.run_ok("deadletter", "replay")
        assert done == "f: 7 letters replayed: 4 delivered, 3 rejected again\n"
    finally:
        cloud.endpoint = cloud.s3.endpoint
        faults.stop()
    assert cloud.numbers() == [0, 1, 2, 3, 4, 10, 11, 12, 13]
    assert cloud.letters() == sorted(HOPELESS)


def test_a_note_that_is_damaged_is_an_error_that_names_it(cloud):
    cloud.run_ok("deadletter", "purge", "--number", "1")
    [note] = cloud.objects()[1]
    cloud.s3.client().put_object(Bucket=cloud.state, Key=note, Body=b"sluice-claim 2 1\n")
    for verb in (["list"], ["show"], ["replay"], ["purge", "--all"]):
        outcome = cloud.run("deadletter", *verb)
        assert outcome.code == 1 and note.removeprefix("here/") in outcome.stderr, outcome


def test_a_store_that_cannot_be_reached_is_told(cloud):
    cloud.state = "no-such-bucket-here"
    outcome = cloud.run("deadletter", "list")
    assert outcome.code == 78 and "no-such-bucket-here" in outcome.stderr, outcome


# ---- a verb that dies ----

def points_of(cloud, *words):
    """(point, n) that the verb passes, the first two of each name."""
    log = cloud.folder / "points"
    cloud.run_ok("deadletter", *words, SLUICE_FAULT_POINT_LOG=log)
    names = log.read_text().split()
    log.unlink()
    return [(name, n) for name in dict.fromkeys(names) for n in (1, 2)[:names.count(name)]]


@pytest.mark.faultpoints
@pytest.mark.parametrize("next_verb", ["run", "replay"])
def test_a_replay_that_is_killed_anywhere_neither_loses_nor_repeats(cloud, sample, next_verb):
    points = points_of(cloud, "replay")
    assert {"replay.claimed", "checkpoint.saved", "claim.noted", "claim.settled",
            "letters.removed"} <= {name for name, _ in points}
    for point in sample(points, 14):
        cloud.fresh_buckets()
        cloud.run_ok("run", "--once", user=STRICT)
        died = cloud.run("deadletter", "replay", SLUICE_FAULT_POINT="%s:%d" % point)
        assert died.code == KILLED, (point, died)
        if next_verb == "run":
            cloud.run_ok("run", "--once")
            assert len(cloud.numbers()) in (5, 9), point
            assert len(cloud.letters()) == (7 if len(cloud.numbers()) == 5 else 3), point
        cloud.run_ok("deadletter", "replay")
        assert cloud.numbers() == [0, 1, 2, 3, 4, 10, 11, 12, 13], point
        assert cloud.letters() == sorted(HOPELESS), point
        cloud.run_ok("deadletter", "purge", "--all")
        cloud.run_ok("run", "--once")
        assert cloud.numbers() == [0, 1, 2, 3, 4, 10, 11, 12, 13], point
        assert cloud.objects() == ([], []), point


@pytest.mark.faultpoints
def test_a_purge_that_is_killed_anywhere_is_done_or_not(cloud, sample):
    for point in sample(points_of(cloud, "purge", "--all"), 3):
        cloud.fresh_buckets()
        cloud.run_ok("run", "--once", user=STRICT)
        assert cloud.run("deadletter", "purge", "--all",
                         SLUICE_FAULT_POINT="%s:%d" % point).code == KILLED, point
        assert cloud.letters() in ([], sorted(NO_USER + HOPELESS)), point
        cloud.run_ok("deadletter", "purge", "--all")
        cloud.run_ok("run", "--once")
        assert cloud.numbers() == [0, 1, 2, 3, 4] and cloud.letters() == [], point


@pytest.mark.faultpoints
def test_a_replay_that_a_group_decides_is_killed_around_its_decision(tmp_path, kafka, s3, sample):
    """Before the offset commit the letters are there, after it they are not."""
    points = ["replay.claimed", "checkpoint.saved", "source.decide-done", "checkpoint.committed"]
    for point in sample(points, 2):
        topic = kafka.create_topic(partitions=1)
        kafka.produce(topic, [line.encode() for line in GOOD + NO_USER + HOPELESS])
        cloud = Cloud(tmp_path, s3, FROM_KAFKA, KAFKA_BROKERS=kafka.bootstrap, KAFKA_TOPIC=topic,
                      KAFKA_GROUP=uuid.uuid4().hex)
        cloud.run_ok("run", "--once", user=STRICT)
        died = cloud.run("deadletter", "replay", SLUICE_FAULT_POINT=f"{point}:1")
        assert died.code == KILLED, (point, died)
        cloud.run_ok("run", "--once")
        is_decided = point not in ("replay.claimed", "checkpoint.saved")
        assert len(cloud.numbers()) == (9 if is_decided else 5), point
        cloud.run_ok("deadletter", "replay")
        assert cloud.numbers() == [0, 1, 2, 3, 4, 10, 11, 12, 13], point
        assert cloud.letters() == sorted(HOPELESS), point
