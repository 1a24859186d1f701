"""sink-s3 and source-s3 against a real S3 server, with boto3 as the independent client."""

import csv
import gzip
import hashlib
import io
import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
import zstandard

from s3_interceptor import CutAnswer, DROP, DROP_ANSWER, Answer, Interceptor

from harness.process import free_port
from harness.sluice import eventually

SCHEMA = "{user: string, at: timestamp, country: {type: string, required: false}, n: int64}"

SINK = """
pipeline: s3
settings: {state: state, checkpoint: 1h}
schemas: {row: SCHEMA}
flows:
  ingest:
    steps:
      - source-file: {path: rows.json, format: json, schema: row}
      - sink-s3: {url: "URL", OPTIONS}
""".replace("SCHEMA", SCHEMA)

REPLACE = SINK.replace("    steps:", "    every: 1h\n    steps:")

SOURCE = """
pipeline: s3
settings: {state: state}
schemas: {row: SCHEMA}
flows:
  back:
    every: 1h
    steps:
      - source-s3: {url: "URL", schema: row, OPTIONS}
      - sink-s3: {url: "file:back/", format: json, mode: replace}
""".replace("SCHEMA", SCHEMA)


def make_rows(count, seed=1):
    draw = random.Random(seed)
    countries = ["DE", "Côte d'Ivoire", "a,\"b\"\r\nc", "x/y%z", " ", "😀"]
    return [{"user": f"u{draw.randrange(500)}", "at": f"2024-02-{1 + i % 3:02d}T{i % 24:02d}:00:00Z",
             "country": draw.choice(countries), "n": i} for i in range(count)]


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def counted(rows):
    return Counter((row["user"], row["at"], row["country"], row["n"]) for row in rows)


def assert_same(actual, expected):
    wanted, got = counted(expected), counted(actual)
    missing, extra = wanted - got, got - wanted
    assert not missing and not extra, (f"{sum(missing.values())} missing, {sum(extra.values())} "
                                       f"too many: {list((missing + extra))[:2]}")


def plain(key, content):
    if key.endswith(".gz"):
        return gzip.decompress(content)
    if key.endswith(".zst"):
        return zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return content


def parse(key, content):
    text = plain(key, content).decode()
    if ".csv" in key:
        return [{**row, "n": int(row["n"]), "country": row["country"] or None}
                for row in csv.DictReader(io.StringIO(text, newline=""))]
    return [json.loads(line) for line in text.splitlines()]


def read_all(s3, bucket, prefix=""):
    return [row for key in s3.keys(bucket, prefix) for row in parse(key, s3.read(bucket, key))]


def read_back(sluice):
    return [json.loads(line) for line in (sluice.folder / "back/back.json").read_text().splitlines()]


def dead_letters(sluice):
    return [json.loads(line) for path in sluice.folder.glob("state/**/deadletter/*")
            for line in path.read_text().splitlines()]


@pytest.fixture
def bucket(s3):
    return s3.create_bucket()


@pytest.fixture
def interceptor(s3):
    between = Interceptor(s3.endpoint)
    yield between
    between.close()


def write_sink(sluice, url, options="format: json", rows=None, text=SINK):
    sluice.write("rows.json", lines(rows if rows is not None else make_rows(1000)))
    sluice.write("sink.yaml", text.replace("URL", url).replace("OPTIONS", options))


def write_source(sluice, url, options="format: json"):
    sluice.write("source.yaml", SOURCE.replace("URL", url).replace("OPTIONS", options))


# ---- contents ----

@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("format", ["json", "csv"])
def test_what_the_sink_writes_another_client_and_the_source_read(sluice, s3, bucket, format,
                                                                 compression):
    rows = make_rows(3000)
    options = f"format: {format}, compression: {compression}"
    write_sink(sluice, f"s3://{bucket}/raw", options, rows)
    sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())
    ending = {"none": "", "gzip": ".gz", "zstd": ".zst"}[compression]
    keys = s3.keys(bucket)
    assert len(keys) == 1 and keys[0].startswith("raw/ingest-")
    assert keys[0].endswith(f".{format}{ending}")
    assert_same(read_all(s3, bucket), rows)
    assert "ContentEncoding" not in s3.client().head_object(Bucket=bucket, Key=keys[0])

    write_source(sluice, f"s3://{bucket}/raw", f"format: {format}")
    sluice.run_ok("run", "--once", "source.yaml", env=s3.environment())
    assert_same(read_back(sluice), rows)
    assert s3.uploads(bucket) == []


