"""Child processes that a test run starts: each is stopped by whoever started it, by its own id."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HOST = "127.0.0.1"
SERVER_PORTS = range(10000, 32768)  # below those that Linux gives to clients
START_ATTEMPTS = 3

_servers = []  # those not destroyed yet


def free_port():
    """A port that was free a moment ago, and that no outgoing connection takes."""
    while True:
        port = random.choice(SERVER_PORTS)
        with socket.socket() as listener:
            try:
                listener.bind((HOST, port))
                return port
            except OSError:
                continue  # somebody's


def destroy_all():
    """For the end of a run, however it comes: also servers that were only just starting."""
    for server in list(_servers):
        server.destroy()


def is_open(port):
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((HOST, port)) == 0


def wait_until(condition, seconds, what):
    """Polls until condition() is true; fails with `what` after the limit."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds} s")


class Server:
    """A server process with a folder of its own, readable for unprivileged users.

    A kind of server has configure(), which picks ports and writes what the server reads, and
    start(), which also starts it again on the same ports after stop() or kill()."""

    name = "server"

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix=f"sluice-{self.name}-"))
        self.folder.chmod(0o755)
        self.process = None
        _servers.append(self)

    def configure_and_start(self):
        """Another process may take a port before the server does: then it gets other ports."""
        for attempt in range(1, START_ATTEMPTS + 1):
            self.configure()
            try:
                return self.start()
            except (RuntimeError, TimeoutError):
                self.kill()
                if attempt == START_ATTEMPTS:
                    raise

    @property
    def log(self):
        return self.folder / "server.log"

    def launch(self, command, **keywords):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True, **keywords)

    def wait_ready(self, is_ready, seconds=180):
        def check():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
            return is_ready()
        try:
            wait_until(check, seconds, f"{self.name} to be ready")
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.tail()}") from None

    def tail(self, size=4000):
        try:
            return self.log.read_bytes()[-size:].decode(errors="replace")
        except FileNotFoundError:
            return "(no log)"

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def kill(self):
        """kill -9, as a crash."""
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        """SIGTERM, and after 20 s kill -9."""
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def destroy(self):
        if self in _servers:
            _servers.remove(self)
        try:
            self.kill()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
