"""What the stories about files share: a pipeline from files to files, compressions, what was rejected."""

import gzip
import json

import zstandard

CLICK = "{%s}" % ", ".join(
    f"{name}: {{type: {type}, required: false}}" for name, type in
    [("user", "string"), ("n", "int64"), ("x", "float64"), ("ok", "bool"), ("t", "timestamp")])

BATCH = """
pipeline: files
settings: {lanes: %(lanes)s}
schemas: {record: %(schema)s}
flows:
  copy:
    every: 1h
    steps:
      - source-file: {path: %(source)s, format: %(format)s, schema: record}
      - sink-file: {path: %(sink)s, format: %(sink_format)s}
"""


def write_batch(sluice, source, sink, format="json", sink_format="json", schema=CLICK, lanes=1):
    sluice.write("files.yaml", BATCH % locals())


def copy(sluice, *arguments, **keywords):
    write_batch(sluice, *arguments, **keywords)
    return sluice.run_ok("run", "--once", "files.yaml")


def dead_letters(sluice):
    """All rejected records of all flows under the state folder."""
    return [json.loads(line) for path in sluice.folder.glob("state/**/deadletter/*.ndjson")
            for line in path.read_text(encoding="utf-8").splitlines()]


def read_json(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


PACK = {"": lambda b: b, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}
UNPACK = {"": lambda b: b, ".gz": gzip.decompress,
          ".zst": lambda b: zstandard.ZstdDecompressor().decompressobj(
              read_across_frames=True).decompress(b)}
