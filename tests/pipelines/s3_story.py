"""What the stories about S3 share: pipelines, rows, and reading back by boto3."""

import csv
import gzip
import io
import json
import random
from collections import Counter

import pytest
import zstandard

from s3_interceptor import Interceptor

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


def kill_newest(sluice):
    """From the thread of a request, which can be faster than whoever started the process."""
    eventually(lambda: sluice.running, what="the process")
    sluice.kill(sluice.running[-1])


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
