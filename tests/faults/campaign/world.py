"""The servers, kept from seed to seed, and what one seed has of them."""

import threading
import urllib.error
import uuid

from botocore.exceptions import ClientError

from harness.fault_server import FaultProxy, FaultServer, answer
from harness.process import HOST
from harness.sluice import ROOT

from . import answers
from .machine import Machine
from .service import SHUTDOWN, Service

PARTITIONS = 3
CHANGES = (  # to pipelines/dataco.yaml: the same flows, in a hurry
    ("  memory: 1GiB\n", f"  memory: 256MiB\n  shutdown: {SHUTDOWN}s\n  member: ${{MEMBER}}\n"),
    ("start: earliest}", "start: earliest, session_timeout: 1500ms, "
                         "properties: {reconnect.backoff.max.ms: 1000}}"),
    ("every: 5m", "every: 1s"),
    ("click: {user_id", "click: {id: string, user_id"),
    ("sink-s3: {", "sink-s3: {request_timeout: 3s, "),
    ("source-s3: {", "source-s3: {request_timeout: 3s, "),
    ("sink-es: {", "sink-es: {request_timeout: 3s, "),
)


def pipeline_text():
    text = (ROOT / "pipelines" / "dataco.yaml").read_text()
    for old, new in CHANGES:
        assert old in text, old
        text = text.replace(old, new)
    return text


class World:
    """Kafka, S3 and search servers, and the proxy that Kafka's clients are led through."""

    def __init__(self, kafka, s3, search):
        self.kafka, self.s3, self.search = kafka, s3, search
        self.kafka_net = kafka.make_proxy()

    def servers(self):
        return self.kafka, self.s3, self.search

    def start_all(self):
        """Whatever a fault has left down."""
        for server in self.servers():
            if not server.is_running():
                server.start()

    def stop(self):
        self.kafka_net.stop()


class Credentials:
    """Session credentials in a profile file. The server takes those of the newest session only."""

    def __init__(self, path, s3):
        self.path, self.s3 = path, s3
        self.session = 0
        self.write()

    def write(self):
        written = self.path.with_suffix(".new")
        written.write_text(f"[default]\naws_access_key_id = {self.s3.access_key}\n"
                           f"aws_secret_access_key = {self.s3.secret_key}\n"
                           f"aws_session_token = session-{self.session}\n")
        written.rename(self.path)

    def expire(self):
        self.session += 1

    def refusal(self, request):
        """The action on a request of an expired session."""
        names = {name.lower(): value for name, value in request.headers.items()}
        if names.get("x-amz-security-token") == f"session-{self.session}":
            return None
        return answer(*answers.EXPIRED)


class Stage:
    """What one seed has of the world: its topic, bucket and index, the proxies before them, and two
    services. The other member runs the flow ingest alone, and only when a fault starts it."""

    def __init__(self, world, folder, note):
        self.world, self.folder, self.note = world, folder, note
        self.topic = world.kafka.create_topic(partitions=PARTITIONS)
        self.bucket, self.index = world.s3.create_bucket(), world.search.new_index_name()
        self.group = f"group-{uuid.uuid4().hex[:12]}"
        self.state = folder / "state"
        self.machine = Machine(self.state)
        self.credentials = Credentials(folder / "credentials", world.s3)
        self.kafka_net = world.kafka_net
        self.s3_http, self.search_http = FaultServer(world.s3.endpoint), FaultServer(world.search.url)
        self.s3_net, self.search_net = FaultProxy(self.s3_http.port), FaultProxy(self.search_http.port)
        self.s3_script = self.search_script = None
        self.s3_http.guard = self._guard_s3
        self.search_http.guard = lambda request: self.search_script and self.search_script(request)
        self.exits_excused = threading.Event()  # while the disk fails, ends with 1 are no surprise
        (folder / "dataco.yaml").write_text(pipeline_text())
        self.main = self._service("one", ["dataco.yaml"])
        self.other = self._service("two", ["--flow", "ingest", "dataco.yaml"])

    def _guard_s3(self, request):
        return self.credentials.refusal(request) or (self.s3_script and self.s3_script(request))

    def _service(self, member, arguments):
        return Service(member, self.folder, arguments, {
            **self.machine.environment(), "MEMBER": member, "SLUICE_STATE": self.state,
            "SLUICE_CHECKPOINT": "300ms", "KAFKA_BROKERS": self.world.kafka.proxied,
            "KAFKA_TOPIC": self.topic, "KAFKA_GROUP": self.group,
            "RAW_URL": f"s3://{self.bucket}/raw/", "PROCESSED_URL": f"s3://{self.bucket}/processed/",
            "ES_URL": f"http://{HOST}:{self.search_net.port}", "ES_INDEX": self.index,
            "AWS_ENDPOINT_URL": f"http://{HOST}:{self.s3_net.port}", "AWS_REGION": "us-east-1",
            "AWS_SHARED_CREDENTIALS_FILE": self.credentials.path},
            self.note, self.exits_excused.is_set)

    def services(self):
        return self.main, self.other

    def clicks_in_index(self):
        """Sum over all pages; 0 where there is no index yet."""
        try:
            self.world.search.refresh(self.index)
            found = self.world.search.request("POST", f"/{self.index}/_search", {
                "size": 0, "aggs": {"clicks": {"sum": {"field": "clicks"}}}})
            return int(found["aggregations"]["clicks"]["value"])
        except urllib.error.HTTPError:
            return 0

    def close(self):
        for service in self.services():
            service.destroy()
        self.kafka_net.heal()
        for part in (self.s3_net, self.search_net, self.s3_http, self.search_http):
            part.stop()

    def remove(self):
        """What is in the servers, after a seed that passed."""
        client = self.world.s3.client()
        for key in self.world.s3.keys(self.bucket):
            client.delete_object(Bucket=self.bucket, Key=key)
        try:
            client.delete_bucket(Bucket=self.bucket)
        except ClientError as error:
            # S3Proxy keeps a part that comes after its upload was aborted, where nothing lists it.
            if error.response["Error"]["Code"] != "BucketNotEmpty":
                raise
        self.world.search.request("DELETE", f"/{self.index}")
        admin = self.world.kafka.admin()  # kept until the answer is there
        for future in admin.delete_topics([self.topic]).values():
            future.result(30)