def test_each_row_goes_to_its_own_partition_whatever_comes_before_it(sluice, s3, bucket):
    rows = make_rows(2000)
    write_sink(sluice, f"s3://{bucket}/raw/",
               "format: json, partition: \"dt={at:%Y-%m-%d}/c={country}\"", rows)
    sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())
    keys = s3.keys(bucket)
    assert len(keys) == 3 * 6
    for key in keys:
        prefix, day, country, name = key.split("/")
        assert prefix == "raw"
        for row in parse(key, s3.read(bucket, key)):
            assert day == "dt=" + row["at"][:10]
            assert country.startswith("c=" + row["country"][0])
    assert_same(read_all(s3, bucket), rows)
    assert any("c=x%2Fy%25z/" in key for key in keys)


def test_row_without_a_value_for_its_partition_is_rejected(sluice, s3, bucket):
    rows = make_rows(10)
    rows[3]["country"] = None
    write_sink(sluice, f"s3://{bucket}/", "format: json, partition: \"{country}\"", rows)
    sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())
    assert_same(read_all(s3, bucket), rows[:3] + rows[4:])
    assert len(dead_letters(sluice)) == 1


def test_large_objects_go_up_in_parts(sluice, s3, bucket):
    rows = make_rows(100_000)
    write_sink(sluice, f"s3://{bucket}/big", "format: json, part_size: 5MiB", rows)
    sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())
    [key] = s3.keys(bucket)
    content = s3.read(bucket, key)
    parts = [content[at:at + (5 << 20)] for at in range(0, len(content), 5 << 20)]
    assert len(parts) >= 2
    etag = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    head = s3.client().head_object(Bucket=bucket, Key=key)
    assert head["ETag"].strip('"') == f"{etag}-{len(parts)}"
    assert_same(parse(key, content), rows)


def test_objects_end_after_max_rows_and_max_bytes(sluice, s3, bucket):
    rows = make_rows(20_000)
    write_sink(sluice, f"s3://{bucket}/rows", "format: csv, max_rows: 7000", rows)
    sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())
    sizes = [len(parse(key, s3.read(bucket, key))) for key in s3.keys(bucket)]
    assert sorted(sizes) == [6000, 7000, 7000]
    sluice.write("other/rows.json", lines(rows))
    write_sink(sluice, f"s3://{bucket}/bytes", "format: json, max_bytes: 300KiB", rows,
               SINK.replace("state: state", "state: state2"))
    sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())
    items = s3.client().list_objects_v2(Bucket=bucket, Prefix="bytes/")["Contents"]
    assert len(items) > 2
    assert all(item["Size"] < 900 << 10 for item in items)
    assert_same(read_all(s3, bucket, "bytes/"), rows)


def test_more_partitions_than_may_be_open_lose_nothing(sluice, s3, bucket):
    rows = [{**row, "user": f"u{i % 60}"} for i, row in enumerate(make_rows(3000))]
    write_sink(sluice, f"s3://{bucket}/", "format: json, partition: \"{user}\", max_open: 7", rows)
    sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())
    assert_same(read_all(s3, bucket), rows)


# ---- replace ----

def test_replace_swaps_one_object_and_an_empty_run_leaves_an_empty_one(sluice, s3, bucket):
    url = f"s3://{bucket}/out"
    for count in (500, 20, 0):
        write_sink(sluice, url, "format: csv, mode: replace, name: pages", make_rows(count), REPLACE)
        sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())
        assert s3.keys(bucket) == ["out/pages.csv"]
        assert len(parse("out/pages.csv", s3.read(bucket, "out/pages.csv"))) == count
    assert s3.read(bucket, "out/pages.csv").startswith(b"user,at,country,n")
    write_sink(sluice, url, "format: json, mode: replace", [], REPLACE)
    sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())
    assert s3.read(bucket, "out/ingest.json") == b""
    assert s3.uploads(bucket) == []


