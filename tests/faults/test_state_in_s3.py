"""State in a bucket: processes without a disk, each in a working folder of its own, go on where
another was killed; of two that are the same member one is fenced; each row is there once."""

import json
import signal
import uuid
from collections import Counter

import pytest

from group_story import Group
from harness.fault_server import FaultServer, answer, dropped, lost
from harness.sluice import Sluice, eventually

CONTINUOUS = """
pipeline: p
settings: {{state: "s3://{state}/here/", checkpoint: 20ms, lanes: 2, shutdown: 3s}}
schemas: {{row: {{id: int64}}}}
flows:
  f:
    steps:
      - source-file: {{path: "{input}"}}
      - transform-parse: {{format: json, schema: row}}
      - sink-s3: {{url: "s3://{out}/out", format: json}}
"""

BATCH = CONTINUOUS.replace("    steps:", "    every: 1h\n    steps:")

ROWS = 3000
BAD = range(0, ROWS, 500)


class Cluster:
    """Machines without a disk of their own that count: a bucket for state, one for what comes out,
    and an input that all of them read."""

    def __init__(self, folder, s3, text=CONTINUOUS):
        self.folder, self.s3 = folder, s3
        self.state, self.out = s3.create_bucket(), s3.create_bucket()
        self.text = text
        self.endpoint = s3.endpoint
        self.input = folder / "rows.ndjson"
        self.input.write_text("".join(
            f"broken {number}\n" if number in BAD else json.dumps({"id": number}) + "\n"
            for number in range(ROWS)))
        self.machines = []

    def machine(self):
        """A new one, with an empty disk."""
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir()
        self.machines.append(Sluice(folder))
        self.machines[-1].write("p.yaml", self.text.format(
            state=self.state, out=self.out, input=self.input))
        return self.machines[-1]

    def environment(self, **more):
        return {**self.s3.environment(), "AWS_ENDPOINT_URL": self.endpoint,
                "SLUICE_MEMBER": "pod-0", **more}

    def run(self, machine=None, **more):
        return (machine or self.machine()).run("run", "--once", "p.yaml",
                                               env=self.environment(**more))

    def start(self, machine, **more):
        return machine.start("run", "--once", "p.yaml", env=self.environment(**more))

    def keys(self, part):
        return sorted(self.s3.keys(self.state, f"here/p/{part}"))

    def checkpoints(self):
        return [key for key in self.keys("checkpoints/f/pod-0/") if key.endswith(".checkpoint")]

    def logs(self):
        return "\n---\n".join(machine.log()[-4000:] for machine in self.machines)

    def assert_each_once(self):
        self.assert_nothing_twice()
        assert self.s3.uploads(self.out) == [] and self.s3.uploads(self.state) == []

    def assert_nothing_twice(self):
        """Nor is anything missing; what is not visible is not looked at."""
        rows = [json.loads(line)["id"] for key in self.s3.keys(self.out)
                for line in self.s3.read(self.out, key).splitlines()]
        assert Counter(rows) == Counter(number for number in range(ROWS) if number not in BAD)
        letters = [json.loads(line)["original"] for key in self.keys("deadletter/f/")
                   for line in self.s3.read(self.state, key).splitlines()]
        assert Counter(letters) == Counter(f"broken {number}" for number in BAD)

    def assert_little_is_left(self):
        """One checkpoint and one mark a name: the bucket does not grow."""
        names = Counter(key.rsplit("/", 1)[1].strip("0123456789.")
                        for key in self.keys("checkpoints/f/pod-0/"))
        assert names["checkpoint"] <= 2 and names["committed"] == 1, names

    def kill_all(self):
        for machine in self.machines:
            for process in machine.running:
                if process.poll() is None:
                    process.send_signal(signal.SIGCONT)
            machine.kill_all()


@pytest.fixture
def cluster(tmp_path, s3):
    made = Cluster(tmp_path, s3)
    yield made
    made.kill_all()


@pytest.fixture
def faults(s3):
    server = FaultServer(upstream=s3.endpoint)
    yield server
    server.stop()


# ---- one process after the other ----

@pytest.mark.parametrize("text", [CONTINUOUS, BATCH], ids=["continuous", "batch"])
def test_a_machine_with_an_empty_disk_finds_that_all_is_done(cluster, text):
    cluster.text = text
    assert cluster.run().code == 0
    cluster.assert_each_once()
    if text is CONTINUOUS:
        assert cluster.run().code == 0
        cluster.assert_each_once()
    cluster.assert_little_is_left()
    owner = cluster.s3.read(cluster.state, "here/p/members/pod-0/owner").decode()
    assert "process" in owner and "since" in owner
    assert not (cluster.machines[0].folder / "state").exists()


