"""One seed from begin to end."""

import shutil
import time
import traceback
from collections import Counter
from pathlib import Path

from harness.process import wait_until

from .driver import LENGTH, Driver, describe
from .events import Events
from .oracle import RawObjects, judge
from .world import Stage

EVENTS = 15_000
SHOWN_RESTARTS = 20
FRESH_LIMIT = 60  # seconds from a fresh event's production to the index, once all faults are over


class Verdict:
    """What the log keeps of a seed."""

    def __init__(self, seed):
        self.seed, self.result, self.why = seed, "passed", []
        self.facts = {"seed": seed}

    def fail(self, why):
        self.result = "failed"
        self.why.append(why)

    def entry(self):
        return {**self.facts, "verdict": self.result, "why": self.why}

    def __str__(self):
        return f"seed {self.seed}: {self.result} {self.why or ''}"


class Story:
    def __init__(self, world, seed, folder):
        self.world, self.seed, self.folder = world, seed, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.began = time.monotonic()
        self.verdict = Verdict(seed)

    def note(self, text):
        with open(self.folder / "story.log", "a") as log:
            log.write(f"{time.monotonic() - self.began:7.2f} {text}\n")

    def run(self):
        self.note(f"seed {self.seed}: {describe(self.seed)}")
        self.verdict.facts["faults"] = describe(self.seed)
        stage = Stage(self.world, self.folder, self.note)
        try:
            self._play(stage)
        except Exception:
            self.verdict.result = "error"
            self.verdict.why.append(traceback.format_exc())
        finally:
            stage.close()
        self._note_services(stage)
        self.verdict.facts["seconds"] = round(time.monotonic() - self.began, 1)
        self.note(str(self.verdict))
        if self.verdict.result == "passed":
            stage.remove()
        else:
            self._keep_server_logs()
        return self.verdict

    def _keep_server_logs(self):
        for server in self.world.servers():
            shutil.copy(server.log, self.folder / f"{server.name}.log")

    def _play(self, stage):
        events = Events(self.world.kafka.bootstrap, stage.topic, self.seed, EVENTS)
        raw = RawObjects(self.world.s3, stage.bucket)
        stage.main.start()
        events.send(LENGTH)
        driver = Driver(stage, self.seed)
        driver.finish()
        events.finish()
        self.note("the faults are over")
        self._await_fresh_event(stage, events, raw)
        self._end_in_order(stage)
        for why in judge(stage, events, raw):
            self.verdict.fail(why)
        self.verdict.facts |= {"events": events.total, "rejected": len(events.rejected),
                               "disk_hits": stage.machine.hits}

    def _await_fresh_event(self, stage, events, raw):
        """Liveness: a fresh event passes, and with it all that came before."""
        fresh, began = events.send_fresh(), time.monotonic()

        def is_stored():
            raw.poll()
            return raw.holds(fresh)

        def is_indexed():
            return stage.clicks_in_index() == len(events.accepted)
        try:
            wait_until(is_stored, FRESH_LIMIT, "the fresh event in S3")
            self.verdict.facts["fresh_stored"] = round(time.monotonic() - began, 2)
            wait_until(is_indexed, FRESH_LIMIT + began - time.monotonic(), "all events in the index")
            self.verdict.facts["fresh_indexed"] = round(time.monotonic() - began, 2)
        except TimeoutError as late:
            self.verdict.fail(f"{late}; {stage.clicks_in_index()} of {len(events.accepted)} are "
                              f"counted in the index")

    def _end_in_order(self, stage):
        """Every member that was started gets a last start, to settle what it has left. 75 says that
        the next start has something to finish: then it must, and end with 0."""
        if not stage.other.is_clean:
            stage.other.start()
            time.sleep(2)
        for service in (stage.other, stage.main):
            code = service.stop()
            if code == 75:
                code = service.run_once()
            if code != 0:
                self.verdict.fail(f"SIGTERM after all faults ended {service.name} with {code}")

    def _note_services(self, stage):
        restarts = [entry for service in stage.services() for entry in service.restarts]
        unexcused = Counter()
        for entry in restarts:
            entry["at"] = round(entry["at"] - self.began, 2)
            if not entry.pop("is_excused"):
                unexcused[entry["service"], entry["code"], entry["reason"]] += 1
        for (service, code, reason), count in unexcused.items():
            self.verdict.fail(f"{service} ended by itself with {code}, {count} times: {reason}")
        for service in stage.services():
            for violation in service.violations:
                self.verdict.fail(violation)
        self.verdict.facts["restarts"] = restarts[:SHOWN_RESTARTS]
        self.verdict.facts["restart_count"] = len(restarts)
