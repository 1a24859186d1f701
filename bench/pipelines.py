# SPDX-License-Identifier: Apache-2.0
"""The pipelines that the scripts of this folder time."""

EVENTS = """
pipeline: events
settings: {{state: state}}
schemas:
  click: {{user_id: string, timestamp: timestamp, url: string, country: string, city: string, user_agent: string}}
flows:
  events:
    steps:
      - source-generate: {{count: {count}, seed: 42, late: 0.01}}
      - transform-parse: {{format: json, schema: click}}
      - sink-s3: {{url: "file:events/", format: {format}, compression: none, partition: "hour={{timestamp:%Y-%m-%dT%H}}"}}
"""

PROCESS = """
pipeline: process
settings: {{state: {state}, memory: 4GiB}}
schemas:
  click: {{user_id: string, timestamp: timestamp, url: string, country: string, city: string, user_agent: string}}
flows:
  process:
    every: 1h
    steps:
      - source-s3: {{url: "file:events/", format: {format}, schema: click}}
      - transform-session: {{key: user_id, time: timestamp, order: [timestamp, url, country], gap: 30m}}
      - transform-agg: {{group_by: [url, country], aggregates: {{clicks: count, unique_users: distinct(user_id), avg_seconds_on_page: mean(time_on_page)}}}}
      - sink-file: {{path: sluice.csv, format: csv}}
"""
