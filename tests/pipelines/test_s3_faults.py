"""Crashes, networks and servers that misbehave under sink-s3 and source-s3, and a folder instead."""

import pytest

from s3_interceptor import Answer, CutAnswer, DROP, DROP_ANSWER, Interceptor
from s3_story import (  # noqa: F401 (fixtures)
    REPLACE, SINK, make_rows, lines, assert_same, kill_newest, parse, read_all, read_back, bucket,
    interceptor, write_sink, write_source)

from harness.process import free_port
from harness.sluice import PATIENCE, eventually


# ---- crashes ----

def make_uploads(s3, bucket, *keys):
    for key in keys:
        s3.client().create_multipart_upload(Bucket=bucket, Key=key)


def test_kill_between_stage_and_commit_is_made_good_by_the_next_start(sluice, s3, bucket,
                                                                      interceptor):
    rows = make_rows(4000)
    write_sink(sluice, f"s3://{bucket}/raw", "format: json, partition: \"dt={at:%Y-%m-%d}\"", rows)
    make_uploads(s3, bucket, "raw/ingest-other-0000000001-0123456789abcdef01234567-1.json")
    killed = []

    def kill_at_second_completion(request):
        if request.is_completion:
            killed.append(request)
            if len(killed) == 2:
                kill_newest(sluice)
                return DROP
        return None

    interceptor.rule = kill_at_second_completion
    environment = {**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint}
    process = sluice.start("run", "--once", "sink.yaml", env=environment)
    process.wait(PATIENCE)
    assert len(s3.keys(bucket)) == 1
    interceptor.rule = lambda request: None
    sluice.run_ok("run", "--once", "sink.yaml", env=environment)
    assert_same(read_all(s3, bucket), rows)
    assert s3.uploads(bucket) == ["raw/ingest-other-0000000001-0123456789abcdef01234567-1.json"]


def test_kill_before_the_checkpoint_leaves_no_uploads_and_no_row_twice(sluice, s3, bucket,
                                                                       interceptor):
    rows = make_rows(4000)
    write_sink(sluice, f"s3://{bucket}/raw", "format: json, partition: \"dt={at:%Y-%m-%d}\"", rows)

    def kill_at_second_part(request):
        if request.is_part and sum(seen.is_part for seen in interceptor.requests) == 2:
            kill_newest(sluice)
            return DROP
        return None

    interceptor.rule = kill_at_second_part
    environment = {**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint}
    process = sluice.start("run", "--once", "sink.yaml", env=environment)
    process.wait(PATIENCE)
    assert s3.keys(bucket) == [] and s3.uploads(bucket) != []
    interceptor.rule = lambda request: None
    sluice.run_ok("run", "--once", "sink.yaml", env=environment)
    assert_same(read_all(s3, bucket), rows)
    assert s3.uploads(bucket) == []


def test_replace_that_was_killed_keeps_the_old_object_until_the_new_one_is_whole(sluice, s3, bucket,
                                                                                 interceptor):
    write_sink(sluice, f"s3://{bucket}/out", "format: csv, mode: replace", make_rows(10), REPLACE)
    sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())
    write_sink(sluice, f"s3://{bucket}/out", "format: csv, mode: replace", make_rows(70), REPLACE)

    def kill_at_completion(request):
        if request.is_completion:
            kill_newest(sluice)
            return DROP
        return None

    interceptor.rule = kill_at_completion
    environment = {**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint}
    process = sluice.start("run", "--once", "sink.yaml", env=environment)
    process.wait(PATIENCE)
    assert len(read_all(s3, bucket)) == 10
    interceptor.rule = lambda request: None
    sluice.run_ok("run", "--once", "sink.yaml", env=environment)
    assert s3.keys(bucket) == ["out/ingest.csv"]
    assert len(read_all(s3, bucket)) == 70
    assert s3.uploads(bucket) == []


# ---- networks and servers ----

NO_SUCH_UPLOAD = Answer(404, b"<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>")
SLOW_DOWN = Answer(503, b"<Error><Code>SlowDown</Code><Message>wait</Message></Error>",
                   {"Retry-After": "1"})
