"""Stands between sluice and a real S3 server, and does to single requests what networks do."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Request:
    def __init__(self, method, path, headers, body):
        parts = urlsplit(path)
        self.method, self.target, self.headers, self.body = method, path, headers, body
        self.path = parts.path
        self.query = parse_qs(parts.query, keep_blank_values=True)

    @property
    def is_completion(self):
        return self.method == "POST" and "uploadId" in self.query

    @property
    def is_creation(self):
        return self.method == "POST" and "uploads" in self.query

    @property
    def is_part(self):
        return self.method == "PUT" and "partNumber" in self.query

    @property
    def is_object_get(self):
        return self.method == "GET" and "list-type" not in self.query and "uploads" not in self.query


class Answer:
    """What `rule` may return instead of None (forward): an answer of its own …"""

    def __init__(self, status, body=b"", headers=None):
        self.status, self.body, self.headers = status, body, headers or {}


DROP = "drop"                    # … no answer at all, the server sees nothing
DROP_ANSWER = "drop the answer"  # … the server does it, but its answer is lost


class CutAnswer:
    """… the first bytes of the server's answer, then the end of the connection."""

    def __init__(self, size):
        self.size = size


class Interceptor:
    """endpoint: to be used in place of the server's; rule: called with each Request."""

    def __init__(self, server_endpoint, rule=lambda request: None, port=0):
        self.server = urlsplit(server_endpoint).netloc
        self.rule = rule
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self):
                outer._handle(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle

            def log_message(self, *arguments):
                pass

        self.listener = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.listener.daemon_threads = True
        self.port = self.listener.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def _handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        request = Request(handler.command, handler.path, handler.headers, body)
        self.requests.append(request)
        action = self.rule(request)
        if isinstance(action, Answer):
            self._send(handler, action.status, action.headers, action.body)
        elif action == DROP:
            handler.close_connection = True
        else:
            self._pass(handler, request, action)

    def forward(self, request):
        """What the server answers. A rule may do this with a request that it held back."""
        connection = http.client.HTTPConnection(self.server, timeout=60)
        connection.putrequest(request.method, request.target, skip_host=True,
                              skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.endheaders(request.body or None)
        answer = connection.getresponse()
        content = answer.read()
        headers = {name: value for name, value in answer.getheaders()
                   if name.lower() not in ("content-length", "transfer-encoding", "connection")}
        if request.method == "HEAD":
            headers["Content-Length"] = answer.getheader("Content-Length", "0")
        connection.close()
        return answer, content, headers

    def _pass(self, handler, request, action):
        answer, content, headers = self.forward(request)
        if action == DROP_ANSWER:
            handler.close_connection = True
        elif isinstance(action, CutAnswer):
            self._send(handler, answer.status, headers, content, cut=action.size)
        else:
            self._send(handler, answer.status, headers, content)

    def _send(self, handler, status, headers, content, cut=None):
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if "Content-Length" not in headers:
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content if cut is None else content[:cut])
        if cut is not None:
            handler.wfile.flush()
            handler.close_connection = True

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()