def test_an_object_that_was_deleted_after_its_commit_is_not_missed(sluice, s3, bucket):
    write_sink(sluice, f"s3://{bucket}/raw")
    sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())
    [key] = s3.keys(bucket)
    s3.client().delete_object(Bucket=bucket, Key=key)
    sluice.run_ok("run", "--once", "sink.yaml", env=s3.environment())


def test_replace_is_refused_where_it_cannot_work(sluice):
    write_sink(sluice, "file:out", "format: csv, mode: replace")
    outcome = sluice.run("check", "sink.yaml")
    assert outcome.code != 0 and "`every`" in outcome.stdout + outcome.stderr
    write_sink(sluice, "file:out", "format: csv, mode: replace, partition: \"{user}\"", text=REPLACE)
    outcome = sluice.run("check", "sink.yaml")
    assert outcome.code != 0 and "partition" in outcome.stdout + outcome.stderr


def test_source_is_refused_in_a_continuous_flow(sluice):
    write_source(sluice, "file:in")
    path = sluice.folder / "source.yaml"
    path.write_text(path.read_text().replace("    every: 1h\n", "").replace(", mode: replace", ""))
    outcome = sluice.run("check", "source.yaml")
    assert outcome.code != 0 and "give the flow `every` or `after`" in outcome.stdout + outcome.stderr


# ---- listing and reading ----

ODD_KEYS = ["a b", "a+b", "a=b", "a%20b", "a%b", "ünïcode/😀", "x&y<z>", "quote'\"", "semi;colon",
            "plus+ space", "tilde~", "(paren)", "comma,", "at@", "dollar$", "hash#q?m"]


def test_keys_with_odd_characters_are_read(sluice, s3, bucket):
    rows = make_rows(len(ODD_KEYS))
    client = s3.client()
    for key, row in zip(ODD_KEYS, rows):
        client.put_object(Bucket=bucket, Key=f"in/{key}", Body=lines([row]).encode())
    for hidden in ("in/_SUCCESS", "in/.hidden", "in/_temporary/part", "input"):
        client.put_object(Bucket=bucket, Key=hidden, Body=b"not for us")
    write_source(sluice, f"s3://{bucket}/in")
    sluice.run_ok("run", "--once", "source.yaml", env=s3.environment())
    assert_same(read_back(sluice), rows)


def test_more_keys_than_fit_a_page_are_read_once_each(sluice, s3, bucket):
    rows = make_rows(1100)
    client = s3.client()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: client.put_object(Bucket=bucket, Key=f"many/{i % 7}/{i}",
                                                  Body=lines([rows[i]]).encode()),
                      range(len(rows))))
    write_source(sluice, f"s3://{bucket}/many", "format: json, fetches: 8")
    sluice.run_ok("run", "--once", "source.yaml", env=s3.environment())
    assert_same(read_back(sluice), rows)


def test_lanes_share_the_objects_and_read_each_once(sluice, s3, bucket):
    rows = make_rows(3000)
    client = s3.client()
    for i in range(30):
        part = rows[i * 100:(i + 1) * 100]
        body = lines(part).encode()
        client.put_object(Bucket=bucket, Key=f"in/{i}.json", Body=gzip.compress(body) if i % 2 else body)
    write_source(sluice, f"s3://{bucket}/in", "format: json, fetches: 3")
    path = sluice.folder / "source.yaml"
    path.write_text(path.read_text().replace("{state: state}", "{state: state, lanes: 4}"))
    sluice.run_ok("run", "--once", "source.yaml", env=s3.environment())
    assert_same(read_back(sluice), rows)


