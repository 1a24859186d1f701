# SPDX-License-Identifier: Apache-2.0
"""ingest.py BROKERS TOPIC json|csv OUT CORES JAR: a Kafka topic to its present end → parsed → files of a
folder, as one SQL statement of PyFlink in batch mode. All of the work is done in its Java process."""

import sys
from pathlib import Path

from pyflink.table import EnvironmentSettings, TableEnvironment

FIELDS = ("user_id STRING, `timestamp` TIMESTAMP_LTZ(6), url STRING, country STRING, city STRING, "
          "user_agent STRING")
SOURCE = """
create table clicks ({fields}) with (
    'connector' = 'kafka', 'properties.bootstrap.servers' = '{brokers}', 'topic' = '{topic}',
    'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',
    'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601',
    'json.ignore-parse-errors' = 'true')
"""
SINK = """
create table files ({fields}) with (
    'connector' = 'filesystem', 'path' = '{out}', 'format' = '{format}'{options})
"""
OPTIONS = {"json": ", 'json.timestamp-format.standard' = 'ISO-8601'", "csv": ""}

brokers, topic, format, out, cores, jar = sys.argv[1:7]
flink = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
for name, value in {"pipeline.jars": Path(jar).as_uri(), "parallelism.default": cores,
                    "table.local-time-zone": "UTC"}.items():
    flink.get_config().set(name, value)
flink.execute_sql(SOURCE.format(fields=FIELDS, brokers=brokers, topic=topic))
flink.execute_sql(SINK.format(fields=FIELDS, out=Path(out).absolute().as_uri(), format=format,
                              options=OPTIONS[format]))
flink.execute_sql("insert into files select * from clicks").wait()
