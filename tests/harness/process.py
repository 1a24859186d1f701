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
PORT_TAKEN = (b"Address already in use", b"Failed to bind to")

_servers = []  # those not destroyed yet
_given = set()  # ports: some are told to a server first and listened at much later


def free_port():
    """A port that was free a moment ago, and that no outgoing connection takes."""
    while True:
        port = random.choice(SERVER_PORTS)
        if port in _given:
            continue
        with socket.socket() as listener:
            try:
                listener.bind((HOST, port))
                _given.add(port)
                return port
            except OSError:
                continue  # somebody's


class PortTaken(RuntimeError):
    """Another process was faster."""


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
            except PortTaken:
                self.kill()
                if attempt == START_ATTEMPTS:
                    raise

    @property
    def log(self):
        return self.folder / "server.log"

    def new_log(self):
        return self.log.read_bytes()[self.log_start:]

    def launch(self, command, **keywords):
        self.log_start = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True, **keywords)

    def wait_ready(self, is_ready, seconds=180):
        """Raises where the server ends, or stays without its port, as S3Proxy does."""
        def check():
            code = self.process.poll()
            if any(words in self.new_log() for words in PORT_TAKEN):
                raise PortTaken(f"{self.name} could not have its port:\n{self.tail()}")
            if code is not None:
                raise RuntimeError(f"{self.name} ended with {code}:\n{self.tail()}")
            return is_ready()
        try:
            wait_until(check, seconds, f"{self.name} to be ready")
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.tail()}") from None

    def tail(self, size=2000):
        try:
            return self.log.read_bytes()[-size:].decode(errors="replace")
        except FileNotFoundError:
            return "(no log)"

    def is_running(self):
        """False once it ended: its number may be another process's then."""
        return self.process is not None and self.process.poll() is None

    def _signal(self, number):
        """To the server and its children; False where none of them is left."""
        try:
            os.killpg(self.process.pid, number)
            return True
        except ProcessLookupError:
            return False

    def kill(self):
        """kill -9, as a crash."""
        if self.is_running():
            self._signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        """SIGTERM; kill -9 where the server, or a child that outlives it, takes more than 20 s."""
        if not self.is_running():
            return
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(20)
            wait_until(lambda: not self._signal(0), 20, f"the children of {self.name} to end")
        except (subprocess.TimeoutExpired, TimeoutError):
            self._signal(signal.SIGKILL)
            self.process.wait()

    def destroy(self):
        if self in _servers:
            _servers.remove(self)
        try:
            self.kill()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