ERROR_IN_200 = Answer(200, b"<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code>"
                           b"<Message>try again</Message></Error>")


class Once:
    """A rule that does something to the first request that matches."""

    def __init__(self, matches, action, then=None):
        self.matches, self.action, self.then, self.hit = matches, action, then, False

    def __call__(self, request):
        if self.matches(request) and self.hit and self.then:
            action, self.then = self.then, None
            return action
        if self.matches(request) and not self.hit:
            self.hit = True
            return self.action
        return None


@pytest.mark.parametrize("matches, action, then", [
    pytest.param(lambda r: r.is_completion, DROP_ANSWER, NO_SUCH_UPLOAD,
                 id="completion done, its answer lost, then the upload unknown"),
    pytest.param(lambda r: r.is_completion, DROP_ANSWER, None,
                 id="completion done, its answer lost"),
    pytest.param(lambda r: r.is_completion, ERROR_IN_200, None, id="200 with an error inside"),
    pytest.param(lambda r: r.is_completion, SLOW_DOWN, None, id="completion throttled"),
    pytest.param(lambda r: r.is_part, NO_SUCH_UPLOAD, None, id="upload gone before the decision"),
    pytest.param(lambda r: r.is_part, DROP, None, id="part lost"),
    pytest.param(lambda r: r.is_part, DROP_ANSWER, None, id="answer to a part lost"),
    pytest.param(lambda r: r.is_part, SLOW_DOWN, None, id="part throttled"),
    pytest.param(lambda r: r.is_creation, DROP_ANSWER, None, id="answer to the creation lost"),
    pytest.param(lambda r: r.is_creation, DROP_ANSWER, DROP_ANSWER,
                 id="answer to the creation lost twice"),
    pytest.param(lambda r: r.method == "GET" and "uploads" in r.query, Answer(500, b"oops"), None,
                 id="listing of leftovers fails"),
])
def test_sink_writes_each_row_once_through(sluice, s3, bucket, interceptor, matches, action, then):
    rows = make_rows(2000)
    write_sink(sluice, f"s3://{bucket}/raw", "format: json, compression: gzip", rows)
    interceptor.rule = Once(matches, action, then)
    sluice.run_ok("run", "--once", "sink.yaml",
                  env={**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint})
    assert interceptor.rule.hit
    assert_same(read_all(s3, bucket), rows)
    assert s3.uploads(bucket) == []


class HeldBackCreation:
    """A rule: the first creation is taken from its sender and does not reach the server before
    another request comes that matches."""

    def __init__(self, interceptor, matches, when_held=lambda: None):
        self.interceptor, self.matches, self.when_held = interceptor, matches, when_held
        self.held, self.arrived = None, None

    def __call__(self, request):
        if request.is_creation and not self.held:
            self.held = request
            self.when_held()
            return DROP
        if self.held and not self.arrived and self.matches(request):
            self.arrived, _, _ = self.interceptor.forward(self.held)
        return None


@pytest.mark.parametrize("options, flow", [("format: json", SINK),
                                           ("format: json, mode: replace", REPLACE)],
                         ids=["append", "replace"])
@pytest.mark.parametrize("matches", [lambda r: r.is_creation, lambda r: r.is_part,
                                     lambda r: r.is_completion],
                         ids=["repetition", "part", "completion"])
def test_creation_that_arrives_after_its_repetition_leaves_no_upload(sluice, s3, bucket, interceptor,
                                                                     options, flow, matches):
    rows = make_rows(2000)
    write_sink(sluice, f"s3://{bucket}/raw", options, rows, flow)
    interceptor.rule = HeldBackCreation(interceptor, matches)
    make_uploads(s3, bucket, "raw/ingest-other-0000000001-0123456789abcdef01234567-1.json")
    sluice.run_ok("run", "--once", "sink.yaml",
                  env={**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint})
    assert interceptor.rule.arrived.status == 200
    assert_same(read_all(s3, bucket), rows)
    assert s3.uploads(bucket) == ["raw/ingest-other-0000000001-0123456789abcdef01234567-1.json"]


