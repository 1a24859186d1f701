"""Objects in S3: contents, listing, partitions, and the mistakes of users."""

import gzip
import hashlib
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from s3_story import (  # noqa: F401 (fixtures)
    SINK, REPLACE, make_rows, lines, counted, assert_same, parse, read_all, read_back,
    dead_letters, bucket, interceptor, write_sink, write_source)


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
