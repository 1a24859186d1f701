# SPDX-License-Identifier: Apache-2.0
"""Work 3, transform: a file of JSON lines → parsed → four of the six fields of all rows but those of
one country → a file, as JSON lines and as CSV. Slow rivals get a tenth of the events, and are
compared by the event."""

import shutil
from functools import partial

import places
from answers import different_digests, digest, rows_left
from contest import OURS, Contender, Contest, Target
from daemons import Lines, fill, fresh
from measure import PROGRAM, measure
from simulated import CLICK, make_file

SIZES = {"quick": 20_000, "usual": 3_000_000, "full": 5_000_000}
FIELDS = ("user_id", "timestamp", "url", "country")
LEFT_OUT = "Germany"
CASES = {"transform to NDJSON": "json", "transform to CSV": "csv"}
TARGETS = [
    Target("bare loop", {"cpu": 0.5}, "half of the bare loop's events a CPU second: cpu 0.5"),
    Target("rsyslog", {"cpu": 10}, "rsyslog / sluice at least: cpu 10"),
    Target("syslog-ng", {"cpu": 10}, "syslog-ng / sluice at least: cpu 10"),
]

PIPELINE = """
pipeline: transform
settings: {{state: state}}
schemas:
  click: {click}
flows:
  transform:
    every: 1h
    steps:
      - source-file: {{path: {source}, format: json, schema: click}}
      - transform-select: {{columns: [user_id, timestamp, url, country], where: "country != '{left_out}'"}}
      - sink-file: {{path: {out}, format: {format}}}
"""


def pipeline(source, format, out):
    return PIPELINE.format(source=source, format=format, out=out, click=CLICK, left_out=LEFT_OUT)


def run_sluice(folder, source, format):
    shutil.rmtree(folder / "state", ignore_errors=True)
    out = fresh(folder / f"sluice-{source}.{format}")
    (folder / "transform.yaml").write_text(pipeline(source, format, out.name))
    return measure([PROGRAM, "run", "--once", "transform.yaml"], folder)


def run_bare(folder, format):
    out = fresh(folder / f"bare.{format}")
    return measure([places.bare("transform"), "all.ndjson", out, format, len(FIELDS), LEFT_OUT],
                   folder)


def run_rsyslog(folder, format, count):
    out, state = fresh(folder / f"rsyslog.{format}"), folder / "rsyslog-state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    configuration = fill("rsyslog/transform.conf", folder, IN=folder / "few.ndjson", OUT=out,
                         STATE=state, FORMAT="ndjson" if format == "json" else "csv")
    return measure([places.debian_program("rsyslogd"), "-n", "-C", "-f", configuration,
                    "-i", state / "pid", "-M", places.rsyslog_modules()], folder,
                   places.debian_environment(), until=Lines(out, count))


def run_syslog_ng(folder, format, count):
    out, state = fresh(folder / f"syslog-ng.{format}"), folder / "syslog-ng-state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    configuration = fill("syslog-ng/transform.conf", folder, IN=folder / "few.ndjson", OUT=out,
                         FORMAT="ndjson" if format == "json" else "csv")
    return measure([places.debian_program("syslog-ng"), "-F", "--no-caps", "-f", configuration,
                    "-R", state / "persist", "-p", state / "pid", "-c", state / "control",
                    f"--module-path={places.syslog_ng_modules()}"], folder,
                   places.debian_environment(), until=Lines(out, count))


def run_benthos(folder, format):
    out = fresh(folder / f"benthos.{format}")
    return measure([places.benthos(), "-c", places.RIVALS / "benthos" / f"transform-{format}.yaml"],
                   folder, {"IN": folder / "few.ndjson", "OUT": out})


def answer_of(folder, name, format):
    """Those of the log daemons have no header: their CSV is given one."""
    path = folder / f"{name}.{format}"
    if format == "csv":
        with open(path, encoding="utf-8") as file:
            header = file.readline().strip() == ",".join(FIELDS)
        return digest([path], format, FIELDS, header)
    return digest([path], format, FIELDS)


def contenders_of(folder, format, few):
    slow = {"events": few, "rounds": 2}
    rows = rows_left(folder / "few.ndjson", LEFT_OUT)
    return [
        Contender(OURS, partial(run_sluice, folder, "all.ndjson", format),
                  partial(answer_of, folder, "sluice-all.ndjson", format)),
        Contender("bare loop", partial(run_bare, folder, format),
                  partial(answer_of, folder, "bare", format), places.no_bare("transform")),
        Contender("sluice (a tenth)", partial(run_sluice, folder, "few.ndjson", format),
                  partial(answer_of, folder, "sluice-few.ndjson", format), events=few),
        Contender("rsyslog", partial(run_rsyslog, folder, format, rows),
                  partial(answer_of, folder, "rsyslog", format),
                  places.no_debian("rsyslogd"), **slow),
        Contender("syslog-ng", partial(run_syslog_ng, folder, format, rows),
                  partial(answer_of, folder, "syslog-ng", format),
                  places.no_debian("syslog-ng"), **slow),
        Contender("Benthos", partial(run_benthos, folder, format),
                  partial(answer_of, folder, "benthos", format), places.no_benthos(), **slow),
        Contender("Fluent Bit", None, None, "in none of the package registries"),
    ]


def run(bench):
    events = bench.size(SIZES)
    few = max(events // 10, 1)
    folder = bench.folder / "transform"
    folder.mkdir()
    source = make_file(folder, events, "all.ndjson")
    make_file(folder, few, "few.ndjson")
    for title, format in CASES.items():
        if bench.wants(title):
            bench.hold(Contest(title, events, contenders_of(folder, format, few), TARGETS,
                               different_digests, f"{source.stat().st_size / 1e6:,.0f} MB of input"))
    shutil.rmtree(folder)
