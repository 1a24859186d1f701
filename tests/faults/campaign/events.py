"""What is produced: events with known ids, and values that no event is, at known offsets."""

import json
import random
import threading
import time

from confluent_kafka import Producer

START_MS = 1767225600000  # 2026-01-01
CITIES = ("Washington, D.C.", "København", "東京", 'The "Big" Apple', "São Paulo", "Ürümqi 🌵", "")
BURSTS = 12


def timestamp(milliseconds):
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03d}Z"


def make_event(chance, number, at_ms):
    return {"id": f"e{number}", "user_id": f"u{int(chance.paretovariate(0.6)) % 400}",
            "timestamp": timestamp(at_ms), "url": f"/page/{int(chance.paretovariate(0.8)) % 40}",
            "country": chance.choice(("DE", "US", "JP", "BR", "ÅX")),
            "city": chance.choice(CITIES),
            "user_agent": "agent\t" + "x" * int(min(chance.paretovariate(0.7), 3000))}


def broken(chance, event):
    """Bytes that the pipeline must reject."""
    whole = json.dumps(event).encode()
    wrong = dict(event, country=7)
    missing = {name: value for name, value in event.items() if name != "url"}
    return chance.choice((
        whole[:chance.randrange(1, len(whole))], b"", b"null", b"\xff\xfe" + whole, whole + b"}",
        json.dumps(wrong).encode(), json.dumps(missing).encode(),
        json.dumps(dict(event, timestamp="yesterday")).encode()))


class Events:
    """accepted: {id: event}. rejected: {(topic, partition, offset): value}. Produced in bursts by a
    thread of its own, past the proxy, by an idempotent producer."""

    def __init__(self, bootstrap, topic, seed, count):
        self.topic, self.count = topic, count
        self.chance = random.Random(f"events {seed}")
        self.accepted, self.rejected, self.failed = {}, {}, []
        self.producer = Producer({
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5,
            "message.timeout.ms": 180000, "queue.buffering.max.messages": 1000000,
            "reconnect.backoff.max.ms": 500, "log_level": 0})
        self.thread = None

    def send(self, seconds):
        self.thread = threading.Thread(target=self._send_bursts, args=(seconds,), daemon=True)
        self.thread.start()

    def _send_bursts(self, seconds):
        pauses = sorted(self.chance.uniform(0, seconds) for _ in range(BURSTS - 1))
        began = time.monotonic()
        at_ms = START_MS
        for number in range(self.count):
            if number % (self.count // BURSTS) == 0 and pauses and number:
                time.sleep(max(0, began + pauses.pop(0) - time.monotonic()))
            at_ms += int(self.chance.expovariate(1 / 300))
            event = make_event(self.chance, number, at_ms - self.chance.choice((0, 0, 0, 60000)))
            if self.chance.random() < 0.01:
                self._produce(broken(self.chance, event), None)
            else:
                self._produce(json.dumps(event, ensure_ascii=number % 2 == 0).encode(), event)
        self.producer.flush()

    def _produce(self, value, event):
        def delivered(error, message):
            if error:
                self.failed.append(str(error))
            elif event is None:
                place = message.topic(), message.partition(), message.offset()
                self.rejected[place] = value
        if event is not None:
            self.accepted[event["id"]] = event
        key = None if event is None else event["user_id"]
        self.producer.produce(self.topic, value, key=key, on_delivery=delivered)
        self.producer.poll(0)

    def finish(self, seconds=120):
        """All that was to be sent is in the topic."""
        self.thread.join(seconds)
        assert not self.thread.is_alive() and not self.failed, self.failed[:3]

    def send_fresh(self):
        """One more event, after all faults; its id."""
        event = dict(make_event(self.chance, "fresh", START_MS), url="/fresh")
        self._produce(json.dumps(event).encode(), event)
        self.producer.flush()
        assert not self.failed, self.failed[:3]
        return event["id"]

    @property
    def total(self):
        return len(self.accepted) + len(self.rejected)