def test_creation_that_arrives_after_the_restart_of_its_sender_leaves_no_upload(sluice, s3, bucket,
                                                                                interceptor):
    rows = make_rows(2000)
    write_sink(sluice, f"s3://{bucket}/raw", rows=rows)
    interceptor.rule = HeldBackCreation(interceptor, lambda r: r.is_part,
                                        when_held=lambda: kill_newest(sluice))
    environment = {**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint}
    sluice.start("run", "--once", "sink.yaml", env=environment).wait(PATIENCE)
    sluice.run_ok("run", "--once", "sink.yaml", env=environment)
    assert interceptor.rule.arrived.status == 200
    assert_same(read_all(s3, bucket), rows)
    assert s3.uploads(bucket) == []


def test_looking_for_late_creations_ends_with_the_doubt(sluice, s3, bucket, interceptor):
    """A run without a lost answer looks once before its first row and once after its commit."""
    write_sink(sluice, f"s3://{bucket}/raw")
    sluice.run_ok("run", "--once", "sink.yaml",
                  env={**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint})
    looks = [request for request in interceptor.requests
             if request.method == "GET" and "uploads" in request.query]
    assert len(looks) == 2


def test_upload_that_somebody_aborted_is_an_error_and_not_a_success(sluice, s3, bucket, interceptor):
    write_sink(sluice, f"s3://{bucket}/raw")

    def abort_first(request):
        if request.is_completion:
            return NO_SUCH_UPLOAD
        return None

    interceptor.rule = abort_first
    outcome = sluice.run("run", "--once", "sink.yaml",
                         env={**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint})
    assert outcome.code != 0 and "is gone" in outcome.stderr
    assert s3.keys(bucket) == []


def test_server_without_if_none_match_is_written_to_all_the_same(sluice, s3, bucket, interceptor):
    rows = make_rows(100)
    write_sink(sluice, f"s3://{bucket}/raw", rows=rows)

    def refuse_condition(request):
        if request.headers.get("If-None-Match"):
            return Answer(501, b"<Error><Code>NotImplemented</Code><Message>no</Message></Error>")
        return None

    interceptor.rule = refuse_condition
    sluice.run_ok("run", "--once", "sink.yaml",
                  env={**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint})
    assert_same(read_all(s3, bucket), rows)


@pytest.mark.parametrize("action", [CutAnswer(300_000), DROP, SLOW_DOWN], ids=["cut", "drop", "503"])
def test_source_goes_on_where_a_connection_broke(sluice, s3, bucket, interceptor, action):
    rows = make_rows(40_000)
    s3.client().put_object(Bucket=bucket, Key="in/x.json", Body=lines(rows).encode())
    write_source(sluice, f"s3://{bucket}/in")
    interceptor.rule = Once(lambda request: request.is_object_get, action)
    sluice.run_ok("run", "--once", "source.yaml",
                  env={**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint})
    assert_same(read_back(sluice), rows)
    gets = [request for request in interceptor.requests if request.is_object_get]
    assert len(gets) == 2 and all(get.headers["If-Match"] for get in gets)
    assert bool(gets[1].headers.get("Range")) == isinstance(action, CutAnswer)


def test_object_replaced_after_it_was_listed_is_read_in_its_new_version(sluice, s3, bucket,
                                                                        interceptor):
    client, rows = s3.client(), make_rows(50)
    client.put_object(Bucket=bucket, Key="in/x.json", Body=lines(rows[:5]).encode())

    def replace_before_get(request):
        if request.is_object_get and sum(seen.is_object_get for seen in interceptor.requests) == 1:
            client.put_object(Bucket=bucket, Key="in/x.json", Body=lines(rows).encode())
        return None

    interceptor.rule = replace_before_get
    write_source(sluice, f"s3://{bucket}/in")
    sluice.run_ok("run", "--once", "source.yaml",
                  env={**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint})
    assert_same(read_back(sluice), rows)


