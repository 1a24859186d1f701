# SPDX-License-Identifier: Apache-2.0
"""Two lanes against one: wall time of `process`. Before each round two loops side by side say whether
there are two free cores; only such rounds count for the verdict."""

import shutil
import subprocess
import sys

from contest import say
from simulated import make_objects
from works.process import run_sluice

SIZES = {"quick": 20_000, "usual": 5_000_000, "full": 5_000_000}
FREE = 0.95  # share of two cores that two loops get
LIMIT = 1.7

LOOP = """
import time
end = time.monotonic() + 0.5
while time.monotonic() < end:
    for _ in range(10000):
        pass
print(time.process_time())
"""


def free_cores():
    """How many cores two busy loops get at once."""
    loops = [subprocess.Popen([sys.executable, "-I", "-S", "-c", LOOP], stdout=subprocess.PIPE)
             for _ in range(2)]
    return sum(float(loop.communicate()[0]) for loop in loops) / 0.5


def run(bench):
    events = bench.size(SIZES)
    folder = bench.folder / "lanes"
    make_objects(folder, events, "json")
    say(f"lanes: {events:,} events")
    rounds = []
    for number in range(bench.arguments.rounds):
        before = free_cores()
        one = run_sluice(folder, "json", lanes=1)
        between = free_cores()
        two = run_sluice(folder, "json", lanes=2)
        rounds.append((min(before, between), one, two))
        say(f"  round {number + 1}  free cores {rounds[-1][0]:.2f}  one lane {one}   two {two}")
    shutil.rmtree(folder)
    tell(bench, events, rounds)


def tell(bench, events, rounds):
    lines = ["| round | free cores | one lane: wall s, CPU s | two lanes: wall s, CPU s "
             "| wall one / two |", "| ---: | ---: | ---: | ---: | ---: |"]
    lines += [f"| {number} | {cores:.2f} | {one.wall:.2f}, {one.cpu:.2f} "
              f"| {two.wall:.2f}, {two.cpu:.2f} | {one.wall / two.wall:.2f} |"
              for number, (cores, one, two) in enumerate(rounds, 1)]
    bench.report.add_section(f"one lane and two, process of {events:,} events", "\n".join(lines))
    free = [(one, two) for cores, one, two in rounds if cores >= 2 * FREE]
    target = f"two lanes at least {LIMIT} times one lane, where two cores are free"
    if not free:
        bench.add_verdict("lanes", target, "no round with two free cores", None)
        return
    best = min(one.wall for one, _ in free) / min(two.wall for _, two in free)
    bench.add_verdict("lanes", target, f"{best:.2f} in {len(free)} rounds", best >= LIMIT)
