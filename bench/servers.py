# SPDX-License-Identifier: Apache-2.0
"""The real servers of the tests' harness, each started when a work first asks for it."""

from harness import process


class Servers:
    def __init__(self):
        self._started = {}

    def _get(self, name, make):
        if name not in self._started:
            self._started[name] = make()
        return self._started[name]

    @property
    def kafka(self):
        from harness.kafka import Kafka
        return self._get("kafka", Kafka)

    @property
    def s3(self):
        from harness.s3 import S3
        return self._get("s3", S3)

    @property
    def search(self):
        from harness.search import Search
        return self._get("search", Search)

    def stop(self, name):
        """A server that no further work needs takes memory and some of the processor."""
        if name in self._started:
            self._started.pop(name).destroy()

    def destroy(self):
        self._started.clear()
        process.destroy_all()
