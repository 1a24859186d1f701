# SPDX-License-Identifier: Apache-2.0
"""Work 5, start-up: `sluice run` of an empty file, and `sluice check` of dataco.yaml, beside programs
that do nothing and link the same libraries. State lies in memory: a disk's sync is no start-up."""

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import places
from measure import PROGRAM, ROOT, Failed

ROUNDS = {"quick": 3, "usual": 100, "full": 100}
LIMIT_MS = 10

EMPTY = """
pipeline: empty
settings: {state: state}
schemas:
  visit: {user_id: string, url: string}
flows:
  empty:
    every: 1h
    steps:
      - source-file: {path: empty.ndjson, format: json, schema: visit}
      - sink-file: {path: out.ndjson, format: json}
"""


def milliseconds(command, folder):
    """From the start to the end of a process, output to nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, nowhere, number) for number in (0, 1, 2)]
    words = [str(word) for word in command]
    os.chdir(folder)
    started = time.perf_counter()
    pid = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    spent = time.perf_counter() - started
    os.close(nowhere)
    if status != 0:
        raise Failed(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return spent * 1000


def run(bench):
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="sluice-bench-",
                                   dir=memory if memory.is_dir() else bench.folder))
    home = os.getcwd()
    try:
        (folder / "empty.ndjson").touch()
        (folder / "empty.yaml").write_text(EMPTY)
        compare(bench, folder)
    finally:
        os.chdir(home)
        shutil.rmtree(folder)


def compare(bench, folder):
    commands = {
        "sluice run of an empty file": [PROGRAM, "run", "--once", "empty.yaml"],
        "bare: libraries of that run": [places.bare("start-run")],
        "sluice check dataco.yaml": [PROGRAM, "check", ROOT / "pipelines" / "dataco.yaml"],
        "bare: libraries of dataco.yaml": [places.bare("start-check")],
    }
    if places.no_bare("start-run"):
        bench.add_verdict("start-up", "within 10 ms of the bare program",
                          places.no_bare("start-run"), None)
        return
    times = {name: [] for name in commands}
    for _ in range(ROUNDS[bench.arguments.size]):
        for name, command in commands.items():
            times[name].append(milliseconds(command, folder))
    median = {name: statistics.median(found) for name, found in times.items()}
    lines = ["| | median ms | least ms |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {median[name]:.1f} | {min(times[name]):.1f} |" for name in commands]
    bench.report.add_section("start-up", "\n".join(lines))
    names = list(commands)
    for ours, bare in ((names[0], names[1]), (names[2], names[3])):
        over = median[ours] - median[bare]
        bench.add_verdict("start-up", f"{ours}: within {LIMIT_MS} ms of the bare program",
                          f"{over:.1f} ms more", over <= LIMIT_MS)
