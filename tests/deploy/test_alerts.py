# SPDX-License-Identifier: Apache-2.0
"""The alerts of deploy/prometheus: held against promtool's unit tests and their own documentation, and
fired for real by a real Prometheus through a real Alertmanager to a receiver."""

import re
import subprocess

import yaml

import deployed
from harness.fault_server import FaultProxy
from harness.process import HOST, free_port
from harness.prometheus import Alertmanager, Prometheus, Receiver, promtool
from harness.served import Served
from harness.sluice import ROOT, eventually


def test_promtool_and_amtool_accept_the_files():
    for command in (["promtool", "check", "rules", "sluice.rules.yaml"],
                    ["promtool", "check", "config", "prometheus.yaml"],
                    ["amtool", "check-config", "alertmanager.yaml"]):
        checked = subprocess.run(command, cwd=deployed.PROMETHEUS, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_fires_and_does_not_fire_as_its_unit_test_says():
    tested = promtool("test", "rules", "sluice.rules.test.yaml", cwd=deployed.PROMETHEUS)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    tests = yaml.safe_load((deployed.PROMETHEUS / "sluice.rules.test.yaml").read_text())["tests"]
    said = {test["name"].split()[0] for test in tests}
    assert said == {rule["alert"] for rule in deployed.alerts()}
    for test in tests:  # one look before it fires, one after
        looks = [look for look in test["promql_expr_test"] if "ALERTS" in look["expr"]]
        assert "exp_samples" not in looks[0] and "exp_samples" in looks[-1], test["name"]


def test_each_alert_says_what_to_do_and_has_a_runbook():
    page = (ROOT / "docs" / "operate" / "runbooks.md").read_text()
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    for rule in deployed.alerts():
        name, said = rule["alert"], rule["annotations"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert said.keys() == {"summary", "description", "runbook_url"}
        assert len(said["summary"]) < 120 < len(said["description"]), name
        assert said["runbook_url"] == f"docs/operate/runbooks.md#{name.lower()}"
        for part in ("Meaning", "Look at", "Do"):
            assert f"**{part}.**" in sections[name], (name, part)
    assert sections.keys() == {rule["alert"] for rule in deployed.alerts()}


def hurried(text):
    """Rules with a second for five minutes, which are too long for a test."""
    return re.sub(r"\b(\d+)m\b", lambda found: f"{200 * int(found[1])}ms", text)


def with_receiver(url):
    """The example configuration, with the test's receiver and without the waits for more alerts."""
    text = (deployed.PROMETHEUS / "alertmanager.yaml").read_text()
    text = text.replace("http://alert-receiver:8080/", url)
    return re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", text)


def test_alerts_reach_a_receiver_when_they_fire_and_when_they_are_over(sluice, s3):
    """A sink's server goes away, then the process; both come back."""
    bucket, port = s3.create_bucket(), free_port()
    proxy = FaultProxy(s3.port)
    pipeline = sluice.write("clicks.yaml", f"""
pipeline: clicks
settings: {{checkpoint: 200ms, channel: 64KiB}}
flows:
  copy:
    steps:
      - source-generate: {{rate: 20000}}
      - sink-s3: {{url: "s3://{bucket}/", format: json}}
""")

    def start():
        return Served(sluice, pipeline, port=port, env=s3.environment() | {
            "AWS_ENDPOINT_URL": f"http://{HOST}:{proxy.port}"})
    served = start()
    receiver = Receiver()
    alertmanager = Alertmanager(with_receiver(receiver.url))
    rules = sluice.write("rules.yaml", hurried(deployed.RULES.read_text()))
    prometheus = Prometheus([served.target], rules=[rules], alertmanager=alertmanager)

    def down(status):
        """Not the one that a Prometheus without targets has, as it is in its first seconds."""
        return [alert for alert in receiver.got("SluiceDown", status)
                if alert["labels"].get("instance") == served.target]
    try:
        written = 'sluice_step_output_rows_total{step="sink-s3"} > 0'
        eventually(lambda: prometheus.query(written), what="rows in the bucket")

        proxy.refuse()
        (alert, *_) = eventually(lambda: receiver.got("SluiceStepBlocked", "firing"),
                                 what="the alert of the blocked step")
        assert alert["labels"].items() >= {
            "pipeline": "clicks", "flow": "copy", "step": "source-generate",
            "blocked_by": "sink-s3", "severity": "warning", "instance": served.target}.items()
        assert alert["annotations"]["summary"] == (
            "step source-generate of flow copy waits for sink-s3")
        assert "Look at sink-s3" in alert["annotations"]["description"]
        assert alert["annotations"]["runbook_url"].endswith("#sluicestepblocked")

        sluice.kill(served.process)
        (alert, *_) = eventually(lambda: down("firing"), what="the alert of the dead process")
        assert alert["labels"]["severity"] == "critical"
        assert alert["annotations"]["summary"] == f"sluice {served.target} does not answer"

        proxy.heal()
        start()
        eventually(lambda: down("resolved"), what="its end")
        eventually(lambda: receiver.got("SluiceStepBlocked", "resolved"), what="the end of both")
    finally:
        prometheus.destroy()
        alertmanager.destroy()
        receiver.stop()
