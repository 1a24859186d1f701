"""tests/faults/soak: many seeds, in several processes with servers of their own, with a log that can
be resumed."""

import argparse
import hashlib
import json
import multiprocessing
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

from harness import process
from harness.kafka import Kafka
from harness.s3 import S3
from harness.search import Search
from harness.sluice import BUILD, ROOT

from .faults import FAULTS
from .story import Story
from .world import World

COMMAND = "tests/faults/soak"


def parse_seeds(text):
    """1..300, or 7, or 1,5,9."""
    seeds = []
    for part in text.split(","):
        first, _, last = part.partition("..")
        seeds += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(seeds))


def commit():
    """HEAD, with a hash of what differs from it where anything that is run does."""
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True,
                              text=True).stdout.strip()
    changes = git("diff", "HEAD", "--", "core", "plugins", "cmake", "pipelines", "CMakeLists.txt")
    changed = f"+{hashlib.sha256(changes.encode()).hexdigest()[:8]}" if changes else ""
    return git("rev-parse", "--short=12", "HEAD") + changed


# ---- workers ----


def end_in_order():
    """A run that is told to end stops its servers first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def start_world():
    return World(Kafka(), S3(), Search())


def work(seeds, results, folder):
    """A worker: seeds as long as there are any. Servers that a seed has broken are replaced."""
    end_in_order()
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "localhost,127.0.0.1"
    world = None
    try:
        while True:
            seed = seeds.get_nowait()
            place = Path(folder) / f"seed-{seed}"
            shutil.rmtree(place, ignore_errors=True)
            try:
                world = world or start_world()
                entry = Story(world, seed, place).run().entry()
            except Exception:
                entry = {"seed": seed, "verdict": "error", "why": [traceback.format_exc()]}
            if entry["verdict"] == "passed":
                shutil.rmtree(place)
            elif entry["verdict"] == "error":
                process.destroy_all()
                world = None
            results.put(entry)
    except (queue.Empty, KeyboardInterrupt):
        pass
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        process.destroy_all()


def run(seeds, worker_count, folder, on_entry):
    context = multiprocessing.get_context("spawn")
    waiting, results = context.Queue(), context.Queue()
    for seed in seeds:
        waiting.put(seed)
    workers = [context.Process(target=work, args=(waiting, results, folder))
               for _ in range(min(worker_count, len(seeds)))]
    for worker in workers:
        worker.start()
    try:
        done = 0
        while done < len(seeds):
            try:
                on_entry(results.get(timeout=1))
                done += 1
            except queue.Empty:
                if not any(worker.is_alive() for worker in workers):
                    raise RuntimeError("the workers ended before the seeds") from None
    finally:
        for worker in workers:
            if worker.is_alive() and done < len(seeds):
                worker.terminate()
        for worker in workers:
            worker.join()


# ---- the log ----


def read_log(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0


def summarize(entries, only_commit=None):
    """The newest entry of each seed and commit, added up by commit and by kind of fault."""
    newest = {(entry["commit"], entry["seed"]): entry for entry in entries}
    for name in dict.fromkeys(commit_name for commit_name, _ in newest):
        if only_commit in (None, name):
            yield from _summarize_commit(name, [entry for (at, _), entry in newest.items()
                                                if at == name])


def _summarize_commit(name, entries):
    verdicts = Counter(entry["verdict"] for entry in entries)
    yield (f"commit {name}: {len(entries)} seeds, " +
           ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
    yield (f"  events {sum(entry.get('events', 0) for entry in entries)}, rejected "
           f"{sum(entry.get('rejected', 0) for entry in entries)}, seconds "
           f"{sum(entry.get('seconds', 0) for entry in entries):.0f}")
    for key, what in (("fresh_stored", "S3"), ("fresh_indexed", "the index")):
        values = [entry[key] for entry in entries if key in entry]
        yield (f"  a fresh event is in {what} after {quantile(values, 0.5)} s (median), "
               f"{quantile(values, 0.95)} s (95 %), {max(values, default=0)} s (worst)")
    for fault in FAULTS:
        having = [entry for entry in entries if f"s {fault.name}" in
                  [part.partition(" ")[2] for part in entry.get("faults", "").split(", ")]]
        failed = sum(entry["verdict"] != "passed" for entry in having)
        if having:
            yield f"  {fault.name:32} {len(having):4} seeds, {failed} not passed"
    reasons = Counter(f"[{restart['code']}] {restart['reason'][:110]}" for entry in entries
                      for restart in entry.get("restarts", []))
    for reason, count in reasons.most_common(10):
        yield f"  {count} restarts by the supervisor: {reason}"
    for entry in entries:
        if entry["verdict"] != "passed":
            yield (f"  {entry['verdict']}: seed {entry['seed']}: {str(entry['why'])[:300]}\n"
                   f"    again: {COMMAND} --seeds {entry['seed']}")


def main():
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.replace("\n", " "))
    parser.add_argument("--seeds", "--seed", default="1..10", help="1..300, 7 or 1,5,9")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--log", type=Path, help="append a line a seed; done ones are left out")
    parser.add_argument("--folder", type=Path, help="where failed seeds leave their logs and state")
    parser.add_argument("--summary", type=Path, metavar="LOG", help="only sum up this log")
    options = parser.parse_args()
    end_in_order()
    if options.summary:
        return print("\n".join(summarize(read_log(options.summary))))
    name = commit()
    old = read_log(options.log) if options.log else []
    done = {entry["seed"] for entry in old if entry["commit"] == name and entry["verdict"] != "error"}
    seeds = [seed for seed in parse_seeds(options.seeds) if seed not in done]
    folder = options.folder or Path(tempfile.mkdtemp(prefix="sluice-soak-"))
    print(f"commit {name}, {BUILD}: {len(seeds)} seeds, {len(done)} done before; {folder}", flush=True)
    entries = []

    def on_entry(entry):
        entry = {"seed": entry["seed"], "commit": name, **entry}
        entries.append(entry)
        if options.log:
            with open(options.log, "a") as log:
                log.write(json.dumps(entry, ensure_ascii=False) + "\n")
        print(f"seed {entry['seed']}: {entry['verdict']} in {entry.get('seconds')} s "
              f"({len(entries)} of {len(seeds)}): {entry.get('faults')}", flush=True)
        for why in entry["why"][:5]:
            print(f"    {why[:1500]}\n    again: {COMMAND} --seeds {entry['seed']}", flush=True)
    try:
        if seeds:
            run(seeds, options.workers, folder, on_entry)
    except KeyboardInterrupt:
        sys.exit("ended before all seeds were done: the same command goes on")
    print("\n".join(summarize(old + entries, name)))
    sys.exit(any(entry["verdict"] != "passed" for entry in entries))


if __name__ == "__main__":
    main()
