# SPDX-License-Identifier: Apache-2.0
"""The slope: CPU time an event of `process` from few events to many, taking turns."""

import shutil

from contest import say
from measure import least
from simulated import make_objects
from works.process import run_sluice

SIZES = {"quick": (10_000, 20_000), "usual": (1_000_000, 5_000_000),
         "full": (1_000_000, 5_000_000, 50_000_000)}
COMPRESSION = {"quick": "none", "usual": "none", "full": "zstd"}  # 50 M events are 14 GB of NDJSON
LIMIT = 0.15


def run(bench):
    sizes = tuple(int(count * bench.arguments.scale) for count in SIZES[bench.arguments.size])
    if bench.arguments.events:
        sizes = (bench.arguments.events // 5, bench.arguments.events)
    folders = {}
    for count in sizes:
        folders[count] = bench.folder / f"slope-{count}"
        make_objects(folders[count], count, "json", COMPRESSION[bench.arguments.size])
    costs = {count: [] for count in sizes}
    say(f"slope: {', '.join(f'{count:,}' for count in sizes)} events")
    for _ in range(bench.arguments.rounds):
        for count in sizes:
            costs[count].append(run_sluice(folders[count], "json"))
            say(f"  {count:>11,}  {costs[count][-1]}")
    for folder in folders.values():
        shutil.rmtree(folder)
    tell(bench, {count: least(found) for count, found in costs.items()})


def tell(bench, costs):
    lines = ["| events | wall s | CPU s | peak MiB | ns CPU an event |",
             "| ---: | ---: | ---: | ---: | ---: |"]
    lines += [f"| {count:,} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.peak:.0f} "
              f"| {cost.cpu / count * 1e9:.0f} |" for count, cost in costs.items()]
    bench.report.add_section("slope of process from NDJSON", "\n".join(lines))
    first, *others = costs
    for count in others:
        change = (costs[count].cpu / count) / (costs[first].cpu / first) - 1
        bench.add_verdict("slope", f"CPU an event from {first:,} to {count:,} events: ± 15 %",
                          f"{change:+.0%}", abs(change) <= LIMIT)
