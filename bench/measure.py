# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this folder share: running a command and what it cost."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = Path(os.environ.get("SLUICE_BUILD", ROOT / "build")).resolve() / "sluice"
LAUNCH = Path(__file__).with_name("launch.py")
PATIENCE = 1200  # seconds that any one command may take


class Failed(SystemExit):
    """A command that did not do its work, and what it said; ends a script that does not expect it."""


@dataclass
class Cost:
    """Wall and CPU seconds (user and system), peak resident memory in MiB."""

    wall: float
    cpu: float
    peak: float

    def __str__(self):
        return f"{self.wall:7.2f} s wall {self.cpu:7.2f} s CPU {self.peak:7.0f} MiB"


def measure(command, folder, env=None, until=None):
    """Runs a command to its end and gives its Cost. With `until`, a condition, the command is a
    daemon: the wall time ends when the condition holds, and SIGTERM ends the command."""
    log = Path(folder) / "command.log"
    variables = os.environ | {key: str(value) for key, value in (env or {}).items()}
    started = time.monotonic()
    with subprocess.Popen([sys.executable, "-I", "-S", LAUNCH, log, *map(str, command)], cwd=folder,
                          env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True) as launcher:
        group = int(launcher.stdout.readline())
        limit = threading.Timer(PATIENCE, _end, (group, signal.SIGKILL))
        limit.start()
        try:
            reached = until is None or _wait_for(until, group, started)
            wall = time.monotonic() - started
            if until is not None:
                _end(group)
            result = launcher.stdout.read().split()
        except BaseException:
            _end(group)
            raise
        finally:
            limit.cancel()
    code, own_wall, cpu, peak = int(result[0]), *map(float, result[1:])
    if not reached or (until is None and code != 0):
        raise Failed(f"{command[0]} ended with {code}:\n{_tail(log)}")
    return Cost(own_wall if until is None else wall, cpu, peak / 1024)


def _wait_for(until, group, started):
    """Whether the condition came to hold while the command ran."""
    while time.monotonic() - started < PATIENCE:
        if until():
            return True
        if not os.path.exists(f"/proc/{group}"):
            return until()
        time.sleep(0.02)
    return False


def _end(group, number=signal.SIGTERM):
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _tail(log, size=4000):
    return log.read_text(errors="replace")[-size:]


def least(costs):
    """The best round of each measure: other work on the machine only ever adds. Peaks: the worst."""
    return Cost(min(cost.wall for cost in costs), min(cost.cpu for cost in costs),
                max(cost.peak for cost in costs))


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown processor")
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, load {os.getloadavg()[0]:.1f} at the start"