def test_object_replaced_while_it_is_read_fails_the_run(sluice, s3, bucket, interceptor):
    client = s3.client()
    client.put_object(Bucket=bucket, Key="in/x.json", Body=lines(make_rows(40_000)).encode())

    def cut_and_replace(request):
        if request.is_object_get and not request.headers.get("Range"):
            return CutAnswer(300_000)
        if request.is_object_get:
            client.put_object(Bucket=bucket, Key="in/x.json", Body=lines(make_rows(5)).encode())
        return None

    interceptor.rule = cut_and_replace
    write_source(sluice, f"s3://{bucket}/in")
    outcome = sluice.run("run", "--once", "source.yaml",
                         env={**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint})
    assert outcome.code != 0 and "replaced while it was read" in outcome.stderr


@pytest.mark.parametrize("side", ["sink", "source"])
def test_server_that_is_down_at_the_start_is_waited_for(sluice, s3, bucket, side):
    rows, port = make_rows(200), free_port()
    write_sink(sluice, f"s3://{bucket}/raw", rows=rows)
    write_source(sluice, f"s3://{bucket}/raw")
    if side == "source":
        s3.client().put_object(Bucket=bucket, Key="raw/x.json", Body=lines(rows).encode())
    process = sluice.start("run", "--once", f"{side}.yaml",
                           env={**s3.environment(), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
    eventually(lambda: "could not be reached" in sluice.log() or "connect" in sluice.log().lower()
               or process.poll() is not None, what="a word about the connection")
    assert process.poll() is None, sluice.log()
    between = Interceptor(s3.endpoint, port=port)
    try:
        assert process.wait(PATIENCE) == 0, sluice.log()
    finally:
        between.close()
    assert_same(read_all(s3, bucket) if side == "sink" else read_back(sluice), rows)


# ---- a folder as a bucket ----

def read_folder(sluice, folder):
    return [row for path in sorted((sluice.folder / folder).rglob("*"))
            if path.is_file() and ".sluice-uploads" not in path.parts
            for row in parse(path.name, path.read_bytes())]


def test_folder_serves_by_the_same_options(sluice):
    rows = make_rows(3000)
    write_sink(sluice, "file:data/raw/", "format: csv, compression: zstd, part_size: 16KiB, "
               "max_rows: 700, partition: \"dt={at:%Y-%m-%d}/c={country}\"", rows)
    sluice.run_ok("run", "--once", "sink.yaml")
    assert_same(read_folder(sluice, "data/raw"), rows)
    write_source(sluice, "file:data/raw", "format: csv")
    sluice.run_ok("run", "--once", "source.yaml")
    assert_same(read_back(sluice), rows)
    assert list((sluice.folder / "data/raw/.sluice-uploads").iterdir()) == []


def test_folder_is_recovered_after_a_kill(sluice):
    """Uploads that nobody wrote down are dropped; others' are left alone."""
    rows = make_rows(200)
    write_sink(sluice, "file:data", rows=rows)
    sluice.run_ok("run", "--once", "sink.yaml")
    [key] = [path.name for path in (sluice.folder / "data").glob("ingest-*")]
    foreign = key.replace("ingest", "other").split("-")
    foreign[-2] = "0" * len(foreign[-2])
    for upload, name in (("0" * 16, key), ("1" * 16, "-".join(foreign))):
        sluice.write(f"data/.sluice-uploads/{upload}/key", name)
        sluice.write(f"data/.sluice-uploads/{upload}/data", "half")
    sluice.run_ok("run", "--once", "sink.yaml")
    uploads = [path.name for path in (sluice.folder / "data/.sluice-uploads").iterdir()]
    assert uploads == ["1" * 16]
    assert_same(read_folder(sluice, "data"), rows)


def test_folder_that_does_not_exist_yet_has_no_rows(sluice):
    write_source(sluice, "file:nowhere")
    outcome = sluice.run_ok("run", "--once", "source.yaml")
    assert read_back(sluice) == [] and "does not exist" in outcome.stderr
