# SPDX-License-Identifier: Apache-2.0
"""Rules and dashboards of deploy/ against a real run of DataCo, seen by a real Prometheus, with its
result in a real OpenSearch. There is no Grafana here: its queries are asked as it would ask them."""

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from confluent_kafka import Consumer, TopicPartition
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

import deployed
from harness.process import HOST
from harness.prometheus import Prometheus
from harness.served import Served
from harness.sluice import ROOT, Sluice, eventually

# Panels that are empty in a run of DataCo without faults, and why.
EMPTY = {
    ("sluice-flow", "Blocked"): "no step waits for one that is stuck",
    ("sluice-flow", "Behind the event time"): "watermarks come from sources of others; ours send none",
    ("sluice-flow", "Held back"): "as above",
    ("sluice-delivery", "Sinks of best effort that are away"): "DataCo has no sink of best effort",
}


def test_the_dashboards_are_as_generated():
    checked = subprocess.run([sys.executable, ROOT / "scripts" / "generate-dashboards", "--check"],
                             capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def assert_kept(given, got, where=""):
    """Everything given is in what was got; the SDK adds defaults."""
    if isinstance(given, dict):
        for key, value in given.items():
            assert key in got, f"{where}.{key} is unknown"
            assert_kept(value, got[key], f"{where}.{key}")
    elif isinstance(given, list):
        assert len(given) == len(got), where
        for number, value in enumerate(given):
            assert_kept(value, got[number], f"{where}[{number}]")
    else:
        assert given == got, where


@pytest.mark.parametrize("path", deployed.DASHBOARDS, ids=lambda path: path.stem)
def test_grafanas_sdk_knows_every_key_of_a_dashboard(path):
    given = json.loads(path.read_text())
    assert given["uid"] == path.stem
    assert_kept(given, json.loads(json.dumps(Dashboard.from_json(given), cls=JSONEncoder)))
    places = [panel["gridPos"] for panel in given["panels"]]
    cells = [(x, y) for at in places for x in range(at["x"], at["x"] + at["w"])
             for y in range(at["y"], at["y"] + at["h"])]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24, "panels overlap"


def test_each_source_of_a_dashboard_is_provisioned():
    text = (deployed.GRAFANA / "provisioning" / "datasources" / "sluice.yaml").read_text()
    provisioned = {source["uid"] for source in deployed.yaml.safe_load(text)["datasources"]}
    used = {panel["datasource"]["uid"] for path in deployed.DASHBOARDS
            for panel in json.loads(path.read_text())["panels"]}
    assert used == provisioned


def test_each_metric_that_is_asked_for_exists():
    reference = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    recorded = {rule["record"] for rule in deployed.rules() if "record" in rule}
    used = set().union(*map(deployed.names, deployed.expressions()))
    assert len(used) > 40
    assert [name for name in used - recorded - deployed.EXPORTER
            if f"| `{name}` |" not in reference] == []
    assert recorded <= used, "a rule that nobody reads"


class Exporter:
    """Kafka Exporter's names and labels, with the broker's numbers: the program itself is in no
    registry of packages."""

    def __init__(self, kafka, group, topic, partitions):
        places = [TopicPartition(topic, number) for number in range(partitions)]
        self.client = client = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": group})

        def page():
            for place in client.committed(places, timeout=30):
                end = client.get_watermark_offsets(place, 30)[1]
                at = f'topic="{topic}",partition="{place.partition}"'
                yield f"kafka_topic_partition_current_offset{{{at}}} {end}"
                at = f'consumergroup="{group}",{at}'
                committed = place.offset if place.offset >= 0 else -1
                yield f"kafka_consumergroup_current_offset{{{at}}} {committed}"
                yield f"kafka_consumergroup_lag{{{at}}} {end - committed if committed >= 0 else -1}"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write("".join(line + "\n" for line in page()).encode())

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.target = f"{HOST}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.client.close()


class Run:
    """DataCo, fed by the simulator in the same process, and a Prometheus with the rules."""

    def __init__(self, folder, kafka, s3, search):
        self.sluice, self.search = Sluice(folder), search
        topic, bucket = kafka.create_topic(partitions=2), s3.create_bucket()
        self.index = search.new_index_name()
        dataco = (ROOT / "pipelines" / "dataco.yaml").read_text()
        pipeline = self.sluice.write("dataco.yaml", dataco.replace("every: 5m", "every: 1s"))
        self.started = time.time()
        simulate = ROOT / "pipelines" / "simulate.yaml"
        self.served = Served(self.sluice, simulate, pipeline, env=s3.environment() | {
            "KAFKA_BROKERS": kafka.bootstrap, "KAFKA_TOPIC": topic, "KAFKA_GROUP": self.index,
            "RAW_URL": f"s3://{bucket}/raw/", "PROCESSED_URL": f"s3://{bucket}/processed/",
            "ES_URL": search.url, "ES_INDEX": self.index, "SLUICE_CHECKPOINT": "500ms",
            "RATE": 1000, "MALFORMED": "0.01"})
        self.exporter = Exporter(kafka, self.index, topic, 2)
        self.prometheus = Prometheus([self.served.target], [self.exporter.target], [deployed.RULES])

    def has_data(self, expression):
        """At any moment of the run."""
        found = self.prometheus.ask("query_range", query=expression, start=self.started,
                                    end=time.time(), step=1)
        return found["result"] != []

    def end(self):
        self.prometheus.destroy()
        self.exporter.stop()
        self.sluice.kill_all()


@pytest.fixture(scope="module")
def run(tmp_path_factory, kafka, s3, search):
    run = Run(tmp_path_factory.mktemp("run"), kafka, s3, search)
    yield run
    run.end()


def test_each_prometheus_query_of_the_dashboards_has_data(run):
    queries = {(uid, title, deployed.filled(target["expr"]))
               for uid, title, target in deployed.panels("prometheus")}
    missing = set()

    def all_have_data():
        nonlocal missing
        missing = {query for query in missing or queries if not run.has_data(query[2])}
        return {query[:2] for query in missing} <= EMPTY.keys()
    try:
        eventually(all_have_data)
    except AssertionError:
        raise AssertionError(f"no data: {sorted(missing)}") from None


def test_each_variable_of_the_dashboards_has_values(run):
    for uid, query in deployed.variables("prometheus"):
        series, label = deployed.filled(query).removeprefix("label_values(")[:-1].rsplit(", ", 1)
        values = {labels[label] for labels, _ in run.prometheus.query(series)}
        assert values >= {"pipeline": {"dataco", "simulate"}, "flow": {"ingest", "process", "index"},
                          "step": {"source-kafka", "sink-es"}}[label], (uid, query)


def test_the_rules_record_a_run_without_faults_and_no_alert_fires(run):
    for rule in deployed.rules():
        if "record" in rule:
            eventually(lambda: run.has_data(rule["record"]), what=rule["record"])
    states = {rule["name"]: (rule["health"], rule.get("lastError"))
              for group in run.prometheus.ask("rules")["groups"] for rule in group["rules"]}
    assert len(states) == len({rule.get("alert", rule.get("record")) for rule in deployed.rules()})
    assert {name: state for name, state in states.items() if state[0] != "ok"} == {}
    assert run.prometheus.firing() == set()


def lucene(value):
    """A chosen value of a variable, as Grafana writes it into a query."""
    return "".join("\\" + letter if letter in '!*+-=<>& |()[]{}^~?:\\/"' else letter for letter in value)


def as_grafana_asks(target, url="*", country="*"):
    """The search that Grafana makes of a target: its range is in milliseconds, of the field `clicks`."""
    query = target["query"].replace("$url", url).replace("$country", country)
    body = {"size": 0, "query": {"bool": {"filter": [
        {"range": {target["timeField"]: {"gte": 0, "lte": int(time.time() * 1000),
                                         "format": "epoch_millis"}}},
        {"query_string": {"analyze_wildcard": True, "query": query}}]}}}
    measured = {metric["id"]: {metric["type"]: {"field": metric["field"]}}
                for metric in target["metrics"]}
    groups = measured
    for bucket in reversed(target["bucketAggs"]):
        settings = bucket["settings"]
        order = settings["orderBy"]
        groups = {bucket["id"]: {
            "aggs": groups | {order: measured[order]},
            "terms": {"field": bucket["field"], "size": int(settings["size"]),
                      "min_doc_count": int(settings["min_doc_count"]),
                      "order": {order: settings["order"]}}}}
    return body | {"aggs": groups}


def rows(target, aggregations):
    """[(values of the groups …, numbers …)] of an answer."""
    def walk(found, buckets, keys):
        if not buckets:
            yield (*keys, *(found[metric["id"]]["value"] for metric in target["metrics"]))
        for bucket in found[buckets[0]["id"]]["buckets"] if buckets else []:
            yield from walk(bucket, buckets[1:], (*keys, bucket["key"]))
    return list(walk(aggregations, target["bucketAggs"], ()))


def test_each_search_of_the_business_dashboard_gives_the_numbers_of_the_result(run):
    def ask(target, **chosen):
        answer = run.search.request("POST", f"/{run.index}/_search", as_grafana_asks(target, **chosen))
        return rows(target, answer["aggregations"])

    targets = {title: target for _, title, target in deployed.panels("elasticsearch")}
    eventually(lambda: run.has_data("sluice_flow_last_run_timestamp_seconds{flow='index'}"))
    run.sluice.stop(run.served.process)

    def result():
        return {(page["url"], page["country"]):
                (page["clicks"], page["unique_users"], page["avg_seconds_on_page"])
                for page in run.search.documents(run.index).values()}

    # The server may be working on a last request that nobody waits for.
    eventually(lambda: {row[:2]: row[2:] for row in ask(targets["Pages and countries"])} == result(),
               what="the table to show the documents")
    exact = result()
    assert len(exact) > 50
    for title, target in targets.items():
        assert ask(target), title
    by_country = dict(ask(targets["Clicks by country"]))
    assert sum(by_country.values()) == sum(clicks for clicks, _, _ in exact.values())

    (url, country), numbers = max(exact.items())
    chosen = {"url": lucene(url), "country": f'("{lucene(country)}")'}  # one, and a list of one
    assert ask(targets["Pages and countries"], **chosen) == [(url, country, *numbers)]
    assert ask(targets["Time on page by page"], **chosen) == [(url, numbers[2])]


def test_the_variables_of_the_business_dashboard_have_values(run):
    for _, query in deployed.variables("elasticsearch"):
        field = json.loads(query)["field"]
        body = {"size": 0, "aggs": {"1": {"terms": {"field": field, "size": 500, "order": {"_key": "asc"}}}}}
        answer = run.search.request("POST", f"/{run.index}/_search", body)
        assert len(answer["aggregations"]["1"]["buckets"]) > 5, field