@pytest.mark.faultpoints
@pytest.mark.parametrize("text", [CONTINUOUS, BATCH], ids=["continuous", "batch"])
@pytest.mark.parametrize("instant", ["checkpoint.gathered:1", "checkpoint.saved:1",
                                     "sink.commit-done:1", "checkpoint.committed:1",
                                     "checkpoint.marked:1"])
def test_another_machine_goes_on_where_one_was_killed(cluster, text, instant):
    cluster.text = text
    killed = cluster.run(SLUICE_FAULT_POINT=instant)
    assert killed.code == -9, killed
    if text is BATCH and instant != "checkpoint.gathered:1":
        # The run was decided: what is left is to finish it. The next one is another run.
        waiting = cluster.machine()
        process = waiting.start("run", "p.yaml", env=cluster.environment())
        eventually(lambda: cluster.s3.uploads(cluster.out) == []
                   and any("committed" in key for key in cluster.keys("checkpoints/")),
                   what="the end of the run that was decided")
        waiting.stop(process)
    else:
        outcome = cluster.run()
        assert outcome.code == 0, outcome
    cluster.assert_each_once()


@pytest.mark.faultpoints
@pytest.mark.parametrize("instant", ["checkpoint.saved:2", "checkpoint.decided:2"])
def test_another_member_without_a_disk_takes_partitions_over(tmp_path, kafka, s3, instant):
    group = Group(tmp_path, kafka, s3)
    state = f"s3://{s3.create_bucket()}/state"
    try:
        group.start("a", kill_at=instant, state=state)
        group.produce(500)
        eventually(lambda: not group.is_running("a") or group.produce(20), what="the kill")
        group.start("b", state=state)
        group.produce(300)
        group.await_all()
        group.assert_no_uploads()
        group.start("a", state=state)
        group.produce(300)
        group.await_all()
        group.stop("a")
        group.stop("b")
        group.await_all()
        group.assert_no_uploads()
    finally:
        group.kill_all()


# ---- two processes that are the same member ----

@pytest.mark.faultpoints
@pytest.mark.parametrize("instant", ["checkpoint.begun:1", "checkpoint.gathered:1",
                                     "checkpoint.saved:1", "checkpoint.committed:1"])
def test_of_two_processes_with_one_member_the_first_is_fenced(cluster, instant):
    first, second = cluster.machine(), cluster.machine()
    process = cluster.start(first, SLUICE_FAULT_POINT=instant, SLUICE_FAULT_POINT_STOP=1)
    eventually(lambda: is_stopped(process), what="the stop of the first process")
    assert cluster.run(second).code == 0
    process.send_signal(signal.SIGCONT)
    code = process.wait(60)
    cluster.assert_nothing_twice()
    if code != 0:  # 0: it had come to its last checkpoint
        assert code == 1 and "another process runs as member `pod-0`" in first.log()
        assert "conflict" in first.log()
    assert code == 1 or instant in ("checkpoint.saved:1", "checkpoint.committed:1")
    # What the fenced one had staged is dropped by the next start.
    assert cluster.run().code == 0
    cluster.assert_each_once()


@pytest.mark.faultpoints
def test_of_two_processes_with_one_member_in_a_group_one_is_fenced(tmp_path, kafka, s3):
    group = Group(tmp_path, kafka, s3)
    state = f"s3://{s3.create_bucket()}/state"
    try:
        group.start("a", stop_at="checkpoint.gathered:2", state=state)
        group.produce(500)
        eventually(lambda: group.is_stopped("a") or group.produce(20), what="the stop")
        group.start("twin", as_member="a", state=state)
        group.produce(300)
        group.await_all()
        group.signal("a", signal.SIGCONT)
        group.produce(300)
        assert group.await_end("a") == 1, group.logs()
        group.await_all()
        group.stop("twin")
        group.await_all()
    finally:
        group.kill_all()


def is_stopped(process):
    with open(f"/proc/{process.pid}/stat", errors="replace") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


# ---- servers that fail ----

def test_answers_that_are_lost_are_settled_by_reading(cluster, faults):
    cluster.endpoint = faults.url
    faults.on("PUT", r"checkpoint$", lost(), dropped(), answer(503), lost(), lost())
    faults.on("PUT", r"committed", lost())
    faults.on("GET", r"list-type", dropped(), answer(500))
    outcome = cluster.run()
    assert outcome.code == 0, outcome
    cluster.assert_each_once()
    cluster.assert_little_is_left()


@pytest.mark.parametrize("damage", [lambda data: data[:40] + b"\x00" + data[41:],
                                    lambda data: data[:-9], lambda data: b""],
                         ids=["changed", "cut off", "empty"])
