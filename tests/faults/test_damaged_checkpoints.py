"""State that a disk has damaged: a start says which file and what to do, and touches nothing; with
the file restored it goes on as if nothing had been. Never a wrong answer, never a crash.

There is no way back to an older checkpoint: what came after it is in the sinks already. Cutting and
flipping each byte in memory is the C tests' (core/checkpoint/tests)."""

import json
import shutil

import pytest

from harness.faults import assert_no_sanitizer_report, fresh, in_parallel
from harness.sluice import Sluice

pytestmark = pytest.mark.faultpoints

ROWS = 400

PIPELINE = """
pipeline: damage
settings: {checkpoint: 1h, member: one}
schemas: {row: {id: int64}}
flows:
  copy:
    steps:
      - source-file: {path: "in/*.ndjson", format: json, schema: row}
      - sink-file: {path: out.ndjson, format: json}
  report:
    every: 1h
    steps:
      - source-file: {path: "in/*.ndjson", format: json, schema: row}
      - transform-agg: {group_by: [], aggregates: {rows: count}}
      - sink-file: {path: report.csv, format: csv}
"""

CHECKPOINTS = "state/damage/checkpoints"


def flip(at):
    def damage(content):
        at_byte = at % len(content)
        return content[:at_byte] + bytes([content[at_byte] ^ 0x10]) + content[at_byte + 1:]
    return damage


def cut(size):
    return lambda content: content[:size]


DAMAGES = {f"cut to {size}": cut(size) for size in (0, 1, 7, 8, 12, 31, -9, -8, -1)} | \
    {f"byte {at} flipped": flip(at) for at in (0, 1, 8, 9, 12, 20, 31, -17, -9, -8, -1)} | \
    {"bytes behind its end": lambda content: content + b"\\0",
     "zeroes": lambda content: bytes(len(content)),
     "another file's content": lambda content: b"17\n"}


@pytest.fixture
def prepare(tmp_path):
    """Copies of a folder where one run has committed half the input."""
    sluice = fresh(tmp_path / "prepared")
    sluice.write("damage.yaml", PIPELINE)
    lines = ['{"id": %d}\n' % number for number in range(ROWS)]
    sluice.write("in/first.ndjson", "".join(lines[:ROWS // 2]))
    sluice.run_ok("run", "--once", "damage.yaml")
    sluice.write("in/second.ndjson", "".join(lines[ROWS // 2:]))

    def copy(name):
        shutil.copytree(sluice.folder, tmp_path / name)
        return Sluice(tmp_path / name)
    return copy


def output(sluice):
    return (sluice.folder / "out.ndjson").read_bytes(), (sluice.folder / "report.csv").read_bytes()


def assert_right(sluice):
    out, report = output(sluice)
    assert sorted(json.loads(line)["id"] for line in out.splitlines()) == list(range(ROWS))
    assert report == b"rows\n%d\n" % ROWS


def assert_refused(sluice, flow, path):
    """A start says what is damaged and what to do, and leaves the flow's output alone."""
    before = output(sluice)
    outcome = sluice.run("run", "--once", "--flow", flow, "damage.yaml")
    assert outcome.code == 1, outcome
    assert_no_sanitizer_report(outcome)
    for word in ("state_corrupt", path.name, "restore"):
        assert word in outcome.stderr, outcome
    assert output(sluice) == before


def assert_damage_is_refused(sluice, flow, path, damage):
    whole = path.read_bytes()
    damaged = damage(whole)
    if damaged == whole:
        return
    path.write_bytes(damaged)
    assert_refused(sluice, flow, path)
    path.write_bytes(whole)
    sluice.run_ok("run", "--once", "damage.yaml")
    assert_right(sluice)


@pytest.mark.parametrize("flow, file", [
    ("copy", "*.checkpoint"), ("copy", "committed"),
    ("report", "*.checkpoint"), ("report", "committed"), ("report", "attempted")])
def test_a_damaged_file_is_refused_and_named(prepare, flow, file):
    def check(case):
        name, damage = case
        sluice = prepare(name.replace("'", ""))
        path = max(sluice.folder.glob(f"{CHECKPOINTS}/{flow}/*/{file}"))
        assert_damage_is_refused(sluice, flow, path, damage)

    in_parallel(check, DAMAGES.items())


def test_a_note_of_a_sink_that_is_damaged_is_refused_and_named(prepare):
    """The length to cut back to, which a kill leaves."""
    def check(case):
        name, damage = case
        sluice = prepare(name.replace("'", ""))
        outcome = sluice.run("run", "--once", "--flow", "copy", "damage.yaml",
                             env={"SLUICE_FAULT_POINT": "checkpoint.gathered:1"})
        assert outcome.code == -9, outcome
        path = sluice.folder / "state/damage/members/one/sink-file.copy.sink-file"
        assert_damage_is_refused(sluice, "copy", path, damage)

    in_parallel(check, DAMAGES.items())


def test_a_committed_checkpoint_that_is_gone_is_missed(prepare):
    """Going on from an older one, or from none, would repeat rows."""
    sluice = prepare("gone")
    path = max(sluice.folder.glob(f"{CHECKPOINTS}/copy/*/*.checkpoint"))
    whole = path.read_bytes()
    path.unlink()
    before = output(sluice)
    outcome = sluice.run("run", "--once", "damage.yaml")
    assert outcome.code == 1 and "was committed, but it is not in" in outcome.stderr, outcome
    assert output(sluice) == before
    path.write_bytes(whole)
    sluice.run_ok("run", "--once", "damage.yaml")
    assert_right(sluice)


def test_a_checkpoint_under_another_ones_name_is_refused(prepare):
    sluice = prepare("renamed")
    path = max(sluice.folder.glob(f"{CHECKPOINTS}/copy/*/*.checkpoint"))
    newer = path.with_name(f"{int(path.stem) + 1:020}.checkpoint")
    shutil.copy(path, newer)
    assert_refused(sluice, "copy", newer)
    newer.unlink()
    sluice.run_ok("run", "--once", "damage.yaml")
    assert_right(sluice)


@pytest.mark.parametrize("mark", ["committed", "attempted"])
def test_a_mark_that_is_gone_changes_nothing(prepare, mark):
    """What it would have said is looked up: the newest checkpoint is completed again, where it is
    not, and run numbers go on behind those that left a checkpoint."""
    sluice = prepare("gone")
    for path in sluice.folder.glob(f"{CHECKPOINTS}/*/*/{mark}"):
        path.unlink()
    sluice.run_ok("run", "--once", "damage.yaml")
    assert_right(sluice)
