"""Who we are and what time it is, as S3 sees it: credentials that expire, clocks that differ."""

import subprocess

import pytest

from campaign import answers
from campaign.machine import Machine
from campaign.world import Credentials

from harness.fault_server import FaultServer, answer
from harness.sluice import eventually

PIPELINE = """
pipeline: identity
settings: {checkpoint: 200ms}
flows:
  write:
    steps:
      - source-file: {path: '-'}
      - sink-s3: {url: "${RAW_URL}", format: json}
"""
ROWS = 3000


@pytest.fixture
def story(sluice, s3, tmp_path):
    """(bucket, server, credentials, environment)"""
    bucket, server = s3.create_bucket(), FaultServer(s3.endpoint)
    credentials = Credentials(tmp_path / "credentials", s3)
    server.guard = credentials.refusal
    sluice.write("identity.yaml", PIPELINE)
    yield bucket, server, credentials, {
        "RAW_URL": f"s3://{bucket}/raw/", "AWS_ENDPOINT_URL": server.url, "AWS_REGION": "us-east-1",
        "AWS_SHARED_CREDENTIALS_FILE": credentials.path}
    server.stop()


class Run:
    """A run that cannot end before the test has poured all lines into it."""

    def __init__(self, sluice, environment):
        self.sluice, self.poured = sluice, 0
        self.process = sluice.start("run", "--once", "identity.yaml", env=environment,
                                    stdin=subprocess.PIPE)

    def pour(self, count):
        lines = "".join(f"line {self.poured + number}\n" for number in range(count))
        self.process.stdin.write(lines.encode())
        self.process.stdin.flush()
        self.poured += count

    def pour_rest(self):
        self.pour(ROWS - self.poured)
        self.process.stdin.close()
        assert self.process.wait(90) == 0, self.sluice.log()[-3000:]


def assert_stored(s3, bucket):
    rows = [line for key in s3.keys(bucket, "raw/") for line in s3.read(bucket, key).splitlines()]
    assert len(rows) == len(set(rows)) == ROWS


def test_expired_credentials_are_waited_for_until_somebody_renews_them(sluice, s3, story):
    bucket, server, credentials, environment = story
    run = Run(sluice, environment)
    run.pour(1000)
    eventually(lambda: s3.keys(bucket), 60, "the first objects")
    credentials.expire()
    run.pour(1000)
    eventually(lambda: "the session token has expired: renew it" in sluice.log(), 60, "a warning")
    credentials.write()
    run.pour_rest()
    assert_stored(s3, bucket)


def test_expired_credentials_of_the_environment_end_the_run_with_the_reason(sluice, s3, story):
    bucket, server, credentials, environment = story
    server.guard = lambda request: answer(*answers.EXPIRED)
    outcome = sluice.run("run", "--once", "identity.yaml", env={
        **environment, "AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key,
        "AWS_SESSION_TOKEN": "old"}, input=b"line 1\n")
    assert outcome.code == 1 and "the session token has expired: renew it" in outcome.stderr


@pytest.mark.parametrize("jump_ms", [-3 * 3_600_000, 3 * 3_600_000], ids=["behind", "ahead"])
def test_a_clock_that_is_hours_wrong_is_put_right_by_the_servers(sluice, s3, story, jump_ms):
    """S3Proxy, like Amazon's, refuses requests whose time is more than 15 minutes from its own."""
    bucket, server, credentials, environment = story
    machine = Machine(sluice.folder / "state")
    run = Run(sluice, {**environment, **machine.environment()})
    run.pour(1000)
    eventually(lambda: s3.keys(bucket), 60, "the first objects")
    machine.shift_clock(jump_ms)
    run.pour(1000)
    eventually(lambda: "going on with the server's" in sluice.log(), 60, "a warning")
    machine.shift_clock(0)
    run.pour_rest()
    assert_stored(s3, bucket)
