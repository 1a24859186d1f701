"""kill -9 at each instruction of the checkpoint protocol while a sink of best effort is away, or
takes uploads and completes none: each row ends at the sink or in the dead letter, in one of them,
once; and the required branch has all."""

import json
import re
from collections import Counter

import pytest

from group_story import PIPELINE as GROUP_PIPELINE
from group_story import Group
from harness.fault_server import FaultServer, answer
from harness.faults import KILLED, fresh, in_parallel, points_passed
from harness.sluice import eventually

pytestmark = pytest.mark.faultpoints

PIPELINE = """
pipeline: branches
settings: {checkpoint: 20ms, lanes: 2}
schemas: {event: {id: int64}}
flows:
  ingest:
    steps:
      - source-file: {path: "in/*.ndjson"}
      - transform-parse: {format: json, schema: event}
      - sink-file: {path: all.ndjson, format: json}
      - sink-s3: {url: "${RAW_URL}", format: json}
        from: transform-parse
        delivery: best_effort
        patience: 100ms
"""
ROWS = 200  # of each file

# Requests that are answered with 503.
AWAY = {"everything": r"raw", "completions": r"raw.*uploadId="}
LEFT_SOMETHING = 75


class Story:
    """A folder, a bucket, and the sink's server, which is away until it is told to come back."""

    def __init__(self, folder, s3, away):
        self.sluice, self.s3 = fresh(folder), s3
        self.bucket, self.server = s3.create_bucket(), FaultServer(s3.endpoint)
        self.environment = {**s3.environment(), "AWS_ENDPOINT_URL": self.server.url,
                            "RAW_URL": f"s3://{self.bucket}/raw/"}
        self.sluice.write("branches.yaml", PIPELINE)
        self.files = 0
        pattern = re.compile(AWAY[away])
        self.server.guard = lambda request: answer(503) if pattern.search(request.path) and (
            away == "everything" or request.method == "POST") else None

    def come_back(self):
        self.server.guard = lambda request: None

    def add_file(self):
        first = self.files * ROWS
        self.sluice.write(f"in/{self.files}.ndjson", "".join(
            f'{{"id": {number}}}\n' for number in range(first, first + ROWS)))
        self.files += 1

    def run(self, point=None, **more):
        more |= {"SLUICE_FAULT_POINT": "%s:%d" % point} if point else {}
        return self.sluice.run("run", "--once", "branches.yaml", env=self.environment | more)

    def stored(self):
        return [json.loads(line)["id"] for key in self.s3.keys(self.bucket, "raw/")
                for line in self.s3.read(self.bucket, key).splitlines()]

    def shed(self):
        letters = [json.loads(line)
                   for path in self.sluice.folder.glob("state/**/deadletter/ingest.ndjson")
                   for line in path.read_text().splitlines()]
        assert {letter["code"] for letter in letters} <= {"sink_unavailable"}
        return [json.loads(letter["original"])["id"] for letter in letters]

    def assert_each_row_in_one_place(self, story):
        wanted = Counter(range(self.files * ROWS))
        written = (self.sluice.folder / "all.ndjson").read_text().splitlines()
        assert Counter(json.loads(line)["id"] for line in written) == wanted, story
        assert Counter(self.stored()) + Counter(self.shed()) == wanted, story
        assert self.s3.uploads(self.bucket) == [], story


def observe(story):
    log = story.sluice.folder / "points"
    story.add_file()
    outcome = story.run(SLUICE_FAULT_POINT_LOG=log)
    assert outcome.code in (0, LEFT_SOMETHING), outcome
    return [(name, n) for name, count in points_passed(log).items() for n in (1, 2)[:count]]


@pytest.mark.parametrize("away", AWAY)
def test_a_kill_at_each_point_of_an_outage(tmp_path, s3, sample, away):
    """Killed, then run to the end twice: while the sink is still away, and when it is back. Which
    points are passed depends on time, but the oracle holds wherever a process died."""
    def tell(name):
        return Story(tmp_path / name, s3, away)

    def kill(point):
        story = tell("%s-%d" % point)
        try:
            story.add_file()
            died = story.run(point)
            assert died.code in (KILLED, 0, LEFT_SOMETHING), (point, died)
            story.add_file()
            still_away = story.run()
            assert still_away.code in (0, LEFT_SOMETHING), (point, still_away)
            assert story.shed() if away == "everything" else still_away.code == LEFT_SOMETHING
            story.come_back()
            story.add_file()
            healed = story.run()
            assert healed.code == 0, (point, healed)
            story.assert_each_row_in_one_place((point, died, still_away, healed))
        finally:
            story.server.stop()

    undisturbed = tell("undisturbed")
    points = observe(undisturbed)
    undisturbed.server.stop()
    assert {"checkpoint.saved", "sink.stage", "checkpoint.marked"} <= {name for name, _ in points}
    in_parallel(kill, sample(points, 6))


# ---- members of a group ----

KEPT = 10  # checkpoints in a folder: the newest, the eight before it, one being written

class TwoBranches(Group):
    """The bucket of a group, and a second one whose server is away."""

    text = GROUP_PIPELINE + """      - sink-s3: {{url: "s3://${{BRANCH}}/raw", format: json, endpoint: "${{AWAY}}"}}
        from: transform-parse
        delivery: best_effort
        patience: 100ms
"""

    def checkpoints(self, member):
        """Numbers of those that are there."""
        return [int(path.name.split(".")[0])
                for path in (self.state / "p/checkpoints/f" / member).glob("*.checkpoint")]

    def branch(self):
        bucket = self.environment["BRANCH"]
        assert self.s3.uploads(bucket) == []
        stored = [json.loads(line)["id"] for key in self.s3.keys(bucket)
                  for line in self.s3.read(bucket, key).splitlines()]
        letters = [json.loads(json.loads(line)["original"])["id"]
                   for path in self.state.glob("p/members/*/deadletter/f.ndjson")
                   for line in path.read_text().splitlines()]
        return Counter(stored + letters)


def test_an_outage_longer_than_checkpoints_are_kept_loses_nothing(tmp_path, kafka, s3):
    """What `a` has staged waits for the server, so its mark stays behind, and its folder does not
    grow; meanwhile it removes the checkpoint that `b` found at its partition before it died. The
    newest one that the group names carries what was staged: with that `b` goes on."""
    server = FaultServer(s3.endpoint).always("POST", "uploadId=", answer(503))
    group = TwoBranches(tmp_path, kafka, s3, partitions=2, session="30s")
    group.environment = {"BRANCH": s3.create_bucket(), "AWAY": server.url}
    try:
        group.start("a")
        group.produce(100)
        eventually(lambda: "rows go to the dead letter" in group.log("a"), what="the outage")
        group.start("b", kill_at="checkpoint.settle:2")
        assert group.await_end("b") == KILLED, group.logs()
        named = max(group.checkpoints("a"))
        eventually(lambda: group.produce(20) or min(group.checkpoints("a")) > named,
                   what="newer checkpoints")
        assert len(group.checkpoints("a")) <= KEPT
        group.start("b")
        eventually(lambda: "trying again" in group.log("b"), what="the second start of b")
        server.clear()
        group.await_all()
        for member in ("a", "b"):
            group.stop_and_finish(member)
        group.await_all()
        assert group.branch() == Counter(range(group.produced)), group.logs()
    finally:
        group.kill_all()
        server.stop()
