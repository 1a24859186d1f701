"""Loses offset commits, or their answers, between a client and a Kafka broker."""

import re
import socket
import threading

from harness.fault_server import FaultProxy

OFFSET_COMMIT = 8
DECISION = re.compile(rb"sluice 1 \S+ \S+ [1-9]")  # not the claim of a partition, which names 0


class CommitProxy(FaultProxy):
    """lose("request"): the next decision does not reach the broker. lose("answer"): it does, but
    its answer gets lost. Either way the connection breaks."""

    def __init__(self, *arguments, **keywords):
        self.plan, self.done = None, threading.Event()
        self.awaited = {}  # connection to the broker: correlation id whose answer is lost
        super().__init__(*arguments, **keywords)

    def lose(self, what):
        self.done.clear()
        self.plan = what

    def is_done(self):
        return self.done.is_set()

    def _pump(self, source, sink):
        is_from_client = any(pair[0] is source for pair in self.pairs)
        try:
            for frame in _frames(source):
                if (self._ask if is_from_client else self._answer)(frame, source, sink):
                    break
                sink.sendall(frame)
        except OSError:
            pass
        for end in (source, sink):
            if self.awaited.pop(end, None):
                self.done.set()  # lost already
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _ask(self, frame, source, sink):
        """Whether the connection breaks here, before the broker gets the request."""
        is_decision = int.from_bytes(frame[4:6], "big") == OFFSET_COMMIT and DECISION.search(frame)
        if not is_decision or not self.plan:
            return False
        plan, self.plan = self.plan, None
        if plan == "answer":
            self.awaited[sink] = frame[8:12]
            return False
        self.done.set()
        return True

    def _answer(self, frame, source, sink):
        """Whether the connection breaks here, after the broker has done its work."""
        if source not in self.awaited or self.awaited[source] != frame[4:8]:
            return False
        del self.awaited[source]
        self.done.set()
        return True


def _frames(source):
    """Requests or answers: four bytes of length, then so many."""
    held = b""
    while data := source.recv(65536):
        held += data
        while len(held) >= 4 and len(held) >= (size := 4 + int.from_bytes(held[:4], "big")):
            yield held[:size]
            held = held[size:]
