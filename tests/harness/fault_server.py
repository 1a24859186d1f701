"""Servers that fail on demand.

FaultServer answers HTTP by a script, and passes what the script does not name on to a real server:

    faults = FaultServer(upstream=search.url)
    faults.on("POST", "/_bulk", answer(429, headers={"Retry-After": "0"}), lost())
    … the first bulk request gets 429; the second is done, but its answer is lost …
    faults.requests("POST", "/_bulk")      what came

FaultProxy passes TCP connections on and cuts, refuses, stalls, delays or drips them."""

import http.client
import json
import re
import socket
import ssl
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from .process import HOST, free_port


_running = []  # servers and proxies that were not stopped yet


def running():
    return list(_running)


def stop_all(but=()):
    """For the end of a test, however it comes: what it left would hold ports and requests."""
    for server in running():
        if server not in but:
            server.stop()


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body


class Answer:
    """A whole answer, before a fault is done to it."""

    def __init__(self, status, body=b"", headers=None):
        self.status = status
        self.body = json.dumps(body).encode() if isinstance(body, (dict, list)) else (
            body.encode() if isinstance(body, str) else body)
        self.headers = dict(headers or {})


# ---- what a script is made of: functions of (server, request, connection) ----


def answer(status, body=b"", headers=None):
    """This answer, without any work done."""
    def act(server, request, connection):
        connection.send(Answer(status, body, headers))
    return act


def passed():
    """What the real server says."""
    def act(server, request, connection):
        connection.send(server.forward(request))
    return act


def altered(change):
    """The work is done; change(answer) may return another answer."""
    def act(server, request, connection):
        connection.send(change(server.forward(request)))
    return act


def lost():
    """The work is done, then the connection is cut without an answer."""
    def act(server, request, connection):
        server.forward(request)
        connection.cut()
    return act


def dropped():
    """The connection is cut before any work is done."""
    def act(server, request, connection):
        connection.cut()
    return act


def truncated(size):
    """The work is done; the answer is announced whole, but cut after `size` bytes of its body."""
    def act(server, request, connection):
        connection.send(server.forward(request), body_size=size)
        connection.cut()
    return act


def oversized(size):
    """The work is done; the answer is valid JSON with `size` bytes of white space behind it."""
    def act(server, request, connection):
        whole = server.forward(request)
        connection.send(Answer(whole.status, whole.body + b" " * size, whole.headers))
    return act


def delayed(seconds, then=None):
    """Nothing for a while, then the other action (the real server's answer)."""
    def act(server, request, connection):
        server.stopping.wait(seconds)
        (then or passed())(server, request, connection)
    return act


