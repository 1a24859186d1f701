"""The state folder: what a changed pipeline or a damaged file meets at the next start."""

import pytest

PIPELINE = """
pipeline: p
flows:
  f:
    steps:
      - source-generate: {{count: 1000}}
        name: {source}
      - sink-file: {{path: out.ndjson, format: json}}
"""


@pytest.fixture
def ran(sluice):
    sluice.run_ok("run", "--once", sluice.write("p.yaml", PIPELINE.format(source="clicks")))
    return sluice


def test_a_renamed_source_is_refused_instead_of_read_again(ran):
    outcome = ran.run("run", "--once", ran.write("p.yaml", PIPELINE.format(source="views")))
    assert outcome.code == 78
    assert "belongs to a step `clicks`" in outcome.stderr and "name: clicks" in outcome.stderr
    assert len((ran.folder / "out.ndjson").read_text().splitlines()) == 1000


@pytest.mark.parametrize("damage", [lambda data: data[:40] + b"\x00" + data[41:],
                                    lambda data: data[:-9], lambda data: b""])
def test_a_damaged_checkpoint_is_an_error_and_never_a_wrong_answer(ran, damage):
    [path] = ran.folder.glob("state/p/checkpoints/f/*/*.checkpoint")
    path.write_bytes(damage(path.read_bytes()))
    outcome = ran.run("run", "--once", "p.yaml")
    assert outcome.code == 1
    assert "state_corrupt" in outcome.stderr and path.name in outcome.stderr
    assert len((ran.folder / "out.ndjson").read_text().splitlines()) == 1000


def test_an_interrupted_write_of_a_checkpoint_leaves_the_one_before(ran):
    [path] = ran.folder.glob("state/p/checkpoints/f/*/*.checkpoint")
    (path.parent / f".{path.name}.0123456789abcdef.tmp").write_bytes(b"half")
    ran.run_ok("run", "--once", "p.yaml")
    assert not list(path.parent.glob(".*.tmp"))
    assert len((ran.folder / "out.ndjson").read_text().splitlines()) == 1000


def test_check_says_which_options_weaken_a_guarantee(sluice):
    text = PIPELINE.format(source="s").replace("out.ndjson", '"-"')
    outcome = sluice.run_ok("check", sluice.write("p.yaml", text))
    assert "at least once: sink-file cannot take back what it has printed" in outcome.stdout
