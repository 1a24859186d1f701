"""Runs the sluice program as a user does: a pipeline file, an environment, an exit code."""

import os
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SLUICE_BUILD", ROOT / "build"))
PROGRAM = BUILD / "sluice"


SHOWN = 6000  # characters of an output in a failure
PATIENCE = 120  # seconds that an event may take on the slowest machine; a test that waits goes on at once


class Outcome:
    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr

    def __repr__(self):
        return (f"exit code {self.code}\n--- stdout\n{self.stdout[-SHOWN:]}"
                f"\n--- stderr\n{self.stderr[-SHOWN:]}")


def _text(output):
    return (output or b"").decode(errors="replace")


def environment(extra=None):
    """What a process of sluice is started with: nothing of ours that its options would take."""
    clean = {key: value for key, value in os.environ.items()
             if not key.startswith(("AWS_", "KAFKA_", "SLUICE_STATE", "ES_", "RAW_", "PROCESSED_"))}
    return clean | {"LANG": "C.UTF-8"} | {k: str(v) for k, v in (extra or {}).items()}


class Sluice:
    """Runs sluice in one working folder; relative paths and state live there."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.running = []

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
        return path

    def run(self, *arguments, env=None, timeout=2 * PATIENCE, input=None):
        """Runs to the end and gives code, stdout and stderr as text."""
        try:
            result = subprocess.run([str(PROGRAM), *map(str, arguments)], cwd=self.folder,
                                    env=environment(env), capture_output=True,
                                    timeout=timeout, input=input)
        except subprocess.TimeoutExpired as late:
            outcome = Outcome("none", _text(late.stdout), _text(late.stderr))
            raise AssertionError(f"not finished within {timeout} s: {outcome}") from None
        return Outcome(result.returncode, _text(result.stdout), _text(result.stderr))

    def run_ok(self, *arguments, **keywords):
        outcome = self.run(*arguments, **keywords)
        assert outcome.code == 0, outcome
        return outcome

    def start(self, *arguments, env=None, stdin=subprocess.DEVNULL, stdout=None):
        """Starts it in the background. What it says goes to sluice.log in the folder, with its
        output, unless there is a path for that."""
        with open(self.folder / "sluice.log", "ab") as log:
            output = log if stdout is None else open(stdout, "ab")
            process = subprocess.Popen([str(PROGRAM), *map(str, arguments)], cwd=self.folder,
                                       env=environment(env), stdout=output, stderr=log,
                                       stdin=stdin)
            output.close()
        self.running.append(process)
        return process

    def log(self):
        path = self.folder / "sluice.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self, process, seconds=PATIENCE):
        """SIGTERM, an orderly end; gives the exit code."""
        process.send_signal(signal.SIGTERM)
        return process.wait(seconds)

    def kill(self, process):
        process.kill()
        process.wait()

    def kill_all(self):
        for process in self.running:
            if process.poll() is None:
                self.kill(process)


def eventually(condition, seconds=PATIENCE, what="the condition"):
    """Waits for an event with a limit; gives the condition's value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)
