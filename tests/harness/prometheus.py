"""A real Prometheus that scrapes every second, promtool, and a real Alertmanager with a receiver."""

import json
import subprocess
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .process import HOST, Server, free_port, is_open


def promtool(*arguments, **keywords):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, **keywords)


class Prometheus(Server):
    name = "prometheus"

    def __init__(self, targets, exporters=(), rules=(), alertmanager=None):
        """targets: HOST:PORT of each sluice; exporters: those of Kafka Exporter; rules: paths."""
        super().__init__()
        self.targets, self.exporters = list(targets), list(exporters)
        self.rules = [str(path) for path in rules]
        self.alertmanagers = [f"{HOST}:{alertmanager.port}"] if alertmanager else []
        self.configure_and_start()

    def configure(self):
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.configuration = self.folder / "prometheus.yml"
        self.configuration.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": self.rules,
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": self.alertmanagers}]}]},
            "scrape_configs": [{"job_name": name, "static_configs": [{"targets": targets}]}
                               for name, targets in (("sluice", self.targets),
                                                     ("kafka-exporter", self.exporters))]}))
        checked = promtool("check", "config", str(self.configuration))
        assert checked.returncode == 0, checked.stdout + checked.stderr

    def start(self):
        self.launch(["prometheus", f"--config.file={self.configuration}",
                     f"--storage.tsdb.path={self.folder / 'data'}",
                     # What fires before Alertmanager is found is sent again soon, not after a minute.
                     "--rules.alert.resend-delay=1s",
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

    def firing(self):
        """Names of the alerts that fire."""
        return {alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"]
                if alert["state"] == "firing"}


class Receiver:
    """What Alertmanager sends its webhooks to."""

    def __init__(self):
        self.alerts = []  # as they came: labels, annotations and status of each

        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.alerts += json.loads(body)["alerts"]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def got(self, name, status):
        """The alerts of this name that came as `firing` or `resolved`."""
        return [alert for alert in list(self.alerts)
                if alert["labels"]["alertname"] == name and alert["status"] == status]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Alertmanager(Server):
    name = "alertmanager"

    def __init__(self, configuration):
        """configuration: the text of its file."""
        super().__init__()
        self.text = configuration
        self.configure_and_start()

    def configure(self):
        self.port = free_port()
        (self.folder / "alertmanager.yml").write_text(self.text)

    def start(self):
        self.launch(["prometheus-alertmanager", f"--config.file={self.folder / 'alertmanager.yml'}",
                     f"--storage.path={self.folder / 'data'}",
                     f"--web.listen-address={HOST}:{self.port}",
                     "--cluster.listen-address="])  # no port for others of its kind
        self.wait_ready(lambda: is_open(self.port))