def test_memory_stays_bounded_while_large_objects_go_both_ways(sluice, s3, bucket):
    rows = make_rows(100_000)
    for i in range(5):
        s3.client().put_object(Bucket=bucket, Key=f"in/{i}.json", Body=lines(rows).encode())
    write_source(sluice, f"s3://{bucket}/in", "format: json")
    path = sluice.folder / "source.yaml"
    path.write_text(path.read_text().replace("{state: state}", "{state: state, memory: 128MiB}")
                    .replace('"file:back/", format: json', f'"s3://{bucket}/out", format: json'))
    sluice.run_ok("run", "--once", "source.yaml", env=s3.environment())
    assert counted(read_all(s3, bucket, "out/")) == Counter(
        {row: 5 for row in counted(rows)})


def test_within_reads_recent_partitions_only(sluice, s3, bucket):
    now = datetime.now(timezone.utc)
    client, rows = s3.client(), make_rows(4)
    for age, row in zip((0, 1, 5, 90), rows):
        key = f"raw/dt={now - timedelta(days=age):%Y-%m-%d}/x.json"
        client.put_object(Bucket=bucket, Key=key, Body=lines([row]).encode())
    write_source(sluice, f"s3://{bucket}/raw",
                 "format: json, within: 2d, partition: \"dt={at:%Y-%m-%d}\"")
    sluice.run_ok("run", "--once", "source.yaml", env=s3.environment())
    assert_same(read_back(sluice), rows[:2])


def test_empty_objects_and_an_empty_prefix_give_no_rows(sluice, s3, bucket):
    client = s3.client()
    client.put_object(Bucket=bucket, Key="in/empty", Body=b"")
    client.put_object(Bucket=bucket, Key="in/empty.gz", Body=gzip.compress(b""))
    client.put_object(Bucket=bucket, Key="in/nothing.gz", Body=b"")
    write_source(sluice, f"s3://{bucket}/in")
    sluice.run_ok("run", "--once", "source.yaml", env=s3.environment())
    assert read_back(sluice) == []
    write_source(sluice, f"s3://{bucket}/nothing/here")
    sluice.run_ok("run", "--once", "source.yaml", env=s3.environment())
    assert read_back(sluice) == []


