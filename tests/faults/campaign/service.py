"""sluice as a service: a supervisor starts it again whenever it ends, as systemd would."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from harness import sluice

RESTART_PAUSE = 0.1
SHUTDOWN = 3  # seconds, settings.shutdown of the pipeline
END_LIMIT = SHUTDOWN + 27  # a machine with more to do than processors


class Service:
    """restarts: ends that nobody asked for, with their reasons."""

    def __init__(self, name, folder, arguments, environment, note, is_excused):
        """is_excused(): whether an end by itself is no surprise now."""
        self.name, self.folder, self.note, self.is_excused = name, folder, note, is_excused
        self.command = [str(sluice.PROGRAM), "run", "--log", "json", "--no-progress", *map(str, arguments)]
        self.environment = sluice.environment(environment)
        self.log_path = folder / f"{name}.log"
        self.lock = threading.RLock()
        self.process = None
        self.is_wanted = self.is_over = False
        self.restarts = []
        self.violations = []
        self.is_clean = True  # the last end, if there was a start, was an orderly one
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()

    def start(self):
        with self.lock:
            self.is_wanted = True
            if self.process is None:
                self._launch()

    def _launch(self):
        self.log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.folder, env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.is_clean = False

    def _watch(self):
        while not self.is_over:
            time.sleep(0.02)
            with self.lock:
                if self.is_wanted and self.process and self.process.poll() is not None:
                    self._note_end(self.process.returncode)
                    time.sleep(RESTART_PAUSE)
                    self._launch()

    def _note_end(self, code):
        reasons = self.errors()[-1:] or [self.log_tail()]
        self.restarts.append({"service": self.name, "code": code, "reason": reasons[-1],
                              "at": time.monotonic(), "is_excused": self.is_excused()})
        self.note(f"{self.name} ended with {code}: {reasons[-1]}")

    def log_tail(self):
        with open(self.log_path, "rb") as log:
            log.seek(self.log_start)
            return log.read()[-1500:].decode(errors="replace")

    def errors(self):
        """Why flows have stopped since the last start: messages of the level error with a code."""
        with open(self.log_path, "rb") as log:
            log.seek(self.log_start)
            entries = [json.loads(line) for line in log if line.startswith(b'{"time"')
                       and b'"level":"error"' in line and b'"code":' in line
                       and line.endswith(b"\n")]
        return [f"[{entry['code']}] {entry.get('step', '')}: {entry['message']}"
                for entry in entries]

    def kill(self):
        """kill -9; nobody starts it again."""
        with self.lock:
            self.is_wanted = False
            if self.process:
                self.process.kill()
                self.process.wait()
            self.process = None

    def signal(self, number):
        """To the process that runs now, if there is one."""
        with self.lock:
            if self.process and self.process.poll() is None:
                os.kill(self.process.pid, number)

    def stop(self):
        """SIGTERM; the exit code. None where it had to be killed."""
        with self.lock:
            self.is_wanted = False
            process, self.process = self.process, None
        if not process:
            return 0
        if process.poll() is not None:
            self._note_end(process.returncode)
            return process.returncode
        _await_main(process)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(END_LIMIT)
        except subprocess.TimeoutExpired:
            self._abort(process)
            return None
        self.note(f"{self.name} ended with {code} after {time.monotonic() - began:.1f} s")
        if code not in (0, 75):
            self._note_end(code)
        self.is_clean = code == 0
        return code

    def run_once(self):
        """With --once, to the end; the exit code."""
        with open(self.log_path, "ab") as log:
            code = subprocess.run([*self.command, "--once"], cwd=self.folder, env=self.environment,
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  timeout=120).returncode
        self.note(f"{self.name} ran once and ended with {code}")
        return code

    def destroy(self):
        self.is_over = True
        self.kill()
        self.watcher.join()

    def _abort(self, process):
        self.violations.append(f"{self.name}: SIGTERM was not followed within {END_LIMIT} s")
        process.send_signal(signal.SIGABRT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_main(process):
    """Until then the system ends a process that gets a signal; main blocks them first of all."""
    def has_begun():
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            return True
        blocked = re.search(r"SigBlk:\s+(\w+)", status)
        return not blocked or int(blocked[1], 16) >> (signal.SIGTERM - 1) & 1
    while process.poll() is None and not has_begun():
        time.sleep(0.001)
