"""Files in, files out, killed at any moment: what is there is whole, and the next run goes on."""

import json
import random
import shutil
import subprocess
import time

import pytest

from files_story import PACK, UNPACK, copy, dead_letters
from harness.sluice import eventually

pytestmark = pytest.mark.sanitize


def test_a_killed_batch_run_leaves_the_old_file_and_runs_again(sluice):
    sluice.write("in.json", b'{"user":"old","n":1}\n{"user":"bad"}\n')
    copy(sluice, "in.json", "out.csv", sink_format="csv", schema="{user: string, n: int64}")
    rows = [{"user": f"u{i}", "n": i} for i in range(400000)]
    sluice.write("in.json", "".join('{"user":"%(user)s","n":%(n)d}\n' % row for row in rows) + "x\n")
    rng, kills, longest = random.Random(7), 0, 0.1
    while kills < 3:
        process = sluice.start("run", "--once", "files.yaml")
        while not list(sluice.folder.glob(".out*")) and process.poll() is None:
            time.sleep(0.001)
        time.sleep(rng.random() * longest)
        kills += process.poll() is None
        longest /= 2 if process.poll() is not None else 1  # a fast machine
        sluice.kill(process)
        content = (sluice.folder / "out.csv").read_text()
        assert content == "user,n\nold,1\n" or content.count("\n") == 400001
    sluice.run_ok("run", "--once", "files.yaml")
    lines = (sluice.folder / "out.csv").read_text().splitlines()
    assert lines == ["user,n"] + ["%(user)s,%(n)d" % row for row in rows]
    assert [letter["original"] for letter in dead_letters(sluice)] == ["x"]
    assert [path.name for path in sluice.folder.glob(".out*")] == []


CONTINUOUS = """
pipeline: files
settings: {checkpoint: 20ms}
schemas: {record: {user: string, n: int64}}
flows:
  copy:
    steps:
%s
"""
RAW = """
      - source-file: {path: 'in/*'}
      - transform-parse: {format: json, schema: record}
      - sink-file: {path: %s, format: json}"""
TYPED = """
      - source-file: {path: 'in/*', format: %s, schema: record}
      - sink-file: {path: %s, format: json}"""


PARTS, ROWS_A_PART = 6, 50_000


def write_parts(sluice, format, ending):
    """Every tenth record is bad; so dead letters are counted, too."""
    good, bad = [], 0
    for part in range(PARTS):
        lines = ["user,n"] if format == "csv" else []
        for i in range(ROWS_A_PART):
            n = part * ROWS_A_PART + i
            text = n if n % 10 else "x"
            lines.append(f"u{n},{text}" if format == "csv" else
                         '{"user":"u%d","n":%s}' % (n, text if n % 10 else '"x"'))
            bad += not n % 10
            if n % 10:
                good.append(n)
        sluice.write(f"in/part-{part}.{format}{ending}", PACK[ending](("\n".join(lines) + "\n").encode()))
    return good, bad


def kill_after_a_checkpoint(sluice, seconds):
    """Starts a run and kills it a moment after a checkpoint of its own; False where it ended."""
    def checkpoint():
        return [path.read_text() for path in sluice.folder.glob("state/**/committed")]
    before = checkpoint()
    process = sluice.start("run", "--once", "files.yaml")
    while checkpoint() == before and process.poll() is None:
        time.sleep(0.002)
    time.sleep(seconds)
    if process.poll() is None:
        sluice.kill(process)
        return True
    assert process.returncode == 0, sluice.log()
    return False


@pytest.mark.parametrize("steps, format, ending, out", [
    (RAW % "out.json", "json", "", "out.json"),
    (RAW % "out.json.gz", "json", ".gz", "out.json.gz"),
    (TYPED % ("json", "out.json"), "json", "", "out.json"),
    (TYPED % ("csv", "out.json.zst"), "csv", "", "out.json.zst"),
    (TYPED % ("csv", "out.json"), "csv", ".zst", "out.json"),
], ids=["raw", "raw-gz", "json", "csv", "csv-zst"])
def test_killed_at_any_moment_a_continuous_flow_goes_on_without_loss_or_duplicates(
        sluice, steps, format, ending, out):
    good, bad = write_parts(sluice, format, ending)
    sluice.write("files.yaml", CONTINUOUS % steps)
    rng, kills, longest = random.Random(steps + ending), 0, 0.03
    # How far a run gets before it is killed is the machine's affair: until it was killed often.
    while kills < 3:
        shutil.rmtree(sluice.folder / "state", ignore_errors=True)
        (sluice.folder / out).unlink(missing_ok=True)
        kills += sum(kill_after_a_checkpoint(sluice, rng.random() * longest) for _ in range(6))
        longest /= 2
        sluice.run_ok("run", "--once", "files.yaml")
    content = UNPACK["." + out.rsplit(".", 1)[1] if out.count(".") > 1 else ""](
        (sluice.folder / out).read_bytes())
    assert sorted(json.loads(line)["n"] for line in content.decode().splitlines()) == good
    letters = dead_letters(sluice)
    assert len(letters) == bad
    header = 1 if format == "csv" else 0
    places = {(int(r["origin"][len("in/part-")]) * ROWS_A_PART + r["position"] - 1 - header)
              if r["origin"] else None for r in letters}
    assert places == set(range(0, PARTS * ROWS_A_PART, 10))


def test_rows_that_are_read_at_once_are_committed_while_the_input_stays_open(sluice):
    """Also those that were read before the first look at whether a checkpoint is due."""
    sluice.write("files.yaml", CONTINUOUS % """
      - source-file: {path: '-'}
      - sink-s3: {url: "file:out/", format: json}""")
    process = sluice.start("run", "files.yaml", stdin=subprocess.PIPE)
    process.stdin.write(b"one\ntwo\n")
    process.stdin.flush()
    eventually(lambda: list((sluice.folder / "out").glob("*.json")), what="the first object")
    process.stdin.close()
    assert process.wait(60) == 0, sluice.log()
