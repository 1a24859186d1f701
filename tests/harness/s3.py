"""A real S3 server (S3Proxy, which checks signatures) and boto3 as the independent client."""

import re
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from . import downloads
from .process import HOST, Server, free_port, is_open

HALF_WRITTEN = re.compile(r"-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
COORDINATES = "org.gaul:s3proxy:4.1.0:jar:jar-with-dependencies"


class S3(Server):
    name = "s3"

    def __init__(self):
        super().__init__()
        # Of this server alone: another one on a port that we did not get refuses them.
        self.access_key, self.secret_key = f"key{uuid.uuid4().hex}", f"secret{uuid.uuid4().hex}"
        self.configuration = self.folder / "s3proxy.properties"
        for name in ("data", "tmp"):
            (self.folder / name).mkdir()
        self.configure_and_start()

    def configure(self):
        self.port = free_port()
        self.endpoint = f"http://{HOST}:{self.port}"
        self.configuration.write_text(
            f"s3proxy.endpoint={self.endpoint}\n"
            "s3proxy.authorization=aws-v4\n"
            "s3proxy.ignore-unknown-headers=true\n"  # x-amz-security-token
            f"s3proxy.identity={self.access_key}\n"
            f"s3proxy.credential={self.secret_key}\n"
            "jclouds.provider=filesystem-nio2\n"
            f"jclouds.filesystem.basedir={self.folder}/data\n")

    def _remove_half_written(self):
        """S3Proxy writes an object under a name of its own beside its key; killed meanwhile, it
        would list that as an object. No real S3 does."""
        for path in (self.folder / "data").rglob("*"):
            is_upload = path.name.startswith(".")
            if HALF_WRITTEN.search(path.name) and not is_upload:
                path.unlink(missing_ok=True)

    def start(self):
        self._remove_half_written()
        jar = downloads.artifact(COORDINATES)
        self.launch(["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
                     f"-Djava.io.tmpdir={self.folder}/tmp", "-cp", jar,
                     "org.gaul.s3proxy.Main", "--properties", self.configuration])
        self.wait_ready(self._answers)

    def _answers(self):
        if not is_open(self.port):
            return False
        try:
            self.client(read_timeout=5).list_buckets()
            return True
        except (BotoCoreError, ClientError):
            return False

    def client(self, read_timeout=60, **options):
        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1",
            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"},
                          read_timeout=read_timeout, retries={"max_attempts": 2}), **options)

    def create_bucket(self):
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return name

    def keys(self, bucket, prefix=""):
        """Without what S3Proxy lists while it completes an object."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])
                if item.get("ETag") and not HALF_WRITTEN.search(item["Key"])]

    def read(self, bucket, key):
        return self.client().get_object(Bucket=bucket, Key=key)["Body"].read()

    def uploads(self, bucket):
        """Multipart uploads that were neither completed nor aborted."""
        answer = self.client().list_multipart_uploads(Bucket=bucket)
        return [item["Key"] for item in answer.get("Uploads", [])]

    def environment(self):
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": self.access_key,
                "AWS_SECRET_ACCESS_KEY": self.secret_key, "AWS_REGION": "us-east-1"}
