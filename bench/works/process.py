# SPDX-License-Identifier: Apache-2.0
"""Work 1, process: objects of a local folder → visits → clicks, exact unique users and average time
on page by URL and country → CSV."""

import os
import shutil
from functools import partial

import places
from answers import different_groups
from contest import OURS, Contender, Contest, Target
from measure import PROGRAM, measure
from simulated import CLICK, make_objects

SIZES = {"quick": 20_000, "usual": 5_000_000, "full": 50_000_000}

PIPELINE = """
pipeline: process
settings: {{state: state, memory: {memory}{lanes}}}
schemas:
  click: {click}
flows:
  process:
    every: 1h
    steps:
      - source-s3: {{url: "file:events/", format: {format}, schema: click}}
      - transform-session: {{key: user_id, time: timestamp, order: [timestamp, url, country], gap: 30m}}
      - transform-agg: {{group_by: [url, country], aggregates: {{clicks: count, unique_users: distinct(user_id), avg_seconds_on_page: mean(time_on_page)}}}}
      - sink-file: {{path: {out}, format: csv}}
"""

# input: format, compression, set, and how many times of ours DuckDB's costs have to be.
FAST = {"json": {"wall": 4, "cpu": 4, "peak": 3}, "csv": {"wall": 5, "cpu": 5, "peak": 3}}
INPUTS = {
    "NDJSON": ("json", "none", "usual", FAST["json"]),
    "CSV": ("csv", "none", "usual", FAST["csv"]),
    "NDJSON, gzip": ("json", "gzip", "usual", None),
    "NDJSON, zstd": ("json", "zstd", "usual", None),
    "NDJSON, many distinct values": ("json", "none", "many", {"wall": 2.5, "cpu": 2.5, "peak": 1}),
}
ENDINGS = {"none": "", "gzip": ".gz", "zstd": ".zst"}
PYTHON_RIVALS = {"DuckDB": ("duckdb", None), "Polars": ("polars", None), "chDB": ("chdb", None),
                 "PySpark": ("pyspark", 1)}


def pipeline(format, out="sluice.csv", memory="4GiB", lanes=""):
    return PIPELINE.format(format=format, out=out, memory=memory, click=CLICK,
                           lanes=f", lanes: {lanes}" if lanes else "")


def run_sluice(folder, format, out="sluice.csv", program=PROGRAM, **settings):
    """The settings are those of pipeline()."""
    shutil.rmtree(folder / "state", ignore_errors=True)
    (folder / out).unlink(missing_ok=True)
    (folder / "process.yaml").write_text(pipeline(format, out, **settings))
    return measure([program, "run", "--once", "process.yaml"], folder)


def run_python(folder, rival, format, ending):
    out = folder / f"{rival}.csv"
    shutil.rmtree(out, ignore_errors=True)
    out.unlink(missing_ok=True)
    cores = len(os.sched_getaffinity(0))
    words = [places.python(), places.RIVALS / rival / "process.py", format,
             f"events/*/*.{format}{ending}", out.name]
    return measure(words + ([cores] if rival == "pyspark" else []), folder,
                   {"POLARS_MAX_THREADS": cores})


def answer_of(folder, rival):
    """The CSV file; Spark makes a folder with one part in it."""
    path = folder / f"{rival}.csv"
    return next(path.glob("part-*.csv")) if path.is_dir() else path


def missing(rival, compression):
    if rival == "pyspark":
        if compression == "zstd":
            return "reads no zstd without Hadoop's native library, which its package has not"
        return places.no_package(rival) or places.no_java()
    return places.no_package(rival)


def contenders_of(folder, title, is_full):
    format, compression, _, _ = INPUTS[title]
    contenders = [Contender(OURS, partial(run_sluice, folder, format),
                            partial(answer_of, folder, "sluice"))]
    for name, (rival, rounds) in PYTHON_RIVALS.items():
        if rival == "pyspark" and title != "NDJSON" and not is_full:
            continue  # a minute and more a round, and it is not what a target is about
        contenders.append(Contender(
            name, partial(run_python, folder, rival, format, ENDINGS[compression]),
            partial(answer_of, folder, rival), missing(rival, compression), rounds=rounds))
    return contenders


def targets_of(title):
    targets = [("DuckDB", INPUTS[title][-1]),
               ("PySpark", {"wall": 35, "cpu": 35} if title == "NDJSON" else None)]
    return [Target(rival, wanted, f"{rival} / sluice at least: "
                   + ", ".join(f"{name} {ratio}" for name, ratio in wanted.items()))
            for rival, wanted in targets if wanted]


def run(bench):
    events = bench.size(SIZES)
    for title, (format, compression, set, _) in INPUTS.items():
        if not bench.wants(f"process from {title}"):
            continue
        folder = bench.folder / "process"
        size = make_objects(folder, events, format, compression, set)
        bench.hold(Contest(f"process from {title}", events,
                           contenders_of(folder, title, bench.full), targets_of(title),
                           different_groups, f"{size / 1e6:,.0f} MB of input"))
        shutil.rmtree(folder)
