"""A running process of sluice, and what it says at /metrics."""

import re

import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from .process import HOST
from .sluice import eventually


class Served:
    """A running process that serves its metrics on a port of its choice."""

    def __init__(self, sluice, *arguments, port=0, **keywords):
        self.process = sluice.start("run", "--metrics", f"{HOST}:{port}", *arguments, **keywords)
        found = eventually(lambda: re.search(r"\burl=\"?(https?://[\d.:]+)", sluice.log()),
                           what="the address of the metrics")
        self.url = found[1]
        self.target = self.url.split("//")[1]

    def get(self, path, **keywords):
        return requests.get(self.url + path, timeout=30, **keywords)

    def families(self):
        answer = self.get("/metrics", headers={"Accept": "application/openmetrics-text"})
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        return {family.name: family for family in text_string_to_metric_families(answer.text)}

    def values(self, name, **labels):
        """{labels: value} of the samples that have these labels."""
        return {tuple(sample.labels.values()): sample.value
                for family in self.families().values() for sample in family.samples
                if sample.name == name and labels.items() <= sample.labels.items()}

    def total(self, name, **labels):
        return sum(self.values(name, **labels).values())
