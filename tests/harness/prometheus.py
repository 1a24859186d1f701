"""A real Prometheus that scrapes every second, and promtool."""

import json
import subprocess
import urllib.parse
import urllib.request

from .process import HOST, Server, free_port, is_open


def promtool(*arguments, **keywords):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, **keywords)


class Prometheus(Server):
    name = "prometheus"

    def __init__(self, targets):
        """targets: HOST:PORT of each process."""
        super().__init__()
        self.targets = targets
        self.configure_and_start()

    def configure(self):
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.configuration = self.folder / "prometheus.yml"
        self.configuration.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "sluice",
                                "static_configs": [{"targets": self.targets}]}]}))
        checked = promtool("check", "config", str(self.configuration))
        assert checked.returncode == 0, checked.stdout + checked.stderr

    def start(self):
        self.launch(["prometheus", f"--config.file={self.configuration}",
                     f"--storage.tsdb.path={self.folder / 'data'}",
                     f"--web.listen-address={HOST}:{self.port}"])
        self.wait_ready(lambda: is_open(self.port) and b"ready to receive" in self.new_log())

    def ask(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=30) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        return [(found["metric"], float(found["value"][1]))
                for found in self.ask("query", query=expression)["result"]]

    def target(self):
        """(health, last error) of the first target; Prometheus takes some seconds to find it."""
        found = self.ask("targets")["activeTargets"]
        return (found[0]["health"], found[0]["lastError"]) if found else ("unknown", "")
