# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this folder share: running a command and what it cost."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = Path(os.environ.get("SLUICE_BUILD", ROOT / "build")) / "sluice"


@dataclass
class Cost:
    """Wall and CPU seconds (user and system), peak resident memory in MiB."""

    wall: float
    cpu: float
    peak: float

    def __str__(self):
        return f"{self.wall:7.2f} s wall {self.cpu:7.2f} s CPU {self.peak:7.0f} MiB"


def measure(command, folder, env=None):
    """Runs a command to its end; a failure ends the script with what the command said."""
    log = Path(folder) / "command.log"
    with open(log, "wb") as output:
        started = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], cwd=folder, stdout=output,
                                   stderr=output, env=os.environ | (env or {}))
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}:\n{log.read_text()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def least(costs):
    """The best round of each measure: other work on the machine only ever adds. Peaks: the worst."""
    return Cost(min(cost.wall for cost in costs), min(cost.cpu for cost in costs),
                max(cost.peak for cost in costs))


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown processor")
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, load {os.getloadavg()[0]:.1f} at the start"
