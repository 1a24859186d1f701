"""What must be true when a seed is over. Nothing of sluice is used here."""

import base64
import gzip
import json
import re
from collections import Counter

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import OffsetSpec

from harness import clicks

KEPT_FILES = 12  # of a flow and member: eight checkpoints, one more, two marks, and one spare
SHOWN = 5


class RawObjects:
    """Events in the bucket's raw/ folder, read by boto3; an object that is the same is read once."""

    def __init__(self, s3, bucket):
        self.client, self.bucket = s3.client(), bucket
        self.found = {}  # (key, etag) → events

    def poll(self):
        listed = set()
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix="raw/")
        for item in (item for page in pages for item in page.get("Contents", [])):
            place = item["Key"], item.get("ETag")  # S3Proxy knows none while it completes the object
            if place not in self.found:
                self.found[place] = self._read(item["Key"]) if place[1] else None
            if self.found[place] is not None:
                listed.add(place)
        self.found = {place: self.found[place] for place in listed}

    def _read(self, key):
        """None where there is no such object: S3Proxy lists names of its own while it completes one."""
        try:
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None
        return [json.loads(line) for line in gzip.decompress(body).decode().splitlines()]

    def events(self):
        return [event for events in self.found.values() for event in events]

    def holds(self, event_id):
        return any(event["id"] == event_id for event in self.events())

    def keys_with(self, event_id):
        return [key for (key, _), events in self.found.items()
                for event in events if event["id"] == event_id]


def _payload(event):
    return dict(event, timestamp=clicks.microseconds(event["timestamp"]))


def check_raw(stage, events, raw):
    counts = Counter(event["id"] for event in raw.events())
    missing = events.accepted.keys() - counts.keys()
    invented = counts.keys() - events.accepted.keys()
    twice = [number for number, count in counts.items() if count > 1]
    if missing:
        yield f"{len(missing)} events are missing in S3, {sorted(missing)[:SHOWN]}"
    if invented:
        yield f"{len(invented)} events in S3 were not accepted, {sorted(invented)[:SHOWN]}"
    if twice:
        yield (f"{len(twice)} events are in S3 more than once, {twice[0]} in "
               f"{raw.keys_with(twice[0])}")
    changed = [event for event in raw.events() if event["id"] in events.accepted
               and _payload(event) != _payload(events.accepted[event["id"]])]
    if changed:
        yield f"{len(changed)} events in S3 differ from what was produced, {changed[0]}"


def check_index(stage, events, raw):
    if stage.clicks_in_index() == 0:
        yield "nothing is in the index"
        return
    documents = stage.world.search.documents(stage.index).values()
    pages = {(page["url"], page["country"]): (page["clicks"], page["unique_users"],
                                              page["avg_seconds_on_page"]) for page in documents}
    if len(pages) != len(documents):
        yield f"{len(documents)} documents for {len(pages)} pages"
    try:
        clicks.assert_pages_equal(pages, clicks.expected_pages(events.accepted.values()))
    except AssertionError as difference:
        yield f"the index differs from DuckDB's answer: {difference}"


def check_letters(stage, events, raw):
    letters = {}
    counts = Counter()
    for path in stage.state.glob("dataco/members/*/deadletter/ingest.ndjson"):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            place = row["origin"], row["partition"], row["position"]
            counts[place] += 1
            letters[place] = (row["original"].encode() if row["original_base64"] is None
                              else base64.b64decode(row["original_base64"]))
    missing = events.rejected.keys() - counts.keys()
    invented = counts.keys() - events.rejected.keys()
    twice = [place for place, count in counts.items() if count > 1]
    if missing:
        yield f"{len(missing)} rejects are not in the dead letter, {sorted(missing)[:SHOWN]}"
    if invented:
        yield f"{len(invented)} dead letters are no rejects, {sorted(invented)[:SHOWN]}"
    if twice:
        yield f"{len(twice)} dead letters are there more than once, {twice[:SHOWN]}"
    changed = [place for place, value in events.rejected.items()
               if letters.get(place, value) != value]
    if changed:
        yield f"the originals of {len(changed)} dead letters differ, {changed[:SHOWN]}"


def check_leftovers(stage, events, raw):
    uploads = stage.world.s3.uploads(stage.bucket)
    if uploads:
        yield f"multipart uploads are left: {uploads}"
    processed = stage.world.s3.keys(stage.bucket, "processed/")
    if processed != ["processed/process.csv"]:
        yield f"objects in processed/: {processed}"


def check_state_folder(stage, events, raw):
    for folder in (path for path in stage.state.rglob("*") if path.is_dir()):
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
        if len(names) > KEPT_FILES:
            yield f"{len(names)} files in {folder.relative_to(stage.state)}: {names[:SHOWN]} …"
        left = [name for name in names if re.search(r"\.(tmp|temp|new)$", name)]
        if left:
            yield f"temporary files are left in {folder.relative_to(stage.state)}: {left}"


def check_group(stage, events, raw):
    """Everything in the topic is decided, and nothing else is in it than what was produced."""
    admin = stage.world.kafka.admin()
    [committed] = admin.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(stage.group)]).values()
    offsets = {place.partition: place.offset for place in committed.result(30).topic_partitions}
    places = [TopicPartition(stage.topic, number) for number in offsets]
    ends = {place.partition: future.result(30).offset for place, future in
            admin.list_offsets({place: OffsetSpec.latest() for place in places}).items()}
    if offsets != ends:
        yield f"the group has committed {offsets}, the topic ends at {ends}"
    if sum(ends.values()) != events.total:
        yield f"the topic holds {sum(ends.values())} records, produced were {events.total}"


CHECKS = (check_raw, check_index, check_letters, check_leftovers, check_state_folder, check_group)


def judge(stage, events, raw):
    """What is wrong, a sentence each."""
    raw.poll()
    return [text for check in CHECKS for text in check(stage, events, raw)]
