# SPDX-License-Identifier: Apache-2.0
"""The files for Docker and Kubernetes, where neither can run: their form, held against the schemas of the
two, and everything in them that is sluice's own, held against the program."""

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from harness.process import HOST, free_port
from harness.sluice import ROOT, eventually

DOCKER, KUBERNETES = ROOT / "deploy" / "docker", ROOT / "deploy" / "kubernetes"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
SCRIPTS = Path(sys.executable).parent

OF_OPERATORS = {"ScaledObject", "ServiceMonitor", "Kustomization"}  # no kinds of Kubernetes itself

FINITE = """
pipeline: finite
flows:
  clicks: {steps: [source-generate: {count: 100}, sink-file: {path: clicks.json, format: json}]}
"""


def tool(name, *arguments):
    return subprocess.run([SCRIPTS / name, *arguments], capture_output=True, text=True)


def manifests():
    return [(path.name, document) for path in sorted(KUBERNETES.glob("*.yaml"))
            for document in yaml.safe_load_all(path.read_text())]


def of_kind(kind):
    return {document["metadata"]["name"]: document for _, document in manifests()
            if document["kind"] == kind}


def pods():
    return {name: found["spec"]["template"]["spec"] for name, found in of_kind("StatefulSet").items()}


def containers():
    """(place, command line, names of its environment) of each sluice."""
    (default,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.M)
    yield "Dockerfile", json.loads(default), {}
    for name in ("sluice", "simulator"):
        yield f"compose {name}", COMPOSE[name]["command"], COMPOSE[name]["environment"]
    maps = of_kind("ConfigMap")
    for name, pod in pods().items():
        (container,) = pod["containers"]
        names = {variable["name"]: None for variable in container["env"]}
        for source in container["envFrom"]:
            names |= maps[source["configMapRef"]["name"]]["data"]
        yield f"kubernetes {name}", container["args"], names


CONTAINERS = list(containers())
each_container = pytest.mark.parametrize("place, command, variables", CONTAINERS,
                                         ids=[place for place, _, _ in CONTAINERS])


# ---- form ----


def test_the_compose_file_is_one():
    checked = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec",
                   DOCKER / "compose.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_hadolint_finds_nothing_in_the_dockerfile():
    checked = tool("hadolint", "--config", DOCKER / "hadolint.yaml", DOCKER / "Dockerfile")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("file, document", [(name, found) for name, found in manifests()
                                            if found["kind"] not in OF_OPERATORS])
def test_each_manifest_is_what_kubernetes_takes(tmp_path, file, document):
    (tmp_path / file).write_text(yaml.safe_dump(document))
    checked = tool("kubernetes-validate", "--strict", tmp_path / file)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_kustomization_names_every_manifest():
    (listed,) = [found["resources"] for _, found in manifests() if found["kind"] == "Kustomization"]
    assert sorted(listed) == sorted(path.name for path in KUBERNETES.glob("*.yaml")
                                    if path.name != "kustomization.yaml")


def test_everything_that_a_manifest_refers_to_is_there():
    assert {"sluice-pipelines", "sluice-environment"} == set(of_kind("ConfigMap"))
    (scaled,) = of_kind("ScaledObject").values()
    assert scaled["spec"]["scaleTargetRef"]["name"] in of_kind("StatefulSet")
    services = of_kind("Service")
    for found in of_kind("StatefulSet").values():
        labels = found["spec"]["template"]["metadata"]["labels"]
        selector = services[found["spec"]["serviceName"]]["spec"]["selector"]
        assert selector.items() <= labels.items()
    (budget,) = of_kind("PodDisruptionBudget").values()
    ingest = of_kind("StatefulSet")["sluice-ingest"]["spec"]["template"]["metadata"]["labels"]
    assert budget["spec"]["selector"]["matchLabels"].items() <= ingest.items()


# ---- the stack ----


def test_images_are_pinned():
    images = [service["image"] for service in COMPOSE.values()]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    assert len(images) > 10
    assert [image for image in images if not re.search(r":\D?\d+\.\d+", image)] == []


def test_services_wait_for_what_says_that_it_is_ready():
    for name, service in COMPOSE.items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in COMPOSE[other], f"{name} waits for {other}"
            else:
                assert how["condition"] == "service_completed_successfully", name


def test_what_compose_mounts_is_there_and_what_it_opens_is_on_this_machine_alone():
    for service in COMPOSE.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (DOCKER / source).exists(), volume
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_example_of_secrets_has_all_that_compose_asks_for():
    asked = set(re.findall(r"\$\{(\w+)", (DOCKER / "compose.yaml").read_text()))
    given = set(re.findall(r"^(\w+)=", (DOCKER / ".env.example").read_text(), re.M))
    assert asked == given


def test_prometheus_and_alertmanager_find_the_services():
    configuration = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yaml").read_text())
    targets = [target.split(":")[0] for job in configuration["scrape_configs"]
               for found in job.get("static_configs", []) for target in found["targets"]]
    assert targets and set(targets) <= set(COMPOSE)


