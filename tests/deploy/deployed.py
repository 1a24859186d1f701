# SPDX-License-Identifier: Apache-2.0
"""What is in deploy/: rules, dashboards, and the names that their queries use."""

import json
import re

import yaml

from harness.sluice import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
RULES = PROMETHEUS / "sluice.rules.yaml"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))

# Kafka Exporter's metrics, of which there is no server to ask in a test.
EXPORTER = {"kafka_consumergroup_lag", "kafka_consumergroup_current_offset",
            "kafka_topic_partition_current_offset"}


def rules():
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return group["rules"]


def alerts():
    return [rule for rule in rules() if "alert" in rule]


def panels(kind):
    """(dashboard, panel's title, target) of each query to a source of this kind."""
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                if target["datasource"]["type"] == kind:
                    yield dashboard["uid"], panel["title"], target


def variables(kind):
    """(dashboard, query) of each variable of a dashboard."""
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        for variable in dashboard["templating"]["list"]:
            if variable["datasource"]["type"] == kind:
                yield dashboard["uid"], variable["query"]


def expressions():
    """Every PromQL expression of rules and dashboards."""
    return [rule["expr"] for rule in rules()] + \
        [target["expr"] for _, _, target in panels("prometheus")] + \
        [query for _, query in variables("prometheus")]


def filled(expression):
    """As Grafana fills it in when everything is chosen."""
    for name, value in {"$__rate_interval": "1m", "$__range": "1h", "$pipeline": ".*",
                        "$flow": ".*", "$step": ".*"}.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


def names(expression):
    """Names of the metrics in an expression, a histogram's without the ending."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in
            re.findall(r"\b(?:sluice|process|kafka)[_:][\w:]+", re.sub(r'"[^"]*"', "", expression))}
