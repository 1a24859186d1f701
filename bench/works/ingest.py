# SPDX-License-Identifier: Apache-2.0
"""Work 2, ingest: a Kafka topic of six partitions → parsed → objects in a local folder and in an S3
server. The bare consumers are a bound: one thread, one file, nothing kept for a restart."""

import os
import shutil
import uuid
from functools import partial

import places
from answers import different_digests, digest
from contest import OURS, Contender, Contest, Target
from daemons import Lines, fill, fresh
from measure import PROGRAM, measure
from simulated import CLICK

SIZES = {"quick": 20_000, "usual": 2_000_000, "full": 5_000_000}
PARTITIONS = 6
LEVELS = {"none": 0, "gzip": 6, "zstd": 3}  # what sluice takes without `level`
FLINK_KAFKA = "org.apache.flink:flink-sql-connector-kafka:4.0.1-2.0:jar"
ABSENT = {"PySpark": "its Kafka connector of the same version is not in Maven Central",
          "Redpanda Connect": "its Kafka components are in none of the package registries",
          "Vector and Fluent Bit": "in none of the package registries"}
ENDINGS = {"none": "", "gzip": ".gz", "zstd": ".zst"}

SIMULATE = """
pipeline: simulate
settings: {{state: state-simulate}}
flows:
  simulate:
    steps:
      - source-generate: {{count: {count}, seed: 42, late: 0.01, pages: 5000}}
      - sink-kafka: {{brokers: "{brokers}", topic: {topic}, key: key, value: value, compression: none}}
"""

INGEST = """
pipeline: ingest
settings: {{state: state, checkpoint: {checkpoint}}}
schemas:
  click: {click}
flows:
  ingest:
    steps:
      - source-kafka: {{brokers: "{brokers}", topics: [{topic}], group: {group}, start: earliest}}
      - transform-parse: {{format: json, schema: click}}
      - sink-s3: {{url: "{url}", format: {format}, compression: {compression}}}
"""


def pipeline(brokers, topic, url="file:sluice/", format="json", compression="none", checkpoint="30s"):
    return INGEST.format(brokers=brokers, topic=topic, url=url, format=format, click=CLICK,
                         compression=compression, checkpoint=checkpoint, group=uuid.uuid4().hex)


