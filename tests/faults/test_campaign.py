"""The quick set of the fault campaign: seeds in which each kind of fault occurs. A seed that fails
here is played again by `tests/faults/soak --seeds N`; campaign/ tells how it works."""

import pytest

from campaign import driver
from campaign.faults import FAULTS
from campaign.story import Story
from campaign.world import World

SEEDS = driver.covering_seeds()


@pytest.fixture(scope="module")
def world(kafka, s3, search):
    world = World(kafka, s3, search)
    yield world
    world.stop()


def test_every_kind_of_fault_occurs():
    occurring = {fault.name for seed in SEEDS for _, fault, _ in driver.schedule(seed)}
    assert occurring == {fault.name for fault in FAULTS}
    assert len(SEEDS) >= 8


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_and_nothing_comes_twice(world, tmp_path, seed):
    verdict = Story(world, seed, tmp_path).run()
    world.start_all()
    assert verdict.result == "passed", f"{verdict}\n{(tmp_path / 'story.log').read_text()}"
