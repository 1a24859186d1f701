# SPDX-License-Identifier: Apache-2.0
"""`process` in 256 MiB: it spills what does not fit, and gives the same answer as with all the memory
it wants. 5 M events with many distinct values; in full size also 50 M of the usual ones."""

import re
import shutil

from answers import different_groups
from contest import Verdict, say
from measure import Failed, least
from simulated import make_objects
from works.process import run_sluice

SIZES = {"quick": 20_000, "usual": 5_000_000, "full": 5_000_000}
MANY_EVENTS = 50_000_000
LIMIT_MIB, PEAK_MIB, SLOWER = 256, 320, 2
MEMORY = f"{LIMIT_MIB}MiB"
SPILLED = re.compile(r"^.* to disk, for want of memory$", re.MULTILINE)


def run(bench):
    events = bench.size(SIZES)
    compare(bench, f"{events:,} events, many distinct values", events, "none", "many")
    if bench.full:
        compare(bench, f"{MANY_EVENTS:,} events", MANY_EVENTS, "zstd", "usual")


def compare(bench, title, events, compression, set):
    folder = bench.folder / "spill"
    make_objects(folder, events, "json", compression, set)
    say(f"spill: {title}")
    target = (f"{title}, memory: {MEMORY}: peak at most {PEAK_MIB} MiB, "
              f"wall at most {SLOWER} times, spilled")
    try:
        bench.report.add_verdict(verdict(target, *rounds(bench, folder)))
    except Failed as failed:
        bench.add_verdict("spill", target, " ".join(str(failed).split())[-300:], False)
    shutil.rmtree(folder)


def rounds(bench, folder):
    """Costs with all memory and with little, and what the last run said of spilling."""
    free, little = [], []
    for _ in range(bench.arguments.rounds):
        free.append(run_sluice(folder, "json", out="free.csv"))
        little.append(run_sluice(folder, "json", memory=MEMORY, out="little.csv"))
        said = SPILLED.findall((folder / "command.log").read_text(errors="replace"))
        say(f"  free {free[-1]}   {MEMORY} {little[-1]}")
        different = different_groups(folder / "free.csv", folder / "little.csv")
        if different:
            raise Failed(f"wrong answer: {different}")
    return least(free), least(little), said


def verdict(target, free, little, said):
    measured = (f"peak {little.peak:.0f} MiB, wall {little.wall / free.wall:.2f} times, CPU "
                f"{little.cpu / free.cpu:.2f} times; {'; '.join(said) or 'no word of spilling'}")
    if free.peak <= LIMIT_MIB:
        return Verdict("spill", target, f"{measured}: all of it fits in {MEMORY}", None)
    met = little.peak <= PEAK_MIB and little.wall <= SLOWER * free.wall and bool(said)
    return Verdict("spill", target, measured, met)