def test_a_damaged_object_is_an_error_that_names_it(cluster, damage):
    assert cluster.run().code == 0
    key = cluster.checkpoints()[-1]
    cluster.s3.client().put_object(Bucket=cluster.state, Key=key,
                                   Body=damage(cluster.s3.read(cluster.state, key)))
    outcome = cluster.run()
    assert outcome.code == 1
    assert "state_corrupt" in outcome.stderr and key.removeprefix("here/") in outcome.stderr
    cluster.assert_each_once()


def test_a_server_that_knows_no_conditions_is_refused_at_the_start(cluster, faults):
    def refuse(request):
        if "if-none-match" in map(str.lower, request.headers):
            return answer(501, b"<Error><Code>NotImplemented</Code><Message>no</Message></Error>")
        return None
    faults.guard = refuse
    cluster.endpoint = faults.url
    outcome = cluster.run()
    assert outcome.code == 78
    assert "If-None-Match" in outcome.stderr and "p.yaml:3:" in outcome.stderr
    assert cluster.s3.keys(cluster.out) == []


def test_credentials_that_are_wrong_or_missing_are_told_without_showing_them(cluster):
    secret = "do-not-show-this-secret"
    wrong = cluster.run(AWS_SECRET_ACCESS_KEY=secret)
    assert wrong.code == 78 and "auth_failed" in wrong.stderr + wrong.stdout or \
        "secret key" in wrong.stderr, wrong
    assert secret not in wrong.stderr and cluster.s3.secret_key not in wrong.stderr
    missing = cluster.run(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", HOME="/nonexistent",
                          AWS_EC2_METADATA_DISABLED="true")
    assert missing.code != 0 and "AWS_ACCESS_KEY_ID" in missing.stderr, missing
    assert "p.yaml:3:" in missing.stderr


def test_a_bucket_that_is_not_there_is_told_with_its_place(cluster):
    cluster.state = "no-such-bucket-here"
    outcome = cluster.run()
    assert outcome.code == 78
    assert "no-such-bucket-here" in outcome.stderr and "p.yaml:3:" in outcome.stderr


def test_a_stop_while_the_state_cannot_be_reached_ends_in_its_time(cluster, faults):
    """Left uncommitted, and the next start finishes it."""
    cluster.endpoint = faults.url
    machine = cluster.machine()
    seen = []

    def after_the_claim(request):
        if request.method == "PUT" and request.path.endswith(".checkpoint"):
            seen.append(request)
            return answer(503) if len(seen) > 1 else None
        return None
    faults.guard = after_the_claim
    process = machine.start("run", "p.yaml", env=cluster.environment())
    eventually(lambda: "trying again" in machine.log(), what="an attempt that failed")
    assert machine.stop(process, seconds=30) == 75, machine.log()
    faults.guard = lambda request: None
    assert cluster.run().code == 0
    cluster.assert_each_once()


# ---- what is refused before anything runs ----

def test_a_scheme_that_no_plugin_knows_is_refused_with_its_place(cluster):
    cluster.text = CONTINUOUS.replace("s3://{state}", "gs://{state}")
    outcome = cluster.run()
    assert outcome.code == 78
    assert "p.yaml:3:19" in outcome.stderr and "s3://" in outcome.stderr, outcome


def test_a_member_id_is_required(cluster):
    outcome = cluster.run(SLUICE_MEMBER="")
    assert outcome.code == 78
    assert "SLUICE_MEMBER" in outcome.stderr and "StatefulSet" in outcome.stderr
    assert cluster.machines[0].run("check", "p.yaml").code == 0
    assert "`a/b`" in cluster.run(SLUICE_MEMBER="a/b").stderr


def test_a_file_that_needs_the_members_folder_is_refused(cluster):
    cluster.text = CONTINUOUS + "    dead_letter: {{sink-file: {{path: \"member:x.ndjson\", format: json}}}}\n"
    outcome = cluster.machine().run("check", "p.yaml")
    assert outcome.code == 78 and "object store" in outcome.stderr, outcome
    cluster.text = CONTINUOUS + "    dead_letter: {{sink-file: {{path: x.ndjson, format: json}}}}\n"
    outcome = cluster.machine().run("check", "p.yaml")
    assert outcome.code == 78 and "sink-s3" in outcome.stderr, outcome


def test_the_environment_names_the_member_of_a_state_folder_too(sluice):
    sluice.write("p.yaml", """
pipeline: p
flows:
  f:
    steps:
      - source-generate: {count: 10}
      - sink-file: {path: out.ndjson, format: json}
""")
    sluice.run_ok("run", "--once", "p.yaml", env={"SLUICE_MEMBER": "from-outside"})
    assert [path.name for path in (sluice.folder / "state/p/members").iterdir()] == ["from-outside"]
