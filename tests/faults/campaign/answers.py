"""HTTP answers that servers and the boxes before them give on a bad day."""

import json
import threading

from harness.fault_server import Answer, answer

EXPIRED = (403, "<?xml version=\"1.0\"?>\n<Error><Code>ExpiredToken</Code>"
                "<Message>The provided token has expired.</Message></Error>")
ERROR_IN_200 = (200, "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code>"
                     "<Message>We encountered an internal error. Please try again.</Message></Error>")


def s3_error(status, code):
    return answer(status, f"<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code>"
                          "<Message>as scripted</Message></Error>")


def page(status, size=0):
    """What a gateway says, which knows nothing of the protocol behind it."""
    return answer(status, b"<html><body><h1>Sorry</h1>" + b" " * size + b"</body></html>",
                  {"Content-Type": "text/html"})


def is_completion(request):
    return request.method == "POST" and "uploadId=" in request.path


def is_object_read(request):
    return request.method == "GET" and "list-type=" not in request.path \
        and "uploads" not in request.path


def is_bulk(request):
    return request.method == "POST" and "_bulk" in request.path


def failing_items(status, share, chance):
    """A bulk request of which some items are not done: the answer says so item by item."""
    def act(server, request, connection):
        lines = request.body.split(b"\n")
        pairs = [lines[i:i + 2] for i in range(0, len(lines) - 1, 2)]
        refused = [chance.random() < share for _ in pairs]
        kept = [line for pair, is_refused in zip(pairs, refused) if not is_refused for line in pair]
        items = iter(())
        if kept:
            request.body = b"\n".join(kept) + b"\n"
            whole = server.forward(request)
            if whole.status != 200:
                return connection.send(whole)
            items = iter(json.loads(whole.body)["items"])
        failure = {"status": status, "error": {"type": "es_rejected_execution_exception",
                                               "reason": "as scripted"}}
        connection.send(Answer(200, {"took": 1, "errors": True, "items": [
            {"index": dict(failure, _index="i", _id="x")} if is_refused else next(items)
            for is_refused in refused]}, {"Content-Type": "application/json"}))
    return act


class Script:
    """Does an action to the next `count` requests that match; a guard of a FaultServer."""

    def __init__(self, count, action, matches=lambda request: True):
        self.left, self.action, self.matches = count, action, matches
        self.done = 0
        self.lock = threading.Lock()

    def __call__(self, request):
        with self.lock:
            if self.left == 0 or not self.matches(request):
                return None
            self.left -= 1
            self.done += 1
            return self.action
