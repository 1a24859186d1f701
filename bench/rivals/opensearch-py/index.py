# SPDX-License-Identifier: Apache-2.0
"""index.py URL INDEX FILE: documents by the official Python client, two threads, 5,000 a request."""

import collections
import json
import sys

from opensearchpy import OpenSearch
from opensearchpy.helpers import parallel_bulk

url, index, path = sys.argv[1:4]
client = OpenSearch([url], timeout=120)


def actions():
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield {"_id": row["id"], "_source": row}


collections.deque(parallel_bulk(client, actions(), thread_count=2, chunk_size=5000, index=index), 0)
