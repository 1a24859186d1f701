"""Who we are and what time it is, as S3 sees it: credentials that expire, clocks that differ."""

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
      - source-generate: {count: 20000, rate: 5000}
      - sink-s3: {url: "${RAW_URL}", format: json}
"""


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


def stored(s3, bucket):
    return sum(len(s3.read(bucket, key).splitlines()) for key in s3.keys(bucket, "raw/"))


def test_expired_credentials_are_waited_for_until_somebody_renews_them(sluice, s3, story):
    bucket, server, credentials, environment = story
    process = sluice.start("run", "--once", "identity.yaml", env=environment)
    eventually(lambda: s3.keys(bucket), 60, "the first objects")
    credentials.expire()
    eventually(lambda: "the session token has expired: renew it" in sluice.log(), 60, "a warning")
    credentials.write()
    assert process.wait(90) == 0, sluice.log()[-3000:]
    assert stored(s3, bucket) == 20000


def test_expired_credentials_of_the_environment_end_the_run_with_the_reason(sluice, s3, story):
    bucket, server, credentials, environment = story
    server.guard = lambda request: answer(*answers.EXPIRED)
    outcome = sluice.run("run", "--once", "identity.yaml", env={
        **environment, "AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key,
        "AWS_SESSION_TOKEN": "old"})
    assert outcome.code == 1 and "the session token has expired: renew it" in outcome.stderr


@pytest.mark.parametrize("jump_ms", [-3 * 3_600_000, 3 * 3_600_000], ids=["behind", "ahead"])
def test_a_clock_that_is_hours_wrong_is_put_right_by_the_servers(sluice, s3, story, jump_ms):
    """S3Proxy, like Amazon's, refuses requests whose time is more than 15 minutes from its own."""
    bucket, server, credentials, environment = story
    machine = Machine(sluice.folder / "state")
    process = sluice.start("run", "--once", "identity.yaml",
                           env={**environment, **machine.environment()})
    eventually(lambda: s3.keys(bucket), 60, "the first objects")
    machine.shift_clock(jump_ms)
    eventually(lambda: "going on with the server's" in sluice.log(), 60, "a warning")
    machine.shift_clock(0)
    assert process.wait(90) == 0, sluice.log()[-3000:]
    assert stored(s3, bucket) == 20000