class Topic:
    """A topic with the events, one with a tenth of them, and the folder that contenders work in."""

    def __init__(self, bench, events):
        self.bench, self.events, self.folder = bench, events, bench.folder / "ingest"
        self.folder.mkdir()
        self.kafka = bench.servers.kafka
        self.brokers = self.kafka.bootstrap
        self.few = max(events // 10, 1)
        self.name, self.few_name = self.simulate(events), self.simulate(self.few)

    def simulate(self, events):
        """The name of a new topic with so many events."""
        topic = self.kafka.create_topic(partitions=PARTITIONS)
        (self.folder / "simulate.yaml").write_text(SIMULATE.format(
            count=events, brokers=self.brokers, topic=topic))
        measure([PROGRAM, "run", "--once", "--reset-state", "simulate.yaml"], self.folder)
        return topic

    def run_sluice(self, format, compression, bucket=None, topic=None):
        shutil.rmtree(self.folder / "state", ignore_errors=True)
        shutil.rmtree(self.folder / "sluice", ignore_errors=True)
        self.prefix = uuid.uuid4().hex
        url = f"s3://{bucket}/{self.prefix}/" if bucket else "file:sluice/"
        (self.folder / "ingest.yaml").write_text(pipeline(
            self.brokers, topic or self.name, url, format, compression))
        return measure([PROGRAM, "run", "--once", "ingest.yaml"], self.folder,
                       self.bench.servers.s3.environment() if bucket else None)

    def sluice_answer(self, format, compression, bucket=None):
        """S3Proxy keeps its objects as files."""
        folder = (self.bench.servers.s3.folder / "data" / bucket / self.prefix if bucket
                  else self.folder / "sluice")
        return digest(sorted(folder.glob(f"*.{format}{ENDINGS[compression]}")), format)

    def run_bare(self, kind, compression=None):
        words = [places.bare("consume"), self.brokers, self.name, PARTITIONS, kind]
        if compression:
            words += [self.path("bare", kind, compression), compression, LEVELS[compression]]
        return measure(words, self.folder)

    def path(self, name, format, compression):
        return self.folder / f"{name}.{format}{ENDINGS[compression]}"

    def answer(self, name, format, compression, header=True):
        return digest([self.path(name, format, compression)], format, header=header)

    def run_kcat(self, compression):
        return measure([places.RIVALS / "kcat" / "ingest.sh", places.debian_program("kcat"),
                        self.brokers, self.name, compression,
                        self.path("kcat", "json", compression)], self.folder,
                       places.debian_environment())

    def run_rsyslog(self, format):
        out, state = fresh(self.path("rsyslog", format, "none")), self.folder / "rsyslog-state"
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        configuration = fill("rsyslog/ingest.conf", self.folder, OUT=out, STATE=state,
                             BROKERS=self.brokers, TOPIC=self.few_name, GROUP=uuid.uuid4().hex,
                             FORMAT="ndjson" if format == "json" else "csv")
        return measure([places.debian_program("rsyslogd"), "-n", "-C", "-f", configuration,
                        "-i", state / "pid", "-M", places.rsyslog_modules()], self.folder,
                       places.debian_environment(), until=Lines(out, self.few))

    def run_pyflink(self, format):
        from harness import downloads
        shutil.rmtree(self.folder / "pyflink", ignore_errors=True)
        return measure([places.flink_python(), places.RIVALS / "pyflink" / "ingest.py", self.brokers,
                        self.name, format, "pyflink", len(os.sched_getaffinity(0)),
                        downloads.artifact(FLINK_KAFKA)], self.folder)

    def pyflink_answer(self, format):
        return digest(sorted((self.folder / "pyflink").glob("part-*")), format, header=False)


def contenders_of(topic, format, compression, bucket):
    """In S3 ours stands alone: no rival here writes there."""
    ours = Contender(OURS, partial(topic.run_sluice, format, compression, bucket),
                     partial(topic.sluice_answer, format, compression, bucket))
    if bucket:
        return [ours]
    found = [ours, Contender("bare: writes", partial(topic.run_bare, format, compression),
                             partial(topic.answer, "bare", format, compression),
                             places.no_bare("consume"))]
    if format == "json" and compression != "zstd":
        found.append(Contender("kcat (parses nothing)", partial(topic.run_kcat, compression),
                               partial(topic.answer, "kcat", format, compression),
                               places.no_debian("kcat")))
    if compression == "none":
        found += parsing_rivals(topic, format)
    if (format, compression) == ("json", "none"):
        found += [Contender(f"bare: {what}", partial(topic.run_bare, kind),
                            missing=places.no_bare("consume"))
                  for what, kind in (("counts bytes", "count"), ("parses", "parse"))]
        found += [Contender(name, None, missing=why) for name, why in ABSENT.items()]
    return found


def parsing_rivals(topic, format):
    """rsyslog is slow: it gets a tenth, and so does ours, to compare its answer with."""
    return [Contender("sluice (a tenth)",
                      partial(topic.run_sluice, format, "none", topic=topic.few_name),
                      partial(topic.sluice_answer, format, "none"), events=topic.few),
            Contender("rsyslog", partial(topic.run_rsyslog, format),
                      partial(topic.answer, "rsyslog", format, "none", False),
                      places.no_debian("rsyslogd"), events=topic.few, rounds=1),
            Contender("PyFlink", partial(topic.run_pyflink, format),
                      partial(topic.pyflink_answer, format), places.no_flink(), rounds=1)]


CASES = {  # format, compression, in S3
    "ingest to NDJSON in a folder": ("json", "none", False),
    "ingest to CSV in a folder": ("csv", "none", False),
    "ingest to NDJSON, gzip, in a folder": ("json", "gzip", False),
    "ingest to NDJSON, zstd, in a folder": ("json", "zstd", False),
    "ingest to NDJSON, gzip, in S3": ("json", "gzip", True),
    "ingest to CSV in S3": ("csv", "none", True),
}


def targets_of(format, compression, in_s3):
    if in_s3 or format == "csv":
        return []
    if compression == "none":
        return [Target("bare: parses", {"cpu": 0.8},
                       "80 % of the parsing bare consumer's events a CPU second: cpu 0.8")]
    return [Target("bare: writes", {"cpu": 0.9},
                   "within 10 % of the compressing bare consumer's CPU: cpu 0.9")]


def run(bench):
    cases = {title: case for title, case in CASES.items() if bench.wants(title)}
    if not cases:
        return
    topic = Topic(bench, bench.size(SIZES))
    bucket = (bench.servers.s3.create_bucket()
              if any(in_s3 for _, _, in_s3 in cases.values()) else None)
    for title, (format, compression, in_s3) in cases.items():
        contenders = contenders_of(topic, format, compression, bucket if in_s3 else None)
        bench.hold(Contest(title, topic.events, contenders, targets_of(format, compression, in_s3),
                           different_digests))
    bench.servers.stop("kafka")
    bench.servers.stop("s3")
    shutil.rmtree(topic.folder)
