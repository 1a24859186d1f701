"""Faults on demand inside a process of sluice: kills at named points of its protocol, and calls of
the system that fail. Both need the build asan-ubsan; docs/internals/faults.md tells how they work."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from .sluice import BUILD, Sluice

INTERPOSER = BUILD / "tests" / "interpose.so"
KILLED = -9

# What a run may end with, by docs/reference/command-line.md: done, failed, left something, config.
DOCUMENTED_CODES = {0, 1, 75, 78}
SANITIZER_WORDS = ("Sanitizer", "runtime error:")


def points_passed(log):
    """How often each fault point was passed in a run with SLUICE_FAULT_POINT_LOG=log."""
    assert log.exists(), f"{BUILD} has no fault points: it must be the build asan-ubsan"
    return Counter(log.read_text().split())


def preloading(library):
    """The environment that puts a library of ours in front of all others; also of the sanitizer's,
    which refuses that unless it is told."""
    assert library.exists(), f"{library} is missing: it is built with the C tests"
    options = filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"])
    return {"LD_PRELOAD": library, "ASAN_OPTIONS": ":".join(options)}


def failing(kind, number=0, mode="once", error="EIO", log=None):
    """The environment in which the number-th call of a kind fails; 0: calls are only counted."""
    environment = {"SLUICE_INTERPOSE": f"{kind}:{number}:{mode}:{error}"}
    environment |= {"SLUICE_INTERPOSE_LOG": log} if log else {}
    return preloading(INTERPOSER) | environment


def calls_made(log):
    """How many calls of the kind a run made with SLUICE_INTERPOSE_LOG=log."""
    [line] = [line for line in log.read_text().splitlines() if line.startswith("calls ")]
    return int(line.removeprefix("calls "))


def place_hit(log):
    """Object and offset of the call that was made to fail; None where it was not reached."""
    lines = log.read_text().splitlines() if log.exists() else []
    return next((line.removeprefix("hit ") for line in lines if line.startswith("hit ")), None)


def assert_no_sanitizer_report(outcome):
    assert not any(word in outcome.stderr for word in SANITIZER_WORDS), outcome


def in_parallel(action, cases):
    """One action for each case, as many at a time as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(action, cases))


def fresh(folder):
    """A runner in a new folder, for one of many runs of a test."""
    folder.mkdir()
    return Sluice(folder)