def test_truncated_gzip_gives_its_good_rows_and_one_dead_letter(sluice, s3, bucket):
    rows = make_rows(5000)
    client = s3.client()
    packed = gzip.compress(lines(rows).encode())
    client.put_object(Bucket=bucket, Key="in/cut.json.gz", Body=packed[:len(packed) // 2])
    client.put_object(Bucket=bucket, Key="in/whole.json.gz", Body=gzip.compress(lines(rows[:3]).encode()))
    write_source(sluice, f"s3://{bucket}/in")
    sluice.run_ok("run", "--once", "source.yaml", env=s3.environment())
    good = read_back(sluice)
    assert 1000 < len(good) < 5003
    assert_same(good, rows[:len(good) - 3] + rows[:3])
    [letter] = dead_letters(sluice)
    assert "compression_corrupt" in json.dumps(letter) and "in/cut.json.gz" in json.dumps(letter)


# ---- mistakes of the user ----

@pytest.mark.parametrize("side", ["sink", "source"])
def test_missing_bucket_stops_the_flow_with_its_name(sluice, s3, side):
    write_sink(sluice, "s3://no-such-bucket-here/raw")
    write_source(sluice, "s3://no-such-bucket-here/raw")
    outcome = sluice.run("run", "--once", f"{side}.yaml", env=s3.environment())
    assert outcome.code != 0
    assert "no-such-bucket-here" in outcome.stderr and "does not exist" in outcome.stderr


@pytest.mark.parametrize("side", ["sink", "source"])
@pytest.mark.parametrize("change", [{"AWS_SECRET_ACCESS_KEY": "wrong-secret-value"},
                                    {"AWS_ACCESS_KEY_ID": "unknown-id"}])
def test_wrong_credentials_stop_the_flow_and_are_not_shown(sluice, s3, bucket, side, change):
    write_sink(sluice, f"s3://{bucket}/raw")
    write_source(sluice, f"s3://{bucket}/raw")
    environment = {**s3.environment(), **change}
    outcome = sluice.run("run", "--once", f"{side}.yaml", env=environment)
    assert outcome.code != 0
    assert "check the access key" in outcome.stderr
    assert environment["AWS_SECRET_ACCESS_KEY"] not in outcome.stdout + outcome.stderr
    assert s3.keys(bucket) == []


def test_missing_credentials_tell_where_they_were_looked_for(sluice, s3, bucket):
    write_source(sluice, f"s3://{bucket}/raw")
    outcome = sluice.run("run", "--once", "source.yaml",
                         env={"AWS_ENDPOINT_URL": s3.endpoint, "HOME": "/nonexistent"})
    assert outcome.code != 0
    assert "AWS_ACCESS_KEY_ID" in outcome.stderr
    assert "/nonexistent/.aws/credentials" in outcome.stderr


def test_profile_files_give_credentials_and_region(sluice, s3, bucket):
    rows = make_rows(5)
    sluice.write("aws/credentials", f"[work]\naws_access_key_id = {s3.access_key}\n"
                                    f"aws_secret_access_key = {s3.secret_key}\n")
    sluice.write("aws/config", "[profile work]\nregion = us-east-1\n")
    write_sink(sluice, f"s3://{bucket}/raw", rows=rows)
    sluice.run_ok("run", "--once", "sink.yaml",
                  env={"AWS_ENDPOINT_URL_S3": s3.endpoint, "AWS_PROFILE": "work",
                       "AWS_SHARED_CREDENTIALS_FILE": sluice.folder / "aws/credentials",
                       "AWS_CONFIG_FILE": sluice.folder / "aws/config"})
    assert_same(read_all(s3, bucket), rows)


def test_credentials_that_were_renewed_are_read_again(sluice, s3, bucket, interceptor):
    rows = make_rows(50)
    profile = "[default]\naws_access_key_id=%s\naws_secret_access_key=%s\n"
    sluice.write("credentials", profile % (s3.access_key, "of-yesterday"))
    write_sink(sluice, f"s3://{bucket}/raw", rows=rows)

    def renew(request):
        sluice.write("credentials", profile % (s3.access_key, s3.secret_key))

    interceptor.rule = renew
    sluice.run_ok("run", "--once", "sink.yaml",
                  env={"AWS_ENDPOINT_URL": interceptor.endpoint, "AWS_REGION": "us-east-1",
                       "AWS_SHARED_CREDENTIALS_FILE": sluice.folder / "credentials"})
    assert_same(read_all(s3, bucket), rows)


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
                sluice.kill(process)
                return DROP
        return None

    interceptor.rule = kill_at_second_completion
    environment = {**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint}
    process = sluice.start("run", "--once", "sink.yaml", env=environment)
    process.wait(60)
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
            sluice.kill(process)
            return DROP
        return None

    interceptor.rule = kill_at_second_part
    environment = {**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint}
    process = sluice.start("run", "--once", "sink.yaml", env=environment)
    process.wait(60)
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
            sluice.kill(process)
            return DROP
        return None

    interceptor.rule = kill_at_completion
    environment = {**s3.environment(), "AWS_ENDPOINT_URL": interceptor.endpoint}
    process = sluice.start("run", "--once", "sink.yaml", env=environment)
    process.wait(60)
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
    pytest.param(lambda r: r.is_part, DROP, None, id="part lost"),
    pytest.param(lambda r: r.is_part, DROP_ANSWER, None, id="answer to a part lost"),
    pytest.param(lambda r: r.is_part, SLOW_DOWN, None, id="part throttled"),
    pytest.param(lambda r: r.method == "POST" and "uploads" in r.query, DROP_ANSWER, None,
                 id="answer to the creation lost"),
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
               or process.poll() is not None, 20, "a word about the connection")
    assert process.poll() is None, sluice.log()
    between = Interceptor(s3.endpoint, port=port)
    try:
        assert process.wait(60) == 0, sluice.log()
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
