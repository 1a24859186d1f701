# SPDX-License-Identifier: Apache-2.0
"""Work 4, index: a file of JSON lines → OpenSearch by _bulk, each document under an id of its own, into
a new index. The server is the limit; what a contender adds is its own CPU time."""

import shutil
import time
import uuid
from itertools import islice

import places
from contest import OURS, Contender, Contest, Target
from daemons import fill
from measure import PROGRAM, measure
from simulated import CLICK, FIELDS, make_file

SIZES = {"quick": 2_000, "usual": 200_000, "full": 1_000_000}
BULK_ROWS = 5_000
FILTER = "filter_path=took,errors,items.*.status"

PIPELINE = """
pipeline: index
settings: {{state: state}}
schemas:
  click: {{id: string, {fields}}}
flows:
  index:
    every: 1h
    steps:
      - source-file: {{path: rows.ndjson, format: json, schema: click}}
      - sink-es: {{url: "{url}", index: {index}, id_template: "{{id}}", mapping: none, refresh: none, bulk_rows: {bulk_rows}}}
"""

MAPPING = {
    "settings": {"index": {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1"}},
    "mappings": {"properties": {name: {"type": "date" if name == "timestamp" else "keyword"}
                                for name in ("id", *FIELDS)}},
}


class Rows:
    """Numbered rows, and the bodies that the bare loop posts; a new index for each run."""

    def __init__(self, bench, count):
        self.count, self.folder, self.search = count, bench.folder / "index", bench.servers.search
        self.folder.mkdir()
        source = make_file(self.folder, count)
        with open(source, encoding="utf-8") as lines, \
                open(self.folder / "rows.ndjson", "w", encoding="utf-8") as rows:
            for number, line in enumerate(lines):
                rows.write(f'{{"id":"{number:09}",{line[1:]}')
        source.unlink()

    def make_bodies(self):
        with open(self.folder / "rows.ndjson", encoding="utf-8") as rows:
            for start in range(0, self.count, BULK_ROWS):
                body = "".join(f'{{"index":{{"_id":"{number:09}"}}}}\n{row}'
                               for number, row in enumerate(islice(rows, BULK_ROWS), start))
                (self.folder / f"body-{start:09}").write_text(body, encoding="utf-8")

    def new_index(self):
        self.index = f"bench-{uuid.uuid4().hex[:12]}"
        self.search.request("PUT", f"/{self.index}", MAPPING)
        return self.index

    def answer(self):
        """How many documents there are, a few of them as they are, and the index goes away."""
        found = self.search.count(self.index), [
            self.search.request("GET", f"/{self.index}/_doc/{number:09}")["_source"]
            for number in range(0, self.count, max(self.count // 20, 1))]
        self.search.request("DELETE", f"/{self.index}")
        return found

    def run_sluice(self):
        shutil.rmtree(self.folder / "state", ignore_errors=True)
        (self.folder / "index.yaml").write_text(PIPELINE.format(
            fields=CLICK.strip("{}"), url=self.search.url, index=self.new_index(),
            bulk_rows=BULK_ROWS))
        return measure([PROGRAM, "run", "--once", "index.yaml"], self.folder)

    def run_bare(self):
        url = f"{self.search.url}/{self.new_index()}/_bulk?{FILTER}"
        return measure([places.bare("bulk"), url, *sorted(self.folder.glob("body-*"))], self.folder)

    def run_python(self):
        return measure([places.harness_python(), places.RIVALS / "opensearch-py" / "index.py",
                        self.search.url, self.new_index(), "rows.ndjson"], self.folder)

    def run_rsyslog(self):
        state = self.folder / "rsyslog-state"
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        index = self.new_index()
        configuration = fill("rsyslog/index.conf", self.folder, IN=self.folder / "rows.ndjson",
                             STATE=state, PORT=self.search.port, INDEX=index)
        return measure([places.debian_program("rsyslogd"), "-n", "-C", "-f", configuration,
                        "-i", state / "pid", "-M", places.rsyslog_modules()], self.folder,
                       places.debian_environment(), until=Documents(self.search, index, self.count))


class Documents:
    """A condition: the index has taken so many documents. Asked twice a second: it costs the server."""

    def __init__(self, search, index, count):
        self.search, self.index, self.count = search, index, count
        self.asked = 0.0

    def __call__(self):
        if time.monotonic() - self.asked < 0.5:
            return False
        self.asked = time.monotonic()
        stats = self.search.request("GET", f"/{self.index}/_stats/indexing")
        return stats["_all"]["primaries"]["indexing"]["index_total"] >= self.count


def different_documents(ours, theirs):
    if ours[0] != theirs[0]:
        return f"{theirs[0]} documents against {ours[0]}"
    return "" if ours[1] == theirs[1] else f"{theirs[1][0]} against {ours[1][0]}"


def run(bench):
    rows = Rows(bench, bench.size(SIZES))
    rows.make_bodies()
    if not places.no_bare("bulk"):  # or the first contender would be the one to warm the server up
        rows.run_bare()
        rows.answer()
    contenders = [
        Contender(OURS, rows.run_sluice, rows.answer),
        Contender("bare loop", rows.run_bare, rows.answer, places.no_bare("bulk")),
        Contender("opensearch-py", rows.run_python, rows.answer, rounds=2),
        Contender("rsyslog", rows.run_rsyslog, rows.answer, places.no_debian("rsyslogd"), rounds=1),
    ]
    targets = [
        Target("bare loop", {"wall": 0.9},
               "a tie with the bare loop (the server is the limit): wall 0.9"),
        Target("bare loop", {"cpu": 1 / 1.5}, "our CPU a document at most 1.5 times its: cpu 0.67"),
    ]
    bench.hold(Contest("index into OpenSearch", rows.count, contenders, targets, different_documents,
                       f"OpenSearch {rows.search.version}, a process beside the contenders"))
    bench.servers.stop("search")
    shutil.rmtree(rows.folder)