class _Connection:
    """The side of a request that answers it."""

    def __init__(self, handler):
        self.handler = handler

    def send(self, whole, body_size=None):
        handler = self.handler
        handler.send_response(whole.status)
        for name, value in whole.headers.items():
            handler.send_header(name, value)
        if "Content-Length" not in whole.headers:
            handler.send_header("Content-Length", str(len(whole.body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(whole.body[:body_size])
            handler.wfile.flush()

    def cut(self):
        """A reset, as when the machine behind goes away."""
        raw = self.handler.connection
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.close_connection = True
        raw.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _handle(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, dict(self.headers), body)
        try:
            self.server.faults.take(request)(self.server.faults, request, _Connection(self))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle

    def log_message(self, *arguments):
        pass

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError):
            pass  # the connection was cut


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # clients that go away are what this server is for


class FaultServer:
    def __init__(self, upstream=None, port=0, certificate=None):
        """upstream: URL of the real server. certificate: (chain file, key file) for TLS."""
        self.upstream = upstream
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.scripts = []  # (method, pattern, actions)
        self.guard = lambda request: None  # may return an action, before any script
        self.seen = []
        self.server = _HttpServer((HOST, port), _Handler)
        self.server.faults = self
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.port = self.server.server_address[1]
        self.url = f"{scheme}://{HOST}:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        _running.append(self)

    def on(self, method, path, *actions):
        """The next requests of this method whose path matches (re.search) get these, in turn."""
        with self.lock:
            self.scripts.append((method, re.compile(path), list(actions)))
        return self

    def always(self, method, path, action):
        with self.lock:
            self.scripts.append((method, re.compile(path), action))
        return self

    def clear(self):
        """No scripts any more."""
        with self.lock:
            self.scripts.clear()

    def take(self, request):
        with self.lock:
            self.seen.append(request)
            guarded = self.guard(request)
            if guarded:
                return guarded
            for method, pattern, actions in self.scripts:
                if method != request.method or not pattern.search(request.path):
                    continue
                if callable(actions):
                    return actions
                if actions:
                    return actions.pop(0)
        return passed() if self.upstream else answer(404, {"error": "not in the script"})

    def requests(self, method, path):
        with self.lock:
            return [request for request in self.seen
                    if request.method == method and re.search(path, request.path)]

    def forward(self, request):
        target = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
        try:
            # The host stays what the client has signed.
            headers = {name: value for name, value in request.headers.items()
                       if name.lower() not in ("connection", "content-length")}
            connection.request(request.method, target.path.rstrip("/") + request.path,
                               request.body or None, headers)
            answered = connection.getresponse()
            kept = {name: value for name, value in answered.getheaders()
                    if name.lower() not in ("content-length", "transfer-encoding", "connection")}
            if request.method == "HEAD" and answered.getheader("Content-Length"):
                kept["Content-Length"] = answered.getheader("Content-Length")
            return Answer(answered.status, answered.read(), kept)
        finally:
            connection.close()

    def stop(self):
        """Also where it was stopped already."""
        if self not in _running:
            return
        _running.remove(self)
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class FaultProxy:
    """Passes TCP connections on to host:port. cut() resets those that are open, refuse() takes no
    new ones until accept(), stall() holds bytes back until flow(), delay() holds each piece back
    for a while, drip() lets few bytes a second through; heal() ends all of it."""

    def __init__(self, upstream_port, upstream_host=HOST, port=None):
        self.upstream = (upstream_host, upstream_port)
        self.port = port or free_port()
        self.lock = threading.Lock()
        self.pairs = []
        self.flowing = threading.Event()
        self.flowing.set()
        self.delay_seconds = 0
        self.bytes_per_second = 0  # 0: no limit
        self.passed_bytes = 0  # both ways, so far
        self.listener = None
        self.accept()
        _running.append(self)

    def accept(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, self.port))
        listener.listen(64)
        self.listener = listener
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def _serve(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                if self.listener is not listener:
                    return
                time.sleep(0.01)
                continue
            try:
                server = socket.create_connection(self.upstream, timeout=10)
            except OSError:
                _reset(client)
                continue
            server.settimeout(None)
            threading.Thread(target=self._join, args=(client, server), daemon=True).start()

    def _join(self, client, server):
        """Passes bytes both ways until both ends have said all."""
        with self.lock:
            self.pairs.append((client, server))
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)
        back.join()
        with self.lock:
            if (client, server) in self.pairs:
                self.pairs.remove((client, server))
        client.close()
        server.close()

    def _pump(self, source, sink):
        try:
            while data := source.recv(65536):
                self.flowing.wait()
                time.sleep(self.delay_seconds)
                self._pass(data, sink)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            _shut(source)  # whoever still sends to a reset connection learns it
            _shut(sink)

    def _pass(self, data, sink):
        while data:
            limit = self.bytes_per_second
            size = max(1, limit // 20) if limit else len(data)
            sink.sendall(data[:size])
            self.passed_bytes += size  # near enough without a lock
            data = data[size:]
            if limit:
                time.sleep(0.05)

    def cut(self):
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                _reset(end)

    def refuse(self):
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def stall(self):
        self.flowing.clear()

    def flow(self):
        self.flowing.set()

    def delay(self, seconds):
        self.delay_seconds = seconds

    def drip(self, bytes_per_second):
        self.bytes_per_second = bytes_per_second

    def heal(self):
        self.delay_seconds = self.bytes_per_second = 0
        self.flow()
        if self.listener is None:
            self.accept()

    def stop(self):
        """Also where it was stopped already."""
        if self in _running:
            _running.remove(self)
        self.flow()
        self.refuse()


def _reset(end):
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    _shut(end)
    end.close()


def _shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
