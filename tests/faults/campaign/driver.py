"""The schedule that a seed stands for, and who carries it out."""

import random
import threading
import time
import traceback

from .faults import FAULTS

LENGTH = 6.0  # seconds in which faults begin
FEWEST, MOST = 3, 5


def schedule(seed):
    """[(at, fault, seed of its details)], the same for the same seed."""
    chance = random.Random(f"schedule {seed}")
    weights = [fault.weight for fault in FAULTS]
    chosen = []
    while len(chosen) < FEWEST or (len(chosen) < MOST and chance.random() < 0.6):
        [fault] = chance.choices(FAULTS, weights)
        if fault not in chosen:
            chosen.append(fault)
    times = sorted(chance.uniform(0.3, LENGTH) for _ in chosen)
    return [(at, fault, f"{seed} {number}") for number, (at, fault)
            in enumerate(zip(times, chosen))]


def covering_seeds(limit=3000):
    """A few seeds of the first ones in which each kind of fault occurs, the slow ones rarely."""
    faults_of = {seed: {fault.name for _, fault, _ in schedule(seed)}
                 for seed in range(1, limit + 1)}
    missing, seeds = {fault.name for fault in FAULTS}, []
    while missing:
        best = max(faults_of, key=lambda seed: (len(faults_of[seed] & missing),
                                                -len(faults_of[seed] - missing)))
        seeds.append(best)
        missing -= faults_of[best]
    return seeds


def describe(seed):
    return ", ".join(f"{at:.2f} s {fault.name}" for at, fault, _ in schedule(seed))


class Driver:
    """Carries out a schedule on a stage: each fault in a thread of its own."""

    def __init__(self, stage, seed):
        self.stage = stage
        self.failed = []
        self.locks = {fault.resource: threading.Lock() for fault in FAULTS}
        self.began = time.monotonic()
        self.threads = [threading.Thread(target=self._run, args=entry, daemon=True)
                        for entry in schedule(seed)]
        for thread in self.threads:
            thread.start()

    def _run(self, at, fault, details):
        time.sleep(at)
        with self.locks[fault.resource]:
            try:
                self.stage.note(f"begin: {fault.name}")
                steps = fault.run(self.stage, random.Random(details))
                time.sleep(next(steps))
                next(steps, None)
                self.stage.note(f"end: {fault.name}")
            except Exception:
                self.failed.append(f"{fault.name}: {traceback.format_exc()}")

    def finish(self, seconds=240):
        """All faults are over."""
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0, deadline - time.monotonic()))
        stuck = [thread for thread in self.threads if thread.is_alive()]
        assert not stuck and not self.failed, f"the driver failed: {self.failed or stuck}"