def test_each_container_of_ours_is_as_small_a_target_as_can_be():
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.M) == ["10001:10001"]
    for name in ("sluice", "simulator"):
        service = COMPOSE[name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
    for pod in pods().values():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
        assert pod["securityContext"]["runAsUser"] == 10001
        assert container["securityContext"] == {"allowPrivilegeEscalation": False,
                                                "readOnlyRootFilesystem": True,
                                                "capabilities": {"drop": ["ALL"]}}


# ---- what is sluice's own ----


@each_container
def test_the_command_is_one_that_sluice_takes(sluice, place, command, variables):
    sluice.write("finite.yaml", FINITE)
    *flags, _ = ["127.0.0.1:0" if word == "0.0.0.0:9464" else word for word in command]
    outcome = sluice.run_ok(*flags, "finite.yaml")
    assert '"result":"done"' in outcome.stderr


def test_the_pipelines_that_containers_run_are_in_them():
    copied = re.search(r"^COPY (.*) /etc/sluice/$", DOCKERFILE, re.M).group(1).split()
    assert all((ROOT / path).exists() for path in copied)
    images = {f"/etc/sluice/{Path(path).name}" for path in copied}
    assert {COMPOSE[name]["command"][-1] for name in ("sluice", "simulator")} <= images
    mounted = {f"/etc/sluice/{name}" for name in of_kind("ConfigMap")["sluice-pipelines"]["data"]}
    assert {pod["containers"][0]["args"][-1] for pod in pods().values()} == mounted


def pipeline_of(place, command):
    name = Path(command[-1]).name
    if place.startswith("kubernetes"):
        return of_kind("ConfigMap")["sluice-pipelines"]["data"][name]
    return (ROOT / "pipelines" / name).read_text()


@pytest.mark.parametrize("place, command, variables", CONTAINERS[1:],
                         ids=[place for place, _, _ in CONTAINERS[1:]])
def test_each_variable_means_something_and_none_is_missing(place, command, variables):
    text = "".join(line for line in pipeline_of(place, command).splitlines(keepends=True)
                   if not line.lstrip().startswith("#"))
    used = set(re.findall(r"\$\{(\w+)", text)) - {"file"}
    code = "".join(path.read_text() for folder in ("core", "plugins/shared")
                   for path in (ROOT / folder).rglob("*.c"))
    known = set(re.findall(r'"((?:AWS|SLUICE)_\w+)"', code))
    unused = set(variables) - used - known
    # The pods share one environment; what the ingest does not use, the pages do.
    assert unused <= ({"ES_URL", "PROCESSED_URL", "KAFKA_BROKERS"} if "kubernetes" in place else set())
    assert set(re.findall(r"\$\{(\w+)\}", text)) <= set(variables)


def flows_of(text):
    """Flows without the defaults of their variables, which a cluster has no use for."""
    return yaml.safe_load(re.sub(r"\$\{(\w+):-[^}]*\}", r"${\1}", text))["flows"]


def test_the_pods_together_run_the_dataco_flows(sluice):
    shown = {}
    for name, text in of_kind("ConfigMap")["sluice-pipelines"]["data"].items():
        sluice.write(name, text)
        sluice.run_ok("check", name)
        shown |= flows_of(text)
    assert shown == flows_of((ROOT / "pipelines/dataco.yaml").read_text())


def status(url):
    try:
        return urllib.request.urlopen(url, timeout=30).status
    except urllib.error.HTTPError as answer:
        return answer.code
    except OSError:
        return None


def test_the_probes_ask_for_pages_that_a_running_process_has(sluice):
    sluice.write("endless.yaml", FINITE.replace("count: 100", "rate: 100"))
    port = free_port()
    process = sluice.start("run", "--metrics", f"{HOST}:{port}", "endless.yaml")
    (health,) = re.findall(r'"http://127.0.0.1:9464(/\w+)"', DOCKERFILE)
    paths = {health} | {container[probe]["httpGet"]["path"]
                        for pod in pods().values() for container in pod["containers"]
                        for probe in ("livenessProbe", "readinessProbe", "startupProbe")}
    assert paths == {"/healthz", "/readyz"}
    for path in paths:
        eventually(lambda: status(f"http://{HOST}:{port}{path}") == 200, what=path)
    assert sluice.stop(process) == 0


def test_what_docker_sends_to_the_build_is_all_that_the_build_reads(tmp_path):
    allowed = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.M)
    for name in allowed:
        target = tmp_path / "context" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    configured = subprocess.run(["cmake", "--preset", "release", "-DSLUICE_TESTS=OFF"],
                                cwd=tmp_path / "context", capture_output=True, text=True)
    assert configured.returncode == 0, configured.stderr
    for script in re.findall(r"scripts/\w+", DOCKERFILE):
        assert (tmp_path / "context" / script).exists()
