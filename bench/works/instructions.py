# SPDX-License-Identifier: Apache-2.0
"""What other work on the machine cannot change: instructions. An event's are the difference of two
sizes, so that start-up is not in them. Says what a checkpoint each second costs ingest, and what
rejected rows and counters cost."""

import re
import shutil
from collections import Counter
from functools import partial

import callgrind
from contest import say
from simulated import make_file, make_objects, make_raw_file
from works import ingest, process, transform

SIZES = {"quick": 2_000, "usual": 100_000, "full": 200_000}
PROCESS_TIMES = 5  # of few events most would open a group of their own, which is not what many do
SOUND = "transform to NDJSON, lines as simulated"
MALFORMED = "transform to NDJSON, one line in a thousand malformed"
OFTEN = "50ms"  # between two checkpoints: callgrind makes seconds long
COUNTERS = "counters: less than 2 % (all of the runtime is, of a transform)"
REJECTS = "reject paths, one line in a thousand: less than 2 %"
EACH_SECOND = "a checkpoint each second costs ingest less than 5 %"

# A source file belongs to the first stage whose pattern is found in its path.
RUNTIME = "runtime, metrics"
STAGES = {name: re.compile(pattern) for name, pattern in {
    RUNTIME: r"core/(runtime|telemetry|metrics)/",
    "exchange": r"core/data/(batch_|hash_compare)",
    "writing": r"encoder|_text\.|core/data/(row_json|values/(format|time_print))",
    "lines and values": r"plugins/(codec-|shared/(records|lines))|avx|sse|emmintrin",
    "timestamps": r"core/data/values/time",
    "UTF-8": r"core/data/values/utf8",
    "dictionary": r"core/data/(dictionary|recent_codes|entry)|xxhash",
    "columns": r"core/(data|include)/",
    "select": r"plugins/transform-select/",
    "session": r"plugins/transform-session/",
    "aggregation": r"plugins/(transform-agg|shared/value_)",
    "C library, rest": "",
}.items()}


def run(bench):
    if callgrind.missing():
        bench.add_verdict("instructions", "checkpoints, counters, reject paths",
                          callgrind.missing(), None)
        return
    hot_loops(bench)
    checkpoints(bench)


def hot_loops(bench):
    found = {}
    for name, (make, pipeline, times) in loops().items():
        found[name] = per_event(bench, make, pipeline, times * bench.size(SIZES))
        say(f"  {name}: {found[name].total():,.0f} instructions an event")
    tell(bench, found)
    share = found["transform to NDJSON"][RUNTIME] / found["transform to NDJSON"].total()
    bench.add_verdict("instructions", COUNTERS, f"{share:.2%}" if share else
                      "the build has no debug information", share < 0.02 if share else None)
    rejects = found[MALFORMED].total() / found[SOUND].total() - 1
    bench.add_verdict("instructions", REJECTS, f"{rejects:+.2%}", rejects < 0.02)


def loops():
    """{name: (what makes its input, its pipeline, how many times the usual events)}"""
    to_json, to_csv = (transform.pipeline("events.ndjson", format, f"out.{format}")
                       for format in ("json", "csv"))
    return {
        "process from NDJSON": (partial(make_objects, format="json"), process.pipeline("json"),
                                PROCESS_TIMES),
        "process from CSV": (partial(make_objects, format="csv"), process.pipeline("csv"),
                             PROCESS_TIMES),
        "transform to NDJSON": (make_file, to_json, 1),
        "transform to CSV": (make_file, to_csv, 1),
        SOUND: (make_raw_file, to_json, 1),
        MALFORMED: (partial(make_raw_file, malformed=0.001), to_json, 1),
    }


def per_event(bench, make, pipeline, large):
    """Instructions an event by stage: what the events of a large input beyond a small one cost."""
    small = large // 5
    spent = Counter()
    for events, sign in ((small, -1), (large, 1)):
        folder = bench.folder / f"counted-{events}"
        folder.mkdir()
        make(folder, events)
        callgrind.count(folder, pipeline)
        for path, cost in callgrind.self_costs(folder / callgrind.OUT).items():
            spent[stage_of(path)] += sign * cost / (large - small)
        shutil.rmtree(folder)
    return spent


def stage_of(path):
    return next(name for name, pattern in STAGES.items() if pattern.search(path))


def tell(bench, found):
    titles = [name for name in found if name not in (SOUND, MALFORMED)]
    lines = [f"| stage | {' | '.join(titles)} |", "| --- |" + " ---: |" * len(titles)]
    lines += [f"| {stage} | " + " | ".join(f"{round(found[name][stage]):,}" for name in titles) + " |"
              for stage in STAGES]
    lines.append("| **all** | " + " | ".join(f"{found[name].total():,.0f}" for name in titles) + " |")
    lines += ["", *(f"{name}: {found[name].total():,.0f}." for name in (SOUND, MALFORMED))]
    bench.report.add_section("instructions an event, by stage", "\n".join(lines))


def checkpoints(bench):
    """A checkpoint's instructions, against those that ingest executes in a second without them. Under
    callgrind seconds are long: what is counted is one checkpoint, not a share of the run."""
    topic = ingest.Topic(bench, bench.size(SIZES))
    seconds = min(topic.run_sluice("json", "none").cpu for _ in range(3))
    plain, one = count_ingest(topic, "1h")
    often, many = count_ingest(topic, OFTEN)
    bench.servers.stop("kafka")
    shutil.rmtree(topic.folder)
    if many <= one:
        bench.add_verdict("instructions", EACH_SECOND,
                          "there was no time for a second checkpoint", None)
        return
    each = (often - plain) / (many - one)
    share = each / (plain / seconds)
    bench.report.add_section(
        "a checkpoint of ingest",
        f"{each:,.0f} instructions each ({many} in the run counted); ingest executes "
        f"{plain / seconds:,.0f} in a CPU second.")
    bench.add_verdict("instructions", EACH_SECOND, f"{share:.2%}", share < 0.05)


def count_ingest(topic, interval):
    """Instructions, and how many checkpoints the run took: files of the state bear their number."""
    folder = topic.folder / f"checkpoint-{interval}"
    folder.mkdir()
    instructions = callgrind.count(
        folder, ingest.pipeline(topic.brokers, topic.name, checkpoint=interval))
    return instructions, max(int(path.stem) for path in folder.glob("state/**/*.checkpoint"))
