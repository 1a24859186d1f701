# SPDX-License-Identifier: Apache-2.0
"""The events that the works are done on, simulated by sluice itself."""

import base64
import json

from measure import PROGRAM, measure

CLICK = ("{user_id: string, timestamp: timestamp, url: string, country: string, city: string, "
         "user_agent: string}")
FIELDS = ("user_id", "timestamp", "url", "country", "city", "user_agent")

# usual: 5 M events have some 115,000 groups of URL and country. many: a third of the events are
# groups of their own, of a million visitors.
SETS = {"usual": "pages: 5000",
        "many": "users: 1000000, user_skew: 0, pages: 400000, page_skew: 0.8"}

OBJECTS = """
pipeline: objects
settings: {{state: state}}
schemas:
  click: {click}
flows:
  objects:
    steps:
      - source-generate: {{count: {count}, seed: 42, late: 0.01, {set}}}
      - transform-parse: {{format: json, schema: click}}
      - sink-s3: {{url: "file:events/", format: {format}, compression: {compression}, partition: "hour={{timestamp:%Y-%m-%dT%H}}"}}
"""

FILE = """
pipeline: file
settings: {{state: state}}
schemas:
  click: {click}
flows:
  file:
    steps:
      - source-generate: {{count: {count}, seed: 42, late: 0.01, pages: 5000}}
      - transform-parse: {{format: json, schema: click}}
      - sink-file: {{path: {name}, format: json}}
"""

RAW = """
pipeline: raw
settings: {{state: state}}
flows:
  raw:
    steps:
      - source-generate: {{count: {count}, seed: 42, late: 0.01, pages: 5000, malformed: {malformed}}}
      - sink-file: {{path: raw.ndjson, format: json}}
"""


def make_objects(folder, count, format, compression="none", set="usual", program=PROGRAM):
    """folder/events/: an object for each hour of simulated time. Gives their bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "objects.yaml").write_text(OBJECTS.format(
        click=CLICK, count=count, format=format, compression=compression, set=SETS[set]))
    measure([program, "run", "--once", "objects.yaml"], folder)
    return sum(path.stat().st_size for path in folder.glob("events/*/*"))


def make_file(folder, count, name="events.ndjson"):
    """folder/NAME: lines of JSON, all of them well-formed."""
    (folder / "file.yaml").write_text(FILE.format(click=CLICK, count=count, name=name))
    measure([PROGRAM, "run", "--once", "--reset-state", "file.yaml"], folder)
    return folder / name


def make_raw_file(folder, count, malformed=0.0, name="events.ndjson"):
    """folder/NAME: lines as they are simulated, a share of them malformed."""
    (folder / "raw.yaml").write_text(RAW.format(count=count, malformed=malformed))
    measure([PROGRAM, "run", "--once", "raw.yaml"], folder)
    with open(folder / "raw.ndjson", encoding="utf-8") as rows, open(folder / name, "wb") as lines:
        for row in rows:
            lines.write(base64.b64decode(json.loads(row)["value"]) + b"\n")
    (folder / "raw.ndjson").unlink()
    return folder / name
