"""Members of one Kafka group that are killed, ended, paused, added and taken away at random under
load. The oracle: each event is in the bucket once, each broken one is in one dead letter once,
offsets never went back, and nothing half done is left."""

import random
import signal
import threading
import time

import pytest

from group_story import SESSION_SECONDS, Group, Watch
from harness.sluice import eventually

QUICK = 1
SANITIZED = 0  # with the build asan-ubsan, and short: that is slow
MORE = range(2, 22)
STEPS = {QUICK: 6, SANITIZED: 4}
MEMBERS = ["m1", "m2", "m3", "m4"]


class Load(threading.Thread):
    """Events all the time."""

    def __init__(self, group):
        super().__init__(daemon=True)
        self.group, self.ending = group, threading.Event()
        self.start()

    def run(self):
        while not self.ending.wait(0.1):
            self.group.produce(50, bad_every=97)

    def stop(self):
        self.ending.set()
        self.join(60)


class Driver:
    """Does to members what happens to processes, as the seed says."""

    def __init__(self, group, seed):
        self.group, self.draw = group, random.Random(seed)
        self.paused, self.gone, self.done = {}, set(), []

    def running(self):
        return [name for name in self.group.processes
                if self.group.is_running(name) and name not in self.paused]

    def step(self):
        """One deed, then a moment."""
        running = self.running()
        deeds = ["add"] * (4 - len(running)) + ["kill", "end", "pause"] * (len(running) > 1)
        deed = self.draw.choice(deeds)
        self.done.append(deed)
        name = self.draw.choice(running) if running else None
        if deed == "add":
            absent = [member for member in MEMBERS
                      if member not in running and member not in self.paused]
            if absent:
                name = self.draw.choice(absent)
                self.gone.discard(name)
                self.group.start(name)
        elif deed == "kill":
            self.group.kill(name)
            self.gone.add(name)
        elif deed == "end":
            self.group.end(name)
            self.gone.add(name)
        else:
            self.group.signal(name, signal.SIGSTOP)
            self.paused[name] = time.monotonic() + 2 * SESSION_SECONDS
        time.sleep(self.draw.uniform(0.2, 2.5))
        self.wake()

    def wake(self, all_of_them=False):
        for name, due in list(self.paused.items()):
            if all_of_them or time.monotonic() >= due:
                self.group.signal(name, signal.SIGCONT)
                del self.paused[name]


def run_seed(group, seed):
    """Ends with some members running, and some that were taken over and never came back."""
    driver, watch = Driver(group, seed), Watch(group)
    for name in MEMBERS[:3]:
        group.start(name)
    load = Load(group)
    for _ in range(STEPS.get(seed, 30)):
        driver.step()
    load.stop()
    time.sleep(2 * SESSION_SECONDS if driver.paused else 0)
    driver.wake(all_of_them=True)
    if not driver.running():
        group.start("m1")
    group.await_all()
    ended = [name for name in group.processes
             if not group.is_running(name) and name not in driver.gone]
    assert not ended, f"{ended} ended by themselves: {driver.done}\n{group.logs()}"
    for name in driver.running():
        group.stop_and_finish(name)
    group.await_all()
    # Whoever takes all partitions finds what the others left, and each finds its own.
    for name in MEMBERS:
        group.start(name)
    group.produce(60)
    group.await_all()
    eventually(lambda: not group.s3.uploads(group.bucket), 60, "no upload that is left")
    for name in MEMBERS:
        group.stop_and_finish(name)
    group.await_all()
    group.assert_no_uploads()
    group.assert_letters()
    watch.stop()


SEEDS = [pytest.param(QUICK)] + [pytest.param(seed, marks=pytest.mark.full) for seed in MORE]


@pytest.fixture
def group(tmp_path, kafka, s3):
    made = Group(tmp_path, kafka, s3)
    yield made
    made.kill_all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_group_whose_members_come_and_go_loses_and_repeats_nothing(group, seed):
    run_seed(group, seed)


@pytest.mark.parametrize("seed", [*SEEDS, pytest.param(SANITIZED, marks=pytest.mark.faultpoints)])
def test_so_does_a_cooperative_group(group, seed):
    group.use_new_librdkafka()
    group.options = {"assignor": "cooperative-sticky"}
    run_seed(group, seed)
