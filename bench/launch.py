# SPDX-License-Identifier: Apache-2.0
"""launch.py LOG WORD…: runs a command in a session of its own and waits for all of its processes, also
those whose parents ended (PySpark works in a Java process that nobody waits for). Prints its process
group, and at the end: exit code, wall seconds, CPU seconds, sum of the processes' peaks in KiB.

A process of its own because a child's peak is at least the memory that its parent had when it was
started; this one imports next to nothing."""

import ctypes
import os
import sys
import time

PR_SET_CHILD_SUBREAPER = 36


def become(log, words):
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        os.execvp(words[0], words)
    except OSError as error:
        os.write(2, f"{words[0]}: {error}\n".encode())
        os._exit(127)


def wait_for_all(first):
    code, cpu, peak = 0, 0.0, 0
    while True:
        try:
            pid, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return code, cpu, peak
        if pid == first:
            code = os.waitstatus_to_exitcode(status)
        cpu += usage.ru_utime + usage.ru_stime
        peak += usage.ru_maxrss


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        become(sys.argv[1], sys.argv[2:])
    os.write(1, f"{pid}\n".encode())
    code, cpu, peak = wait_for_all(pid)
    print(code, time.monotonic() - started, cpu, peak)


main()
